//! A tree held against the fields it may have.
//!
//! Follows `sigs.k8s.io/json`: of values of a wrong type the first is the error, and stands alone; of
//! fields that are unknown or come twice up to a hundred are told, each once.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Places, Shape, Struct, error};
use crate::Diagnostic;
use crate::document::{At, Key, Node, Text, Value};
use crate::go_duration;
use crate::manifest::nearest;

/// The order in which keys of a map are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    AsWritten,
    Alphabet,
}

/// Where the fields stand, or what is wrong with them.
pub(super) fn check(
    root: &Node,
    shape: &'static Struct,
    package: &str,
    text: &Text<'_>,
    duplicates: &[Diagnostic],
    order: Order,
) -> Result<Places, Vec<Diagnostic>> {
    let mut checker = Checker {
        package,
        text,
        duplicates,
        order,
        places: Places::default(),
        wrong_type: None,
        aborted: None,
        strict: Vec::new(),
        told: HashSet::new(),
    };
    if order == Order::Alphabet {
        checker.yaml_duplicates();
    }
    checker.fields(root, shape, &Path::default());
    match checker.aborted.or(checker.wrong_type) {
        Some(wrong_type) => Err(vec![wrong_type]),
        None if checker.strict.is_empty() => Ok(checker.places),
        None => Err(checker.strict),
    }
}

struct Checker<'a> {
    package: &'a str,
    text: &'a Text<'a>,
    duplicates: &'a [Diagnostic],
    order: Order,
    places: Places,
    wrong_type: Option<Diagnostic>,
    /// What a decoder of a field's own found; Go goes no further then, and tells this alone.
    aborted: Option<Diagnostic>,
    strict: Vec<Diagnostic>,
    told: HashSet<String>,
}

/// A path as Go's decoder prints it, without places in lists, and as Kubernetes does, with them.
#[derive(Clone, Default)]
struct Path {
    go: String,
    full: String,
}

impl Path {
    fn field(&self, name: &str) -> Self {
        let join = |to: &str| if to.is_empty() { name.to_owned() } else { format!("{to}.{name}") };
        Self { go: join(&self.go), full: join(&self.full) }
    }

    fn item(&self, index: usize) -> Self {
        Self { go: self.go.clone(), full: format!("{}[{index}]", self.full) }
    }
}

impl Checker<'_> {
    fn value(&mut self, node: &Node, shape: &Shape, of: &'static Struct, path: &Path) {
        if self.aborted.is_some() {
            return;
        }
        self.places.insert(path.full.clone(), self.text.label(node.at, ""));
        match (&node.value, shape) {
            (_, Shape::Duration) => self.duration(node, shape, of, path),
            (_, Shape::Any)
            | (Value::Null, _)
            | (Value::String(_), Shape::Text(_))
            | (Value::Bool(_), Shape::Bool) => {}
            (Value::Number(number), Shape::Int32) if number.parse::<i32>().is_ok() => {}
            (Value::Sequence(items), Shape::List(item_shape)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, item_shape, of, &path.item(index));
                }
            }
            (Value::Mapping(_), Shape::Struct(inner)) => self.fields(node, inner, path),
            _ => self.wrong_type(node, shape, of, path),
        }
    }

    fn fields(&mut self, node: &Node, shape: &'static Struct, path: &Path) {
        let Value::Mapping(entries) = &node.value else { return };
        for (key, node) in self.in_order(entries).iter() {
            let path = path.field(&key.name);
            if self.order == Order::AsWritten && self.is_duplicate(key.at) {
                self.strict(
                    format!("duplicate field \"{}\"", path.full),
                    "remove one of the two",
                    key.at,
                );
            }
            match shape.fields.iter().find(|(name, _)| *name == key.name) {
                Some((_, field)) => self.value(node, field, shape, &path),
                None if path.full == "apiVersion" || path.full == "kind" => {}
                None => {
                    let known: Vec<&str> = shape.fields.iter().map(|(name, _)| *name).collect();
                    let help = nearest(&key.name, &known)
                        .map_or_else(String::new, |name| format!("did you mean `{name}`?"));
                    self.strict(format!("unknown field \"{}\"", path.full), &help, key.at);
                }
            }
        }
    }

    fn in_order<'n>(&self, entries: &'n [(Key, Node)]) -> Cow<'n, [(Key, Node)]> {
        match self.order {
            Order::AsWritten => Cow::Borrowed(entries),
            Order::Alphabet => {
                let mut sorted = entries.to_vec();
                sorted.sort_by(|(left, _), (right, _)| left.name.cmp(&right.name));
                Cow::Owned(sorted)
            }
        }
    }

    fn is_duplicate(&self, at: At) -> bool {
        self.duplicates.iter().any(|duplicate| {
            duplicate
                .primary
                .as_ref()
                .is_some_and(|label| (label.place.line, label.place.column) == (at.line, at.column))
        })
    }

    fn yaml_duplicates(&mut self) {
        for duplicate in self.duplicates {
            let line = duplicate.primary.as_ref().map_or(0, |label| label.place.line);
            let message = format!(
                "strict decoding error: yaml: unmarshal errors:\n  line {line}: {}",
                duplicate.message
            );
            self.strict.push(Diagnostic {
                id: "config/duplicate-key",
                message,
                ..duplicate.clone()
            });
        }
    }

    fn strict(&mut self, message: String, help: &str, at: At) {
        if self.strict.len() < MOST_STRICT && self.told.insert(message.clone()) {
            let message = format!("strict decoding error: {message}");
            self.strict.push(error("config/strict", message, help, at, self.text));
        }
    }

    fn duration(&mut self, node: &Node, shape: &Shape, of: &'static Struct, path: &Path) {
        // Upstream reads null as an empty text.
        let text = match &node.value {
            Value::String(text) => text.as_str(),
            Value::Null => "",
            _ => {
                let before = self.wrong_type.take();
                self.wrong_type(node, shape, of, path);
                self.aborted = std::mem::replace(&mut self.wrong_type, before);
                return;
            }
        };
        if let Err(problem) = go_duration::parse(text) {
            let help = shape.wanted();
            self.aborted = Some(error("config/duration", problem, help, node.at, self.text));
        }
    }

    fn wrong_type(&mut self, node: &Node, shape: &Shape, of: &'static Struct, path: &Path) {
        if self.wrong_type.is_some() {
            return;
        }
        // Of numbers, Go shows those that do not fit a number.
        let kind = match (&node.value, shape) {
            (Value::Number(number), Shape::Int32) => format!("number {number}"),
            _ => node.kind().to_owned(),
        };
        let message = format!(
            "json: cannot unmarshal {kind} into Go struct field {}.{} of type {}",
            of.name,
            path.go,
            shape.go_type(self.package)
        );
        let help = match (shape, &node.value) {
            (Shape::Text(_), Value::Bool(_) | Value::Number(_)) => "put it in quotes",
            (shape, _) => shape.wanted(),
        };
        self.wrong_type = Some(error("config/wrong-type", message, help, node.at, self.text));
    }
}

const MOST_STRICT: usize = 100;
