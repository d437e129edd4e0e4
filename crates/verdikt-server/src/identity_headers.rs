//! The headers in which a proxy tells the next component who sent a request.
//!
//! Follows `SetAuthProxyHeaders` of client-go's `transport/round_trippers.go`: what it writes, and
//! kube-apiserver's `--requestheader-*` flags read. What would be read as another user is not written.

use axum::http::{HeaderName, HeaderValue};
use verdikt::User;

/// Names and values; a name occurs once for each of its values.
pub(crate) type IdentityHeaders = Vec<(HeaderName, HeaderValue)>;

/// A user that no header can name, and of what kind the value was that cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unwritable(&'static str);

/// `X-Remote-User`, `X-Remote-Uid`, `X-Remote-Group` for each group and `X-Remote-Extra-…` for each value.
///
/// An empty uid is not written and neither is an empty group, which nobody reads. Upper case in the key of
/// an extra is escaped, unlike upstream: names of headers have none, and it would be read as another key.
///
/// # Errors
/// If the user has no name, or if any value would not be read as it is: control characters end headers,
/// and spaces around a value are no part of it.
pub(crate) fn of(user: &User) -> Result<IdentityHeaders, Unwritable> {
    let mut headers = Vec::with_capacity(2 + user.groups.len() + user.extra.len());
    if user.name.is_empty() {
        return Err(Unwritable("name"));
    }
    headers.push((USER, value(&user.name).ok_or(Unwritable("name"))?));
    if !user.uid.is_empty() {
        headers.push((UID, value(&user.uid).ok_or(Unwritable("uid"))?));
    }
    for group in user.groups.iter().filter(|group| !group.is_empty()) {
        headers.push((GROUP, value(group).ok_or(Unwritable("group"))?));
    }
    for (key, values) in &user.extra {
        let name = format!("{EXTRA_PREFIX}{}", escaped(key));
        let name = HeaderName::try_from(name).map_err(|_| Unwritable("extra"))?;
        for text in values {
            headers.push((name.clone(), value(text).ok_or(Unwritable("extra"))?));
        }
    }
    Ok(headers)
}

/// Whether a header of a client's request would be taken for one of these further on, and so must not get
/// there. Many programs cannot tell `_` from `-` in the names of headers.
pub(crate) fn is_one(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    matches!(name.as_str(), "x-remote-user" | "x-remote-uid" | "x-remote-group" | "x-remote-groups")
        || name.starts_with(EXTRA_PREFIX)
}

/// None if it would not arrive as it is.
fn value(text: &str) -> Option<HeaderValue> {
    let is_whole = text.trim_matches([' ', '\t']).len() == text.len();
    HeaderValue::from_bytes(text.as_bytes()).ok().filter(|_| is_whole)
}

/// The key with whatever cannot stand in the name of a header escaped as in a URL.
pub(crate) fn escaped(key: &str) -> String {
    let mut escaped = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' => escaped.push(char::from(byte)),
            byte if LEGAL.contains(&byte) => escaped.push(char::from(byte)),
            byte => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

impl std::fmt::Display for Unwritable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the {} of the user cannot be written into a header", self.0)
    }
}

impl std::error::Error for Unwritable {}

const EXTRA_PREFIX: &str = "x-remote-extra-";
const USER: HeaderName = HeaderName::from_static("x-remote-user");
const UID: HeaderName = HeaderName::from_static("x-remote-uid");
const GROUP: HeaderName = HeaderName::from_static("x-remote-group");

/// The marks that can stand in the name of a header (RFC 9110, token), but for the one of escapes.
const LEGAL: &[u8] = b"!#$&'*+-.^_`|~";

#[cfg(test)]
mod tests {
    use verdikt::authn::front_proxy::HeaderNames;

    use super::*;

    fn jane() -> User {
        User { name: "jane".to_owned(), uid: "u-1".to_owned(), ..User::default() }
    }

    /// What kube-apiserver's flags read in them, as they are set for its own aggregation layer.
    fn read(headers: &IdentityHeaders) -> User {
        let names = |name: &str| vec![name.to_owned()];
        let names = HeaderNames {
            user: names("X-Remote-User"),
            uid: names("X-Remote-Uid"),
            group: names("X-Remote-Group"),
            extra_prefixes: names("X-Remote-Extra-"),
        };
        let headers: Vec<(&str, &[u8])> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        names.user(&headers).unwrap().unwrap()
    }

    #[test]
    fn a_user_is_read_as_it_was_written() {
        let check = |user: User, expected: &[(&str, &str)]| {
            let headers = of(&user).unwrap();
            let found: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| {
                    (name.as_str(), std::str::from_utf8(value.as_bytes()).unwrap())
                })
                .collect();
            assert_eq!(found, expected);
            let mut read = read(&headers);
            read.extra.retain(|_, values| !values.is_empty());
            assert_eq!(read, user);
        };
        check(jane(), &[("x-remote-user", "jane"), ("x-remote-uid", "u-1")]);
        let groups = vec!["a,b".to_owned(), "Grüße".to_owned()];
        let extra = [("acme.com/Project", vec!["x", ""]), ("a%b é", vec!["y"])];
        let extra = extra
            .into_iter()
            .map(|(key, values)| (key.to_owned(), values.into_iter().map(str::to_owned).collect()))
            .collect();
        check(
            User { uid: String::new(), groups, extra, ..jane() },
            &[
                ("x-remote-user", "jane"),
                ("x-remote-group", "a,b"),
                ("x-remote-group", "Grüße"),
                ("x-remote-extra-a%25b%20%C3%A9".to_lowercase().as_str(), "y"),
                ("x-remote-extra-acme.com%2f%50roject", "x"),
                ("x-remote-extra-acme.com%2f%50roject", ""),
            ],
        );
    }

    #[test]
    fn who_would_be_read_as_another_is_not_written() {
        let check = |user: User, expected: &'static str| {
            assert_eq!(of(&user), Err(Unwritable(expected)), "{user:?}");
        };
        for name in ["", " admin", "admin\t", "jane\r\nX-Remote-Group: system:masters", "a\0"] {
            check(User { name: name.to_owned(), ..jane() }, "name");
        }
        check(User { uid: " ".to_owned(), ..jane() }, "uid");
        check(
            User { groups: vec!["a".to_owned(), "system:masters ".to_owned()], ..jane() },
            "group",
        );
        let extra = [("scope".to_owned(), vec!["\n".to_owned()])].into_iter().collect();
        check(User { extra, ..jane() }, "extra");
    }

    #[test]
    fn spoofed_headers_are_known_however_they_are_spelt() {
        for name in [
            "x-remote-user",
            "X-REMOTE-EXTRA-a",
            "x_remote_group",
            "X-Remote_uid",
            "X-Remote-Groups",
        ] {
            assert!(is_one(name), "{name}");
        }
        for name in ["x-remote-", "remote-user", "x-remote-addr", "x-forwarded-user", ""] {
            assert!(!is_one(name), "{name}");
        }
    }
}
