//! Lists as sets.
//!
//! Follows cel-go's `ext/sets.go`.

use super::declare::{Registry, no_overload, param};
use crate::meter::{Evaluated, Meter};
use crate::value::{List, compare};
use crate::{Type, Value};

pub(crate) fn declare(registry: &mut Registry) {
    let list = Type::list(param("T"));
    let two = [list.clone(), list];
    registry.global("sets.contains", "list_sets_contains_list", &two, Type::Bool, |meter, args| {
        with(args, |list, other| contains(meter, list, other))
    });
    registry.global(
        "sets.equivalent",
        "list_sets_equivalent_list",
        &two,
        Type::Bool,
        |meter, args| {
            with(args, |list, other| {
                Ok(contains(meter, list, other)? && contains(meter, other, list)?)
            })
        },
    );
    registry.global(
        "sets.intersects",
        "list_sets_intersects_list",
        &two,
        Type::Bool,
        |meter, args| {
            with(args, |list, other| {
                for item in list {
                    if compare::list_contains(meter, other.as_slice(), item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            })
        },
    );
}

fn with(args: &[Value], holds: impl FnOnce(&List, &List) -> Evaluated<bool>) -> Evaluated {
    match args {
        [Value::List(list), Value::List(other)] => holds(list, other).map(Value::Bool),
        _ => no_overload(),
    }
}

fn contains(meter: &mut Meter, list: &List, others: &List) -> Evaluated<bool> {
    for item in others {
        if !compare::list_contains(meter, list.as_slice(), item)? {
            return Ok(false);
        }
    }
    Ok(true)
}
