//! Lists, as Kubernetes extends them.
//!
//! Follows apiserver's `pkg/cel/library/lists.go`.

use std::cmp::Ordering;

use super::declare::{Call, Registry, fail, no_overload, param};
use super::operator;
use crate::meter::{Evaluated, Meter};
use crate::time::Duration;
use crate::value::{List, compare};
use crate::{Type, Value};

pub(crate) fn declare(registry: &mut Registry) {
    for (ids, ty) in COMPARABLE {
        let list = [Type::list(ty.clone())];
        let [is_sorted_id, max_id, min_id] = ids;
        registry.member("isSorted", is_sorted_id, &list, Type::Bool, is_sorted);
        registry.member("max", max_id, &list, ty.clone(), |_, args| {
            extreme(args, "max", Ordering::Less)
        });
        registry
            .member("min", min_id, &list, ty, |_, args| extreme(args, "min", Ordering::Greater));
    }
    let sums: [(&'static str, Type, Call); 4] = [
        ("list_int_sum_int", Type::Int, |meter, args| sum(meter, args, Value::Int(0))),
        ("list_uint_sum_uint", Type::Uint, |meter, args| sum(meter, args, Value::Uint(0))),
        ("list_double_sum_double", Type::Double, |meter, args| {
            sum(meter, args, Value::Double(0.0))
        }),
        ("list_duration_sum_duration", Type::Duration, |meter, args| {
            sum(meter, args, Value::Duration(Duration(0)))
        }),
    ];
    for (id, ty, call) in sums {
        registry.member("sum", id, &[Type::list(ty.clone())], ty, call);
    }
    let a = param("A");
    let search = [Type::list(a.clone()), a];
    registry.member("indexOf", "list_a_index_of_int", &search, Type::Int, |meter, args| {
        index(meter, args, |list| Box::new(list.iter().enumerate()))
    });
    registry.member(
        "lastIndexOf",
        "list_a_last_index_of_int",
        &search,
        Type::Int,
        |meter, args| index(meter, args, |list| Box::new(list.iter().enumerate().rev())),
    );
    let any = [Type::Dyn, Type::Dyn];
    registry.member(
        "includes",
        "list_includes_dyn_dyn",
        &any,
        Type::Bool,
        |meter, args| match args {
            [Value::List(list), value] => {
                for item in list {
                    if compare::same(meter, item, value)? {
                        return Ok(Value::Bool(true));
                    }
                }
                Ok(Value::Bool(false))
            }
            [value, other] => compare::same(meter, value, other).map(Value::Bool),
            _ => no_overload(),
        },
    );
}

fn is_sorted(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::List(list)] = args else { return no_overload() };
    let mut previous: Option<&Value> = None;
    for item in list {
        if !compare::is_comparable(item) {
            return no_overload();
        }
        // What cannot be compared is not out of order.
        let greater = previous
            .is_some_and(|previous| compare::compare(previous, item) == Ok(Ordering::Greater));
        if greater {
            return Ok(Value::Bool(false));
        }
        previous = Some(item);
    }
    Ok(Value::Bool(true))
}

/// The first value such that none is better: one is if the best so far compares to it like this.
fn extreme(args: &[Value], name: &str, better: Ordering) -> Evaluated {
    let [Value::List(list)] = args else { return no_overload() };
    let mut best: Option<&Value> = None;
    for item in list {
        if !compare::is_comparable(item) {
            return no_overload();
        }
        if best.is_none_or(|best| compare::compare(best, item) == Ok(better)) {
            best = Some(item);
        }
    }
    match best {
        Some(best) => Ok(best.clone()),
        None => fail(format!("{name} called on empty list")),
    }
}

fn sum(meter: &mut Meter, args: &[Value], zero: Value) -> Evaluated {
    let [Value::List(list)] = args else { return no_overload() };
    list.iter().try_fold(zero, |sum, item| operator::add(meter, sum, item))
}

/// The values of a list with their places, in some order.
type Places<'l> = Box<dyn Iterator<Item = (usize, &'l Value)> + 'l>;

fn index(
    meter: &mut Meter,
    args: &[Value],
    order: for<'l> fn(&'l List) -> Places<'l>,
) -> Evaluated {
    let [Value::List(list), value] = args else { return no_overload() };
    for (at, item) in order(list) {
        if compare::same(meter, item, value)? {
            return Ok(Value::Int(i64::try_from(at).unwrap_or(i64::MAX)));
        }
    }
    Ok(Value::Int(-1))
}

/// Types with an order, and the ids of `isSorted`, `max` and `min` of lists of them.
const COMPARABLE: [([&str; 3], Type); 8] = [
    (["list_int_is_sorted_bool", "list_int_max_int", "list_int_min_int"], Type::Int),
    (["list_uint_is_sorted_bool", "list_uint_max_uint", "list_uint_min_uint"], Type::Uint),
    (
        ["list_double_is_sorted_bool", "list_double_max_double", "list_double_min_double"],
        Type::Double,
    ),
    (["list_bool_is_sorted_bool", "list_bool_max_bool", "list_bool_min_bool"], Type::Bool),
    (
        [
            "list_duration_is_sorted_bool",
            "list_duration_max_duration",
            "list_duration_min_duration",
        ],
        Type::Duration,
    ),
    (
        [
            "list_timestamp_is_sorted_bool",
            "list_timestamp_max_timestamp",
            "list_timestamp_min_timestamp",
        ],
        Type::Timestamp,
    ),
    (
        ["list_string_is_sorted_bool", "list_string_max_string", "list_string_min_string"],
        Type::String,
    ),
    (["list_bytes_is_sorted_bool", "list_bytes_max_bytes", "list_bytes_min_bytes"], Type::Bytes),
];
