//! Formats that are not Kubernetes' own: URLs, UUIDs, base64, dates and times.
//!
//! Follows kube-openapi's `pkg/validation/strfmt` and govalidator's expression for base64.

use super::super::url;
use crate::time::is_date;

fn unless(valid: bool, problem: &str) -> Vec<String> {
    if valid { Vec::new() } else { vec![problem.to_owned()] }
}

pub(super) fn uri(text: &str) -> Vec<String> {
    url::request_error(text).into_iter().collect()
}

/// Hexadecimal digits, with or without each of the dashes.
pub(super) fn uuid(text: &str) -> Vec<String> {
    let mut rest = Some(text);
    for (at, count) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        rest = rest.and_then(|text| {
            let text = text.strip_prefix('-').filter(|_| at > 0).unwrap_or(text);
            let (digits, rest) = text.split_at_checked(count)?;
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(rest)
        });
    }
    unless(rest == Some(""), "does not match the UUID format")
}

/// Groups of four, the last of which may be padded; at least one.
pub(super) fn base64(text: &str) -> Vec<String> {
    let unpadded = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let valid = !text.is_empty()
        && text.len().is_multiple_of(4)
        && unpadded.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    unless(valid, "invalid base64")
}

pub(super) fn date(text: &str) -> Vec<String> {
    unless(is_date(text), "invalid date")
}

pub(super) fn datetime(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let valid = match (parts.next(), parts.next()) {
        (Some(date), Some(time)) if text.len() >= 4 => is_date(date) && is_time(time),
        _ => false,
    };
    unless(valid, "invalid datetime")
}

/// `12:34:56.789z` or `12:34:56+01:00`; what is before the fraction may be any character.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let two = |at: usize, most: u8| {
        let digits = (bytes.get(at), bytes.get(at + 1));
        let (Some(tens @ b'0'..=b'9'), Some(ones @ b'0'..=b'9')) = digits else { return false };
        (tens - b'0') * 10 + (ones - b'0') <= most
    };
    let colon = |at: usize| bytes.get(at) == Some(&b':');
    if !(two(0, 23) && colon(2) && two(3, 59) && colon(5) && two(6, 59)) {
        return false;
    }
    let rest = text.get(8..).unwrap_or_default();
    is_zone(rest) || without_fraction(rest).is_some_and(is_zone)
}

/// What is after any character and digits.
fn without_fraction(text: &str) -> Option<&str> {
    let mut chars = text.chars();
    chars.next().filter(|char| *char != '\n')?;
    let rest = chars.as_str();
    let zone = rest.trim_start_matches(|char: char| char.is_ascii_digit());
    (zone.len() < rest.len()).then_some(zone)
}

fn is_zone(text: &str) -> bool {
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text == "z"
        || text
            .strip_prefix(['+', '-'])
            .and_then(|text| text.split_once(':'))
            .is_some_and(|(hours, minutes)| digits(hours) && digits(minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_know_their_texts() {
        let valid = |problems: Vec<String>| problems.is_empty();
        assert!(valid(uuid("123e4567-e89b-12d3-a456-426614174000")));
        assert!(valid(uuid("123E4567e89b12d3a456426614174000")));
        assert!(!valid(uuid("x")));
        assert!(!valid(uuid("-123e4567-e89b-12d3-a456-426614174000")));
        assert!(valid(base64("aGVsbG8=")));
        assert!(!valid(base64("aGVsbG8")));
        assert!(!valid(base64("")));
        assert!(!valid(date("2024-02-30")));
        assert!(valid(date("2024-02-29")));
        assert!(valid(datetime("2021-01-01T00:00:00Z")));
        assert!(valid(datetime("2021-01-01t00:00:00.123+01:00")));
        assert!(!valid(datetime("2021-01-01T24:00:00Z")));
        assert!(!valid(datetime("2021-01-01")));
    }
}
