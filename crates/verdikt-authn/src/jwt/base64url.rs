//! Base64 of URLs without padding, with the tolerance of Go's `base64.RawURLEncoding`.
//!
//! Bits that are left over at the end may be anything, and line ends inside are passed over.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// The bytes; or the place of the first byte that does not belong, as Go counts it.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, usize> {
    let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let plain = match text.iter().any(is_line_end) {
        true => Cow::Owned(text.iter().copied().filter(|byte| !is_line_end(byte)).collect()),
        false => Cow::Borrowed(text),
    };
    ENGINE.decode(plain.as_ref()).map_err(|_| first_bad_byte(text))
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// Whether `text`, which was decoded, is what encoding its bytes again gives.
pub(super) fn is_canonical(text: &[u8]) -> bool {
    let unused = match text.len() % 4 {
        2 => 0b1111,
        3 => 0b11,
        _ => 0,
    };
    text.last().and_then(|&byte| value(byte)).is_none_or(|value| value & unused == 0)
}

fn value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    })
}

fn first_bad_byte(text: &[u8]) -> usize {
    let is_bad = |byte: u8| value(byte).is_none() && !matches!(byte, b'\r' | b'\n');
    // A single character at the end is bad itself; Go blames the place behind the last whole group.
    text.iter().position(|&byte| is_bad(byte)).unwrap_or_else(|| text.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_go_decodes() {
        let check = |text: &str, expected: Result<&[u8], usize>| {
            assert_eq!(decode(text.as_bytes()), expected.map(<[u8]>::to_vec), "{text:?}");
        };
        check("", Ok(b""));
        check("YQ", Ok(b"a"));
        check("YR", Ok(b"a"));
        check("Y\r\nQ", Ok(b"a"));
        check("YWI", Ok(b"ab"));
        check("_-8", Ok(b"\xff\xef"));
        check("YQ==", Err(2));
        check("Y", Err(0));
        check("Y+Q", Err(1));
    }

    #[test]
    fn canonical_is_what_encoding_gives() {
        for text in ["", "YQ", "YWI", "YWJj"] {
            assert!(is_canonical(text.as_bytes()), "{text}");
        }
        for text in ["YR", "YWJ", "Yf"] {
            assert!(!is_canonical(text.as_bytes()), "{text}");
        }
    }
}
