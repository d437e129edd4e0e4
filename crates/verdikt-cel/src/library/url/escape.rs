//! Percent signs: what they stand for, and what needs them.
//!
//! Follows `escape` and `unescape` of Go's `net/url`. Bytes that are no text are kept as Go keeps them
//! until they are shown, where they are replaced.

use crate::number::quote;

/// The part of a URL that a text is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Path,
    Host,
    Zone,
    User,
    Query,
    Fragment,
}

/// The bytes that a text stands for.
pub(super) fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                let (digits, after) = match (after, hex(after)) {
                    ([_, _, after @ ..], Some(digits)) => (digits, after),
                    _ => return Err(invalid_escape(after)),
                };
                let is_percent = digits == b'%';
                let refused = match part {
                    Part::Host => digits < 0x80 && !is_percent,
                    Part::Zone => !is_percent && digits != b' ' && must_escape(digits, Part::Host),
                    _ => false,
                };
                if refused {
                    return Err(invalid_escape(rest));
                }
                bytes.push(digits);
                rest = after;
            }
            b'+' if part == Part::Query => bytes.push(b' '),
            _ => {
                let in_host = matches!(part, Part::Host | Part::Zone);
                if in_host && byte < 0x80 && must_escape(byte, part) {
                    let shown = quote(&char::from(byte).to_string());
                    return Err(format!("invalid character {shown} in host name"));
                }
                bytes.push(byte);
            }
        }
    }
    Ok(bytes)
}

fn hex(text: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let (high, low) = (digit(text.first()?)?, digit(text.get(1)?)?);
    u8::try_from(high << 4 | low).ok()
}

/// Shows the percent sign and the two bytes after it.
fn invalid_escape(after: &[u8]) -> String {
    let shown = String::from_utf8_lossy(after.get(..2).unwrap_or(after));
    format!("invalid URL escape {}", quote(&format!("%{shown}")))
}

/// A text with percent signs where this part needs them.
pub(super) fn escape(bytes: &[u8], part: Part) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if must_escape(*byte, part) {
            escaped.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            escaped.push(*byte);
        }
    }
    escaped
}

/// Whether a byte needs a percent sign in a part.
pub(super) const fn must_escape(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() {
        return false;
    }
    if matches!(part, Part::Host | Part::Zone)
        && matches!(
            byte,
            b'!' | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'['
                | b']'
                | b'<'
                | b'>'
                | b'"'
        )
    {
        return false;
    }
    match byte {
        b'-' | b'_' | b'.' | b'~' => false,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match part {
            Part::Path => byte == b'?',
            Part::User => matches!(byte, b'@' | b'/' | b'?' | b':'),
            Part::Query | Part::Host | Part::Zone => true,
            Part::Fragment => false,
        },
        b'!' | b'(' | b')' | b'*' => !matches!(part, Part::Fragment),
        _ => true,
    }
}

/// Whether a text may stand in a part as it is.
pub(super) fn is_valid(text: &[u8], part: Part) -> bool {
    text.iter().all(|byte| {
        matches!(
            byte,
            b'!' | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'@'
                | b'['
                | b']'
                | b'%'
        ) || !must_escape(*byte, part)
    })
}
