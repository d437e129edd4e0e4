//! Headers of a request, for the authenticators that read any.

use crate::escape::{Part, unescape};

/// The headers of a request, wherever a front keeps them. Nothing is copied to show them.
pub trait Headers {
    /// Shows each value with the name of its header, in the order in which they came as far as that is
    /// known. Names may be in any case.
    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a str, &'a [u8]));
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for [(N, V)] {
    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a str, &'a [u8])) {
        for (name, value) in self {
            visitor(name.as_ref(), value.as_ref());
        }
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for Vec<(N, V)> {
    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a str, &'a [u8])) {
        self.as_slice().visit(visitor);
    }
}

/// Whether two names are of one header, as Go's `http.Header` has it: without regard to case, unless
/// they are no names that a header can have.
pub fn is_same_header(left: &str, right: &str) -> bool {
    let is_name_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match left.bytes().all(is_name_byte) {
        true => left.eq_ignore_ascii_case(right),
        false => left == right,
    }
}

/// The key that the name of a header has behind a prefix, if it begins with that: in lower case, and
/// then decoded, unless it cannot be. For `X-Remote-Extra-` and its like.
pub fn extra_key(prefix: &str, name: &str) -> Option<String> {
    let (start, rest) = name.split_at_checked(prefix.len())?;
    if !start.eq_ignore_ascii_case(prefix) {
        return None;
    }
    let rest = rest.to_lowercase();
    let decoded = unescape(&rest, Part::Path).ok().map(std::borrow::Cow::into_owned);
    Some(decoded.unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_lowered_and_then_decoded() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(extra_key("X-Remote-Extra-", name).as_deref(), expected, "{name}");
        };
        check("x-remote-extra-Acme.com%2FProject", Some("acme.com/project"));
        check("X-REMOTE-EXTRA-%41", Some("A"));
        check("X-Remote-Extra-a+b", Some("a+b"));
        check("X-Remote-Extra-%zZ", Some("%zz"));
        check("X-Remote-Extra-", Some(""));
        check("X-Remote-Extra", None);
        check("Y-Remote-Extra-a", None);
    }

    #[test]
    fn names_that_can_be_have_no_case() {
        assert!(is_same_header("X-Remote-User", "x-remote-user"));
        assert!(is_same_header("a b", "a b") && !is_same_header("a b", "A b"));
        assert!(!is_same_header("x-user", "x-users"));
    }
}
