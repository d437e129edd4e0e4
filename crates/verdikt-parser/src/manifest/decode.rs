//! Nodes to fields: wrong types are errors in the words of the API server, unknown fields warnings.

use std::collections::BTreeMap;

use crate::Diagnostic;
use crate::document::{At, Key, Node, Text, Value};

/// Reads fields out of nodes, and collects what is wrong with them.
pub(super) struct Decoder<'a> {
    pub(super) text: &'a Text<'a>,
    pub(super) found: Vec<Diagnostic>,
}

/// Where a value is, for messages: the Go struct it belongs to, and the path of its field.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    /// Such as `PolicyRule`.
    pub(super) of: &'a str,
    /// Such as `rules.verbs`.
    pub(super) path: &'a str,
}

impl Decoder<'_> {
    /// The entries of a map; none for null, and an error for anything else.
    pub(super) fn entries<'n>(&mut self, node: &'n Node, field: Field<'_>) -> &'n [(Key, Node)] {
        match &node.value {
            Value::Mapping(entries) => entries,
            Value::Null => &[],
            _ => {
                self.wrong_type(node, field, "map");
                &[]
            }
        }
    }

    /// The items of a list; none for null, and an error for anything else.
    pub(super) fn items<'n>(&mut self, node: &'n Node, field: Field<'_>) -> &'n [Node] {
        match &node.value {
            Value::Sequence(items) => items,
            Value::Null => &[],
            _ => {
                self.wrong_type(node, field, "list");
                &[]
            }
        }
    }

    /// A text; empty for null, and an error for anything else.
    pub(super) fn string(&mut self, node: &Node, field: Field<'_>) -> String {
        match &node.value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            _ => {
                self.wrong_type(node, field, "string");
                String::new()
            }
        }
    }

    /// A list of texts.
    pub(super) fn strings(&mut self, node: &Node, field: Field<'_>) -> Vec<String> {
        let items = self.items(node, field);
        items.iter().map(|item| self.string(item, field)).collect()
    }

    /// A map of texts.
    pub(super) fn string_map(&mut self, node: &Node, field: Field<'_>) -> BTreeMap<String, String> {
        let entries = self.entries(node, field);
        entries.iter().map(|(key, node)| (key.name.clone(), self.string(node, field))).collect()
    }

    /// Warns of a field that no one reads.
    pub(super) fn unknown(&mut self, key: &Key, path: &str, known: &[&str]) {
        let message = format!("unknown field \"{path}\"");
        let help = match nearest(&key.name, known) {
            Some(name) => format!("did you mean `{name}`? As it is, the field is ignored"),
            None => "the field is ignored".to_owned(),
        };
        let label = self.text.label(key.at, "");
        self.found.push(Diagnostic::warning("parse/unknown-field", message).help(help).at(label));
    }

    /// Reports an error at a place.
    pub(super) fn error(&mut self, id: &'static str, message: String, help: &str, at: At) {
        let label = self.text.label(at, "");
        self.found.push(Diagnostic::error(id, message).help(help).at(label));
    }

    fn wrong_type(&mut self, node: &Node, field: Field<'_>, wanted: &str) {
        let Field { of, path } = field;
        let go_type = match wanted {
            "list" => "[]string",
            "map" => "map[string]string",
            wanted => wanted,
        };
        let kind = node.kind();
        let message = format!(
            "json: cannot unmarshal {kind} into Go struct field {of}.{path} of type {go_type}"
        );
        let help = match (wanted, &node.value) {
            ("string", Value::Bool(_) | Value::Number(_)) => "put it in quotes".to_owned(),
            ("list", Value::String(text)) => format!("write it as a list: [{text}]"),
            _ => format!("a {wanted} is needed here"),
        };
        self.error("parse/wrong-type", message, &help, node.at);
    }
}

/// The known name that is written most alike, if it is alike at all.
pub fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let distance = |other: &&str| edits(&name.to_lowercase(), &other.to_lowercase());
    let best = known.iter().min_by_key(|other| distance(other))?;
    (distance(best) <= 1 + name.len() / 4).then_some(*best)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(64).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (slot, &to) in row.iter_mut().skip(1).zip(&b) {
            let up = *slot;
            left = (diagonal + usize::from(from != to)).min(up + 1).min(left + 1);
            diagonal = up;
            *slot = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_keyboard_is_recognised() {
        let known = ["verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"];
        for (name, expected) in [
            ("verb", Some("verbs")),
            ("apigroups", Some("apiGroups")),
            ("nonResourceUrls", Some("nonResourceURLs")),
            ("subjects", None),
            ("x", None),
        ] {
            assert_eq!(nearest(name, &known), expected, "{name}");
        }
    }
}
