//! The bearer token of an `Authorization` header.
//!
//! Follows apiserver's `pkg/authentication/request/bearertoken`.

/// The token of a header value, if it holds one: `Bearer`, in any case, a space, and the token up to
/// the next space. Two spaces after the scheme make it empty, and an empty token is none.
#[inline]
pub(crate) fn token(header: &[u8]) -> Option<&[u8]> {
    let header = trim(header);
    let (scheme, rest) = header.split_at_checked(SCHEME.len())?;
    let (b' ', rest) = rest.split_first()? else { return None };
    let end = memchr::memchr(b' ', rest).unwrap_or(rest.len());
    let token = rest.get(..end).unwrap_or_default();
    (scheme.eq_ignore_ascii_case(SCHEME) && !token.is_empty()).then_some(token)
}

/// Without white space around it. Most headers have none, and need not be read to see that.
fn trim(header: &[u8]) -> &[u8] {
    if let [b'!'..=b'~', .., b'!'..=b'~'] = header {
        return header;
    }
    match std::str::from_utf8(header) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => header.trim_ascii(),
    }
}

const SCHEME: &[u8] = b"bearer";

/// Whether a token would be there, were it not for a second space in front of it.
pub(crate) fn has_extra_space(header: &[u8]) -> bool {
    let mut parts = trim(header).split(|&byte| byte == b' ');
    let is_bearer = parts.next().is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"));
    is_bearer && parts.next().is_some_and(<[u8]>::is_empty) && parts.next().is_some()
}

/// What to tell a client whose token is not seen for a space.
pub(crate) const EXTRA_SPACE: &str = "the provided Authorization header contains extra space before \
                                      the bearer token, and is ignored";

#[cfg(test)]
mod tests {
    use super::{has_extra_space, token};

    #[test]
    fn a_second_space_is_noticed() {
        for (header, expected) in [
            ("Bearer  abc", true),
            ("bearer   abc", true),
            ("Bearer abc", false),
            ("Bearer  ", false),
            ("Basic  abc", false),
            ("Bearer", false),
        ] {
            assert_eq!(has_extra_space(header.as_bytes()), expected, "{header:?}");
        }
    }

    #[test]
    fn tokens_end_at_a_space() {
        for (header, expected) in [
            ("Bearer abc", Some("abc")),
            ("bEaReR abc", Some("abc")),
            ("  Bearer abc\t", Some("abc")),
            ("Bearer abc def", Some("abc")),
            ("Bearer  abc", None),
            ("Bearer", None),
            ("Bearer ", None),
            ("Bearer\tabc", None),
            ("Basic abc", None),
            ("", None),
        ] {
            assert_eq!(token(header.as_bytes()), expected.map(str::as_bytes), "{header:?}");
        }
    }

    #[test]
    fn white_space_around_is_that_of_unicode_if_all_is_text() {
        for (header, expected) in [
            (&b"\xc2\xa0Bearer abc\xe2\x80\x89"[..], Some(&b"abc"[..])),
            (b" Bearer abc \xff", Some(b"abc")),
            (b"Bearer a\xff", Some(b"a\xff")),
            (b"\xc2\xa0Bearer a\xff", None),
        ] {
            assert_eq!(token(header), expected, "{header:?}");
        }
    }
}
