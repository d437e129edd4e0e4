//! Operators.
//!
//! Follows the first half of cel-go's `common/stdlib/standard.go`, and what its `common/types` do when
//! they are added, compared and so on.

use std::cmp::Ordering;

use super::declare::{Registry, fail, no_overload, param};
use crate::ast::operators;
use crate::meter::{Evaluated, Meter};
use crate::time::{Duration, Timestamp};
use crate::value::{Key, Value, compare};
use crate::{EvaluationError, Type};

/// The ids of a relation's overloads, in the order of [`COMPARABLE`].
macro_rules! relation_ids {
    ($name:literal) => {
        [
            concat!($name, "_bool"),
            concat!($name, "_int64"),
            concat!($name, "_int64_double"),
            concat!($name, "_int64_uint64"),
            concat!($name, "_uint64"),
            concat!($name, "_uint64_double"),
            concat!($name, "_uint64_int64"),
            concat!($name, "_double"),
            concat!($name, "_double_int64"),
            concat!($name, "_double_uint64"),
            concat!($name, "_string"),
            concat!($name, "_bytes"),
            concat!($name, "_timestamp"),
            concat!($name, "_duration"),
        ]
    };
}
pub(crate) fn declare(registry: &mut Registry) {
    logic(registry);
    arithmetic(registry);
    relations(registry);
    collections(registry);
}

fn logic(registry: &mut Registry) {
    let a = param("A");
    let bool2 = [Type::Bool, Type::Bool];
    registry.shape(
        operators::CONDITIONAL,
        "conditional",
        false,
        &[Type::Bool, a.clone(), a.clone()],
        a.clone(),
    );
    registry.shape(operators::AND, "logical_and", false, &bool2, Type::Bool);
    registry.shape(operators::OR, "logical_or", false, &bool2, Type::Bool);
    registry.shape(operators::NOT, "logical_not", false, &[Type::Bool], Type::Bool);
    registry.single(operators::NOT, |_, args| match args {
        [Value::Bool(truth)] => Ok(Value::Bool(!truth)),
        _ => no_overload(),
    });
    // It is never called: the evaluator takes errors for true.
    registry.shape(
        operators::NOT_STRICTLY_FALSE,
        "not_strictly_false",
        false,
        &[Type::Bool],
        Type::Bool,
    );
    registry.shape(operators::EQUALS, "equals", false, &[a.clone(), a.clone()], Type::Bool);
    registry.shape(operators::NOT_EQUALS, "not_equals", false, &[a.clone(), a], Type::Bool);
}

fn arithmetic(registry: &mut Registry) {
    let mut same = |name, overloads: &[(&'static str, Type)]| {
        for (id, ty) in overloads {
            registry.shape(name, id, false, &[ty.clone(), ty.clone()], ty.clone());
        }
    };
    let numbers =
        |double, int, uint| [(double, Type::Double), (int, Type::Int), (uint, Type::Uint)];
    same(operators::ADD, &[("add_bytes", Type::Bytes), ("add_double", Type::Double)]);
    same(operators::ADD, &[("add_duration_duration", Type::Duration)]);
    same(operators::DIVIDE, &numbers("divide_double", "divide_int64", "divide_uint64"));
    same(operators::MODULO, &[("modulo_int64", Type::Int), ("modulo_uint64", Type::Uint)]);
    same(operators::MULTIPLY, &numbers("multiply_double", "multiply_int64", "multiply_uint64"));
    same(operators::SUBTRACT, &[("subtract_double", Type::Double)]);
    same(operators::SUBTRACT, &[("subtract_duration_duration", Type::Duration)]);
    same(operators::SUBTRACT, &[("subtract_int64", Type::Int)]);

    let (duration, timestamp) = (Type::Duration, Type::Timestamp);
    let later = [timestamp.clone(), duration.clone()];
    let mut shape =
        |name, id, params: &[Type], result| registry.shape(name, id, false, params, result);
    shape(
        operators::ADD,
        "add_duration_timestamp",
        &[duration.clone(), timestamp.clone()],
        timestamp.clone(),
    );
    shape(operators::ADD, "add_timestamp_duration", &later, timestamp.clone());
    shape(operators::ADD, "add_int64", &[Type::Int, Type::Int], Type::Int);
    let list = Type::list(param("A"));
    shape(operators::ADD, "add_list", &[list.clone(), list.clone()], list);
    shape(operators::ADD, "add_string", &[Type::String, Type::String], Type::String);
    shape(operators::ADD, "add_uint64", &[Type::Uint, Type::Uint], Type::Uint);
    shape(operators::SUBTRACT, "subtract_timestamp_duration", &later, timestamp.clone());
    shape(
        operators::SUBTRACT,
        "subtract_timestamp_timestamp",
        &[timestamp.clone(), timestamp],
        duration,
    );
    shape(operators::SUBTRACT, "subtract_uint64", &[Type::Uint, Type::Uint], Type::Uint);
    shape(operators::NEGATE, "negate_double", &[Type::Double], Type::Double);
    shape(operators::NEGATE, "negate_int64", &[Type::Int], Type::Int);

    registry.single(operators::ADD, |meter, args| match args {
        [left, right] => add(meter, left.clone(), right),
        _ => no_overload(),
    });
    registry.single(operators::SUBTRACT, subtract);
    registry.single(operators::MULTIPLY, multiply);
    registry.single(operators::DIVIDE, divide);
    registry.single(operators::MODULO, modulo);
    registry.single(operators::NEGATE, negate);
}

fn relations(registry: &mut Registry) {
    let families: [(&'static str, [&'static str; 14]); 4] = [
        (operators::LESS, relation_ids!("less")),
        (operators::LESS_EQUALS, relation_ids!("less_equals")),
        (operators::GREATER, relation_ids!("greater")),
        (operators::GREATER_EQUALS, relation_ids!("greater_equals")),
    ];
    for (name, ids) in families {
        for (id, (left, right)) in ids.into_iter().zip(COMPARABLE) {
            registry.shape(name, id, false, &[left, right], Type::Bool);
        }
    }
    registry.single(operators::LESS, |_, args| relate(operators::LESS, args, Ordering::is_lt));
    registry.single(operators::LESS_EQUALS, |_, args| {
        relate(operators::LESS_EQUALS, args, Ordering::is_le)
    });
    registry
        .single(operators::GREATER, |_, args| relate(operators::GREATER, args, Ordering::is_gt));
    registry.single(operators::GREATER_EQUALS, |_, args| {
        relate(operators::GREATER_EQUALS, args, Ordering::is_ge)
    });
}

fn collections(registry: &mut Registry) {
    let (a, b) = (param("A"), param("B"));
    let (list, map) = (Type::list(a.clone()), Type::map(a.clone(), b.clone()));
    registry.shape(operators::INDEX, "index_list", false, &[list.clone(), Type::Int], a.clone());
    registry.shape(operators::INDEX, "index_map", false, &[map.clone(), a.clone()], b);
    registry.shape(operators::IN, "in_list", false, &[a.clone(), list.clone()], Type::Bool);
    registry.shape(operators::IN, "in_map", false, &[a, map.clone()], Type::Bool);
    registry.single(operators::IN, |meter, args| match args {
        [value, container] => contains(meter, value, container).map(Value::Bool),
        _ => no_overload(),
    });
    for (global, member, ty) in [
        ("size_bytes", "bytes_size", Type::Bytes),
        ("size_list", "list_size", list),
        ("size_map", "map_size", map),
        ("size_string", "string_size", Type::String),
    ] {
        registry.shape("size", global, false, std::slice::from_ref(&ty), Type::Int);
        registry.shape("size", member, true, &[ty], Type::Int);
    }
    registry.single("size", |_, args| match args {
        [value] => match value.size() {
            Some(size) => Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX))),
            None => Err(no_operator("size", value)),
        },
        _ => no_overload(),
    });
    let (k, v) = (param("K"), param("V"));
    let map = Type::map(k.clone(), v.clone());
    registry.global(
        operators::MAP_INSERT,
        "@mapInsert_map_key_value",
        &[map.clone(), k, v],
        map.clone(),
        |meter, args| match args {
            [map, key, value] => insert(meter, map.clone(), key, value),
            _ => no_overload(),
        },
    );
    registry.global(
        operators::MAP_INSERT,
        "@mapInsert_map_map",
        &[map.clone(), map.clone()],
        map,
        |meter, args| match args {
            [map, entries] => insert_all(meter, map.clone(), entries),
            _ => no_overload(),
        },
    );
}

/// What an operator says of a value that it does not take.
fn no_operator(name: &str, value: &Value) -> EvaluationError {
    match value {
        // These look the operator up among their own functions first.
        Value::String(_) | Value::Duration(_) | Value::Timestamp(_) => {
            EvaluationError::no_such_overload()
        }
        _ => EvaluationError::new(format!("no such overload: {name}")),
    }
}

/// The sum; the left value is changed in place if nobody else has it.
pub(crate) fn add(meter: &mut Meter, left: Value, right: &Value) -> Evaluated {
    Ok(match (left, right) {
        (Value::Int(left), Value::Int(right)) => Value::Int(int(left.checked_add(*right))?),
        (Value::Uint(left), Value::Uint(right)) => Value::Uint(uint(left.checked_add(*right))?),
        (Value::Double(left), Value::Double(right)) => Value::Double(left + right),
        (Value::String(left), Value::String(right)) => {
            let mut joined = String::with_capacity(left.len() + right.len());
            joined.push_str(&left);
            joined.push_str(right);
            Value::string(joined)
        }
        (Value::Bytes(left), Value::Bytes(right)) => {
            Value::Bytes([&*left, &**right].concat().into())
        }
        (Value::List(mut left), Value::List(right)) => {
            let copied = if left.is_unique() { 0 } else { left.len() };
            meter.copy(copied + right.len())?;
            left.extend(right);
            Value::List(left)
        }
        (Value::Duration(left), Value::Duration(right)) => {
            Value::Duration(Duration(int(left.0.checked_add(right.0))?))
        }
        (Value::Duration(by), Value::Timestamp(at)) => moved(at.plus(by))?,
        (Value::Timestamp(at), Value::Duration(by)) => moved(at.plus(*by))?,
        (left, _) if is_adder(&left) => return no_overload(),
        (left, _) => return Err(no_operator(operators::ADD, &left)),
    })
}

const fn is_adder(value: &Value) -> bool {
    matches!(
        value,
        Value::Int(_)
            | Value::Uint(_)
            | Value::Double(_)
            | Value::String(_)
            | Value::Bytes(_)
            | Value::List(_)
            | Value::Duration(_)
            | Value::Timestamp(_)
    )
}

fn moved(at: Option<Timestamp>) -> Evaluated {
    at.map(Value::Timestamp).ok_or_else(|| EvaluationError::new("timestamp overflow"))
}

fn int(number: Option<i64>) -> Evaluated<i64> {
    number.ok_or_else(|| EvaluationError::new("integer overflow"))
}

fn uint(number: Option<u64>) -> Evaluated<u64> {
    number.ok_or_else(|| EvaluationError::new("unsigned integer overflow"))
}

fn subtract(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [left, right] = args else { return no_overload() };
    Ok(match (left, right) {
        (Value::Int(left), Value::Int(right)) => Value::Int(int(left.checked_sub(*right))?),
        (Value::Uint(left), Value::Uint(right)) => Value::Uint(uint(left.checked_sub(*right))?),
        (Value::Double(left), Value::Double(right)) => Value::Double(left - right),
        (Value::Duration(left), Value::Duration(right)) => {
            Value::Duration(Duration(int(left.0.checked_sub(right.0))?))
        }
        (Value::Timestamp(at), Value::Duration(by)) => {
            int(by.0.checked_neg())?;
            moved(at.minus(*by))?
        }
        (Value::Timestamp(left), Value::Timestamp(right)) => {
            let since = left.since(*right).map(Value::Duration);
            since.ok_or_else(|| EvaluationError::new("integer overflow"))?
        }
        (Value::Int(_) | Value::Uint(_) | Value::Double(_), _)
        | (Value::Duration(_) | Value::Timestamp(_), _) => return no_overload(),
        (left, _) => return Err(no_operator(operators::SUBTRACT, left)),
    })
}

fn multiply(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [left, right] = args else { return no_overload() };
    Ok(match (left, right) {
        (Value::Int(left), Value::Int(right)) => Value::Int(int(left.checked_mul(*right))?),
        (Value::Uint(left), Value::Uint(right)) => Value::Uint(uint(left.checked_mul(*right))?),
        (Value::Double(left), Value::Double(right)) => Value::Double(left * right),
        (Value::Int(_) | Value::Uint(_) | Value::Double(_), _) => return no_overload(),
        (left, _) => return Err(no_operator(operators::MULTIPLY, left)),
    })
}

fn divide(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [left, right] = args else { return no_overload() };
    Ok(match (left, right) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => {
            return fail("division by zero");
        }
        (Value::Int(left), Value::Int(right)) => Value::Int(int(left.checked_div(*right))?),
        (Value::Uint(left), Value::Uint(right)) => Value::Uint(uint(left.checked_div(*right))?),
        (Value::Double(left), Value::Double(right)) => Value::Double(left / right),
        (Value::Int(_) | Value::Uint(_) | Value::Double(_), _) => return no_overload(),
        (left, _) => return Err(no_operator(operators::DIVIDE, left)),
    })
}

fn modulo(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [left, right] = args else { return no_overload() };
    Ok(match (left, right) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => {
            return fail("modulus by zero");
        }
        (Value::Int(left), Value::Int(right)) => Value::Int(int(left.checked_rem(*right))?),
        (Value::Uint(left), Value::Uint(right)) => Value::Uint(uint(left.checked_rem(*right))?),
        (Value::Int(_) | Value::Uint(_), _) => return no_overload(),
        (left, _) => return Err(no_operator(operators::MODULO, left)),
    })
}

fn negate(_: &mut Meter, args: &[Value]) -> Evaluated {
    match args {
        [Value::Int(number)] => Ok(Value::Int(int(number.checked_neg())?)),
        [Value::Double(number)] => Ok(Value::Double(-number)),
        [Value::Duration(span)] => Ok(Value::Duration(Duration(int(span.0.checked_neg())?))),
        [Value::Bool(_)] => no_overload(),
        [other] => Err(no_operator(operators::NEGATE, other)),
        _ => no_overload(),
    }
}

fn relate(name: &'static str, args: &[Value], holds: fn(Ordering) -> bool) -> Evaluated {
    let [left, right] = args else { return no_overload() };
    if !compare::is_comparable(left) {
        return Err(no_operator(name, left));
    }
    compare::compare(left, right).map(|ordering| Value::Bool(holds(ordering)))
}

/// Whether a value is in a list, or is a key of a map.
pub(crate) fn contains(meter: &mut Meter, value: &Value, container: &Value) -> Evaluated<bool> {
    match container {
        Value::List(list) => compare::list_contains(meter, list.as_slice(), value),
        // Names are not unescaped where maps are asked for their keys.
        Value::Map(map) => Ok(map.get(value).is_some()),
        _ => no_overload(),
    }
}

/// A map with one more entry; it is changed in place if nobody else has it.
pub(crate) fn insert(meter: &mut Meter, map: Value, key: &Value, value: &Value) -> Evaluated {
    let Value::Map(mut map) = map else { return no_overload() };
    if map.get(key).is_some() {
        return fail(format!("insert failed: key {} already exists", key.shown()));
    }
    let Some(key) = Key::of(key) else {
        return fail(format!("unsupported key type: {}", key.type_name()));
    };
    let copied = if map.is_unique() { 0 } else { map.len() };
    meter.copy(copied + 1)?;
    map.insert(key, value.clone());
    Ok(Value::Map(map))
}

/// A map with all entries of another.
pub(crate) fn insert_all(meter: &mut Meter, map: Value, entries: &Value) -> Evaluated {
    let Value::Map(entries) = entries else { return no_overload() };
    let mut map = map;
    for (key, value) in entries {
        map = insert(meter, map, &key.to_value(), value)?;
    }
    Ok(map)
}

/// What can be compared with what.
const COMPARABLE: [(Type, Type); 14] = [
    (Type::Bool, Type::Bool),
    (Type::Int, Type::Int),
    (Type::Int, Type::Double),
    (Type::Int, Type::Uint),
    (Type::Uint, Type::Uint),
    (Type::Uint, Type::Double),
    (Type::Uint, Type::Int),
    (Type::Double, Type::Double),
    (Type::Double, Type::Int),
    (Type::Double, Type::Uint),
    (Type::String, Type::String),
    (Type::Bytes, Type::Bytes),
    (Type::Timestamp, Type::Timestamp),
    (Type::Duration, Type::Duration),
];
