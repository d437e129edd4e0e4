//! What literals stand for.
//!
//! Follows cel-go's `parser/unescape.go`.

use std::sync::Arc;

use crate::Value;

/// The value of a quoted text, its quotes and prefixes included.
pub(super) fn string(token: &str) -> Result<Arc<str>, &'static str> {
    let mut text = String::with_capacity(token.len());
    unquote(token, |part| match part {
        Part::Char(char) => {
            text.push(char);
            Ok(())
        }
        Part::Code(code) => {
            text.push(char::from_u32(code).ok_or("invalid unicode code point")?);
            Ok(())
        }
        Part::Unicode(code) => {
            text.push(char::from_u32(code).ok_or("invalid unicode code point")?);
            Ok(())
        }
    })?;
    Ok(text.into())
}

/// The value of quoted bytes, after their `b`.
pub(super) fn bytes(token: &str) -> Result<Arc<[u8]>, &'static str> {
    let mut bytes = Vec::with_capacity(token.len());
    unquote(token, |part| match part {
        Part::Char(char) => {
            bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            Ok(())
        }
        Part::Code(code) => {
            bytes.push(u8::try_from(code).map_err(|_| UNABLE)?);
            Ok(())
        }
        Part::Unicode(_) => Err(UNABLE),
    })?;
    Ok(bytes.into())
}

enum Part {
    /// Itself.
    Char(char),
    /// A number of two digits or three: a byte or a code point.
    Code(u32),
    /// A number of four digits or eight: a code point.
    Unicode(u32),
}

fn unquote(
    token: &str,
    mut push: impl FnMut(Part) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    let normal = token.replace("\r\n", "\n").replace('\r', "\n");
    let raw = normal.starts_with(['r', 'R']);
    let quoted = if raw { normal.get(1..).unwrap_or_default() } else { &normal };
    let long = ["'''", "\"\"\""].into_iter().find_map(|quotes| {
        (quoted.len() >= 6).then(|| quoted.strip_prefix(quotes)?.strip_suffix(quotes)).flatten()
    });
    let text = long.or_else(|| quoted.get(1..quoted.len().checked_sub(1)?)).ok_or(UNABLE)?;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if raw || char != '\\' {
            push(Part::Char(char))?;
            continue;
        }
        push(escape(&mut chars).ok_or(UNABLE)?)?;
    }
    Ok(())
}

fn escape(chars: &mut std::str::Chars<'_>) -> Option<Part> {
    let char = match chars.next()? {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        char @ ('\\' | '\'' | '"' | '`' | '?') => char,
        'x' | 'X' => return digits(chars, 2, 16, 0).map(Part::Code),
        'u' => return digits(chars, 4, 16, 0).map(Part::Unicode),
        'U' => return digits(chars, 8, 16, 0).map(Part::Unicode),
        first @ '0'..='3' => return digits(chars, 2, 8, first.to_digit(8)?).map(Part::Code),
        _ => return None,
    };
    Some(Part::Char(char))
}

fn digits(chars: &mut std::str::Chars<'_>, count: u32, radix: u32, first: u32) -> Option<u32> {
    (0..count).try_fold(first, |number, _| {
        let digit = chars.next()?.to_digit(radix)?;
        Some(number.wrapping_mul(radix) | digit)
    })
}

/// A whole number, with its sign.
pub(super) fn int(token: &str, negative: bool) -> Result<Value, &'static str> {
    let (digits, radix) = match token.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (token, 10),
    };
    let signed = if negative { format!("-{digits}") } else { digits.to_owned() };
    i64::from_str_radix(&signed, radix).map(Value::Int).map_err(|_| "invalid int literal")
}

/// A whole number that ends with `u`.
pub(super) fn uint(token: &str) -> Result<Value, &'static str> {
    let token = token.trim_end_matches(['u', 'U']);
    let (digits, radix) = match token.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (token, 10),
    };
    u64::from_str_radix(digits, radix).map(Value::Uint).map_err(|_| "invalid uint literal")
}

/// A number with a fraction or an exponent.
pub(super) fn float(token: &str, negative: bool) -> Result<Value, &'static str> {
    match token.parse::<f64>() {
        // Go refuses what is out of range.
        Ok(number) if number.is_finite() => {
            Ok(Value::Double(if negative { -number } else { number }))
        }
        _ => Err("invalid double literal"),
    }
}

const UNABLE: &str = "unable to unescape string";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_code_points_in_text_and_bytes_in_bytes() {
        assert_eq!(string(r#""\x41\101\u00e9\U0001F600\n""#).as_deref(), Ok("AA\u{e9}\u{1f600}\n"));
        assert_eq!(string(r"'''a'b'''").as_deref(), Ok("a'b"));
        assert_eq!(string(r"r'\n'").as_deref(), Ok(r"\n"));
        assert_eq!(string(r"'\ud800'"), Err("invalid unicode code point"));
        assert_eq!(string("'a\r\nb'").as_deref(), Ok("a\nb"));
        assert_eq!(bytes(r"'\xff\377é'").as_deref(), Ok(&[0xff, 0xff, 0xc3, 0xa9][..]));
        assert_eq!(bytes(r"'\u00e9'"), Err(UNABLE));
    }
}
