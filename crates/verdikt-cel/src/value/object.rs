//! Objects of declared types, and the odd maps that `claims` and `user` are.
//!
//! Follows apiserver's `pkg/cel/lazy/lazy.go` in what such a map can and cannot do.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Value;
use crate::names;
use crate::{ObjectType, Type};

/// A map that can be selected from, indexed, tested and walked over, but not compared or measured.
#[derive(Debug, Clone)]
pub struct LazyMap {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    type_name: Box<str>,
    fields: BTreeMap<String, Value>,
}

impl LazyMap {
    pub(super) fn new(type_name: &str, fields: impl IntoIterator<Item = (String, Value)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name, value.of_json())).collect();
        Self { shared: Arc::new(Shared { type_name: type_name.into(), fields }) }
    }

    /// The name of its type.
    pub fn type_name(&self) -> &str {
        &self.shared.type_name
    }

    /// The field of this name, once it is unescaped.
    pub(crate) fn find(&self, name: &str) -> Option<Value> {
        match names::unescape_or_keep(name) {
            Some(name) => self.shared.fields.get(name.as_ref()).cloned(),
            None => None,
        }
    }

    /// The names of all fields.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.shared.fields.keys().map(String::as_str)
    }

    /// How many fields there are.
    pub(crate) fn len(&self) -> usize {
        self.shared.fields.len()
    }

    /// Whether both are one map.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// An object of a declared type.
#[derive(Debug, Clone)]
pub struct Object {
    ty: Arc<ObjectType>,
    fields: Arc<BTreeMap<String, Value>>,
}

impl Object {
    pub(super) fn new(ty: &Arc<ObjectType>, fields: Vec<(&str, Value)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { ty: Arc::clone(ty), fields: Arc::new(fields) }
    }

    /// The name of its type.
    pub fn type_name(&self) -> &str {
        &self.ty.name
    }

    /// The field of this name, if it is set.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// What the field of this name reads as: the default of its type while it is unset; nothing if no
    /// such field is declared.
    pub(crate) fn read(&self, name: &str) -> Option<Value> {
        let set = self.fields.get(name).cloned();
        set.or_else(|| self.ty.field(name).map(default_of))
    }

    /// The fields that are set.
    pub(crate) fn fields(&self) -> &BTreeMap<String, Value> {
        &self.fields
    }
}

/// What an unset field of this type reads as.
fn default_of(ty: &Type) -> Value {
    match ty {
        Type::Bool => Value::Bool(false),
        Type::Int => Value::Int(0),
        Type::Uint => Value::Uint(0),
        Type::Double => Value::Double(0.0),
        Type::String => Value::string(""),
        Type::Bytes => Value::Bytes([].into()),
        Type::List(_) => Value::list(Vec::new()),
        Type::Map(..) => Value::map::<&str>([]),
        Type::Object(ty) => Value::object(ty, Vec::new()),
        Type::Optional(_) => Value::Optional(None),
        _ => Value::Null,
    }
}
