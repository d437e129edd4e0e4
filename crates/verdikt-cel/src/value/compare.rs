//! Whether values are equal, and which is less.
//!
//! Follows `Equal` and `Compare` of cel-go's `common/types`: numbers of different types compare by value,
//! and values of some libraries are an error to compare with anything else.

use std::cmp::Ordering;

use super::{List, Map, Value};
use crate::EvaluationError;
use crate::meter::{Evaluated, Meter};

/// Whether two values are equal, as `==` sees it.
pub(crate) fn equal(meter: &mut Meter, left: &Value, right: &Value) -> Evaluated<bool> {
    if left.is_null() || right.is_null() {
        return Ok(left.is_null() && right.is_null());
    }
    equal_to(meter, left, right)
}

/// What the left value says to being equal to the right one.
fn equal_to(meter: &mut Meter, left: &Value, right: &Value) -> Evaluated<bool> {
    meter.work(1)?;
    Ok(match (left, right) {
        (Value::Null, other) => other.is_null(),
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::String(left), Value::String(right)) => left == right,
        (Value::Bytes(left), Value::Bytes(right)) => left == right,
        (Value::Duration(left), Value::Duration(right)) => left == right,
        (Value::Timestamp(left), Value::Timestamp(right)) => left == right,
        (Value::Type(left), Value::Type(right)) => left == right,
        (Value::List(left), Value::List(right)) => lists_equal(meter, left, right)?,
        (Value::Map(left), right @ (Value::Map(_) | Value::Lazy(_))) => {
            maps_equal(meter, left, right)?
        }
        (Value::Lazy(left), Value::Lazy(right)) => left.is(right),
        (Value::Optional(None), Value::Optional(None)) => true,
        (Value::Optional(Some(left)), Value::Optional(Some(right))) => {
            equal_to(meter, left, right)?
        }
        (Value::Object(left), Value::Object(right)) if left.type_name() == right.type_name() => {
            let (left, right) = (left.fields(), right.fields());
            left.len() == right.len()
                && every(left, |(name, value)| match right.get(name) {
                    Some(other) => elements_equal(meter, value, other),
                    None => Ok(false),
                })?
        }
        (Value::Opaque(left), right) => match (left, right) {
            (left, Value::Opaque(right)) => {
                left.equal(right).ok_or_else(EvaluationError::no_such_overload)?
            }
            _ => return Err(EvaluationError::no_such_overload()),
        },
        (Value::Lazy(_), _) => return Err(EvaluationError::no_such_overload()),
        _ => numbers(left, right) == Some(Ordering::Equal),
    })
}

fn every<T>(
    items: impl IntoIterator<Item = T>,
    mut holds: impl FnMut(T) -> Evaluated<bool>,
) -> Evaluated<bool> {
    for item in items {
        if !holds(item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What cannot be compared is not unequal, inside of lists and maps.
fn elements_equal(meter: &mut Meter, left: &Value, right: &Value) -> Evaluated<bool> {
    match equal(meter, left, right) {
        Err(error) if !error.is_fatal() => Ok(true),
        result => result,
    }
}

fn lists_equal(meter: &mut Meter, left: &List, right: &List) -> Evaluated<bool> {
    Ok(left.len() == right.len()
        && every(left.iter().zip(right), |(left, right)| elements_equal(meter, left, right))?)
}

fn maps_equal(meter: &mut Meter, left: &Map, right: &Value) -> Evaluated<bool> {
    Ok(Some(left.len()) == right.size_of_any()
        && every(left, |(key, value)| {
            let found = match right {
                Value::Map(map) => map.find(&key.to_value()),
                Value::Lazy(map) => key.to_value().as_str().and_then(|name| map.find(name)),
                _ => None,
            };
            found.map_or(Ok(false), |other| elements_equal(meter, value, &other))
        })?)
}

/// Whether a value is among others.
pub(crate) fn list_contains(meter: &mut Meter, items: &[Value], value: &Value) -> Evaluated<bool> {
    for item in items {
        if same(meter, value, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether two values are equal; no if they cannot be compared.
pub(crate) fn same(meter: &mut Meter, left: &Value, right: &Value) -> Evaluated<bool> {
    match equal_to(meter, left, right) {
        Err(error) if !error.is_fatal() => Ok(false),
        result => result,
    }
}

/// Whether a value has an order at all.
pub(crate) const fn is_comparable(value: &Value) -> bool {
    matches!(
        value,
        Value::Bool(_)
            | Value::Int(_)
            | Value::Uint(_)
            | Value::Double(_)
            | Value::String(_)
            | Value::Bytes(_)
            | Value::Duration(_)
            | Value::Timestamp(_)
    )
}

/// Which of two values is less.
pub(crate) fn compare(left: &Value, right: &Value) -> Evaluated<Ordering> {
    Ok(match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::String(left), Value::String(right)) => left.as_bytes().cmp(right.as_bytes()),
        (Value::Bytes(left), Value::Bytes(right)) => left.cmp(right),
        (Value::Duration(left), Value::Duration(right)) => left.cmp(right),
        (Value::Timestamp(left), Value::Timestamp(right)) => left.cmp(right),
        (
            Value::Int(_) | Value::Uint(_) | Value::Double(_),
            Value::Int(_) | Value::Uint(_) | Value::Double(_),
        ) => {
            let nan = || EvaluationError::new("NaN values cannot be ordered");
            return numbers(left, right).ok_or_else(nan);
        }
        _ => return Err(EvaluationError::no_such_overload()),
    })
}

/// Which of two numbers is less; nothing if one is no number.
fn numbers(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Uint(left), Value::Uint(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Uint(right)) => Some(i128::from(*left).cmp(&i128::from(*right))),
        (Value::Uint(left), Value::Int(right)) => Some(i128::from(*left).cmp(&i128::from(*right))),
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Double(left), Value::Int(right)) => double_int(*left, *right),
        (Value::Int(left), Value::Double(right)) => {
            double_int(*right, *left).map(Ordering::reverse)
        }
        (Value::Double(left), Value::Uint(right)) => double_uint(*left, *right),
        (Value::Uint(left), Value::Double(right)) => {
            double_uint(*right, *left).map(Ordering::reverse)
        }
        _ => None,
    }
}

/// cel-go compares as doubles, once the double is in range.
#[expect(clippy::cast_precision_loss, reason = "cel-go rounds too")]
fn double_int(left: f64, right: i64) -> Option<Ordering> {
    if left < i64::MIN as f64 {
        return Some(Ordering::Less);
    }
    if left > i64::MAX as f64 {
        return Some(Ordering::Greater);
    }
    left.partial_cmp(&(right as f64))
}

#[expect(clippy::cast_precision_loss, reason = "cel-go rounds too")]
fn double_uint(left: f64, right: u64) -> Option<Ordering> {
    if left < 0.0 {
        return Some(Ordering::Less);
    }
    if left > u64::MAX as f64 {
        return Some(Ordering::Greater);
    }
    left.partial_cmp(&(right as f64))
}
