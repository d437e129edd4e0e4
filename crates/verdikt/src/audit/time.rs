//! Times as events write them: RFC 3339 in UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Exactly six digits after the second, as Kubernetes' `MicroTime` writes it.
pub(super) fn micros(time: SystemTime, into: &mut Vec<u8>) {
    let since = since_epoch(time);
    date_and_time(since.as_secs(), [b'-', b'T', b':'], into);
    into.push(b'.');
    digits(since.subsec_micros(), 6, into);
    into.push(b'Z');
}

/// As many digits as are needed, as Go's `RFC3339Nano` has it.
pub(super) fn nanos(time: SystemTime, into: &mut Vec<u8>) {
    let since = since_epoch(time);
    date_and_time(since.as_secs(), [b'-', b'T', b':'], into);
    if since.subsec_nanos() > 0 {
        into.push(b'.');
        digits(since.subsec_nanos(), 9, into);
        while into.last() == Some(&b'0') {
            into.pop();
        }
    }
    into.push(b'Z');
}

/// As names of rotated files have it: `2006-01-02T15-04-05.000`.
pub(super) fn for_file_name(time: SystemTime) -> String {
    let since = since_epoch(time);
    let mut text = Vec::with_capacity(24);
    date_and_time(since.as_secs(), [b'-', b'T', b'-'], &mut text);
    text.push(b'.');
    digits(since.subsec_millis(), 3, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// The time in the name of a rotated file, exactly as [`for_file_name`] writes it.
pub(super) fn from_file_name(text: &str) -> Option<SystemTime> {
    let number = |at: usize, length: usize| {
        let digits = text.get(at..at + length)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok())?
    };
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let days = days_from_date(year, month, day)?;
    let seconds = days * DAY + hour * 3600 + minute * 60 + second;
    let time = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(number(20, 3)?);
    // What does not read back the same has another punctuation, or is no date.
    (for_file_name(time) == text).then_some(time)
}

/// Before 1970 there were no events.
fn since_epoch(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn date_and_time(seconds: u64, [dash, between, colon]: [u8; 3], into: &mut Vec<u8>) {
    let (year, month, day) = date_from_days(seconds / DAY);
    let of_day = u32::try_from(seconds % DAY).unwrap_or_default();
    digits(year, 4, into);
    into.push(dash);
    digits(month, 2, into);
    into.push(dash);
    digits(day, 2, into);
    into.push(between);
    digits(of_day / 3600, 2, into);
    into.push(colon);
    digits(of_day / 60 % 60, 2, into);
    into.push(colon);
    digits(of_day % 60, 2, into);
}

/// The number with so many digits, at most nine, and zeros in front.
fn digits(mut number: u32, width: usize, into: &mut Vec<u8>) {
    let mut text = [b'0'; 9];
    for digit in text.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    into.extend_from_slice(text.get(text.len().saturating_sub(width)..).unwrap_or_default());
}

/// Days since 1970 to year, month and day, by 400-year eras that begin in March (Howard Hinnant's
/// algorithm, <https://howardhinnant.github.io/date_algorithms.html>).
fn date_from_days(days: u64) -> (u32, u32, u32) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let as_u32 = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    (as_u32(year), as_u32(month), as_u32(day))
}

fn days_from_date(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = year.checked_sub(u64::from(month <= 2))?;
    let (era, of_era) = (year / 400, year % 400);
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day.checked_sub(1)?;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    (era * 146_097 + days).checked_sub(719_468)
}

const DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, nanos: u32) -> SystemTime {
        UNIX_EPOCH + Duration::new(seconds, nanos)
    }

    fn text(write: fn(SystemTime, &mut Vec<u8>), time: SystemTime) -> String {
        let mut bytes = Vec::new();
        write(time, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let check = |seconds, expected: &str| {
            assert_eq!(text(micros, at(seconds, 0)), format!("{expected}.000000Z"));
        };
        check(0, "1970-01-01T00:00:00");
        check(951_782_400, "2000-02-29T00:00:00");
        check(951_868_799, "2000-02-29T23:59:59");
        check(4_107_542_400, "2100-03-01T00:00:00");
        check(1_795_482_272, "2026-11-24T01:04:32");
    }

    #[test]
    fn micros_have_six_digits_and_nanos_as_many_as_are_needed() {
        assert_eq!(text(micros, at(0, 350_438_999)), "1970-01-01T00:00:00.350438Z");
        assert_eq!(text(nanos, at(0, 350_000_000)), "1970-01-01T00:00:00.35Z");
        assert_eq!(text(nanos, at(0, 1)), "1970-01-01T00:00:00.000000001Z");
        assert_eq!(text(nanos, at(0, 0)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn names_of_files_are_read_back() {
        for (seconds, nanos) in [(0, 0), (951_782_400, 7_000_000), (1_795_482_272, 999_000_000)] {
            let name = for_file_name(at(seconds, nanos));
            assert_eq!(from_file_name(&name), Some(at(seconds, nanos)), "{name}");
        }
        for name in
            ["", "2026-11-24T00:24:32.000", "2026-13-24T00-24-32.000", "2026-02-30T00-00-00.000"]
        {
            assert_eq!(from_file_name(name), None, "{name}");
        }
    }
}
