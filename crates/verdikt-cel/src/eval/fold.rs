//! Loops.
//!
//! Follows `evalFold` of cel-go's `interpreter/interpretable.go`.

use super::node::{Call, Fold, Node, Step};
use super::plan::grown;
use super::run::{Local, Run, fatal};
use crate::meter::Evaluated;
use crate::value::LazyMap;
use crate::{EvaluationError, Value};

/// What the variables of a loop are bound to in one round.
type Round = (Evaluated, Option<Evaluated>);

impl<'p> Run<'p> {
    pub(super) fn fold(&mut self, fold: &'p Fold) -> Evaluated {
        let range = self.node(&fold.range)?;
        if let Some(local) = self.locals.get_mut(fold.accumulator) {
            *local = Local::Pending(&fold.initial);
        }
        self.rounds(fold, &range)?;
        let result = self.node(&fold.result);
        // Nothing that was accumulated is kept longer than needed.
        if let Some(local) = self.locals.get_mut(fold.accumulator) {
            *local = Local::Unset;
        }
        result
    }

    fn rounds(&mut self, fold: &'p Fold, range: &Value) -> Evaluated<()> {
        let two = fold.second.is_some();
        match range {
            Value::List(list) => {
                for (index, item) in list.iter().enumerate() {
                    let round = if two {
                        let index = Value::Int(i64::try_from(index).unwrap_or(i64::MAX));
                        (Ok(index), Some(Ok(item.clone())))
                    } else {
                        (Ok(item.clone()), None)
                    };
                    if !self.round(fold, round)? {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, value) in map {
                    let value = two.then(|| Ok(value.clone()));
                    if !self.round(fold, (Ok(key.to_value()), value))? {
                        break;
                    }
                }
            }
            Value::Lazy(map) => {
                for round in lazy_rounds(map, two) {
                    if !self.round(fold, round)? {
                        break;
                    }
                }
            }
            other => {
                let name = other.go_type();
                let what = if two {
                    format!("unsupported comprehension range type: {name}")
                } else {
                    format!("got '{name}', expected iterable type")
                };
                return Err(EvaluationError::new(what));
            }
        }
        Ok(())
    }

    /// One round; whether there may be another.
    fn round(&mut self, fold: &'p Fold, round: Round) -> Evaluated<bool> {
        self.meter.work(1)?;
        let (first, second) = round;
        self.bind(fold.variable, first);
        if let (Some(number), Some(value)) = (fold.second, second) {
            self.bind(number, value);
        }
        // Only what is false ends a loop; an error goes on.
        if matches!(fatal(self.node(&fold.condition))?, Ok(Value::Bool(false))) {
            return Ok(false);
        }
        match &fold.step {
            Step::Node(node) => {
                let value = fatal(self.node(node))?;
                self.bind(fold.accumulator, value);
            }
            Step::Grow { filter, call } => self.grow(fold, filter.as_ref(), call)?,
        }
        Ok(true)
    }

    /// Adds to what was accumulated, in place.
    fn grow(&mut self, fold: &'p Fold, filter: Option<&'p Node>, call: &'p Call) -> Evaluated<()> {
        let passes = match filter.map(|filter| self.node(filter)) {
            None | Some(Ok(Value::Bool(true))) => Ok(true),
            Some(Ok(Value::Bool(false))) => Ok(false),
            Some(Ok(_)) => Err(EvaluationError::no_such_overload()),
            Some(Err(error)) => Err(error),
        };
        match fatal(passes)? {
            Ok(true) => {
                let value = fatal(self.grown(fold, call))?;
                self.bind(fold.accumulator, value);
            }
            Ok(false) => {
                // It is looked at, which costs nothing, but is evaluated the first time.
                if matches!(self.locals.get(fold.accumulator), Some(Local::Pending(_))) {
                    let value = fatal(self.node(&fold.initial))?;
                    self.bind(fold.accumulator, value);
                }
            }
            Err(error) => self.bind(fold.accumulator, Err(error)),
        }
        Ok(())
    }

    fn grown(&mut self, fold: &'p Fold, call: &'p Call) -> Evaluated {
        let accumulated = fatal(self.take(fold.accumulator))?;
        self.meter.charge(1)?;
        let mut args = Vec::with_capacity(2);
        let mut failed = None;
        for arg in call.args.iter().skip(1) {
            match fatal(self.node(arg))? {
                Ok(value) => args.push(value),
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        self.meter.charge(1)?;
        let accumulated = accumulated?;
        if let Some(error) = failed {
            return Err(error);
        }
        let value = grown(&mut self.meter, call, accumulated, &args)?;
        self.bounded(value)
    }

    /// What was accumulated, which nobody else has then.
    fn take(&mut self, number: usize) -> Evaluated {
        let local = self.locals.get_mut(number);
        match local.map(|local| std::mem::replace(local, Local::Unset)) {
            Some(Local::Value(value)) => Ok(value),
            Some(Local::Failed(error)) => Err(error),
            Some(Local::Pending(node)) => self.node(node),
            Some(Local::Unset) | None => Err(EvaluationError::new("no such attribute(s)")),
        }
    }
}

/// A lazy map is walked value by value; in a loop of two, each value is looked up as if it were a name.
fn lazy_rounds(map: &LazyMap, two: bool) -> Vec<Round> {
    let missing = |name: &str| EvaluationError::new(format!("no such key: {name}"));
    map.names()
        .map(|name| {
            let value = map.find(name).ok_or_else(|| missing(name));
            let second = two.then(|| match &value {
                Ok(Value::String(name)) => map.find(name).ok_or_else(|| missing(name)),
                Ok(_) => Err(EvaluationError::no_such_overload()),
                Err(error) => Err(error.clone()),
            });
            (value, second)
        })
        .collect()
}
