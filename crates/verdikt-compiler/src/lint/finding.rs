//! A finding before its place is looked up: the object, and the way to the word that is meant.

use std::fmt;

use verdikt_parser::{Diagnostic, Label, Origin, Severity};

use super::forest::Forest;
use super::rule::Rule;
use super::{Choice, world::Reach};

/// An object a finding is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'p> {
    pub(super) kind: &'static str,
    /// Empty for what has none.
    pub(super) namespace: &'p str,
    pub(super) name: &'p str,
    pub(super) origin: &'p Origin,
}

/// One step of the way from an object to a word in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Field(&'static str),
    Item(usize),
}

/// The way from an object to a word.
pub(super) type Path = Vec<Step>;

pub(super) struct Finding<'p> {
    pub(super) rule: &'static Rule,
    pub(super) severity: Severity,
    pub(super) object: Object<'p>,
    pub(super) path: Path,
    pub(super) message: String,
    /// What to say at the mark.
    mark: String,
    /// Advice in place of the rule's own.
    help: Option<String>,
    related: Option<(Path, &'static str)>,
}

/// Collects what the chosen rules find.
pub(super) struct Findings<'p, 'c> {
    choice: &'c Choice,
    pub(super) found: Vec<Finding<'p>>,
}

impl<'p, 'c> Findings<'p, 'c> {
    pub(super) fn new(choice: &'c Choice) -> Self {
        Self { choice, found: Vec::new() }
    }

    /// Adds a finding, unless its rule is not wanted.
    pub(super) fn add(&mut self, finding: Finding<'p>) {
        if self.choice.has(finding.rule) {
            self.found.push(finding);
        }
    }
}

impl<'p> Finding<'p> {
    pub(super) fn new(
        rule: &'static Rule,
        object: Object<'p>,
        path: Path,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            severity: rule.severity,
            object,
            path,
            message: message.into(),
            mark: String::new(),
            help: None,
            related: None,
        }
    }

    pub(super) fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// Says at the mark who is concerned.
    pub(super) fn reach(self, reach: &Reach<'_>) -> Self {
        Self { mark: reach.to_string(), ..self }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Another word of the same object that belongs to it.
    pub(super) fn related(self, path: Path, text: &'static str) -> Self {
        Self { related: Some((path, text)), ..self }
    }

    pub(super) fn diagnostic(self, mut place: Label, forest: &Forest<'_>) -> Diagnostic {
        place.text = self.mark;
        let help = self.help.unwrap_or_else(|| self.rule.advice.to_owned());
        let mut found =
            Diagnostic::new(self.rule.id, self.severity, self.message).help(help).at(place);
        if let Some((path, text)) = self.related {
            let (mut label, _) = forest.place(&self.object, &path);
            text.clone_into(&mut label.text);
            found = found.with(label);
        }
        found
    }
}

/// Such as ``Role `reader` in namespace `shop` ``.
impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind, self.name)?;
        match self.namespace {
            "" => Ok(()),
            namespace => write!(f, " in namespace `{namespace}`"),
        }
    }
}

/// The way to a rule of a role.
pub(super) fn rule_at(rule: usize) -> Path {
    vec![Step::Field("rules"), Step::Item(rule)]
}

/// The way to an entry of a list of a rule.
pub(super) fn entry_at(rule: usize, list: &'static str, entry: usize) -> Path {
    vec![Step::Field("rules"), Step::Item(rule), Step::Field(list), Step::Item(entry)]
}

/// The way to a subject of a binding.
pub(super) fn subject_at(subject: usize) -> Path {
    vec![Step::Field("subjects"), Step::Item(subject)]
}

/// The way to a field of a subject.
pub(super) fn subject_field_at(subject: usize, field: &'static str) -> Path {
    vec![Step::Field("subjects"), Step::Item(subject), Step::Field(field)]
}

/// The way to an object's name.
pub(super) fn name_at() -> Path {
    vec![Step::Field("metadata"), Step::Field("name")]
}

/// `` `a`, `b` and 3 more``.
pub(super) fn listed<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    let words: Vec<T> = words.into_iter().collect();
    let quoted = |word: &T| format!("`{}`", word.as_ref());
    let shown: Vec<String> = words.iter().take(SHOWN).map(quoted).collect();
    match words.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Longer lists are cut short.
const SHOWN: usize = 6;
