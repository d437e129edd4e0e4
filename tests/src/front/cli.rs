//! Questions on the command line.

use std::borrow::Cow;
use std::path::PathBuf;

use verdikt::{EffectName, groups, users};

use super::{Front, Outcome, all_of, answer, tokens, without_idle_namespace};
use crate::binary;
use crate::wire::Request;

/// `verdikt check`, a process for each question.
#[derive(Debug)]
pub struct Cli {
    /// The program.
    pub binary: PathBuf,
    /// The flags that say where the policy is.
    pub policy: Vec<String>,
}

impl Front for Cli {
    fn name(&self) -> &'static str {
        "verdikt check"
    }

    fn check(&self, request: &Request) -> Outcome {
        let arguments = match arguments(request) {
            Ok(arguments) => arguments,
            Err(reason) => return Outcome::Unsayable(reason),
        };
        let arguments = arguments.iter().chain(&self.policy);
        let arguments: Vec<&str> = arguments.map(String::as_str).collect();
        let ran = binary::run(&self.binary, &arguments, b"");
        let answer = answer(&serde_json::from_str(&ran.stdout).unwrap_or_default());
        let code = i32::from(answer.decision != EffectName::Allow);
        assert_eq!(ran.code, code, "exit code of {arguments:?}: {ran:?}");
        Outcome::Answered(answer)
    }

    fn carried<'r>(&self, request: &'r Request) -> Cow<'r, Request> {
        all_of([without_idle_namespace, tokens::authenticated], request)
    }
}

/// The question as it is typed.
///
/// # Errors
/// Why `kubectl auth can-i` could not put it either.
fn arguments(request: &Request) -> Result<Vec<String>, &'static str> {
    let Request { user, verb, group, resource, subresource, namespace, name, path, .. } = request;
    if user.name == users::ANONYMOUS && !user.is_in(groups::UNAUTHENTICATED) {
        return Err("the group of those who are anonymous would be added");
    }
    let is_plain = |text: &str| !text.is_empty() && !text.starts_with('-');
    if !is_plain(&user.name) || !is_plain(verb) {
        return Err("it would be taken for a flag or for none");
    }
    if !user.extra.is_empty() {
        return Err("keys of extra are read as from headers");
    }
    let what = match request.is_resource {
        false if path.starts_with('/') => path.clone(),
        true if !resource.is_empty() && is_a_type(resource) && is_a_type(group) => {
            match group.as_str() {
                "" => format!("{resource}/{name}"),
                group => format!("{resource}.{group}/{name}"),
            }
        }
        _ => return Err("it would be taken for another type or path"),
    };
    let mut arguments = vec![
        "check".to_owned(),
        verb.clone(),
        what,
        format!("--as={}", user.name),
        format!("--as-uid={}", user.uid),
        format!("--subresource={subresource}"),
        "-o=json".to_owned(),
    ];
    match namespace.as_str() {
        "" => arguments.push("--all-namespaces".to_owned()),
        namespace => arguments.push(format!("--namespace={namespace}")),
    }
    arguments.extend(user.groups.iter().map(|group| format!("--as-group={group}")));
    Ok(arguments)
}

/// Whether a word is taken for the name of a type or group as it is: nothing in it is folded or cut.
fn is_a_type(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_lowercase() || b == b'.')
        && !word.starts_with('v')
        && (word.contains('.') || word.ends_with('s') || word.is_empty())
}
