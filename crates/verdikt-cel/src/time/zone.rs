//! Time zones, by name or by offset.
//!
//! Follows `inTimeZone` of cel-go's `common/stdlib/standard.go` and Go's `time.LoadLocation`.

use jiff::tz::TimeZone;

use super::Timestamp;
use super::calendar::Civil;

/// A time zone.
pub(crate) enum Zone {
    /// So many seconds east of Greenwich.
    Fixed(i64),
    /// One that has a name and a history.
    Named(TimeZone),
}

impl Zone {
    pub(crate) const UTC: Self = Self::Fixed(0);

    /// The zone of `America/New_York` or of `-05:30`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None => Self::named(text),
            Some((hours, minutes)) => {
                let (hours, minutes) = (atoi(hours)?, atoi(minutes)?);
                let offset = hours.checked_mul(60).and_then(|hours| match text.starts_with('-') {
                    true => hours.checked_sub(minutes),
                    false => hours.checked_add(minutes),
                });
                // Beyond what is a day anywhere the hour of the day says nothing.
                let offset = offset.filter(|minutes| minutes.abs() < MAX_MINUTES);
                let offset =
                    offset.ok_or_else(|| format!("time zone offset out of range: {text}"))?;
                Ok(Self::Fixed(offset * 60))
            }
        }
    }

    fn named(name: &str) -> Result<Self, String> {
        if matches!(name, "" | "UTC" | "Local") {
            return Ok(Self::UTC);
        }
        if name.contains("..") || name.starts_with(['/', '\\']) {
            return Err("time: invalid location name".to_owned());
        }
        match TimeZone::get(name) {
            // Files are told apart by case.
            Ok(zone) if zone.iana_name() == Some(name) => Ok(Self::Named(zone)),
            _ => Err(format!("unknown time zone {name}")),
        }
    }

    /// Date and time of a point in this zone.
    pub(crate) fn civil(&self, at: Timestamp) -> Civil {
        let offset = match self {
            Self::Fixed(offset) => *offset,
            Self::Named(zone) => jiff::Timestamp::from_second(at.seconds())
                .map_or(0, |point| i64::from(zone.to_offset(point).seconds())),
        };
        Civil::of_seconds(at.seconds() + offset)
    }
}

/// As Go's `strconv.Atoi`, with its words.
fn atoi(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let why = if is_number { "value out of range" } else { "invalid syntax" };
        format!("strconv.Atoi: parsing {}: {why}", crate::number::quote(text))
    })
}

/// A million years; a larger offset overflows nothing in Go, but means nothing either.
const MAX_MINUTES: i64 = 525_600_000_000;
