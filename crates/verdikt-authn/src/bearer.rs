//! The bearer token of an `Authorization` header.
//!
//! Follows apiserver's `pkg/authentication/request/bearertoken`.

/// A token as it was presented. Whether it is text is found out once: it takes longer than to look a
/// long token up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'h> {
    pub(crate) bytes: &'h [u8],
    /// The same, if it is UTF-8.
    pub(crate) text: Option<&'h str>,
}

impl<'h> From<&'h str> for Token<'h> {
    fn from(text: &'h str) -> Self {
        Self { bytes: text.as_bytes(), text: Some(text) }
    }
}

/// The token of a header value, if it holds one: `Bearer`, in any case, a space, and the token up to
/// the next space. Two spaces after the scheme make it empty, and an empty token is none.
pub(crate) fn token(header: &[u8]) -> Option<Token<'_>> {
    if let Ok(text) = std::str::from_utf8(header) {
        let (scheme, rest) = text.trim().split_once(' ')?;
        let token = rest.split_once(' ').map_or(rest, |(token, _)| token);
        return is_bearer(scheme.as_bytes(), token.as_bytes()).then(|| token.into());
    }
    let mut parts = header.trim_ascii().split(|&byte| byte == b' ');
    let (scheme, bytes) = (parts.next()?, parts.next()?);
    let text = std::str::from_utf8(bytes).ok();
    is_bearer(scheme, bytes).then_some(Token { bytes, text })
}

fn is_bearer(scheme: &[u8], token: &[u8]) -> bool {
    scheme.eq_ignore_ascii_case(b"bearer") && !token.is_empty()
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
            let token = token(header.as_bytes());
            assert_eq!(token.map(|token| token.text), expected.map(Some), "{header:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_may_stand_beside_a_token_that_is() {
        let found = token(b"Bearer abc \xff").map(|token| (token.bytes, token.text));
        assert_eq!(found, Some((&b"abc"[..], Some("abc"))));
        let found = token(b"Bearer a\xff").map(|token| (token.bytes, token.text));
        assert_eq!(found, Some((&b"a\xff"[..], None)));
    }
}
