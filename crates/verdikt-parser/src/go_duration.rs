//! How long something takes, written as Go writes it: `300ms`, `-1.5h`, `2h45m`.
//!
//! Follows Go's `time.ParseDuration` and `Duration.String`.

use std::fmt;

use verdikt_core::GoQuoted;

/// A Go `time.Duration`: nanoseconds, which may be negative. Prints as Go prints it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration(pub i64);

impl GoDuration {
    /// This many seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND))
    }

    /// The time it takes; nothing if it is negative.
    pub fn as_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.0).unwrap_or_default())
    }
}

/// Reads a duration.
///
/// # Errors
/// In Go's words.
pub fn parse(text: &str) -> Result<GoDuration, String> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(GoDuration(0));
    }
    let invalid = || format!("time: invalid duration {}", GoQuoted(text));
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (number, behind) = Number::read(rest).ok_or_else(invalid)?;
        let end = behind.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", GoQuoted(text)));
        }
        let Some((_, nanoseconds)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(format!(
                "time: unknown unit {} in duration {}",
                GoQuoted(unit),
                GoQuoted(text)
            ));
        };
        let part = number.times(*nanoseconds).ok_or_else(invalid)?;
        total = total.checked_add(part).filter(|total| *total <= 1 << 63).ok_or_else(invalid)?;
        rest = behind;
    }
    let total = i128::from(total) * if negative { -1 } else { 1 };
    i64::try_from(total).map(GoDuration).map_err(|_| invalid())
}

/// Digits before and behind a point.
struct Number {
    whole: u64,
    fraction: u64,
    scale: f64,
}

impl Number {
    /// The number at the beginning of a text, and the rest of it.
    fn read(text: &str) -> Option<(Self, &str)> {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, mut rest) = text.split_at(end);
        let mut whole: u64 = 0;
        for digit in digits.bytes() {
            whole = whole.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
            if whole > 1 << 63 {
                return None;
            }
        }
        let (mut fraction, mut scale, mut has_fraction) = (0_u64, 1.0, false);
        if let Some(behind) = rest.strip_prefix('.') {
            let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
            let (digits, behind) = behind.split_at(end);
            has_fraction = !digits.is_empty();
            for digit in digits.bytes() {
                // What no longer fits says too little to matter.
                let next =
                    fraction.checked_mul(10).and_then(|f| f.checked_add((digit - b'0').into()));
                let Some(next) = next.filter(|next| i64::try_from(*next).is_ok()) else { break };
                (fraction, scale) = (next, scale * 10.0);
            }
            rest = behind;
        }
        let has_number = !digits.is_empty() || has_fraction;
        has_number.then_some((Self { whole, fraction, scale }, rest))
    }

    fn times(&self, unit: u64) -> Option<u64> {
        let whole = self.whole.checked_mul(unit).filter(|whole| *whole <= 1 << 63)?;
        if self.fraction == 0 {
            return Some(whole);
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "as Go computes it: the fraction is below one unit, which is below 2^43"
        )]
        let part = (self.fraction as f64 * (unit as f64 / self.scale)) as u64;
        whole.checked_add(part)
    }
}

/// `1h0m5.5s`; below a second `1.5ms`, `2µs`, `3ns`; `0s` for nothing.
/// The longest there is, for what Go cannot hold.
impl From<std::time::Duration> for GoDuration {
    fn from(duration: std::time::Duration) -> Self {
        Self(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let (unit, name) = match nanoseconds {
            0 => return f.write_str("0s"),
            1..1_000 => return write!(f, "{nanoseconds}ns"),
            1_000..1_000_000 => (1_000, "µs"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            _ => (SECOND.unsigned_abs(), "s"),
        };
        let (whole, part) = (nanoseconds / unit, nanoseconds % unit);
        let (hours, minutes) = (whole / 3600, whole / 60 % 60);
        let whole = if name == "s" { whole % 60 } else { whole };
        if name == "s" && hours > 0 {
            write!(f, "{hours}h{minutes}m")?;
        } else if name == "s" && minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        if part == 0 {
            return write!(f, "{whole}{name}");
        }
        let width = unit.ilog10() as usize;
        let part = format!("{part:0width$}");
        write!(f, "{whole}.{}{name}", part.trim_end_matches('0'))
    }
}

const SECOND: i64 = 1_000_000_000;
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let found = parse(text).map(|found| found.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
    }

    #[test]
    fn durations_print_as_go_prints_them() {
        for (text, expected) in [
            ("0", "0s"),
            ("-0", "0s"),
            ("1ns", "1ns"),
            ("-1500us", "-1.5ms"),
            ("1.5µs", "1.5µs"),
            ("30.5s", "30.5s"),
            ("90s", "1m30s"),
            ("1h", "1h0m0s"),
            ("1h.5m", "1h0m30s"),
            ("+5.s", "5s"),
            ("2562047h47m16.854775807s", "2562047h47m16.854775807s"),
            ("-9223372036854775808ns", "-2562047h47m16.854775808s"),
            ("0.3333333333333333333h", "20m0s"),
        ] {
            check(text, Ok(expected));
        }
    }

    #[test]
    fn what_is_no_duration_is_told_as_go_tells_it() {
        for (text, expected) in [
            ("", "time: invalid duration \"\""),
            ("-", "time: invalid duration \"-\""),
            (".s", "time: invalid duration \".s\""),
            ("5", "time: missing unit in duration \"5\""),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""),
            ("1 s", "time: unknown unit \" s\" in duration \"1 s\""),
            ("s", "time: invalid duration \"s\""),
            ("9999999h", "time: invalid duration \"9999999h\""),
            ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
        ] {
            check(text, Err(expected));
        }
    }
}
