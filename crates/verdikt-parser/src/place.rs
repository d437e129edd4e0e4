//! Where something stands: a file, a line, a column.

use std::fmt;
use std::sync::Arc;

/// A text to be read: its name as the user gave it, and its bytes, whatever they are.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// Path as given, or `<stdin>`, or any other name that means something to the user.
    pub name: Arc<str>,
    /// The content, not yet known to be UTF-8.
    pub bytes: &'a [u8],
}

impl<'a> Source<'a> {
    /// A text with the name it is reported under.
    pub fn new(name: impl Into<Arc<str>>, bytes: &'a [u8]) -> Self {
        Self { name: name.into(), bytes }
    }
}

/// The place of a word in a file, for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Place {
    /// Name of the source.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// `file:line:column`, as compilers print it and terminals link it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Where an object came from: small enough to be kept with each of a million objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Name of the source; shared by all objects of a file.
    pub file: Arc<str>,
    /// Line on which the object starts, from 1; 0 if it did not come from a text.
    pub line: u32,
}

impl Origin {
    /// An object that was made by a program, under a name for messages.
    pub fn inline(name: impl Into<Arc<str>>) -> Self {
        Self { file: name.into(), line: 0 }
    }
}

impl Default for Origin {
    fn default() -> Self {
        Self::inline("<inline>")
    }
}

/// `file:line`, or the bare name for what has no line.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}
