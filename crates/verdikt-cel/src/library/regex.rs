//! What a regular expression finds in a text.
//!
//! Follows apiserver's `pkg/cel/library/regex.go`.

use super::declare::{Registry, fail, no_overload};
use crate::meter::{Evaluated, Meter};
use crate::{Type, Value};

pub(crate) fn declare(registry: &mut Registry) {
    let two = [Type::String, Type::String];
    registry.member("find", "string_find_string", &two, Type::String, find);
    let found = Type::list(Type::String);
    registry.member("findAll", "string_find_all_string", &two, found.clone(), find_all);
    let limited = [Type::String, Type::String, Type::Int];
    registry.member("findAll", "string_find_all_string_int", &limited, found, find_all);
}

fn find(meter: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::String(text), Value::String(pattern)] = args else { return no_overload() };
    let pattern = illegal(meter.pattern(pattern))?;
    let found = pattern.find(text.as_bytes()).and_then(|found| text.get(found.range()));
    Ok(Value::string(found.unwrap_or_default()))
}

fn find_all(meter: &mut Meter, args: &[Value]) -> Evaluated {
    let (text, pattern, limit) = match args {
        [Value::String(text), Value::String(pattern)] => (text, pattern, -1),
        [Value::String(text), Value::String(pattern), Value::Int(limit)] => (text, pattern, *limit),
        _ => return no_overload(),
    };
    let pattern = illegal(meter.pattern(pattern))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    let mut last_end = None;
    for place in pattern.find_iter(text.as_bytes()) {
        if found.len() >= limit {
            break;
        }
        // Go takes no empty match right after another.
        if place.is_empty() && last_end == Some(place.start()) {
            continue;
        }
        last_end = Some(place.end());
        if let Some(part) = text.get(place.range()) {
            meter.copy(1)?;
            meter.text(part.len())?;
            found.push(part.to_owned());
        }
    }
    Ok(Value::native_string_list(found))
}

/// An expression that is not constant is refused with one word more.
fn illegal<T>(compiled: Evaluated<T>) -> Evaluated<T> {
    match compiled {
        Err(error) if !error.is_fatal() => fail(format!("Illegal regex: {error}")),
        other => other,
    }
}

/// The pattern of a call, if the function takes one at this place.
pub(crate) fn pattern_index(function: &str) -> Option<usize> {
    matches!(function, "matches" | "find" | "findAll").then_some(1)
}
