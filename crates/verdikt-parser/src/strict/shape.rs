//! The Go types of a configuration, as far as errors of decoding show them.

/// A struct and its fields.
#[derive(Debug)]
pub(crate) struct Struct {
    /// Its name in Go, without the package.
    pub(crate) name: &'static str,
    /// Names in JSON.
    pub(crate) fields: &'static [(&'static str, Shape)],
}

/// What a field holds.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A text: `string`, or a type of the package by its name.
    Text(&'static str),
    /// `true` or `false`.
    Bool,
    /// A whole number of 32 bits.
    Int32,
    /// Several of one kind.
    List(&'static Self),
    /// A struct, or a pointer to one.
    Struct(&'static Struct),
    /// How long something takes, as Go writes it: `metav1.Duration`.
    Duration,
    /// Anything; nobody looks at it.
    Any,
}

impl Shape {
    /// A plain text.
    pub(crate) const STRING: Self = Self::Text("string");

    /// The type as Go prints it.
    pub(super) fn go_type(&self, package: &str) -> String {
        match self {
            Self::Text("string") | Self::Duration => "string".to_owned(),
            Self::Text(name) => format!("{package}.{name}"),
            Self::Bool => "bool".to_owned(),
            Self::Int32 => "int32".to_owned(),
            Self::Any => "interface {}".to_owned(),
            Self::List(of) => format!("[]{}", of.go_type(package)),
            Self::Struct(of) => format!("{package}.{}", of.name),
        }
    }

    /// What is needed, for people.
    pub(super) const fn wanted(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Any => "a text is needed here",
            Self::Duration => "a duration is needed here, such as 30s or 1m30s",
            Self::Bool => "true or false is needed here",
            Self::Int32 => "a whole number is needed here",
            Self::List(_) => "a list is needed here",
            Self::Struct(_) => "a map of fields is needed here",
        }
    }
}
