//! Selects from values.
//!
//! Follows cel-go's `interpreter/attributes.go`.

use super::node::{Attribute, KeyNode, Node, Qualifier, Root};
use super::run::{Local, Run, fatal, present};
use crate::meter::Evaluated;
use crate::value::convert::exact_int;
use crate::{EvaluationError, Value};

impl<'p> Run<'p> {
    /// The value of an attribute, which costs 1 and what is selected.
    pub(super) fn attribute(&mut self, attribute: &'p Attribute) -> Evaluated {
        let value = fatal(self.resolve(attribute))?;
        // Of two values each has its cost; whether something is there costs what was looked at.
        if !attribute.test && !matches!(attribute.root, Root::Conditional(_)) {
            self.meter.charge(1)?;
        }
        value
    }

    fn resolve(&mut self, attribute: &'p Attribute) -> Evaluated {
        let root = match &attribute.root {
            Root::Variable(number) => match self.variables.get(*number) {
                Some(Some(value)) => (*value).clone(),
                _ => return Err(EvaluationError::new("no such attribute(s)")),
            },
            Root::Local(number) => self.local(*number)?,
            Root::Value(node) => self.node(node)?,
            Root::Conditional(parts) => {
                let (condition, yes, no) = &**parts;
                match self.node(condition)? {
                    Value::Bool(true) => self.branch(yes)?,
                    Value::Bool(false) => self.branch(no)?,
                    _ => return Err(EvaluationError::no_such_overload()),
                }
            }
        };
        if attribute.qualifiers.is_empty() {
            return Ok(root);
        }
        self.qualify(root, &attribute.qualifiers, attribute.test)
    }

    /// One of two values; what an attribute alone would cost is not counted.
    fn branch(&mut self, node: &'p Node) -> Evaluated {
        match node {
            Node::Attribute(attribute) if !attribute.test => self.resolve(attribute),
            node => self.node(node),
        }
    }

    fn local(&mut self, number: usize) -> Evaluated {
        let pending = match self.locals.get(number) {
            Some(Local::Value(value)) => return Ok(value.clone()),
            Some(Local::Failed(error)) => return Err(error.clone()),
            Some(Local::Pending(node)) => *node,
            Some(Local::Unset) | None => return Err(EvaluationError::new("no such attribute(s)")),
        };
        let value = fatal(self.node(pending))?;
        self.bind(number, value.clone());
        value
    }

    /// Binds a variable of a loop.
    pub(super) fn bind(&mut self, number: usize, value: Evaluated) {
        if let Some(local) = self.locals.get_mut(number) {
            *local = match value {
                Ok(value) => Local::Value(value),
                Err(error) => Local::Failed(error),
            };
        }
    }

    /// Selects one after the other. Once one of them is optional, or what is selected from, all are.
    fn qualify(&mut self, root: Value, qualifiers: &'p [Qualifier], test: bool) -> Evaluated {
        let (mut value, mut optional) = match root {
            Value::Optional(None) => {
                return Ok(if test { Value::Bool(false) } else { Value::Optional(None) });
            }
            Value::Optional(Some(value)) => ((*value).clone(), true),
            value => (value, false),
        };
        let last = qualifiers.len();
        for (position, qualifier) in qualifiers.iter().enumerate() {
            optional |= qualifier.optional;
            let key = match &qualifier.key {
                KeyNode::Constant(key) => key.clone(),
                KeyNode::Node(node) => {
                    let key = self.branch(node)?;
                    check_key(&key)?;
                    key
                }
            };
            if test && position + 1 == last {
                let found = fatal(self.find(&value, &key, true))?;
                if !optional || matches!(found, Ok(Some(_))) {
                    self.meter.charge(1)?;
                }
                return found.map(|found| Value::Bool(found.is_some()));
            }
            let found = fatal(self.find(&value, &key, optional))?;
            if !optional || matches!(found, Ok(Some(_))) {
                self.meter.charge(1)?;
            }
            match found? {
                Some(found) => value = found,
                None => {
                    return Ok(if test { Value::Bool(false) } else { Value::Optional(None) });
                }
            }
        }
        Ok(if optional { present(value) } else { value })
    }

    /// What a value has under a key; an error or nothing if it has nothing, as one asks.
    fn find(&mut self, value: &Value, key: &Value, may_lack: bool) -> Evaluated<Option<Value>> {
        let (found, is_list) = match value {
            Value::Map(map) => (map.find(key), false),
            Value::Lazy(map) => {
                let Some(name) = key.as_str() else {
                    return Err(EvaluationError::no_such_overload());
                };
                (map.find(name), false)
            }
            Value::List(list) => {
                let index = index_of(key)?;
                (usize::try_from(index).ok().and_then(|index| list.get(index)), true)
            }
            Value::Object(object) => {
                let name = key.as_str().unwrap_or_default();
                (if may_lack { object.get(name).cloned() } else { object.read(name) }, false)
            }
            _ => (None, false),
        };
        if found.is_some() || may_lack {
            return Ok(found);
        }
        let what = if is_list { "index out of bounds" } else { "no such key" };
        Err(EvaluationError::new(format!("{what}: {}", key.shown())))
    }
}

/// An error if nothing can be selected by a value.
pub(super) fn check_key(key: &Value) -> Evaluated<()> {
    match key {
        Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::String(_) => {
            Ok(())
        }
        other => Err(EvaluationError::new(format!("invalid qualifier type: {}", other.go_type()))),
    }
}

/// The place in a list that a key names.
fn index_of(key: &Value) -> Evaluated<i64> {
    let unsupported =
        || EvaluationError::new(format!("unsupported index value {} in list", key.shown()));
    match key {
        Value::Int(index) => Ok(*index),
        Value::Double(index) => exact_int(*index).ok_or_else(unsupported),
        Value::Uint(index) => i64::try_from(*index).map_err(|_| unsupported()),
        other => {
            let name = other.type_name();
            Err(EvaluationError::new(format!("unsupported index type '{name}' in list")))
        }
    }
}
