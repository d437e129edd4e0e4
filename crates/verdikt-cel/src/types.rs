//! Static types, as cel-go's `common/types/types.go` has and prints them.

use std::fmt;
use std::sync::Arc;

use crate::Value;

/// The type of an expression or of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// Anything, known when it is evaluated.
    Dyn,
    /// Anything, packed: assignable as [`Type::Dyn`] is, but no range of a comprehension.
    Any,
    /// The type of what did not check; it gives no further errors.
    Error,
    /// The type of `null`.
    Null,
    /// `true` and `false`.
    Bool,
    /// Signed, 64 bits.
    Int,
    /// Unsigned, 64 bits.
    Uint,
    /// Floating point, 64 bits.
    Double,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// A span of time.
    Duration,
    /// A point in time.
    Timestamp,
    /// The type of a type, where it is known, of that type.
    Type(Option<Box<Type>>),
    /// A list and what it holds.
    List(Box<Type>),
    /// A map, its keys and its values.
    Map(Box<Type>, Box<Type>),
    /// A value that may be absent.
    Optional(Box<Type>),
    /// An object with fields of its own.
    Object(Arc<ObjectType>),
    /// A type of an extension library, by its full name.
    Opaque(&'static str),
    /// A type that is still to be found out; unseen outside of the checker.
    #[doc(hidden)]
    Param(Arc<str>),
}

/// A type with named fields.
#[derive(Debug, PartialEq, Eq)]
pub struct ObjectType {
    /// Its full name, such as `kubernetes.UserInfo`.
    pub name: String,
    /// Names and types of its fields.
    pub fields: Vec<(String, Type)>,
}

impl ObjectType {
    /// The type of the field of this name.
    pub fn field(&self, name: &str) -> Option<&Type> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, ty)| ty)
    }
}

impl Type {
    /// A list of `element`s.
    pub fn list(element: Self) -> Self {
        Self::List(Box::new(element))
    }

    /// A map from `key` to `value`.
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Box::new(key), Box::new(value))
    }

    /// The type of a constant.
    pub(crate) const fn of_literal(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Uint(_) => Self::Uint,
            Value::Double(_) => Self::Double,
            Value::String(_) => Self::String,
            Value::Bytes(_) => Self::Bytes,
            _ => Self::Error,
        }
    }

    /// The type that a name stands for in an expression, and the name that its values have for it.
    pub(crate) fn by_name(name: &str) -> Option<(&'static str, Self)> {
        Some(match name {
            "bool" => ("bool", Self::Bool),
            "bytes" => ("bytes", Self::Bytes),
            "double" => ("double", Self::Double),
            "int" => ("int", Self::Int),
            "uint" => ("uint", Self::Uint),
            "string" => ("string", Self::String),
            "null_type" => ("null_type", Self::Null),
            "list" => ("list", Self::list(Self::Dyn)),
            "map" => ("map", Self::map(Self::Dyn, Self::Dyn)),
            "type" => ("type", Self::Type(None)),
            "optional_type" => ("optional_type", Self::optional(Self::Dyn)),
            "google.protobuf.Duration" => ("google.protobuf.Duration", Self::Duration),
            "google.protobuf.Timestamp" => ("google.protobuf.Timestamp", Self::Timestamp),
            "net.IP" => ("net.IP", Self::Opaque("net.IP")),
            "net.CIDR" => ("net.CIDR", Self::Opaque("net.CIDR")),
            _ => return None,
        })
    }

    /// The name that values have for it, without what is in them.
    pub(crate) fn runtime_name(&self) -> &str {
        match self {
            Self::Dyn => "dyn",
            Self::Any => "google.protobuf.Any",
            Self::Error => "error",
            Self::Null => "null_type",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Duration => "google.protobuf.Duration",
            Self::Timestamp => "google.protobuf.Timestamp",
            Self::Type(_) => "type",
            Self::List(_) => "list",
            Self::Map(..) => "map",
            Self::Optional(_) => "optional_type",
            Self::Object(object) => &object.name,
            Self::Opaque(name) => name,
            Self::Param(name) => name,
        }
    }

    /// As errors of the checker show it: cel-go's `FormatCELType`.
    pub(crate) fn checked_name(&self) -> String {
        match self {
            Self::Any => "any".to_owned(),
            Self::Error => "!error!".to_owned(),
            Self::Null => "null".to_owned(),
            Self::Duration => "duration".to_owned(),
            Self::Timestamp => "timestamp".to_owned(),
            Self::Type(Some(of)) => format!("type({})", of.checked_name()),
            Self::List(of) => format!("list({})", of.checked_name()),
            Self::Map(key, value) => {
                format!("map({}, {})", key.checked_name(), value.checked_name())
            }
            Self::Optional(of) => format!("optional_type({})", of.checked_name()),
            other => other.runtime_name().to_owned(),
        }
    }

    /// An optional `value`.
    pub fn optional(value: Self) -> Self {
        Self::Optional(Box::new(value))
    }
}

/// As cel-go's `Type.String()`, which error texts of Kubernetes use.
impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(Some(of)) => write!(out, "type({of})"),
            Self::List(of) => write!(out, "list({of})"),
            Self::Map(key, value) => write!(out, "map({key}, {value})"),
            Self::Optional(of) => write!(out, "optional_type({of})"),
            Self::Param(name) => write!(out, "<{name}>"),
            other => out.write_str(other.runtime_name()),
        }
    }
}
