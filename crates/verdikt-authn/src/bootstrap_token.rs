//! Bootstrap tokens: short-lived ones with which new nodes join, kept in Secrets of kube-system.
//!
//! Follows `plugin/pkg/auth/authenticator/token/bootstrap/bootstrap.go` and `k8s.io/cluster-bootstrap`.
//! What is wrong with a Secret is no error: nobody knows the token then, as if it were not there. Whether
//! it has expired is found out at every request.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use verdikt_core::{GoQuoted, User};
use verdikt_parser::Secret;

use crate::Method;
use crate::time::{Clock, Moment};
use crate::token::{Accepted, TokenAuthenticator, Verdict, implied};

/// The authenticator of bootstrap tokens.
#[derive(Debug)]
pub struct BootstrapTokens {
    /// By name.
    secrets: HashMap<String, Secret>,
    api_audiences: Vec<String>,
    clock: Clock,
}

impl BootstrapTokens {
    /// Takes those of `secrets` that are in kube-system.
    pub fn new<'s>(
        secrets: impl IntoIterator<Item = &'s Secret>,
        api_audiences: &[String],
        clock: &Clock,
    ) -> Self {
        let of_system = |secret: &&Secret| secret.namespace == "kube-system";
        let by_name = |secret: &Secret| (secret.name.clone(), secret.clone());
        Self {
            secrets: secrets.into_iter().filter(of_system).map(by_name).collect(),
            api_audiences: api_audiences.to_vec(),
            clock: clock.clone(),
        }
    }
}

impl TokenAuthenticator for BootstrapTokens {
    fn method(&self) -> Method {
        Method::BootstrapToken
    }

    fn authenticate(&self, token: &str, requested: &[String]) -> Verdict {
        let Some(audiences) = implied(&self.api_audiences, requested) else { return Ok(None) };
        let Some((id, secret_part)) = parts(token) else { return Ok(None) };
        let name = format!("bootstrap-token-{id}");
        let Some(secret) = self.secrets.get(&name) else {
            tracing::debug!("No secret of name {name} to match bootstrap bearer token");
            return Ok(None);
        };
        match check(secret, id, secret_part, self.clock.now()) {
            Ok((user, until)) => Ok(Some(Accepted { user, audiences, until })),
            Err(refusal) => {
                tracing::debug!("{refusal}");
                Ok(None)
            }
        }
    }
}

/// Why a token that has a Secret is not good, as kube-apiserver logs it.
#[derive(Debug)]
struct Refusal<'s> {
    secret: &'s Secret,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Deleted,
    Type,
    Value(&'static str),
    Unreadable,
    Expired,
    Usage,
    Group(String),
}

fn check<'s>(
    secret: &'s Secret,
    id: &str,
    secret_part: &str,
    now: Moment,
) -> Result<(User, Option<Moment>), Refusal<'s>> {
    let refuse = |problem| Err(Refusal { secret, problem });
    if secret.deletion_timestamp.is_some() {
        return refuse(Problem::Deleted);
    }
    if secret.kind != KIND || secret.data.is_empty() {
        return refuse(Problem::Type);
    }
    if !matches(secret, SECRET, secret_part) {
        return refuse(Problem::Value(SECRET));
    }
    if !matches(secret, ID, id) {
        return refuse(Problem::Value(ID));
    }
    let until = match text(secret, EXPIRATION).as_str() {
        "" => None,
        time => match Moment::parse(time) {
            None => return refuse(Problem::Unreadable),
            Some(until) if until <= now => return refuse(Problem::Expired),
            until => until,
        },
    };
    if !matches(secret, USAGE, "true") {
        return refuse(Problem::Usage);
    }
    match groups(&text(secret, GROUPS)) {
        Ok(groups) => Ok((User::new(format!("system:bootstrap:{id}"), groups), until)),
        Err(group) => refuse(Problem::Group(group)),
    }
}

/// The default group and the further ones, sorted, each once; or the first that is none.
fn groups(further: &str) -> Result<BTreeSet<String>, String> {
    let mut groups = BTreeSet::from([DEFAULT_GROUP.to_owned()]);
    if further.is_empty() {
        return Ok(groups);
    }
    for group in further.split(',') {
        if !is_group(group) {
            return Err(group.to_owned());
        }
        groups.insert(group.to_owned());
    }
    Ok(groups)
}

fn is_group(group: &str) -> bool {
    let Some(name) = group.strip_prefix("system:bootstrappers:") else { return false };
    let is_inner = |byte: u8| is_token_byte(byte) || matches!(byte, b':' | b'-');
    name.len() <= 256
        && name.bytes().all(is_inner)
        && name.bytes().last().is_some_and(is_token_byte)
}

/// Id and secret of what has the form of a bootstrap token.
fn parts(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.split_once('.')?;
    let is_good = |part: &str, length| part.len() == length && part.bytes().all(is_token_byte);
    (is_good(id, 6) && is_good(secret, 16)).then_some((id, secret))
}

fn is_token_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9')
}

/// Whether a value is this text, in constant time; absent values are empty.
fn matches(secret: &Secret, key: &str, wanted: &str) -> bool {
    secret.data.get(key).is_some_and(|value| value.matches(wanted.as_bytes()))
}

fn text(secret: &Secret, key: &str) -> String {
    let bytes = secret.data.get(key).map(|value| value.expose()).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Secret { namespace, name, .. } = self.secret;
        let expiration = text(self.secret, EXPIRATION);
        match &self.problem {
            Problem::Unreadable => {
                return write!(
                    f,
                    "Unparseable expiration time ({expiration}) in {namespace}/{name} Secret: not \
                     of RFC 3339. Treating as expired."
                );
            }
            Problem::Expired => {
                return write!(
                    f,
                    "Expired bootstrap token in {namespace}/{name} Secret: {expiration}"
                );
            }
            _ => write!(f, "Bootstrap secret {namespace}/{name} matching bearer token ")?,
        }
        match &self.problem {
            Problem::Deleted => f.write_str("is deleted and awaiting removal"),
            Problem::Type => write!(f, "has invalid type, expected {KIND}."),
            Problem::Value(key) => write!(f, "has invalid value for key {key}."),
            Problem::Usage => write!(f, "not marked {USAGE}=true."),
            Problem::Group(group) => write!(
                f,
                "has invalid value for key {GROUPS}: bootstrap group {} is invalid (must match \
                 \\Asystem:bootstrappers:[a-z0-9:-]{{0,255}}[a-z0-9]\\z).",
                GoQuoted(group)
            ),
            Problem::Unreadable | Problem::Expired => Ok(()),
        }
    }
}

const KIND: &str = "bootstrap.kubernetes.io/token";
const DEFAULT_GROUP: &str = "system:bootstrappers";
const ID: &str = "token-id";
const SECRET: &str = "token-secret";
const EXPIRATION: &str = "expiration";
const USAGE: &str = "usage-bootstrap-authentication";
const GROUPS: &str = "auth-extra-groups";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const TOKEN: &str = "abcdef.0123456789abcdef";

    fn secret(data: &[(&str, &str)]) -> Secret {
        let value = |text: &str| verdikt_core::Secret::new(text.as_bytes());
        let mut all = BTreeMap::from([
            (ID.to_owned(), value("abcdef")),
            (SECRET.to_owned(), value("0123456789abcdef")),
            (USAGE.to_owned(), value("true")),
        ]);
        all.extend(data.iter().map(|(key, text)| ((*key).to_owned(), value(text))));
        Secret {
            name: "bootstrap-token-abcdef".to_owned(),
            namespace: "kube-system".to_owned(),
            kind: KIND.to_owned(),
            data: all,
            ..Secret::default()
        }
    }

    #[test]
    fn each_refusal_has_its_reason() {
        let refused = |data: &[(&str, &str)], expected: &str| {
            let secret = secret(data);
            let now = Moment::from_unix(1_700_000_000);
            let refusal = check(&secret, "abcdef", "0123456789abcdef", now);
            assert_eq!(refusal.unwrap_err().to_string(), expected);
        };
        let begin = "Bootstrap secret kube-system/bootstrap-token-abcdef matching bearer token";
        refused(&[(SECRET, "x")], &format!("{begin} has invalid value for key token-secret."));
        refused(&[(ID, "x")], &format!("{begin} has invalid value for key token-id."));
        refused(
            &[(USAGE, "true\n")],
            &format!("{begin} not marked usage-bootstrap-authentication=true."),
        );
        refused(
            &[(GROUPS, "system:bootstrappers:a,")],
            &format!(
                "{begin} has invalid value for key auth-extra-groups: bootstrap group \"\" is invalid \
                 (must match \\Asystem:bootstrappers:[a-z0-9:-]{{0,255}}[a-z0-9]\\z)."
            ),
        );
        refused(
            &[(EXPIRATION, "2020-01-01T00:00:00Z")],
            "Expired bootstrap token in kube-system/bootstrap-token-abcdef Secret: \
             2020-01-01T00:00:00Z",
        );
    }

    #[test]
    fn a_token_expires_while_it_is_served() {
        let clock = Clock::standing(1_709_208_000);
        let secret = secret(&[(EXPIRATION, "2024-02-29T12:00:01Z")]);
        let tokens = BootstrapTokens::new([&secret], &[], &clock);
        let is_known = || tokens.authenticate(TOKEN, &[]).unwrap().is_some();
        assert!(is_known());
        clock.set(1_709_208_001);
        assert!(!is_known(), "at the very second it has expired");
    }

    #[test]
    fn tokens_have_one_form() {
        for (token, expected) in [
            (TOKEN, true),
            ("abcdef.0123456789abcde", false),
            ("abcdef.0123456789abcdeF", false),
            ("abcdef.0123456789abcdef\n", false),
            ("abcde.0123456789abcdef", false),
            ("abcdef", false),
            ("", false),
        ] {
            assert_eq!(parts(token).is_some(), expected, "{token:?}");
        }
    }

    #[test]
    fn groups_are_those_of_bootstrappers() {
        let long = format!("system:bootstrappers:{}", "a".repeat(256));
        for (group, expected) in [
            ("system:bootstrappers:a", true),
            ("system:bootstrappers::-a", true),
            ("system:bootstrappers:a-", false),
            ("system:bootstrappers:", false),
            ("system:bootstrappers", false),
            (" system:bootstrappers:a", false),
            ("system:bootstrappers:A", false),
            (&long, true),
            (&format!("{long}a"), false),
        ] {
            assert_eq!(is_group(group), expected, "{group}");
        }
    }
}
