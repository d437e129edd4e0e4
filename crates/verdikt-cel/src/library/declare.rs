//! How functions are declared, and which of them takes given values.

use std::collections::BTreeMap;

use crate::meter::{Evaluated, Meter};
use crate::{EvaluationError, Type, Value};

/// What a function does.
pub(crate) type Call = fn(&mut Meter, &[Value]) -> Evaluated;

/// A function and all its overloads.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) overloads: Vec<Overload>,
    /// What all overloads do, looking at the values themselves.
    single: Option<Call>,
    /// Values are handed over as they are.
    unguarded: bool,
}

/// One way to call a function.
#[derive(Debug)]
pub(crate) struct Overload {
    pub(crate) id: &'static str,
    /// Called as `target.function()`.
    pub(crate) member: bool,
    pub(crate) params: Vec<Type>,
    pub(crate) result: Type,
    call: Option<Call>,
}

/// All functions by name.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    functions: BTreeMap<&'static str, Function>,
}

impl Registry {
    pub(crate) fn get(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)
    }

    fn function(&mut self, name: &'static str) -> &mut Function {
        self.functions.entry(name).or_insert_with(|| Function {
            name,
            overloads: Vec::new(),
            single: None,
            unguarded: false,
        })
    }

    /// `name(params)`
    pub(crate) fn global(
        &mut self,
        name: &'static str,
        id: &'static str,
        params: &[Type],
        result: Type,
        call: Call,
    ) {
        let params = params.to_vec();
        let overload = Overload { id, member: false, params, result, call: Some(call) };
        self.function(name).overloads.push(overload);
    }

    /// `params[0].name(params[1..])`
    pub(crate) fn member(
        &mut self,
        name: &'static str,
        id: &'static str,
        params: &[Type],
        result: Type,
        call: Call,
    ) {
        let params = params.to_vec();
        let overload = Overload { id, member: true, params, result, call: Some(call) };
        self.function(name).overloads.push(overload);
    }

    /// An overload of a function that does the same for all of them.
    pub(crate) fn shape(
        &mut self,
        name: &'static str,
        id: &'static str,
        member: bool,
        params: &[Type],
        result: Type,
    ) {
        let overload = Overload { id, member, params: params.to_vec(), result, call: None };
        self.function(name).overloads.push(overload);
    }

    /// What a function does for all its overloads.
    pub(crate) fn single(&mut self, name: &'static str, call: Call) {
        self.function(name).single = Some(call);
    }

    /// Values are not compared with the parameters' types.
    pub(crate) fn unguarded(&mut self, name: &'static str) {
        self.function(name).unguarded = true;
    }
}

impl Function {
    /// Calls the overload that was found by the types, or the first that takes the values.
    pub(crate) fn call(
        &self,
        overload: Option<usize>,
        meter: &mut Meter,
        args: &[Value],
    ) -> Evaluated {
        if let Some(call) = self.single {
            return call(meter, args);
        }
        let takes = |overload: &&Overload| {
            overload.params.len() == args.len()
                && (self.unguarded
                    || overload.params.iter().zip(args).all(|(ty, value)| takes(ty, value)))
        };
        let found = match overload {
            Some(index) => self.overloads.get(index).filter(takes),
            None => self.overloads.iter().find(takes),
        };
        match found.and_then(|overload| overload.call) {
            Some(call) => call(meter, args),
            None => Err(self.no_overload(args)),
        }
    }

    fn no_overload(&self, args: &[Value]) -> EvaluationError {
        let types: Vec<&str> = args.iter().map(Value::type_name).collect();
        EvaluationError::new(format!("no such overload: {}({})", self.name, types.join(", ")))
    }
}

/// Whether a value is of a type, as far as cel-go looks: at the first element of lists and maps.
fn takes(ty: &Type, value: &Value) -> bool {
    match (ty, value) {
        (Type::Dyn | Type::Any | Type::Param(_), _)
        | (Type::Null, Value::Null)
        | (Type::Bool, Value::Bool(_))
        | (Type::Int, Value::Int(_))
        | (Type::Uint, Value::Uint(_))
        | (Type::Double, Value::Double(_))
        | (Type::String, Value::String(_))
        | (Type::Bytes, Value::Bytes(_))
        | (Type::Duration, Value::Duration(_))
        | (Type::Timestamp, Value::Timestamp(_))
        | (Type::Type(_), Value::Type(_))
        | (Type::Optional(_), Value::Optional(_)) => true,
        (Type::List(of), Value::List(list)) => {
            list.as_slice().first().is_none_or(|value| takes(of, value))
        }
        (Type::Map(key, of), Value::Map(map)) => {
            let first = map.iter().next();
            first.is_none_or(|(found, value)| takes(key, &found.to_value()) && takes(of, value))
        }
        (Type::Object(object), value) => object.name == value.type_name(),
        (Type::Opaque(name), Value::Opaque(opaque)) => *name == opaque.type_name(),
        _ => false,
    }
}

/// A type to be found out.
pub(crate) fn param(name: &str) -> Type {
    Type::Param(name.into())
}

/// An error of these words.
pub(crate) fn fail<T>(cause: impl Into<std::borrow::Cow<'static, str>>) -> Evaluated<T> {
    Err(EvaluationError::new(cause))
}

/// What a function says that was handed something else than it takes.
pub(crate) const fn no_overload<T>() -> Evaluated<T> {
    Err(EvaluationError::no_such_overload())
}
