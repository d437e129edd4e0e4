//! Seconds as Go prints times.

use std::fmt;

use crate::Moment;

/// A whole second since 1970, as `time.Unix(seconds, 0)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GoTime(pub(super) i64);

impl GoTime {
    /// What an absent time is: the start of the year 1.
    pub(super) const ZERO: Self = Self(-62_135_596_800);

    /// As it is compared, which may be far from how it is printed: both wrap around, but not alike.
    pub(super) fn moment(self) -> Moment {
        Moment::from_unix(self.0)
    }
}

/// `2006-01-02 15:04:05 +0000 UTC`, always in UTC.
impl fmt::Display for GoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Go counts from the first of March of a year far in the past, without a sign.
        let absolute = self.0.cast_unsigned().wrapping_add(ABSOLUTE_OFFSET);
        let (days, second) = (absolute / 86_400, absolute % 86_400);
        let (century, day) = ((4 * days + 3) / 146_097, (4 * days + 3) % 146_097 / 4);
        let (year_of_century, day_of_year) = ((4 * day + 3) / 1_461, (4 * day + 3) % 1_461 / 4);
        let (month, day) = ((5 * day_of_year + 2) / 153, (5 * day_of_year + 2) % 153 / 5 + 1);
        let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = (100 * century + year_of_century + next).cast_signed() - ABSOLUTE_YEARS;
        let sign = if year < 0 { "-" } else { "" };
        write!(
            f,
            "{sign}{:04}-{month:02}-{day:02} {:02}:{:02}:{:02} +0000 UTC",
            year.unsigned_abs(),
            second / 3_600,
            second / 60 % 60,
            second % 60
        )
    }
}

/// From the year in which Go begins to count to 1970, in seconds.
const ABSOLUTE_OFFSET: u64 = 9_223_372_028_741_760_000;
const ABSOLUTE_YEARS: i64 = 292_277_022_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_go_does() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00 +0000 UTC"),
            (951_782_400, "2000-02-29 00:00:00 +0000 UTC"),
            (4_900_000_000, "2125-04-10 23:06:40 +0000 UTC"),
            (-1, "1969-12-31 23:59:59 +0000 UTC"),
            (GoTime::ZERO.0, "0001-01-01 00:00:00 +0000 UTC"),
            (-62_135_596_801, "0000-12-31 23:59:59 +0000 UTC"),
            (1 << 40, "36812-02-20 00:36:16 +0000 UTC"),
            (1_000_000_000_000_000_000, "31688740476-10-23 01:46:40 +0000 UTC"),
            (i64::MIN, "292277026596-12-04 15:30:08 +0000 UTC"),
        ] {
            assert_eq!(GoTime(seconds).to_string(), expected, "{seconds}");
        }
    }
}
