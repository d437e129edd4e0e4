//! The fronts of verdikt behind one trait, so that a question can be put to each of them.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use verdikt::Engine;
use verdikt_core::User;

use crate::binary;
use crate::http::Running;
use crate::wire::Request;

/// What every front tells of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the request may go on.
    pub allowed: bool,
    /// Why, in Kubernetes' words.
    pub reason: String,
}

/// One way in.
pub trait Front {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// May `request.user` do this? None if the question cannot be put this way.
    fn check(&self, request: &Request) -> Option<Answer>;
}

/// The embedded engine.
impl Front for Engine {
    fn name(&self) -> &'static str {
        "library"
    }

    fn check(&self, request: &Request) -> Option<Answer> {
        let attributes = request.attributes();
        let decision = self.authorize(&attributes);
        Some(Answer { allowed: decision.is_allowed(), reason: decision.reason_text() })
    }
}

/// `POST /v1/check` of a running server.
#[derive(Debug)]
pub struct Check<'s>(pub &'s Running);

impl Front for Check<'_> {
    fn name(&self) -> &'static str {
        "/v1/check"
    }

    fn check(&self, request: &Request) -> Option<Answer> {
        let attributes = match request.is_resource {
            true if request.resource.is_empty() => return None,
            true => wire(request, ["group", "version"]),
            false if request.path.is_empty() => return None,
            false => json!({"verb": request.verb, "path": request.path}),
        };
        let body = json!({"user": wire_user(&request.user, "name"), "attributes": attributes});
        answer(&self.0.post("/v1/check", &body.to_string()).json(), "decision")
    }
}

/// `POST subjectaccessreviews` of a running server.
#[derive(Debug)]
pub struct Review<'s>(pub &'s Running);

impl Front for Review<'_> {
    fn name(&self) -> &'static str {
        "subjectaccessreviews"
    }

    fn check(&self, request: &Request) -> Option<Answer> {
        // A review without anyone to review is refused.
        if request.user.name.is_empty() && request.user.groups.is_empty() {
            return None;
        }
        let mut spec = wire_user(&request.user, "user");
        match request.is_resource {
            true => spec.insert("resourceAttributes".into(), wire(request, ["group", "version"])),
            false => spec.insert(
                "nonResourceAttributes".into(),
                json!({"verb": request.verb, "path": request.path}),
            ),
        };
        let body = json!({
            "kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": spec,
        });
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        answer(&self.0.post(path, &body.to_string()).json()["status"], "allowed")
    }
}

/// `verdikt check`, a process for each question.
#[derive(Debug)]
pub struct Cli {
    /// The program.
    pub binary: PathBuf,
    /// Where the policy lies.
    pub policy_dir: PathBuf,
}

impl Front for Cli {
    fn name(&self) -> &'static str {
        "verdikt check"
    }

    fn check(&self, request: &Request) -> Option<Answer> {
        let arguments = arguments(request, &self.policy_dir)?;
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = binary::run(&self.binary, &arguments, b"");
        let value: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
        let found = answer(&value, "decision")?;
        assert_eq!(ran.code, i32::from(!found.allowed), "exit code of {arguments:?}: {ran:?}");
        Some(found)
    }
}

/// The question as it is typed; none if `kubectl auth can-i` could not put it either.
fn arguments(request: &Request, policy_dir: &Path) -> Option<Vec<String>> {
    let Request { user, verb, group, resource, subresource, namespace, name, path, .. } = request;
    // Every user that is named is in one of these, unless it says so itself.
    let everyone = ["system:authenticated", "system:unauthenticated"];
    let is_in_everyone = user.groups.iter().any(|group| everyone.contains(&group.as_str()));
    let is_plain = |text: &str| !text.is_empty() && !text.starts_with('-');
    if !is_plain(&user.name) || !is_in_everyone || !is_plain(verb) {
        return None;
    }
    let what = match request.is_resource {
        false if path.starts_with('/') => path.clone(),
        true if is_a_type(resource) && is_a_type(group) && !group.is_empty() => {
            format!("{resource}.{group}/{name}")
        }
        true if is_a_type(resource) && group.is_empty() => format!("{resource}/{name}"),
        _ => return None,
    };
    let mut arguments = vec![
        format!("check"),
        verb.clone(),
        what,
        format!("--policy-dir={}", policy_dir.display()),
        format!("--as={}", user.name),
        format!("--subresource={subresource}"),
        "-o=json".to_owned(),
    ];
    match namespace.as_str() {
        "" => arguments.push("--all-namespaces".to_owned()),
        namespace => arguments.push(format!("--namespace={namespace}")),
    }
    arguments.extend(user.groups.iter().map(|group| format!("--as-group={group}")));
    Some(arguments)
}

/// Whether a word is taken for the name of a type or group as it is: nothing in it is folded or cut.
fn is_a_type(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_lowercase() || b == b'.')
        && !word.starts_with('v')
        && (word.contains('.') || word.ends_with('s') || word.is_empty())
}

fn wire(request: &Request, fields: [&str; 2]) -> Value {
    json!({
        "verb": request.verb,
        "namespace": request.namespace,
        fields[0]: request.group,
        fields[1]: request.version,
        "resource": request.resource,
        "subresource": request.subresource,
        "name": request.name,
    })
}

fn wire_user(user: &User, name: &str) -> Map<String, Value> {
    let user = json!({
        name: user.name, "uid": user.uid, "groups": user.groups, "extra": user.extra,
    });
    user.as_object().cloned().unwrap_or_default()
}

/// An answer that carries `field`; anything else is a refusal to answer.
fn answer(value: &Value, field: &str) -> Option<Answer> {
    value.get(field)?;
    let allowed = value["allowed"] == true;
    let reason = value["reason"].as_str().unwrap_or_default().to_owned();
    Some(Answer { allowed, reason })
}
