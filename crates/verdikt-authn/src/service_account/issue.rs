//! Makes bound tokens, as the TokenRequest API does.
//!
//! Follows `pkg/serviceaccount/claims.go` (`Claims`) and `pkg/registry/core/serviceaccount/storage/token.go`
//! for what may be asked for.

use crate::go_json;
use crate::jwt::{JwtError, SigningKey};
use crate::time::Moment;

/// A token to be made.
#[derive(Clone, Debug)]
pub struct TokenRequest<'r> {
    /// Who makes it.
    pub issuer: &'r str,
    /// Namespace of the service account.
    pub namespace: &'r str,
    /// The service account.
    pub account: ObjectRef<'r>,
    /// Whom it is meant for.
    pub audiences: &'r [String],
    /// For how many seconds it is good.
    pub seconds: i64,
    /// What it is bound to.
    pub bound: Bound<'r>,
}

/// A name and a uid.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObjectRef<'r> {
    /// `metadata.name`.
    pub name: &'r str,
    /// `metadata.uid`; may be empty.
    pub uid: &'r str,
}

/// What a token is bound to: it is good only as long as that is there.
#[derive(Clone, Copy, Debug, Default)]
pub enum Bound<'r> {
    /// The service account alone.
    #[default]
    Nothing,
    /// A Secret.
    Secret(ObjectRef<'r>),
    /// A Node.
    Node(ObjectRef<'r>),
    /// A Pod, and the node it runs on.
    Pod(ObjectRef<'r>, Option<ObjectRef<'r>>),
}

impl TokenRequest<'_> {
    /// What kube-apiserver says of a duration it does not grant.
    pub fn duration_problem(&self) -> Option<&'static str> {
        match self.seconds {
            ..SHORTEST => Some("may not specify a duration less than 10 minutes"),
            SHORTEST..=LONGEST => None,
            _ => Some("may not specify a duration larger than 2^32 seconds"),
        }
    }

    /// Makes the token, good from `now` on.
    ///
    /// # Errors
    /// If the key cannot sign.
    pub fn issue(&self, key: &SigningKey, now: Moment) -> Result<String, JwtError> {
        key.sign(&self.claims(now.to_unix(), &random_id()?))
    }

    fn claims(&self, now: i64, id: &str) -> String {
        let Self { issuer, namespace, account, audiences, seconds, bound } = self;
        let reference = |kind: &str, ObjectRef { name, uid }: ObjectRef<'_>| {
            let uid = match uid {
                "" => String::new(),
                uid => format!(r#","uid":{}"#, go_json::text(uid)),
            };
            format!(r#","{kind}":{{"name":{}{uid}}}"#, go_json::text(name))
        };
        // Names in alphabetical order, as Go writes them.
        let bound = match *bound {
            Bound::Nothing => [String::new(), String::new()],
            Bound::Secret(secret) => [reference("secret", secret), String::new()],
            Bound::Node(node) => [reference("node", node), String::new()],
            Bound::Pod(pod, node) => {
                let node = node.map(|node| reference("node", node)).unwrap_or_default();
                [node, reference("pod", pod)]
            }
        }
        .concat();
        format!(
            r#"{{"aud":{},"exp":{},"iat":{now},"iss":{},"jti":"{id}","kubernetes.io":{{"namespace":{}{bound}{}}},"nbf":{now},"sub":{}}}"#,
            go_json::texts(audiences.iter()),
            now.saturating_add(*seconds),
            go_json::text(issuer),
            go_json::text(namespace),
            reference("serviceaccount", *account),
            go_json::text(&format!("system:serviceaccount:{namespace}:{}", account.name)),
        )
    }
}

/// A random UUID, version 4.
fn random_id() -> Result<String, JwtError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| JwtError::Signature)?;
    let value = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let digits = format!("{value:032x}");
    let mut rest = digits.as_str();
    let mut groups = Vec::with_capacity(5);
    for length in [8, 4, 4, 4, 12] {
        let (group, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        groups.push(group);
        rest = after;
    }
    Ok(groups.join("-"))
}

const SHORTEST: i64 = 600;
const LONGEST: i64 = 1 << 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn request<'r>(audiences: &'r [String], bound: Bound<'r>) -> TokenRequest<'r> {
        let account = ObjectRef { name: "b", uid: "u" };
        let issuer = "https://issuer";
        TokenRequest { issuer, namespace: "a", account, audiences, seconds: 600, bound }
    }

    #[test]
    fn claims_are_those_kubernetes_writes() {
        let audiences = ["x".to_owned()];
        let object = |name, uid| ObjectRef { name, uid };
        for (bound, expected) in [
            (Bound::Nothing, ""),
            (Bound::Secret(object("s", "su")), r#","secret":{"name":"s","uid":"su"}"#),
            (Bound::Node(object("n", "")), r#","node":{"name":"n"}"#),
            (
                Bound::Pod(object("p", "pu"), Some(object("n", "nu"))),
                r#","node":{"name":"n","uid":"nu"},"pod":{"name":"p","uid":"pu"}"#,
            ),
        ] {
            let claims = request(&audiences, bound).claims(1_000, "id");
            let expected = format!(
                r#"{{"aud":["x"],"exp":1600,"iat":1000,"iss":"https://issuer","jti":"id","kubernetes.io":{{"namespace":"a"{expected},"serviceaccount":{{"name":"b","uid":"u"}}}},"nbf":1000,"sub":"system:serviceaccount:a:b"}}"#
            );
            assert_eq!(claims, expected);
        }
    }

    #[test]
    fn durations_are_bounded_as_upstream() {
        for (seconds, is_good) in
            [(599, false), (600, true), (1 << 32, true), ((1 << 32) + 1, false)]
        {
            let request = TokenRequest { seconds, ..request(&[], Bound::Nothing) };
            assert_eq!(request.duration_problem().is_none(), is_good, "{seconds}");
        }
    }

    #[test]
    fn ids_are_uuids() {
        let id = random_id().unwrap();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        let letter = |at: usize| id.as_bytes()[at];
        assert!(letter(14) == b'4' && b"89ab".contains(&letter(19)), "{id}");
    }
}
