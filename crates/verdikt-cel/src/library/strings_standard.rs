//! What the language itself does with text.
//!
//! Follows cel-go's `common/types/string.go`.

use super::declare::{Call, Registry, no_overload};
use crate::meter::{Evaluated, Meter};
use crate::{EvaluationError, Type, Value};

pub(crate) fn declare(registry: &mut Registry) {
    let two = [Type::String, Type::String];
    let contains: Call = |_, args| texts(args, |text, part| text.contains(part));
    let ends: Call = |_, args| texts(args, |text, end| text.ends_with(end));
    let starts: Call = |_, args| texts(args, |text, start| text.starts_with(start));
    for (name, id, call) in [
        ("contains", "contains_string", contains),
        ("endsWith", "ends_with_string", ends),
        ("startsWith", "starts_with_string", starts),
    ] {
        registry.member(name, id, &two, Type::Bool, call);
        registry.unguarded(name);
    }
    registry.shape("matches", "matches", false, &two, Type::Bool);
    registry.shape("matches", "matches_string", true, &two, Type::Bool);
    registry.single("matches", matches);
}

fn texts(args: &[Value], holds: impl Fn(&str, &str) -> bool) -> Evaluated {
    match args {
        [Value::String(text), Value::String(other)] => Ok(Value::Bool(holds(text, other))),
        _ => no_overload(),
    }
}

fn matches(meter: &mut Meter, args: &[Value]) -> Evaluated {
    match args {
        [Value::String(text), Value::String(pattern)] => {
            meter.pattern(pattern).map(|pattern| Value::Bool(pattern.is_match(text.as_bytes())))
        }
        [Value::String(_) | Value::Duration(_) | Value::Timestamp(_), _] => no_overload(),
        [_, Value::String(pattern)] if meter.is_constant(pattern) => no_overload(),
        _ => Err(EvaluationError::new("no such overload: matches")),
    }
}
