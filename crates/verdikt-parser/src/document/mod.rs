//! Text to a tree of nodes, each of which knows where it stands. YAML and JSON end up as the same tree.

mod comments;
mod json;
mod scalar;
mod text;
mod yaml;

use crate::{Diagnostic, Limits, Source};

pub use comments::{Comment, comments};
pub use text::Text;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it begins, and how long the word is.
    pub at: At,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Characters on that line; at least 1.
    pub length: u32,
}

/// What a node is, as JSON would have it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`, and in YAML `yes`, `no`, `on`, `off`, `y` and `n` too, as in Kubernetes.
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// A text.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// A map, in the order in which it was written; no key comes twice.
    Mapping(Vec<(Key, Node)>),
}

/// The key of an entry of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The key; what is no text in YAML stands here as JSON would write it.
    pub name: String,
    /// Where it stands.
    pub at: At,
}

impl Node {
    /// The kind of value in the words of Go's JSON decoder: `string`, `number`, `bool`, `array`,
    /// `object` or `null`.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Sequence(_) => "array",
            Value::Mapping(_) => "object",
        }
    }

    /// The value of a key of a map.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match &self.value {
            Value::Mapping(entries) => {
                entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
            }
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads all documents of a text. A text that begins with `{` is JSON, and may hold several objects
/// one after the other; everything else is YAML (as kubectl has it). Documents without content are
/// left out. What cannot be read ends the reading, and is the last of the diagnostics.
pub fn read(source: &Source<'_>, limits: &Limits) -> (Vec<Node>, Vec<Diagnostic>) {
    match Text::new(source, limits) {
        Ok(text) => match text.first_character() {
            Some('{') => json::read(&text, limits),
            _ => yaml::read(&text, limits),
        },
        Err(diagnostic) => (Vec::new(), vec![*diagnostic]),
    }
}

/// Reads a text as YAML, whatever it begins with.
pub fn read_yaml(source: &Source<'_>, limits: &Limits) -> (Vec<Node>, Vec<Diagnostic>) {
    match Text::new(source, limits) {
        Ok(text) => yaml::read(&text, limits),
        Err(diagnostic) => (Vec::new(), vec![*diagnostic]),
    }
}

fn too_deep(text: &Text<'_>, at: At, limits: &Limits) -> Diagnostic {
    let message = format!("lists and maps nest deeper than {} levels", limits.depth);
    Diagnostic::error("parse/too-deep", message)
        .help(
            "no policy needs that; a bracket or an indentation may be wrong, or raise `--limit-depth`",
        )
        .at(text.label(at, ""))
}
