//! Values: what variables are bound to, and what expressions evaluate to.
//!
//! Cheap to clone: everything that may be large is shared.

pub(crate) mod compare;
pub(crate) mod convert;
mod list;
mod map;
mod object;

use std::sync::Arc;

use crate::number;

pub use list::List;
pub use map::{Key, Map};
pub use object::{LazyMap, Object};

pub use crate::library::Opaque;
pub use crate::time::{Duration, Timestamp};

/// A value of the language.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Value {
    /// `null`.
    Null,
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
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(List),
    /// A map.
    Map(Map),
    /// The odd map that `claims` and `user` are.
    Lazy(LazyMap),
    /// A span of time.
    Duration(Duration),
    /// A point in time.
    Timestamp(Timestamp),
    /// A type, by its name.
    Type(Arc<str>),
    /// A value that may be absent.
    Optional(Option<Arc<Value>>),
    /// An object of declared fields.
    Object(Object),
    /// A value of an extension library.
    Opaque(Opaque),
}

impl Value {
    /// Text.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    /// A list of these values.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(items))
    }

    /// A list as functions written in Go give it, such as `split` does: like any other, but told apart
    /// by [`List::is_native_strings`].
    pub fn native_string_list(items: Vec<String>) -> Self {
        Self::List(List::native_strings(items))
    }

    /// A map with keys of text.
    pub fn map<K: Into<Arc<str>>>(fields: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(Map::new(
            fields.into_iter().map(|(name, value)| (Key::String(name.into()), value)),
        ))
    }

    /// The map that `claims` and `user` are: it can be selected from, indexed, tested with `has` and
    /// walked over, which gives its values; it cannot be compared or measured, nor searched with `in`.
    /// Names are unescaped, `__dot__` being `.`.
    pub fn lazy_map(fields: impl IntoIterator<Item = (String, Self)>) -> Self {
        Self::Lazy(LazyMap::new("kubernetes.claims", fields))
    }

    /// An object of a declared type. A field that is left out is unset: `has` is false of it, and it
    /// reads as the default of its type.
    pub fn object(ty: &Arc<crate::ObjectType>, fields: Vec<(&str, Self)>) -> Self {
        Self::Object(Object::new(ty, fields))
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The list, if this is one.
    pub const fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// Whether it is true or false, if this is either.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What `size()` says of it, if it has one.
    pub(crate) fn size(&self) -> Option<usize> {
        match self {
            Self::String(text) => Some(text.chars().count()),
            Self::Bytes(bytes) => Some(bytes.len()),
            Self::List(list) => Some(list.len()),
            Self::Map(map) => Some(map.len()),
            _ => None,
        }
    }

    /// The size that counts for cost, where it has one.
    pub(crate) fn size_of_any(&self) -> Option<usize> {
        match self {
            Self::Lazy(map) => Some(map.len()),
            Self::Opaque(opaque) => opaque.size(),
            Self::Optional(Some(value)) => value.size_of_any(),
            _ => self.size(),
        }
    }

    /// How deep lists, maps and optional values are nested in it.
    pub(crate) fn depth(&self) -> usize {
        let mut value = self;
        let mut levels = 0;
        while let Self::Optional(Some(inner)) = value {
            value = inner;
            levels += 1;
        }
        levels
            + match value {
                Self::List(list) => list.depth(),
                Self::Map(map) => map.depth(),
                _ => 0,
            }
    }

    /// As errors show it, which is Go's `%v`.
    pub(crate) fn shown(&self) -> String {
        match self {
            // cel-go's null is a number to Go.
            Self::Null => "0".to_owned(),
            Self::Bool(truth) => truth.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Uint(number) => number.to_string(),
            Self::Double(number) => number::general(*number),
            Self::String(text) => text.to_string(),
            Self::Type(name) => name.to_string(),
            other => format!("<{}>", other.type_name()),
        }
    }

    /// The name of its type in Go, which a few errors show.
    pub(crate) const fn go_type(&self) -> &'static str {
        match self {
            Self::Null => "types.Null",
            Self::Bool(_) => "types.Bool",
            Self::Int(_) => "types.Int",
            Self::Uint(_) => "types.Uint",
            Self::Double(_) => "types.Double",
            Self::String(_) => "types.String",
            Self::Bytes(_) => "types.Bytes",
            Self::List(_) => "*types.baseList",
            Self::Map(_) => "*types.baseMap",
            Self::Lazy(_) => "*lazy.MapValue",
            Self::Duration(_) => "types.Duration",
            Self::Timestamp(_) => "types.Timestamp",
            Self::Type(_) => "*types.Type",
            Self::Optional(_) => "*types.Optional",
            Self::Object(_) => "*types.protoObj",
            Self::Opaque(opaque) => opaque.go_type(),
        }
    }

    /// The name of its type, as errors of conversions have it.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Lazy(map) => map.type_name(),
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Type(_) => "type",
            Self::Optional(_) => "optional_type",
            Self::Object(object) => object.type_name(),
            Self::Opaque(opaque) => opaque.type_name(),
        }
    }
}
