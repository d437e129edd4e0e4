//! Amounts with units, such as `1.5Gi`.
//!
//! Follows apiserver's `pkg/cel/library/quantity.go` and apimachinery's `pkg/api/resource`. An amount is a
//! small one, 64 bits and a power of ten, or a big one; functions tell them apart, as `isInteger` does.
//! What upstream would expand to gigabytes of digits is an error here.

mod amount;
mod parse;

use std::cmp::Ordering;
use std::sync::Arc;

pub use amount::Quantity;

use super::Opaque;
use super::declare::{Call, Registry, fail, no_overload};
use crate::meter::{Evaluated, Meter};
use crate::{EvaluationError, Type, Value};

pub(crate) const TYPE: &str = "kubernetes.Quantity";

pub(crate) fn declare(registry: &mut Registry) {
    let quantity = Type::Opaque(TYPE);
    let one = std::slice::from_ref(&quantity);
    registry.global("quantity", "string_to_quantity", &[Type::String], quantity.clone(), of_string);
    registry.global("isQuantity", "is_quantity_string", &[Type::String], Type::Bool, is_quantity);
    registry.global("sign", "quantity_sign", one, Type::Int, |_, args| {
        with(args, |quantity| Ok(Value::Int(quantity.sign() as i64)))
    });
    registry.member("asApproximateFloat", "quantity_get_float", one, Type::Double, |_, args| {
        with(args, |quantity| Ok(Value::Double(quantity.to_double())))
    });
    registry.member("asInteger", "quantity_get_int", one, Type::Int, |_, args| {
        with(args, |quantity| match quantity.to_int() {
            Some(number) => Ok(Value::Int(number)),
            None => fail("cannot convert value to integer"),
        })
    });
    registry.member("isInteger", "quantity_is_integer", one, Type::Bool, |_, args| {
        with(args, |quantity| Ok(Value::Bool(quantity.to_int().is_some())))
    });
    let two = [quantity.clone(), quantity.clone()];
    let comparisons: [(&'static str, &'static str, Type, Call); 3] = [
        ("isGreaterThan", "quantity_is_greater_than", Type::Bool, |_, args| {
            compare(args).map(|ordering| Value::Bool(ordering.is_gt()))
        }),
        ("isLessThan", "quantity_is_less_than", Type::Bool, |_, args| {
            compare(args).map(|ordering| Value::Bool(ordering.is_lt()))
        }),
        ("compareTo", "quantity_compare_to", Type::Int, |_, args| {
            compare(args).map(|ordering| Value::Int(ordering as i64))
        }),
    ];
    for (name, id, result, call) in comparisons {
        registry.member(name, id, &two, result, call);
    }
    let with_int = [quantity.clone(), Type::Int];
    registry.member("add", "quantity_add", &two, quantity.clone(), add);
    registry.member("add", "quantity_add_int", &with_int, quantity.clone(), add);
    registry.member("sub", "quantity_sub", &two, quantity.clone(), sub);
    registry.member("sub", "quantity_sub_int", &with_int, quantity, sub);
}

fn with(args: &[Value], of: impl Fn(&Quantity) -> Evaluated) -> Evaluated {
    match args {
        [Value::Opaque(Opaque::Quantity(quantity, _))] => of(quantity),
        _ => no_overload(),
    }
}

fn of_string(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return no_overload() };
    match parse::quantity(text) {
        Ok(quantity) => Ok(Value::Opaque(Opaque::Quantity(Arc::new(quantity), false))),
        Err(error) => fail(error),
    }
}

fn is_quantity(_: &mut Meter, args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return no_overload() };
    Ok(Value::Bool(parse::quantity(text).is_ok()))
}

fn compare(args: &[Value]) -> Evaluated<Ordering> {
    match args {
        [Value::Opaque(Opaque::Quantity(left, _)), Value::Opaque(Opaque::Quantity(right, _))] => {
            Ok(left.order(right))
        }
        _ => no_overload(),
    }
}

fn add(meter: &mut Meter, args: &[Value]) -> Evaluated {
    combine(meter, args, false)
}

fn sub(meter: &mut Meter, args: &[Value]) -> Evaluated {
    combine(meter, args, true)
}

fn combine(meter: &mut Meter, args: &[Value], negate: bool) -> Evaluated {
    let (left, right) = match args {
        [Value::Opaque(Opaque::Quantity(left, _)), Value::Opaque(Opaque::Quantity(right, _))] => {
            (left, Arc::clone(right))
        }
        [Value::Opaque(Opaque::Quantity(left, _)), Value::Int(right)] => {
            (left, Arc::new(Quantity::of_int(*right)))
        }
        _ => return no_overload(),
    };
    meter.work(left.digits() + right.digits())?;
    let sum = left.plus(&right, negate).ok_or_else(EvaluationError::too_expensive)?;
    Ok(Value::Opaque(Opaque::Quantity(Arc::new(sum), true)))
}
