//! Parts of points and spans of time.
//!
//! Follows the end of cel-go's `common/stdlib/standard.go`.

use super::declare::{Call, Registry, no_overload};
use crate::meter::Evaluated;
use crate::time::{Civil, Zone};
use crate::{EvaluationError, Type, Value};

pub(crate) fn declare(registry: &mut Registry) {
    let parts: [(&'static str, &'static str, &'static str, Call); 10] = [
        ("getFullYear", "timestamp_to_year", "timestamp_to_year_with_tz", |_, args| {
            part(args, |at, _| at.year)
        }),
        ("getMonth", "timestamp_to_month", "timestamp_to_month_with_tz", |_, args| {
            part(args, |at, _| at.month - 1)
        }),
        (
            "getDayOfYear",
            "timestamp_to_day_of_year",
            "timestamp_to_day_of_year_with_tz",
            |_, args| part(args, |at, _| at.day_of_year),
        ),
        (
            "getDayOfMonth",
            "timestamp_to_day_of_month",
            "timestamp_to_day_of_month_with_tz",
            |_, args| part(args, |at, _| at.day - 1),
        ),
        (
            "getDate",
            "timestamp_to_day_of_month_1_based",
            "timestamp_to_day_of_month_1_based_with_tz",
            |_, args| part(args, |at, _| at.day),
        ),
        (
            "getDayOfWeek",
            "timestamp_to_day_of_week",
            "timestamp_to_day_of_week_with_tz",
            |_, args| part(args, |at, _| at.weekday),
        ),
        ("getHours", "timestamp_to_hours", "timestamp_to_hours_with_tz", |_, args| {
            part(args, |at, _| at.hour)
        }),
        ("getMinutes", "timestamp_to_minutes", "timestamp_to_minutes_with_tz", |_, args| {
            part(args, |at, _| at.minute)
        }),
        ("getSeconds", "timestamp_to_seconds", "timestamp_to_seconds_tz", |_, args| {
            part(args, |at, _| at.second)
        }),
        (
            "getMilliseconds",
            "timestamp_to_milliseconds",
            "timestamp_to_milliseconds_with_tz",
            |_, args| part(args, |_, nanos| i64::from(nanos) / 1_000_000),
        ),
    ];
    for (name, utc, zoned, call) in parts {
        registry.member(name, utc, &[Type::Timestamp], Type::Int, call);
        registry.member(name, zoned, &[Type::Timestamp, Type::String], Type::Int, call);
    }
    let spans: [(&'static str, &'static str, Call); 4] = [
        ("getHours", "duration_to_hours", |_, args| whole(args, 3_600_000_000_000)),
        ("getMinutes", "duration_to_minutes", |_, args| whole(args, 60_000_000_000)),
        ("getSeconds", "duration_to_seconds", |_, args| whole(args, 1_000_000_000)),
        ("getMilliseconds", "duration_to_milliseconds", |_, args| whole(args, 1_000_000)),
    ];
    for (name, id, call) in spans {
        registry.member(name, id, &[Type::Duration], Type::Int, call);
    }
}

/// A part of a point in time, in UTC or in the zone that is named.
fn part(args: &[Value], of: impl Fn(Civil, u32) -> i64) -> Evaluated {
    let (at, zone) = match args {
        [Value::Timestamp(at)] => (at, Zone::UTC),
        [Value::Timestamp(at), Value::String(zone)] => {
            (at, Zone::parse(zone).map_err(EvaluationError::new)?)
        }
        _ => return no_overload(),
    };
    Ok(Value::Int(of(zone.civil(*at), at.nanos())))
}

/// How many whole units a span has.
fn whole(args: &[Value], nanos: i64) -> Evaluated {
    match args {
        [Value::Duration(span)] => Ok(Value::Int(span.0 / nanos)),
        _ => no_overload(),
    }
}
