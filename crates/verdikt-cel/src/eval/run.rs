//! Walks a plan.
//!
//! Follows `Exec` of cel-go's `interpreter/interpretable.go`.

use std::sync::Arc;

use super::node::{Call, Node};
use super::plan::Plan;
use crate::cost::{LIST, MAP, Rule};
use crate::library::optional::some;
use crate::meter::{Evaluated, Meter};
use crate::value::{Key, Map, compare};
use crate::{EvaluationError, Value};

/// Evaluates a plan; its value and what it cost.
pub(crate) fn evaluate(
    plan: &Plan,
    variables: &[Option<&Value>],
    limit: u64,
) -> Evaluated<(Value, u64)> {
    let mut run =
        Run { meter: Meter::new(limit, Arc::clone(&plan.patterns)), variables, locals: Vec::new() };
    run.locals.resize_with(plan.locals, || Local::Unset);
    let value = run.node(&plan.root)?;
    Ok((value, run.meter.cost()))
}

/// An evaluation under way.
pub(super) struct Run<'p> {
    pub(super) meter: Meter,
    /// What variables of the environment are bound to, by their numbers.
    pub(super) variables: &'p [Option<&'p Value>],
    /// What variables of loops are bound to, by their numbers.
    pub(super) locals: Vec<Local<'p>>,
}

/// What a variable of a loop is bound to.
pub(super) enum Local<'p> {
    Unset,
    Value(Value),
    Failed(EvaluationError),
    /// It is evaluated once it is asked for.
    Pending(&'p Node),
}

impl<'p> Run<'p> {
    pub(super) fn node(&mut self, node: &'p Node) -> Evaluated {
        match node {
            Node::Constant(value) => Ok(value.clone()),
            Node::Attribute(attribute) => self.attribute(attribute),
            Node::And(terms) => self.logic(terms, false),
            Node::Or(terms) => self.logic(terms, true),
            Node::Equal(sides, equal) => self.equal(sides, *equal),
            Node::NotStrictlyFalse(node) => self.not_strictly_false(node),
            Node::Call(call) => self.call(call),
            Node::InConstants(parts) => self.in_constants(&parts.0, &parts.1),
            Node::OptionalOr { sides, value } => self.optional_or(sides, *value),
            Node::List(elements) => self.list(elements),
            Node::Map(entries) => self.map(entries),
            Node::Fold(fold) => self.fold(fold),
        }
    }

    /// Terms of `||`, which one true decides, or of `&&`, which one false decides; whatever decides, errors
    /// of other terms do not count.
    fn logic(&mut self, terms: &'p [Node], decides: bool) -> Evaluated {
        let mut first_error = None;
        for term in terms {
            match self.node(term) {
                Ok(Value::Bool(truth)) if truth == decides => return Ok(Value::Bool(decides)),
                Ok(Value::Bool(_)) => {}
                Ok(_) => {
                    first_error.get_or_insert(EvaluationError::no_such_overload());
                }
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        first_error.map_or(Ok(Value::Bool(!decides)), Err)
    }

    fn equal(&mut self, sides: &'p [Node; 2], equal: bool) -> Evaluated {
        let [left, right] = sides;
        let (left, right) = (self.both(left), self.both(right));
        let (left, right) = (fatal(left)?, fatal(right)?);
        let (left, right) = match (left, right) {
            (Ok(left), Ok(right)) => (left, right),
            (left, right) => {
                // An error costs as any value of size 1 does.
                self.meter.charge(1)?;
                return left.and(right);
            }
        };
        let rule = if equal { Rule::Equal } else { Rule::Smaller };
        let args = [left, right];
        rule.charge(&mut self.meter, &args, None)?;
        let [left, right] = &args;
        match compare::equal(&mut self.meter, left, right) {
            Ok(found) => Ok(Value::Bool(found == equal)),
            // What cannot be compared is not equal either.
            Err(error) if !equal && !error.is_fatal() => Ok(Value::Bool(true)),
            Err(error) => Err(error),
        }
    }

    fn both(&mut self, node: &'p Node) -> Evaluated {
        self.node(node)
    }

    fn not_strictly_false(&mut self, node: &'p Node) -> Evaluated {
        let value = fatal(self.node(node))?;
        self.meter.charge(1)?;
        Ok(match value {
            Ok(value @ Value::Bool(_)) => value,
            _ => Value::Bool(true),
        })
    }

    fn call(&mut self, call: &'p Call) -> Evaluated {
        let mut args = Vec::with_capacity(call.args.len());
        let mut failed = None;
        for arg in &call.args {
            match fatal(self.node(arg))? {
                Ok(value) => args.push(value),
                Err(error) => {
                    failed.get_or_insert(error);
                    // Only calls with one or two arguments look at all of them first.
                    if call.args.len() > 2 {
                        break;
                    }
                }
            }
        }
        if let Some(error) = failed {
            self.meter.charge(1)?;
            return Err(error);
        }
        if call.rule.needs_result() {
            let result = fatal(call.function.call(call.overload, &mut self.meter, &args))?;
            call.rule.charge(&mut self.meter, &args, result.as_ref().ok())?;
            return self.bounded(result?);
        }
        call.rule.charge(&mut self.meter, &args, None)?;
        let result = call.function.call(call.overload, &mut self.meter, &args)?;
        self.bounded(result)
    }

    /// A value that is not nested too deep to be walked through.
    pub(super) fn bounded(&self, value: Value) -> Evaluated {
        if value.depth() > MAX_DEPTH {
            return Err(EvaluationError::too_expensive());
        }
        Ok(value)
    }

    #[expect(clippy::cast_precision_loss, reason = "cel-go rounds too")]
    fn in_constants(&mut self, value: &'p Node, constants: &[Value]) -> Evaluated {
        let value = self.node(value)?;
        if matches!(value, Value::Bytes(_)) {
            // cel-go looks the value up in a map whose keys bytes cannot be.
            let what = "internal error: runtime error: hash of unhashable type types.Bytes";
            return Err(EvaluationError::fatal(what));
        }
        let found = constants.iter().any(|constant| match (&value, constant) {
            (Value::String(left), Value::String(right)) => left == right,
            (Value::Bool(left), Value::Bool(right)) => left == right,
            (Value::Double(left), Value::Int(right)) => *left == *right as f64,
            (Value::Double(left), Value::Uint(right)) => *left == *right as f64,
            (Value::Double(left), Value::Double(right)) => left == right,
            _ => compare::compare(&value, constant).is_ok_and(std::cmp::Ordering::is_eq),
        });
        Ok(Value::Bool(found))
    }

    fn optional_or(&mut self, sides: &'p [Node; 2], value: bool) -> Evaluated {
        let [left, right] = sides;
        match self.node(left)? {
            Value::Optional(Some(found)) if value => Ok((*found).clone()),
            found @ Value::Optional(Some(_)) => Ok(found),
            Value::Optional(None) => self.node(right),
            _ => Err(EvaluationError::no_such_overload()),
        }
    }

    fn list(&mut self, elements: &'p [(Node, bool)]) -> Evaluated {
        let values = fatal(self.elements(elements))?;
        self.meter.charge(LIST)?;
        self.bounded(Value::list(values?))
    }

    fn elements(&mut self, elements: &'p [(Node, bool)]) -> Evaluated<Vec<Value>> {
        let mut values = Vec::with_capacity(elements.len());
        for (node, optional) in elements {
            match self.node(node)? {
                value if !optional => values.push(value),
                Value::Optional(value) => values.extend(value.map(|value| (*value).clone())),
                other => {
                    return Err(EvaluationError::new(format!(
                        "cannot initialize optional list element from non-optional value {}",
                        other.shown()
                    )));
                }
            }
        }
        Ok(values)
    }

    fn map(&mut self, entries: &'p [(Node, Node, bool)]) -> Evaluated {
        let map = fatal(self.entries(entries))?;
        self.meter.charge(MAP)?;
        self.bounded(Value::Map(map?))
    }

    fn entries(&mut self, entries: &'p [(Node, Node, bool)]) -> Evaluated<Map> {
        let mut map = Vec::with_capacity(entries.len());
        for (key, value, optional) in entries {
            let (key, value) = (self.node(key)?, self.node(value)?);
            let Some(found) = Key::of(&key) else {
                let name = key.type_name();
                return Err(EvaluationError::new(format!("unsupported key type: {name}")));
            };
            match value {
                value if !optional => map.push((found, value)),
                Value::Optional(Some(value)) => map.push((found, (*value).clone())),
                Value::Optional(None) => map.retain(|(known, _)| *known != found),
                other => {
                    return Err(EvaluationError::new(format!(
                        "cannot initialize optional entry '{}' from non-optional value {}",
                        key.shown(),
                        other.shown()
                    )));
                }
            }
        }
        Ok(Map::new(map))
    }
}

/// Lets through what ends the evaluation, and keeps other errors as results.
pub(super) fn fatal<T>(result: Evaluated<T>) -> Evaluated<Evaluated<T>> {
    match result {
        Err(error) if error.is_fatal() => Err(error),
        other => Ok(other),
    }
}

/// An optional value.
pub(super) fn present(value: Value) -> Value {
    some(value)
}

/// How deep values may be nested.
const MAX_DEPTH: usize = 400;
