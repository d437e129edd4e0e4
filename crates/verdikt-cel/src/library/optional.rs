//! Values that may be absent.
//!
//! Follows `OptionalTypes` of cel-go's `cel/library.go`. `or` and `orValue` are evaluated apart, as they do
//! not always look at what is on their right.

use std::sync::Arc;

use super::declare::{Registry, fail, no_overload, param};
use crate::ast::operators;
use crate::meter::{Evaluated, Meter};
use crate::value::List;
use crate::{Type, Value};

pub(crate) fn declare(registry: &mut Registry) {
    let (k, v) = (param("K"), param("V"));
    let optional = Type::optional(v.clone());
    let value = std::slice::from_ref(&v);
    let one = std::slice::from_ref(&optional);
    registry.global("optional.of", "optional_of", value, optional.clone(), |_, args| match args {
        [value] => Ok(some(value.clone())),
        _ => no_overload(),
    });
    let id = "optional_ofNonZeroValue";
    registry.global("optional.ofNonZeroValue", id, value, optional.clone(), |_, args| match args {
        [value] if is_zero(value) => Ok(Value::Optional(None)),
        [value] => Ok(some(value.clone())),
        _ => no_overload(),
    });
    registry.global("optional.none", "optional_none", &[], optional.clone(), |_, _| {
        Ok(Value::Optional(None))
    });
    registry.member("value", "optional_value", one, v.clone(), |_, args| match args {
        [Value::Optional(Some(value))] => Ok((**value).clone()),
        [Value::Optional(None)] => fail("optional.none() dereference"),
        _ => no_overload(),
    });
    registry.member("hasValue", "optional_hasValue", one, Type::Bool, |_, args| match args {
        [Value::Optional(value)] => Ok(Value::Bool(value.is_some())),
        _ => no_overload(),
    });
    let two = [optional.clone(), optional.clone()];
    registry.shape("or", "optional_or_optional", true, &two, optional.clone());
    let or_value = [optional.clone(), v.clone()];
    registry.shape("orValue", "optional_orValue_value", true, &or_value, v.clone());
    indexing(registry, &k, &v);
    lists(registry, &v);
}

fn indexing(registry: &mut Registry, k: &Type, v: &Type) {
    let optional = Type::optional(v.clone());
    let (list, map) = (Type::list(v.clone()), Type::map(k.clone(), v.clone()));
    let mut shape = |name, id, of: Type, key: &Type| {
        registry.shape(name, id, false, &[of, key.clone()], optional.clone());
    };
    shape(operators::OPTIONAL_SELECT, "select_optional_field", Type::Dyn, &Type::String);
    let index = operators::OPTIONAL_INDEX;
    shape(index, "list_optindex_optional_int", list.clone(), &Type::Int);
    shape(index, "optional_list_optindex_optional_int", Type::optional(list.clone()), &Type::Int);
    shape(index, "map_optindex_optional_value", map.clone(), k);
    shape(index, "optional_map_optindex_optional_value", Type::optional(map.clone()), k);
    shape(operators::INDEX, "optional_list_index_int", Type::optional(list), &Type::Int);
    shape(operators::INDEX, "optional_map_index_value", Type::optional(map), k);
}

fn lists(registry: &mut Registry, v: &Type) {
    let (list, optional) = (Type::list(v.clone()), Type::optional(v.clone()));
    let one = std::slice::from_ref(&list);
    registry.member("last", "list_last", one, optional.clone(), |_, args| match args {
        [Value::List(list)] => Ok(end(list, list.len().checked_sub(1))),
        _ => no_overload(),
    });
    registry.member("first", "list_first", one, optional.clone(), |_, args| match args {
        [Value::List(list)] => Ok(end(list, Some(0))),
        _ => no_overload(),
    });
    let optionals = [Type::list(optional)];
    registry.global("optional.unwrap", "optional_unwrap", &optionals, list.clone(), unwrap);
    registry.member("unwrapOpt", "optional_unwrapOpt", &optionals, list, unwrap);
}

pub(crate) fn some(value: Value) -> Value {
    Value::Optional(Some(Arc::new(value)))
}

fn end(list: &List, at: Option<usize>) -> Value {
    Value::Optional(at.and_then(|at| list.get(at)).map(Arc::new))
}

fn unwrap(meter: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::List(list)] = args else { return no_overload() };
    meter.copy(list.len())?;
    let mut values = Vec::with_capacity(list.len());
    for item in list {
        match item {
            Value::Optional(Some(value)) => values.push((**value).clone()),
            Value::Optional(None) => {}
            other => {
                return fail(format!("value {} is not optional type", other.shown()));
            }
        }
    }
    Ok(Value::list(values))
}

/// Whether a value is zero, empty or absent.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::Int(number) => *number == 0,
        Value::Uint(number) => *number == 0,
        Value::Double(number) => *number == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(list) => list.is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Duration(span) => span.0 == 0,
        // The first second of the year 1 is Go's zero time.
        Value::Timestamp(at) => at.seconds() == -62_135_596_800 && at.nanos() == 0,
        Value::Object(object) => object.fields().is_empty(),
        _ => false,
    }
}
