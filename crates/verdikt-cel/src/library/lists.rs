//! Lists: parts of them, and their order.
//!
//! Follows cel-go's `ext/lists.go`, version 3.

use std::cmp::Ordering;

use super::declare::{Registry, fail, no_overload, param};
use crate::ast::operators;
use crate::meter::{Evaluated, Meter};
use crate::value::{List, compare};
use crate::{Type, Value};

pub(crate) fn declare(registry: &mut Registry) {
    let list = Type::list(param("T"));
    let one = std::slice::from_ref(&list);
    let ends = [list.clone(), Type::Int, Type::Int];
    registry.member("slice", "list_slice", &ends, list.clone(), slice);
    registry.member("flatten", "list_flatten", &[Type::list(list.clone())], list.clone(), flatten);
    let dyns = Type::list(Type::Dyn);
    let deep = [dyns.clone(), Type::Int];
    registry.member("flatten", "list_flatten_int", &deep, dyns, flatten);
    registry.unguarded("flatten");
    for (sort, sort_by, ty) in COMPARABLE {
        let of = Type::list(ty);
        registry.shape("sort", sort, true, std::slice::from_ref(&of), of.clone());
        registry.shape(operators::SORT_BY_KEYS, sort_by, true, &[list.clone(), of], list.clone());
    }
    registry.single("sort", |meter, args| match args {
        [Value::List(list)] => sorted(meter, list, list),
        other => no_list("sort", other),
    });
    registry.single(operators::SORT_BY_KEYS, |meter, args| match args {
        [Value::List(list), Value::List(keys)] => sorted(meter, list, keys),
        [Value::List(_), _] => no_overload(),
        other => no_list(operators::SORT_BY_KEYS, other),
    });
    registry.global("lists.range", "lists_range", &[Type::Int], Type::list(Type::Int), range);
    registry.member("reverse", "list_reverse", one, list.clone(), |meter, args| match args {
        [Value::List(list)] => {
            meter.copy(list.len())?;
            Ok(Value::list(list.iter().rev().cloned().collect()))
        }
        _ => no_overload(),
    });
    registry.member("distinct", "list_distinct", one, list.clone(), distinct);
}

/// What cel-go's interpreter says for a function that is for lists alone: values that have functions of
/// their own say it for themselves.
fn no_list(function: &str, args: &[Value]) -> Evaluated {
    match args.first() {
        Some(Value::String(_) | Value::Duration(_) | Value::Timestamp(_)) => no_overload(),
        _ => fail(format!("no such overload: {function}")),
    }
}

fn slice(meter: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::List(list), Value::Int(start), Value::Int(end)] = args else {
        return no_overload();
    };
    let why = match (usize::try_from(*start), usize::try_from(*end)) {
        (Ok(start), Ok(end)) if start > end => {
            "start index must be less than or equal to end index".to_owned()
        }
        (Ok(start), Ok(end)) => match list.as_slice().get(start..end) {
            Some(part) => {
                meter.copy(part.len())?;
                return Ok(Value::list(part.to_vec()));
            }
            None => format!("list is length {}", list.len()),
        },
        _ => "negative indexes not supported".to_owned(),
    };
    fail(format!("cannot slice({start}, {end}), {why}"))
}

fn flatten(meter: &mut Meter, args: &[Value]) -> Evaluated {
    let (list, depth) = match args {
        [Value::List(list)] => (list, 1),
        [Value::List(list), Value::Int(depth)] => (list, *depth),
        [other] => return fail(format!("no such overload: {}.flatten()", other.type_name())),
        [list, depth] => {
            let (list, depth) = (list.type_name(), depth.type_name());
            return fail(format!("no such overload: {list}.flatten({depth})"));
        }
        _ => return no_overload(),
    };
    if depth < 0 {
        return fail("level must be non-negative");
    }
    let mut flat = Vec::new();
    flatten_into(meter, list, depth, &mut flat)?;
    Ok(Value::list(flat))
}

/// Lists are no deeper than what evaluation allows.
fn flatten_into(
    meter: &mut Meter,
    list: &List,
    depth: i64,
    flat: &mut Vec<Value>,
) -> Evaluated<()> {
    for item in list {
        match item {
            Value::List(inner) if depth > 0 => {
                meter.work(1)?;
                flatten_into(meter, inner, depth - 1, flat)?;
            }
            _ => {
                meter.copy(1)?;
                flat.push(item.clone());
            }
        }
    }
    Ok(())
}

/// The list in the order of its keys.
fn sorted(meter: &mut Meter, list: &List, keys: &List) -> Evaluated {
    if list.len() != keys.len() {
        let (list, keys) = (list.len(), keys.len());
        return fail(format!(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, \
             but got {list} and {keys} elements respectively"
        ));
    }
    let Some(first) = keys.as_slice().first() else { return Ok(Value::List(list.clone())) };
    if !compare::is_comparable(first) {
        return fail("list elements must be comparable");
    }
    let same_type = keys.iter().all(|key| key.type_name() == first.type_name());
    if !same_type {
        return fail("list elements must have the same type");
    }
    let count = list.len() as u64;
    meter.work(count.saturating_mul(u64::from(u64::BITS - count.leading_zeros())))?;
    meter.copy(list.len())?;
    let mut pairs: Vec<(&Value, &Value)> = keys.iter().zip(list).collect();
    // What has no order, as NaN, is taken for equal; a sort must be told the same each time.
    pairs.sort_by(|(left, _), (right, _)| match (left, right) {
        (Value::Double(left), Value::Double(right)) => left.total_cmp(right),
        _ => compare::compare(left, right).unwrap_or(Ordering::Equal),
    });
    Ok(Value::list(pairs.into_iter().map(|(_, value)| value.clone()).collect()))
}

fn range(meter: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::Int(size)] = args else { return no_overload() };
    let Ok(count) = usize::try_from(*size) else {
        return fail(format!("lists.range: size must be non-negative, got {size}"));
    };
    if *size > MAX_RANGE {
        return fail(format!("lists.range: size {size} exceeds maximum allowed ({MAX_RANGE})"));
    }
    // It costs what it makes: what would cost too much is not made.
    if count as u64 > meter.left() {
        meter.charge(count as u64)?;
    }
    Ok(Value::list((0..*size).map(Value::Int).collect()))
}

fn distinct(meter: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::List(list)] = args else { return no_overload() };
    let mut unique: Vec<Value> = Vec::new();
    for item in list {
        if !compare::list_contains(meter, &unique, item)? {
            meter.copy(1)?;
            unique.push(item.clone());
        }
    }
    Ok(Value::list(unique))
}

/// Types with an order, and the ids of what sorts by them.
const COMPARABLE: [(&str, &str, Type); 8] = [
    ("list_int_sort", "list_int_sortByAssociatedKeys", Type::Int),
    ("list_uint_sort", "list_uint_sortByAssociatedKeys", Type::Uint),
    ("list_double_sort", "list_double_sortByAssociatedKeys", Type::Double),
    ("list_bool_sort", "list_bool_sortByAssociatedKeys", Type::Bool),
    (
        "list_google.protobuf.Duration_sort",
        "list_google.protobuf.Duration_sortByAssociatedKeys",
        Type::Duration,
    ),
    (
        "list_google.protobuf.Timestamp_sort",
        "list_google.protobuf.Timestamp_sortByAssociatedKeys",
        Type::Timestamp,
    ),
    ("list_string_sort", "list_string_sortByAssociatedKeys", Type::String),
    ("list_bytes_sort", "list_bytes_sortByAssociatedKeys", Type::Bytes),
];

/// How many numbers are made at most.
const MAX_RANGE: i64 = 1_000_000;
