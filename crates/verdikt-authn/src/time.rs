//! Moments as Go has them, and the clock they are read from.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment in nanoseconds since the first of January of year 1, as in Go's `time.Time`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(i128);

impl Moment {
    /// Seconds since 1970. Those Go cannot hold come around, as in Go.
    pub fn from_unix(seconds: i64) -> Self {
        Self(i128::from(seconds.wrapping_add(FROM_YEAR_1)) * NANOSECONDS)
    }

    /// Reads RFC 3339 as Go's `time.Parse` does: with any number of fractional digits behind a point or
    /// comma, an hour of one digit, and offsets up to 24:60.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = Rest(text.as_bytes());
        let year = rest.number(4)?;
        rest.expect(b'-')?;
        let month = rest.number(2).filter(|month| (1..=12).contains(month))?;
        rest.expect(b'-')?;
        let day = rest.number(2).filter(|day| (1..=days_in(year, month)).contains(day))?;
        rest.expect(b'T')?;
        let hour = rest.hour().filter(|hour| *hour < 24)?;
        rest.expect(b':')?;
        let minute = rest.number(2).filter(|minute| *minute < 60)?;
        rest.expect(b':')?;
        let second = rest.number(2).filter(|second| *second < 60)?;
        let fraction = rest.fraction();
        let offset = rest.offset()?;
        if !rest.0.is_empty() {
            return None;
        }
        let clock = (hour * 60 + minute) * 60 + second;
        let seconds = days_before(year, month, day) * 86_400 + clock - offset;
        Some(Self(i128::from(seconds) * NANOSECONDS + i128::from(fraction)))
    }

    /// The moment this many seconds later, or earlier.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0 + i128::from(seconds) * NANOSECONDS)
    }

    /// The time from `earlier` to this; zero if it is later.
    pub fn since(self, earlier: Self) -> Duration {
        let nanoseconds = u64::try_from((self.0 - earlier.0).max(0)).unwrap_or(u64::MAX);
        Duration::from_nanos(nanoseconds)
    }

    /// Whole seconds since 1970.
    pub fn to_unix(self) -> i64 {
        let seconds = self.0.div_euclid(NANOSECONDS) - i128::from(FROM_YEAR_1);
        i64::try_from(seconds).unwrap_or(i64::MAX)
    }
}

/// Where authenticators learn what time it is.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// A clock that stands until it is set, for tests.
    pub fn standing(unix_seconds: i64) -> Self {
        Self(Some(Arc::new(AtomicI64::new(unix_seconds))))
    }

    /// Sets a clock that stands; one that goes cannot be set.
    pub fn set(&self, unix_seconds: i64) {
        if let Some(seconds) = &self.0 {
            seconds.store(unix_seconds, Ordering::Release);
        }
    }

    /// What time it is.
    pub fn now(&self) -> Moment {
        if let Some(seconds) = &self.0 {
            return Moment::from_unix(seconds.load(Ordering::Acquire));
        }
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanoseconds = i128::try_from(since_1970.as_nanos()).unwrap_or(i128::MAX);
        Moment(nanoseconds.saturating_add(i128::from(FROM_YEAR_1) * NANOSECONDS))
    }
}

struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn expect(&mut self, wanted: u8) -> Option<()> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        (first == wanted).then_some(())
    }

    /// Exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.iter().try_fold(0, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))
        })
    }

    fn hour(&mut self) -> Option<i64> {
        let two = self.0.get(1).is_some_and(u8::is_ascii_digit);
        self.number(if two { 2 } else { 1 })
    }

    /// Nanoseconds; digits beyond those are passed over.
    fn fraction(&mut self) -> i64 {
        let Some((b'.' | b',', digits)) = self.0.split_first() else { return 0 };
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return 0;
        }
        let nine = digits.iter().take(count.min(9)).copied().chain(std::iter::repeat(b'0')).take(9);
        self.0 = digits.get(count..).unwrap_or_default();
        nine.fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0'))
    }

    /// Seconds east of Greenwich.
    fn offset(&mut self) -> Option<i64> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        let sign = match first {
            b'Z' => return Some(0),
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = self.number(2).filter(|hours| *hours <= 24)?;
        self.expect(b':')?;
        let minutes = self.number(2).filter(|minutes| *minutes <= 60)?;
        Some(sign * (hours * 60 + minutes) * 60)
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from the first of January of year 1, in the calendar of today.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let years = year - 1;
    let leap_days = years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    years * 365 + leap_days + months + day - 1
}

/// Seconds from year 1 to 1970.
const FROM_YEAR_1: i64 = 62_135_596_800;
const NANOSECONDS: i128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3339_is_read_as_go_reads_it() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2024-02-29T12:00:00Z", Some(1_709_208_000)),
            ("2024-02-29T12:00:00.999999999999Z", Some(1_709_208_000)),
            ("2024-02-29T12:00:00,5Z", Some(1_709_208_000)),
            ("2024-02-29T3:04:05Z", Some(1_709_175_845)),
            ("2024-02-29T12:00:00+01:30", Some(1_709_202_600)),
            ("2024-02-29T12:00:00-24:60", Some(1_709_298_000)),
            ("0000-01-01T00:00:00Z", Some(-62_167_219_200)),
            ("2023-02-29T12:00:00Z", None),
            ("2024-2-29T12:00:00Z", None),
            ("2024-02-29t12:00:00z", None),
            ("2024-02-29 12:00:00Z", None),
            ("2024-02-29T12:00:60Z", None),
            ("2024-02-29T24:00:00Z", None),
            ("2024-02-29T12:00:00", None),
            ("2024-02-29T12:00:00.Z", None),
            ("2024-02-29T12:00:00Z\n", None),
            (" 2024-02-29T12:00:00Z", None),
            ("2024-02-29T12:00:00+25:00", None),
            ("", None),
        ] {
            assert_eq!(Moment::parse(text).map(Moment::to_unix), expected, "{text}");
        }
    }

    #[test]
    fn moments_come_around_where_gos_do() {
        let now = Moment::from_unix(1_700_000_000);
        assert!(Moment::from_unix(1_000_000_000_000_000_000) > now);
        assert!(Moment::from_unix(i64::MAX) < now);
        assert!(Moment::from_unix(i64::MIN) < now);
        assert_eq!(now.plus_seconds(60).since(now), Duration::from_secs(60));
        assert_eq!(now.since(now.plus_seconds(60)), Duration::ZERO);
    }
}
