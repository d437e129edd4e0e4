//! The bearer token of an `Authorization` header.
//!
//! Follows apiserver's `pkg/authentication/request/bearertoken`.

/// The token of a header value, if it holds one: `Bearer`, in any case, a space, and the token up to
/// the next space. Two spaces after the scheme make it empty, and an empty token is none.
pub(crate) fn token(header: &[u8]) -> Option<&[u8]> {
    let header = match std::str::from_utf8(header) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => header.trim_ascii(),
    };
    let mut parts = header.split(|&byte| byte == b' ');
    let scheme = parts.next()?;
    let token = parts.next()?;
    (scheme.eq_ignore_ascii_case(b"bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::token;

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
}
