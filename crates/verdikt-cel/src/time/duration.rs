//! Spans of time.
//!
//! Follows Go's `time.ParseDuration` and cel-go's `common/types/{duration,overflow}.go`.

use crate::number;

/// A span of time, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub i64);

impl Duration {
    /// Reads `-1h15m30.918s`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, mut rest) = match text.strip_prefix(['+', '-']) {
            Some(rest) => (text.starts_with('-'), rest),
            None => (false, text),
        };
        if rest == "0" {
            return Some(Self(0));
        }
        if rest.is_empty() {
            return None;
        }
        let mut total = 0_u64;
        while !rest.is_empty() {
            let (part, after) = part(rest)?;
            total = total.checked_add(part).filter(|total| *total <= 1 << 63)?;
            rest = after;
        }
        match (i64::try_from(total), negative) {
            (Ok(nanos), false) => Some(Self(nanos)),
            (Ok(nanos), true) => Some(Self(-nanos)),
            (Err(_), true) => Some(Self(i64::MIN)),
            (Err(_), false) => None,
        }
    }

    /// Seconds with a fraction.
    #[expect(
        clippy::cast_precision_loss,
        reason = "each half is exact, or rounded as Go rounds it"
    )]
    fn seconds(self) -> f64 {
        (self.0 / NANOS) as f64 + (self.0 % NANOS) as f64 / 1e9
    }
}

/// As cel-go's `string()` prints it: seconds, never an exponent.
impl std::fmt::Display for Duration {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}s", number::plain(self.seconds()))
    }
}

/// The first number and unit of a text, in nanoseconds, and what is after them.
fn part(text: &str) -> Option<(u64, &str)> {
    let (whole, rest) = split_digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => split_digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let end = rest.find(|char: char| char == '.' || char.is_ascii_digit()).unwrap_or(rest.len());
    let (name, rest) = rest.split_at_checked(end)?;
    let unit: u64 = match name {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let nanos = whole.checked_mul(unit).filter(|nanos| *nanos <= 1 << 63)?;
    let nanos = nanos.checked_add(fraction_of(fraction, unit)).filter(|nanos| *nanos <= 1 << 63)?;
    Some((nanos, rest))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Digits after a point, of a unit. What does not fit 63 bits is dropped, as in Go.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the arithmetic is Go's, and less than a unit"
)]
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let mut fraction = 0_u64;
    let mut scale = 1_f64;
    for digit in digits.bytes() {
        let next = fraction
            .checked_mul(10)
            .and_then(|fraction| fraction.checked_add(u64::from(digit - b'0')))
            .filter(|fraction| *fraction <= 1 << 63);
        let Some(next) = next else { break };
        fraction = next;
        scale *= 10.0;
    }
    (fraction as f64 * (unit as f64 / scale)) as u64
}

pub(super) const NANOS: i64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, nanos: Option<i64>) {
        assert_eq!(Duration::parse(text).map(|duration| duration.0), nanos, "{text}");
    }

    #[test]
    fn spans_are_read_as_go_reads_them() {
        check("1h15m30.918s", Some(4_530_918_000_000));
        check("-1.5h", Some(-5_400_000_000_000));
        check("0", Some(0));
        check("1", None);
        check("", None);
        check("-", None);
        check(".s", None);
        check(".5s", Some(500_000_000));
        check("3µs", Some(3_000));
        check("9223372036854775807ns", Some(i64::MAX));
        check("9223372036854775808ns", None);
        check("-9223372036854775808ns", Some(i64::MIN));
        check("1d", None);
    }

    #[test]
    fn spans_print_in_seconds() {
        assert_eq!(Duration(90_000_000_000).to_string(), "90s");
        assert_eq!(Duration(1).to_string(), "0.000000001s");
        assert_eq!(Duration(-1_500_000_000).to_string(), "-1.5s");
    }
}
