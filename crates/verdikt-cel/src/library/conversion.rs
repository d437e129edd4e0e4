//! Conversions between types.
//!
//! Follows cel-go's `common/stdlib/standard.go` and the `ConvertToType` of its `common/types`.

use super::declare::{Registry, fail, no_overload, param};
use crate::meter::{Evaluated, Meter};
use crate::number;
use crate::time::{Duration, Timestamp};
use crate::{EvaluationError, Type, Value};

pub(crate) fn declare(registry: &mut Registry) {
    let a = param("A");
    let of_a = Type::Type(Some(Box::new(a.clone())));
    registry.shape("type", "type", false, std::slice::from_ref(&a), of_a);
    registry.single("type", |_, args| match args {
        [value] => Ok(Value::Type(value.type_name().into())),
        _ => no_overload(),
    });
    registry.shape("dyn", "to_dyn", false, &[a], Type::Dyn);
    registry.single("dyn", same);

    let mut to = |name, result: &Type, overloads: &[(&'static str, Type)]| {
        for (id, from) in overloads {
            let call = match name {
                _ if from == result => same,
                "bool" => to_bool,
                "bytes" => to_bytes,
                "double" => to_double,
                "duration" => to_duration,
                "int" => to_int,
                "string" => to_string,
                "timestamp" => to_timestamp,
                _ => to_uint,
            };
            registry.global(name, id, std::slice::from_ref(from), result.clone(), call);
        }
    };
    use Type::{Bool, Bytes, Double, Int, String, Uint};
    to("bool", &Bool, &[("bool_to_bool", Bool), ("string_to_bool", String)]);
    to("bytes", &Bytes, &[("bytes_to_bytes", Bytes), ("string_to_bytes", String)]);
    to("double", &Double, &[("double_to_double", Double), ("int64_to_double", Int)]);
    to("double", &Double, &[("string_to_double", String), ("uint64_to_double", Uint)]);
    to("duration", &Type::Duration, &[("duration_to_duration", Type::Duration)]);
    to("duration", &Type::Duration, &[("string_to_duration", String)]);
    to("int", &Int, &[("int64_to_int64", Int), ("double_to_int64", Double)]);
    to("int", &Int, &[("duration_to_int64", Type::Duration), ("string_to_int64", String)]);
    to("int", &Int, &[("timestamp_to_int64", Type::Timestamp), ("uint64_to_int64", Uint)]);
    to("string", &String, &[("string_to_string", String), ("bool_to_string", Bool)]);
    to("string", &String, &[("bytes_to_string", Bytes), ("double_to_string", Double)]);
    to("string", &String, &[("duration_to_string", Type::Duration), ("int64_to_string", Int)]);
    to("string", &String, &[("timestamp_to_string", Type::Timestamp), ("uint64_to_string", Uint)]);
    to("timestamp", &Type::Timestamp, &[("timestamp_to_timestamp", Type::Timestamp)]);
    to(
        "timestamp",
        &Type::Timestamp,
        &[("int64_to_timestamp", Int), ("string_to_timestamp", String)],
    );
    to("uint", &Uint, &[("uint64_to_uint64", Uint), ("double_to_uint64", Double)]);
    to("uint", &Uint, &[("int64_to_uint64", Int), ("string_to_uint64", String)]);
}

/// Functions that are evaluated once and for all if their argument is constant.
pub(crate) fn is_conversion(function: &str) -> bool {
    matches!(
        function,
        "bool"
            | "bytes"
            | "double"
            | "duration"
            | "dyn"
            | "int"
            | "string"
            | "timestamp"
            | "type"
            | "uint"
    )
}

fn same(_: &mut Meter, args: &[Value]) -> Evaluated {
    args.first().cloned().ok_or_else(EvaluationError::no_such_overload)
}

/// The value, or that there is none of this type.
fn converted(from: &Value, to: &str, value: Option<Value>) -> Evaluated {
    value.ok_or_else(|| {
        let from = from.type_name();
        EvaluationError::new(format!("type conversion error from '{from}' to '{to}'"))
    })
}

fn to_bool(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [from] = args else { return no_overload() };
    converted(from, "bool", from.as_str().and_then(number::parse_bool).map(Value::Bool))
}

fn to_bytes(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [from] = args else { return no_overload() };
    converted(from, "bytes", from.as_str().map(|text| Value::Bytes(text.as_bytes().into())))
}

#[expect(clippy::cast_precision_loss, reason = "Go rounds to the nearest too")]
fn to_double(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [from] = args else { return no_overload() };
    let number = match from {
        Value::Int(number) => Some(*number as f64),
        Value::Uint(number) => Some(*number as f64),
        Value::String(text) => number::parse_float(text),
        _ => None,
    };
    converted(from, "double", number.map(Value::Double))
}

fn to_duration(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [from] = args else { return no_overload() };
    let span = from.as_str().and_then(Duration::parse).map(Value::Duration);
    converted(from, "google.protobuf.Duration", span)
}

#[expect(clippy::cast_possible_truncation, reason = "the bounds were compared")]
fn to_int(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [from] = args else { return no_overload() };
    let overflow = || EvaluationError::new("integer overflow");
    let number = match from {
        Value::Double(number) => {
            // Both bounds are refused.
            let fits =
                *number > -9_223_372_036_854_775_808.0 && *number < 9_223_372_036_854_775_808.0;
            Some(fits.then_some(*number as i64).ok_or_else(overflow)?)
        }
        Value::Uint(number) => Some(i64::try_from(*number).map_err(|_| overflow())?),
        Value::Duration(span) => Some(span.0),
        Value::Timestamp(at) => Some(at.seconds()),
        Value::String(text) => number::parse_int(text),
        _ => None,
    };
    converted(from, "int", number.map(Value::Int))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "compared before")]
fn to_uint(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [from] = args else { return no_overload() };
    let overflow = || EvaluationError::new("unsigned integer overflow");
    let number = match from {
        Value::Double(number) => {
            let fits = *number >= 0.0 && *number < 18_446_744_073_709_551_616.0;
            Some(fits.then_some(*number as u64).ok_or_else(overflow)?)
        }
        Value::Int(number) => Some(u64::try_from(*number).map_err(|_| overflow())?),
        Value::String(text) => number::parse_uint(text),
        _ => None,
    };
    converted(from, "uint", number.map(Value::Uint))
}

fn to_string(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [from] = args else { return no_overload() };
    text_of(from).map(Value::string)
}

/// What `string()` makes of a value.
pub(crate) fn text_of(from: &Value) -> Evaluated<String> {
    Ok(match from {
        Value::String(text) => text.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Double(number) => number::general(*number),
        Value::Duration(span) => span.to_string(),
        Value::Timestamp(at) => at.to_string(),
        Value::Type(name) => name.to_string(),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => return fail("invalid UTF-8 in bytes, cannot convert to string"),
        },
        _ => {
            let from = from.type_name();
            return fail(format!("type conversion error from '{from}' to 'string'"));
        }
    })
}

fn to_timestamp(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [from] = args else { return no_overload() };
    let overflow = || EvaluationError::new("timestamp overflow");
    let at = match from {
        Value::Int(seconds) => Some(Timestamp::new(*seconds, 0).ok_or_else(overflow)?),
        Value::String(text) => Timestamp::parse(text).transpose().map_err(|_| overflow())?,
        _ => None,
    };
    converted(from, "google.protobuf.Timestamp", at.map(Value::Timestamp))
}
