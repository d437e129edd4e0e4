//! Maps and their keys.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Value;
use super::convert::{exact_int, exact_uint};
use super::list::depth_of;
use crate::names;

/// A key of a map.
#[derive(Debug, Clone)]
pub enum Key {
    /// `true` or `false`.
    Bool(bool),
    /// A signed number.
    Int(i64),
    /// An unsigned number.
    Uint(u64),
    /// A floating-point number.
    Double(f64),
    /// Text.
    String(Arc<str>),
}

/// An order of all keys, whatever their types; numbers of different types are different keys.
impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => left.cmp(right),
            (Self::Int(left), Self::Int(right)) => left.cmp(right),
            (Self::Uint(left), Self::Uint(right)) => left.cmp(right),
            (Self::Double(left), Self::Double(right)) => left.total_cmp(right),
            (Self::String(left), Self::String(right)) => left.cmp(right),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

impl Key {
    const fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Int(_) => 1,
            Self::Uint(_) => 2,
            Self::Double(_) => 3,
            Self::String(_) => 4,
        }
    }

    /// The key that a value is, if it can be one.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(Self::Bool(*truth)),
            Value::Int(number) => Some(Self::Int(*number)),
            Value::Uint(number) => Some(Self::Uint(*number)),
            // Zero is zero, with a sign or without.
            Value::Double(number) => Some(Self::Double(if *number == 0.0 { 0.0 } else { *number })),
            Value::String(text) => Some(Self::String(Arc::clone(text))),
            _ => None,
        }
    }

    /// The key as a value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Int(number) => Value::Int(*number),
            Self::Uint(number) => Value::Uint(*number),
            Self::Double(number) => Value::Double(*number),
            Self::String(text) => Value::String(Arc::clone(text)),
        }
    }
}

/// A map.
#[derive(Debug, Clone)]
pub struct Map {
    entries: Arc<BTreeMap<Key, Value>>,
    /// Read from JSON: names that are looked up are unescaped.
    of_json: bool,
    /// How deep lists and maps are nested, this one included.
    depth: u16,
}

impl Map {
    /// A map of these entries; of several with one key, the last.
    pub fn new(entries: impl IntoIterator<Item = (Key, Value)>) -> Self {
        let entries: BTreeMap<Key, Value> = entries.into_iter().collect();
        Self { depth: depth_of(entries.values()), entries: Arc::new(entries), of_json: false }
    }

    pub(super) fn of_json(self) -> Self {
        Self { of_json: true, ..self }
    }

    /// The entries, ordered by key.
    pub fn iter(&self) -> std::collections::btree_map::Iter<'_, Key, Value> {
        self.entries.iter()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds an entry; without a copy if nobody else has the map. Whether the key is new.
    pub(crate) fn insert(&mut self, key: Key, value: Value) -> bool {
        self.of_json = false;
        self.depth = self.depth.max(depth_of([&value]));
        Arc::make_mut(&mut self.entries).insert(key, value).is_none()
    }

    /// How deep lists and maps are nested in it.
    pub(crate) fn depth(&self) -> usize {
        usize::from(self.depth)
    }

    /// Whether nobody else has the map.
    pub(crate) fn is_unique(&mut self) -> bool {
        Arc::get_mut(&mut self.entries).is_some()
    }

    /// The value of this very key: numbers are equal to numbers of other types, nothing is unescaped.
    pub(crate) fn get(&self, key: &Value) -> Option<&Value> {
        let exact = Key::of(key).and_then(|key| self.entries.get(&key));
        exact.or_else(|| self.get_number(key))
    }

    /// A number is found whatever type it was written in, as long as it is whole.
    fn get_number(&self, key: &Value) -> Option<&Value> {
        let (int, uint) = match *key {
            Value::Int(number) => (None, u64::try_from(number).ok()),
            Value::Uint(number) => (i64::try_from(number).ok(), None),
            Value::Double(number) => (exact_int(number), exact_uint(number)),
            _ => return None,
        };
        let int = int.and_then(|number| self.entries.get(&Key::Int(number)));
        int.or_else(|| uint.and_then(|number| self.entries.get(&Key::Uint(number))))
    }

    /// The value that a selection or an index finds.
    pub(crate) fn find(&self, key: &Value) -> Option<Value> {
        if !self.of_json {
            return self.get(key).cloned();
        }
        let unescaped = key.as_str().and_then(names::unescape).map(Value::string);
        self.get(unescaped.as_ref().unwrap_or(key)).cloned().map(Value::of_json)
    }
}

impl<'m> IntoIterator for &'m Map {
    type Item = (&'m Key, &'m Value);
    type IntoIter = std::collections::btree_map::Iter<'m, Key, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
