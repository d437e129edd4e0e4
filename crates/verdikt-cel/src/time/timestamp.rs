//! Points in time.
//!
//! Follows Go's `time.Parse(time.RFC3339, …)`, `Format(time.RFC3339Nano)` and cel-go's
//! `common/types/{timestamp,overflow}.go`.

use std::fmt::Write as _;

use super::calendar::{Civil, days_in_month};
use super::duration::{Duration, NANOS};

/// A point in time: seconds since 1970 and nanoseconds, and how far east of Greenwich it was written.
#[derive(Debug, Clone, Copy)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
    /// In seconds; only seen when it is printed.
    offset: i32,
}

impl Timestamp {
    /// A point in time by the seconds since 1970, unless it is before the year 1 or after 9999.
    pub fn new(seconds: i64, nanos: u32) -> Option<Self> {
        let valid = (FIRST..=LAST).contains(&seconds) && nanos < 1_000_000_000;
        valid.then_some(Self { seconds, nanos, offset: 0 })
    }

    /// Seconds since 1970.
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds of the second.
    pub const fn nanos(self) -> u32 {
        self.nanos
    }

    /// Nanoseconds since 1970.
    fn total(self) -> i128 {
        i128::from(self.seconds) * i128::from(NANOS) + i128::from(self.nanos)
    }

    /// The same point later; nothing if it is out of range.
    pub(crate) fn plus(self, duration: Duration) -> Option<Self> {
        self.moved(i128::from(duration.0))
    }

    /// The same point earlier; nothing if it is out of range.
    pub(crate) fn minus(self, duration: Duration) -> Option<Self> {
        self.moved(-i128::from(duration.0))
    }

    fn moved(self, nanos: i128) -> Option<Self> {
        let total = self.total() + nanos;
        let seconds = i64::try_from(total.div_euclid(i128::from(NANOS))).ok()?;
        let nanos = u32::try_from(total.rem_euclid(i128::from(NANOS))).ok()?;
        Some(Self { offset: self.offset, ..Self::new(seconds, nanos)? })
    }

    /// How long after another point this is; nothing if that is no span.
    pub(crate) fn since(self, earlier: Self) -> Option<Duration> {
        i64::try_from(self.total() - earlier.total()).ok().map(Duration)
    }

    /// Reads RFC 3339; an error if what it says is out of range.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, OutOfRange>> {
        let written = Written::read(text)?;
        let of_day = written.hour * 3600 + written.minute * 60 + written.second;
        let local = Civil::to_seconds(written.year, written.month, written.day, of_day);
        let offset = i32::try_from(written.offset).ok()?;
        let point = Self::new(local - written.offset, written.nanos);
        Some(point.map(|point| Self { offset, ..point }).ok_or(OutOfRange))
    }
}

/// A point that is before the year 1 or after 9999.
pub(crate) struct OutOfRange;

impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        self.total() == other.total()
    }
}

impl Eq for Timestamp {}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.total().cmp(&other.total())
    }
}

/// RFC 3339, without zeros at the end of a fraction.
impl std::fmt::Display for Timestamp {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = Civil::of_seconds(self.seconds + i64::from(self.offset));
        write!(out, "{:04}-{:02}-{:02}T", at.year, at.month, at.day)?;
        write!(out, "{:02}:{:02}:{:02}", at.hour, at.minute, at.second)?;
        if self.nanos > 0 {
            let fraction = format!("{:09}", self.nanos);
            write!(out, ".{}", fraction.trim_end_matches('0'))?;
        }
        if self.offset == 0 {
            return out.write_char('Z');
        }
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.unsigned_abs() / 60;
        write!(out, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// The parts of a text.
struct Written {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    offset: i64,
}

impl Written {
    fn read(text: &str) -> Option<Self> {
        let mut rest = text;
        let year = digits(&mut rest, 4)?;
        sign(&mut rest, '-')?;
        let month = digits(&mut rest, 2)?;
        sign(&mut rest, '-')?;
        let day = digits(&mut rest, 2)?;
        sign(&mut rest, 'T')?;
        let hour = hour(&mut rest)?;
        sign(&mut rest, ':')?;
        let minute = digits(&mut rest, 2)?;
        sign(&mut rest, ':')?;
        let second = digits(&mut rest, 2)?;
        let nanos = fraction(&mut rest)?;
        let offset = offset(rest)?;
        let valid = (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        valid.then_some(Self { year, month, day, hour, minute, second, nanos, offset })
    }
}

/// Whether a text is a date, and nothing else.
pub(crate) fn is_date(text: &str) -> bool {
    let read = |mut rest: &str| {
        let year = digits(&mut rest, 4)?;
        sign(&mut rest, '-')?;
        let month = digits(&mut rest, 2)?;
        sign(&mut rest, '-')?;
        let day = digits(&mut rest, 2)?;
        let in_year = (1..=12).contains(&month);
        let in_month = (1..=days_in_month(year, month)).contains(&day);
        (rest.is_empty() && in_year && in_month).then_some(())
    };
    read(text).is_some()
}

fn digits(text: &mut &str, count: usize) -> Option<i64> {
    let (number, rest) = text.split_at_checked(count)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    *text = rest;
    number.parse().ok()
}

/// Go reads one digit where it writes two.
fn hour(text: &mut &str) -> Option<i64> {
    let second = text.as_bytes().get(1)?;
    digits(text, if second.is_ascii_digit() { 2 } else { 1 })
}

fn sign(text: &mut &str, sign: char) -> Option<()> {
    *text = text.strip_prefix(sign)?;
    Some(())
}

/// A point or a comma and digits, of which nine count; none is a fraction too.
fn fraction(text: &mut &str) -> Option<u32> {
    let Some(rest) = text.strip_prefix(['.', ',']) else { return Some(0) };
    let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
    let (found, after) = rest.split_at_checked(end)?;
    if found.is_empty() {
        return None;
    }
    *text = after;
    let nine: String = found.chars().chain("000000000".chars()).take(9).collect();
    nine.parse().ok()
}

/// `Z`, or hours and minutes, in seconds.
fn offset(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let mut rest = text.strip_prefix(['+', '-'])?;
    let hours = digits(&mut rest, 2)?;
    sign(&mut rest, ':')?;
    let minutes = digits(&mut rest, 2)?;
    let seconds = hours * 3600 + minutes * 60;
    let valid = rest.is_empty() && hours <= 24 && minutes <= 60;
    valid.then_some(if text.starts_with('-') { -seconds } else { seconds })
}

/// 0001-01-01T00:00:00Z
const FIRST: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z
const LAST: i64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, printed: Option<&str>) {
        let point = Timestamp::parse(text).and_then(Result::ok);
        assert_eq!(point.map(|point| point.to_string()).as_deref(), printed, "{text}");
    }

    #[test]
    fn points_are_read_and_print_as_in_go() {
        check("2024-02-29T00:00:00Z", Some("2024-02-29T00:00:00Z"));
        check("2024-02-29T00:00:00.120Z", Some("2024-02-29T00:00:00.12Z"));
        check("2024-02-29T00:00:00+02:30", Some("2024-02-29T00:00:00+02:30"));
        check("2023-02-29T00:00:00Z", None);
        check("2024-01-01T24:00:00Z", None);
        check("2024-01-01t00:00:00Z", None);
        check("2024-01-01", None);
        check("0000-01-01T00:00:00Z", None);
        check("9999-12-31T23:59:59.999999999Z", Some("9999-12-31T23:59:59.999999999Z"));
        check("9999-12-31T23:59:59-01:00", None);
    }
}
