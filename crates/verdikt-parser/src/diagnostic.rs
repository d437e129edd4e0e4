//! A finding about a text, as data; how it looks is decided where it is shown.

use std::fmt;

use crate::Place;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing need be wrong.
    Note,
    /// Worth a look; the text is used as it stands.
    Warning,
    /// The text must not be used.
    Error,
}

impl Severity {
    /// As it is written: `note`, `warning` or `error`, which are SARIF's words, too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One finding. It owns all it needs to be shown, so that the text itself need not be kept.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// Stable identifier, such as `rbac/unknown-role-ref`.
    pub id: &'static str,
    /// Whether the text can be used in spite of it.
    pub severity: Severity,
    /// What is wrong, in Kubernetes' own words where it has some.
    pub message: String,
    /// What to do about it; empty if the message says it all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// Where it is wrong: the word itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<Label>,
    /// Other places that belong to it, such as the first of two duplicates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Label>,
}

/// A marked word with the line it stands in.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Label {
    /// Where the word starts.
    #[serde(flatten)]
    pub place: Place,
    /// How many characters are marked; at least 1.
    pub length: u32,
    /// The line, shortened if it is very long, without its newline.
    pub excerpt: String,
    /// Column of the first character of `excerpt`: 1 unless the line was shortened at its start.
    #[serde(skip)]
    pub excerpt_column: u32,
    /// What to say at the mark; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
}

impl Diagnostic {
    /// An error without a place; add one with [`Diagnostic::at`].
    pub fn error(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(id, Severity::Error, message)
    }

    /// A warning without a place; add one with [`Diagnostic::at`].
    pub fn warning(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(id, Severity::Warning, message)
    }

    /// A finding without a place; add one with [`Diagnostic::at`].
    pub fn new(id: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            id,
            severity,
            message: message.into(),
            help: String::new(),
            primary: None,
            related: Vec::new(),
        }
    }

    /// The same finding with advice.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..self }
    }

    /// The same finding at a place.
    #[must_use]
    pub fn at(self, label: Label) -> Self {
        Self { primary: Some(label), ..self }
    }

    /// The same finding with a further place.
    #[must_use]
    pub fn with(mut self, label: Label) -> Self {
        self.related.push(label);
        self
    }

    /// Whether this finding forbids using the text.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// One line: `file:line:column: error: message`, control characters escaped.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(label) = &self.primary {
            write!(f, "{}: ", Escaped(&label.place.to_string()))?;
        }
        write!(f, "{}: {}", self.severity, Escaped(&self.message))
    }
}

/// Text with its control characters escaped, so that a name cannot move the cursor of a terminal.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
        }
        Ok(())
    }
}
