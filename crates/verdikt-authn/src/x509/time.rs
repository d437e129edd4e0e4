//! Points in time as certificates write them, in seconds and nanoseconds since 1970.
//!
//! Follows `cryptobyte`'s reading of UTCTime and GeneralizedTime, offsets from UTC included.

use std::fmt;
use std::time::SystemTime;

use super::der::{GENERALIZED_TIME, Reader, UTC_TIME};

/// A time as a certificate has it, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(i64);

/// The time of a check, to the nanosecond: a certificate has expired one of them after its last second
/// began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now(i128);

impl Now {
    /// This time by the system's clock.
    pub fn of(time: SystemTime) -> Self {
        Self(match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
            Err(before) => {
                i128::try_from(before.duration().as_nanos()).map_or(i128::MIN, |nanos| -nanos)
            }
        })
    }

    /// The first moment after all of `time`'s second; never, if there is no time.
    pub(crate) fn after(time: Option<Time>) -> Self {
        Self(time.map_or(i128::MAX, |time| nanoseconds(time) + 1))
    }

    pub(crate) fn is_before(self, time: Time) -> bool {
        self.0 < nanoseconds(time)
    }

    pub(crate) fn is_after(self, time: Time) -> bool {
        self.0 > nanoseconds(time)
    }

    pub(crate) fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(i128::from(seconds) * 1_000_000_000))
    }

    pub(crate) fn seconds(self) -> Time {
        Time(i64::try_from(self.0.div_euclid(1_000_000_000)).unwrap_or(i64::MAX))
    }
}

fn nanoseconds(time: Time) -> i128 {
    i128::from(time.0) * 1_000_000_000
}

/// RFC 3339, in UTC.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds) = (self.0.div_euclid(86_400), self.0.rem_euclid(86_400));
        let (year, month, day) = date(days);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Reads either kind of time.
pub(super) fn read(der: &mut Reader<'_>) -> Option<Time> {
    if der.is_next(UTC_TIME) {
        let text = der.read(UTC_TIME)?.rest();
        return utc(text, true).or_else(|| utc(text, false));
    }
    let mut text = Digits(der.read(GENERALIZED_TIME)?.rest());
    let year = text.number(4)?;
    let time = text.date_and_time(year, true)?;
    text.zone(time)
}

/// `YYMMDDhhmmss` with a zone; seconds may be left out. Years are those from 1950 to 2049.
fn utc(text: &[u8], has_seconds: bool) -> Option<Time> {
    let mut text = Digits(text);
    let year = text.number(2)?;
    let year = if year < 50 { 2000 + year } else { 1900 + year };
    let time = text.date_and_time(year, has_seconds)?;
    text.zone(time)
}

struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        let is_digits = number.iter().all(u8::is_ascii_digit);
        is_digits.then(|| number.iter().fold(0, |sum, &digit| sum * 10 + i64::from(digit - b'0')))
    }

    fn within(&mut self, least: i64, most: i64) -> Option<i64> {
        self.number(2).filter(|number| (least..=most).contains(number))
    }

    /// What follows the year, in seconds since 1970 as if it were UTC.
    fn date_and_time(&mut self, year: i64, has_seconds: bool) -> Option<i64> {
        let month = self.within(1, 12)?;
        let day = self.within(1, days_in(year, month))?;
        let hour = self.within(0, 23)?;
        let minute = self.within(0, 59)?;
        let second = if has_seconds { self.within(0, 59)? } else { 0 };
        Some(days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
    }

    /// `Z`, or the offset of a clock that is not UTC's.
    fn zone(mut self, local: i64) -> Option<Time> {
        let (&sign, rest) = self.0.split_first()?;
        self.0 = rest;
        let offset = match sign {
            b'Z' => 0,
            b'+' | b'-' => {
                let offset = self.within(0, 24)? * 3_600 + self.within(0, 59)? * 60;
                // Zero is written as `Z`, and in no other way.
                let offset = Some(offset).filter(|&offset| offset > 0)?;
                if sign == b'+' { offset } else { -offset }
            }
            _ => return None,
        };
        self.0.is_empty().then_some(Time(local - offset))
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

/// Days from 1970-01-01, in years that begin with March, so that leap days come last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date of a day, the other way round.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = year + era * 400;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tag: u8, text: &str, expected: Option<&str>) {
        let der = [&[tag, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let found = read(&mut Reader::new(&der)).map(|time| time.to_string());
        assert_eq!(found.as_deref(), expected, "{text}");
    }

    #[test]
    fn years_of_two_digits_are_around_2000() {
        check(UTC_TIME, "491231235959Z", Some("2049-12-31T23:59:59Z"));
        check(UTC_TIME, "500101000000Z", Some("1950-01-01T00:00:00Z"));
        check(UTC_TIME, "7001010000Z", Some("1970-01-01T00:00:00Z"));
        check(UTC_TIME, "200229120000Z", Some("2020-02-29T12:00:00Z"));
        check(UTC_TIME, "210229120000Z", None);
        check(UTC_TIME, "20200229120000Z", None);
    }

    #[test]
    fn offsets_count_and_zero_has_one_spelling() {
        check(UTC_TIME, "200101000000+0130", Some("2019-12-31T22:30:00Z"));
        check(UTC_TIME, "200101000000-2400", Some("2020-01-02T00:00:00Z"));
        check(UTC_TIME, "200101000000+0000", None);
        check(UTC_TIME, "200101000000", None);
        check(UTC_TIME, "200101000000Zx", None);
        check(GENERALIZED_TIME, "99991231235959Z", Some("9999-12-31T23:59:59Z"));
        check(GENERALIZED_TIME, "00000101000000Z", Some("0000-01-01T00:00:00Z"));
        check(GENERALIZED_TIME, "202001010000Z", None);
        check(GENERALIZED_TIME, "20200101000000.5Z", None);
        check(GENERALIZED_TIME, "20200101006000Z", None);
    }

    #[test]
    fn a_second_ends_when_the_next_nanosecond_begins() {
        let time = Time(10);
        assert!(!Now(10_000_000_000).is_after(time) && !Now(10_000_000_000).is_before(time));
        assert!(Now(10_000_000_001).is_after(time) && Now(9_999_999_999).is_before(time));
    }
}
