//! Lists.

use std::sync::Arc;

use super::Value;

/// A list of values.
#[derive(Debug, Clone)]
pub struct List {
    items: Arc<Vec<Value>>,
    origin: Origin,
    /// How deep lists and maps are nested, this one included.
    depth: u16,
}

/// Where a list is from, which Kubernetes' code looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Made by an expression.
    Expression,
    /// A Go `[]string`.
    Strings,
    /// JSON: what is looked up in it has its names unescaped.
    Json,
}

impl List {
    /// A list of these values.
    pub fn new(items: Vec<Value>) -> Self {
        Self { depth: depth_of(&items), items: Arc::new(items), origin: Origin::Expression }
    }

    pub(crate) fn native_strings(items: Vec<String>) -> Self {
        let items = items.into_iter().map(Value::string).collect();
        Self { items: Arc::new(items), origin: Origin::Strings, depth: 1 }
    }

    /// The same list, as one that was read from JSON.
    pub(super) fn of_json(self) -> Self {
        Self { origin: Origin::Json, ..self }
    }

    /// The values.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.items.iter()
    }

    /// The values.
    pub fn as_slice(&self) -> &[Value] {
        &self.items
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether this is a list of text as `split` and `findAll` give it, which Kubernetes refuses where
    /// claims are mapped, as long as no other function made a new list of it.
    pub fn is_native_strings(&self) -> bool {
        self.origin == Origin::Strings
    }

    /// The value at this place, as look-ups see it.
    pub(crate) fn get(&self, index: usize) -> Option<Value> {
        let value = self.items.get(index)?.clone();
        Some(if self.origin == Origin::Json { value.of_json() } else { value })
    }

    /// How deep lists and maps are nested in it.
    pub(crate) fn depth(&self) -> usize {
        usize::from(self.depth)
    }

    /// Adds the values of another list at the end; without a copy if nobody else has this one.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.origin = Origin::Expression;
        self.depth = self.depth.max(other.depth);
        Arc::make_mut(&mut self.items).extend(other.items.iter().cloned());
    }

    /// Whether nobody else has the list.
    pub(crate) fn is_unique(&mut self) -> bool {
        Arc::get_mut(&mut self.items).is_some()
    }
}

/// One more than the deepest of these.
pub(super) fn depth_of<'v>(values: impl IntoIterator<Item = &'v Value>) -> u16 {
    let deepest = values.into_iter().map(Value::depth).max().unwrap_or_default();
    u16::try_from(deepest + 1).unwrap_or(u16::MAX)
}

impl<'l> IntoIterator for &'l List {
    type Item = &'l Value;
    type IntoIter = std::slice::Iter<'l, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
