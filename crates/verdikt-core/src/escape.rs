//! Percent-encoding as Go's `net/url` does it, for the parts of a URL verdikt looks at.

use std::{borrow::Cow, fmt, iter};

use crate::GoQuoted;

/// A part of a URL; each has its own characters that stand for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Path,
    Query,
    UserInfo,
    Host,
    Zone,
}

/// What is wrong with the encoding of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EscapeError {
    /// A `%` without two hexadecimal digits, or an escape its part must not hold.
    Sequence(String),
    /// A character that a host cannot have.
    HostCharacter(char),
}

impl fmt::Display for EscapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence(text) => write!(f, "invalid URL escape {}", GoQuoted(text)),
            Self::HostCharacter(c) => {
                write!(f, "invalid character {} in host name", GoQuoted(c.encode_utf8(&mut [0; 4])))
            }
        }
    }
}

/// Decodes `%XX`, and in a query `+`; borrows when there is nothing to decode.
///
/// Go's strings are bytes and ours are UTF-8: each byte that does not belong to valid UTF-8 becomes
/// one U+FFFD, which is also what Go makes of it as soon as it writes such a string as JSON.
pub(crate) fn unescape(text: &str, part: Part) -> Result<Cow<'_, str>, EscapeError> {
    let is_encoded = |byte: u8| byte == b'%' || (byte == b'+' && part == Part::Query);
    if !text.bytes().any(is_encoded) {
        return Ok(Cow::Borrowed(text));
    }
    decode(text, part).map(|bytes| Cow::Owned(to_text(bytes)))
}

/// Decodes a text as Go's `url.PathUnescape` does: `+` stands for itself; none if an escape is wrong.
pub fn path_unescaped(text: &str) -> Option<Cow<'_, str>> {
    unescape(text, Part::Path).ok()
}

/// A text as it may stand in a path or a query: what RFC 3986 reserves becomes `%XX`, byte by byte; slashes
/// stay.
pub fn path_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                escaped.push(char::from(byte));
            }
            _ => {
                escaped.push('%');
                for digit in [byte >> 4, byte & 15] {
                    escaped
                        .extend(char::from_digit(digit.into(), 16).map(|c| c.to_ascii_uppercase()));
                }
            }
        }
    }
    escaped
}

/// Decodes and checks a part; the bytes need not be UTF-8.
pub(crate) fn decode(text: &str, part: Part) -> Result<Vec<u8>, EscapeError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let (value, tail) = match byte {
            b'%' => (escaped_byte(rest, part)?, tail.get(2..).unwrap_or_default()),
            b'+' if part == Part::Query => (b' ', tail),
            _ if byte.is_ascii() && part.refuses(byte) => {
                return Err(EscapeError::HostCharacter(char::from(byte)));
            }
            _ => (byte, tail),
        };
        decoded.push(value);
        rest = tail;
    }
    Ok(decoded)
}

/// The text of a part as Go's URL printer writes it: decoded, then encoded again where needed.
pub(crate) fn reescape(text: &str, part: Part) -> String {
    // Parsing has refused bad escapes; should one get here, it is encoded like any other text.
    let bytes = decode(text, Part::UserInfo).unwrap_or_else(|_| text.as_bytes().to_vec());
    escape(&bytes, part)
}

/// Encodes every byte that does not stand for itself in `part`.
pub(crate) fn escape(bytes: &[u8], part: Part) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if part.keeps(byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Whether a path is printed as it was received: nothing in it asks for an escape it lacks.
pub(crate) fn is_valid_path(path: &str) -> bool {
    path.bytes().all(|byte| Part::Path.keeps(byte) || b"!'()*[]%".contains(&byte))
}

/// The byte that the `%XX` at the start of `rest` stands for.
fn escaped_byte(rest: &[u8], part: Part) -> Result<u8, EscapeError> {
    let bad = || {
        let sequence = rest.get(..3).unwrap_or(rest);
        EscapeError::Sequence(String::from_utf8_lossy(sequence).into_owned())
    };
    let digit = |at: usize| rest.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let (Some(high), Some(low)) = (digit(1), digit(2)) else { return Err(bad()) };
    let byte = (high * 16 + low) as u8;
    // A host may escape non-ASCII bytes and `%` only, a zone also what a host may hold, and blanks.
    let is_allowed = match part {
        Part::Path | Part::Query | Part::UserInfo => true,
        Part::Host => byte == b'%' || !byte.is_ascii(),
        Part::Zone => byte == b'%' || byte == b' ' || Part::Host.keeps(byte),
    };
    if is_allowed { Ok(byte) } else { Err(bad()) }
}

/// Bytes as text, with one U+FFFD for each byte that does not belong to valid UTF-8.
fn to_text(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let mut text = String::new();
            for chunk in error.as_bytes().utf8_chunks() {
                text.push_str(chunk.valid());
                text.extend(iter::repeat_n(char::REPLACEMENT_CHARACTER, chunk.invalid().len()));
            }
            text
        }
    }
}

impl Part {
    /// Whether `byte` stands for itself when this part is printed.
    fn keeps(self, byte: u8) -> bool {
        let punctuation: &[u8] = match self {
            Self::Path => b"$&+,/:;=@",
            Self::Query => b"",
            Self::UserInfo => b"$&+,;=",
            Self::Host | Self::Zone => b"!$&'()*+,;=:[]<>\"",
        };
        byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || punctuation.contains(&byte)
    }

    /// Whether an unescaped ASCII `byte` makes this part invalid.
    fn refuses(self, byte: u8) -> bool {
        matches!(self, Self::Host | Self::Zone) && !self.keeps(byte)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{Part, reescape, unescape};

    fn check(text: &str, part: Part, expected: Result<&str, &str>) {
        let decoded = unescape(text, part).map_err(|error| error.to_string());
        assert_eq!(decoded.as_deref().map_err(String::as_str), expected, "{text}");
    }

    #[test]
    fn plus_is_a_blank_in_queries_only() {
        check("a+b%2bc", Part::Path, Ok("a+b+c"));
        check("a+b%2bc", Part::Query, Ok("a b+c"));
    }

    #[test]
    fn a_percent_sign_needs_two_hexadecimal_digits() {
        check("%4a%4A", Part::Path, Ok("JJ"));
        check("a%zz", Part::Path, Err(r#"invalid URL escape "%zz""#));
        check("a%", Part::Query, Err(r#"invalid URL escape "%""#));
        check("a%4", Part::Query, Err(r#"invalid URL escape "%4""#));
        check("%2x/more", Part::Path, Err(r#"invalid URL escape "%2x""#));
    }

    #[test]
    fn every_invalid_byte_becomes_one_replacement_character() {
        check("%C3%BC", Part::Path, Ok("ü"));
        check("a%FFb", Part::Path, Ok("a\u{fffd}b"));
        check("%E2%82x%F0%9F%99", Part::Path, Ok("\u{fffd}\u{fffd}x\u{fffd}\u{fffd}\u{fffd}"));
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        assert!(matches!(unescape("/api/v1/pods", Part::Path), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn printing_encodes_what_the_part_does_not_keep() {
        assert_eq!(reescape("a%41 ü?", Part::Path), "aA%20%C3%BC%3F");
        assert_eq!(reescape("%ff<>", Part::Host), "%FF<>");
        assert_eq!(reescape("a/b@c", Part::UserInfo), "a%2Fb%40c");
    }
}
