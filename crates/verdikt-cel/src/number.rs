//! Numbers to text and back, as Go's `strconv` and `fmt` do it.

use std::fmt::Write as _;

/// A number as `%g` prints it: the shortest digits that give it back, with an exponent from 10⁶ on and
/// below 10⁻⁴.
pub(crate) fn general(number: f64) -> String {
    if let Some(special) = special(number) {
        return special.to_owned();
    }
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => with_exponent(digits, exponent),
        _ => format!("{number}"),
    }
}

/// A number with so many digits after the point, as `%.Nf` prints it.
pub(crate) fn fixed(number: f64, precision: usize) -> String {
    special(number).map_or_else(|| format!("{number:.precision$}"), str::to_owned)
}

/// A number with an exponent and so many digits after the point, as `%.Ne` prints it.
pub(crate) fn scientific(number: f64, precision: usize) -> String {
    if let Some(special) = special(number) {
        return special.to_owned();
    }
    let text = format!("{number:.precision$e}");
    match text.split_once('e').map(|(digits, exponent)| (digits, exponent.parse::<i32>())) {
        Some((digits, Ok(exponent))) => with_exponent(digits, exponent),
        _ => text,
    }
}

/// The shortest digits that give a number back, never with an exponent.
pub(crate) fn plain(number: f64) -> String {
    special(number).map_or_else(|| format!("{number}"), str::to_owned)
}

/// Go gives exponents a sign and at least two digits.
fn with_exponent(digits: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

const fn special(number: f64) -> Option<&'static str> {
    if number.is_nan() {
        Some("NaN")
    } else if number == f64::INFINITY {
        Some("+Inf")
    } else if number == f64::NEG_INFINITY {
        Some("-Inf")
    } else {
        None
    }
}

/// A number as `strconv.ParseFloat` reads it.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    if matches!(lower.as_str(), "inf" | "infinity" | "nan") {
        // A sign before NaN is refused.
        return (lower != "nan" || unsigned.len() == text.len())
            .then(|| text.parse().ok())
            .flatten();
    }
    if let Some(hex) = lower.strip_prefix("0x") {
        let number = parse_hex_float(hex)?;
        return Some(if text.starts_with('-') { -number } else { number });
    }
    let is_decimal = |char: char| char.is_ascii_digit() || matches!(char, '.' | 'e' | '+' | '-');
    // What is out of range is refused. Underscores count only with a base prefix, and base 0.
    lower
        .chars()
        .all(is_decimal)
        .then(|| text.parse().ok())
        .flatten()
        .filter(|n: &f64| n.is_finite())
}

/// Hexadecimal digits with a point somewhere and a binary exponent, which must be there.
fn parse_hex_float(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once('p')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let valid = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if valid.is_empty() || !valid.chars().all(|char| char.is_ascii_digit()) {
        return None;
    }
    let mut exponent: i64 = exponent.parse().unwrap_or(100_000).clamp(-100_000, 100_000);
    let mut mantissa = 0_u64;
    let mut sticky = false;
    for (index, char) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(char.to_digit(16)?);
        let in_fraction = index >= whole.chars().count();
        if mantissa >> 56 == 0 {
            mantissa = mantissa << 4 | digit;
            exponent -= if in_fraction { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            exponent += if in_fraction { 0 } else { 4 };
        }
    }
    mantissa |= u64::from(sticky);
    let number = scale(mantissa, exponent);
    number.is_finite().then_some(number)
}

/// A number times a power of two. Two steps, so that subnormal numbers are rounded once.
#[expect(clippy::cast_precision_loss, reason = "rounding to the nearest is what is asked for")]
fn scale(mantissa: u64, exponent: i64) -> f64 {
    let half = i32::try_from(exponent / 2).unwrap_or_default();
    let rest = i32::try_from(exponent - exponent / 2).unwrap_or_default();
    mantissa as f64 * 2_f64.powi(half) * 2_f64.powi(rest)
}

/// A number as `strconv.ParseInt` reads it in base 10: one sign, then digits.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// A number as `strconv.ParseUint` reads it in base 10: digits alone.
pub(crate) fn parse_uint(text: &str) -> Option<u64> {
    text.chars().all(|char| char.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A truth as `strconv.ParseBool` reads it.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A text in double quotes, as `%q` prints it.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            // Written into a String, which cannot fail.
            '\0'..='\u{1f}' | '\u{7f}' => _ = write!(quoted, "\\x{:02x}", u32::from(char)),
            char if is_printable(char) => quoted.push(char),
            char if u32::from(char) < 0x1_0000 => _ = write!(quoted, "\\u{:04x}", u32::from(char)),
            char => _ = write!(quoted, "\\U{:08x}", u32::from(char)),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether Go prints a character as itself. Of what is neither a letter, a mark, a number, a sign nor a
/// symbol, the common ones are told apart here.
fn is_printable(char: char) -> bool {
    !char.is_control()
        && (char == ' ' || !char.is_whitespace())
        && !matches!(char,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}'
            | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_print_as_go_prints_them() {
        for (number, expected) in [
            (1.0, "1"),
            (999_999.0, "999999"),
            (1_000_000.0, "1e+06"),
            (12_345_678.0, "1.2345678e+07"),
            (100_000.5, "100000.5"),
            (1_000_000.5, "1.0000005e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e100, "1e+100"),
            (-0.0, "-0"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(general(number), expected);
        }
        assert_eq!(scientific(1234.5, 6), "1.234500e+03");
        assert_eq!(fixed(2.5, 0), "2");
    }

    #[test]
    fn doubles_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("1e3", Some(1000.0)),
            ("-0x1p-2", Some(-0.25)),
            ("0x1.8p1", Some(3.0)),
            (".5", Some(0.5)),
            ("1e999", None),
            ("1_0", None),
            ("infinity", Some(f64::INFINITY)),
            ("+nan", None),
            ("", None),
            ("0x1", None),
        ] {
            assert_eq!(parse_float(text), expected, "{text}");
        }
    }
}
