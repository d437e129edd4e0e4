//! Picks the few fields that matter out of maps that hold many more.

use crate::document::{Key, Node, Value};
use crate::manifest::decode::{Decoder, Field};

/// The entries of a map.
pub(super) type Fields<'n> = &'n [(Key, Node)];

/// A map without entries.
pub(super) const NO_FIELDS: Fields<'static> = &[];

/// In all of these, `parent` says of which Go struct the fields are, and where it lies; an empty path is
/// the object itself.
impl Decoder<'_> {
    /// A map that is not null; what is no map is an error.
    pub(super) fn map<'n>(
        &mut self,
        fields: Fields<'n>,
        name: &str,
        parent: Field<'_>,
    ) -> Option<Fields<'n>> {
        let node = value(fields, name)?;
        if let Value::Mapping(entries) = &node.value {
            return Some(entries);
        }
        let path = joined(parent, name);
        self.entries(node, Field { of: parent.of, path: &path });
        None
    }

    /// A text, or nothing.
    pub(super) fn text(&mut self, fields: Fields<'_>, name: &str, parent: Field<'_>) -> String {
        self.text_if_any(fields, name, parent).unwrap_or_default()
    }

    /// A text, if there is one and it is not null.
    pub(super) fn text_if_any(
        &mut self,
        fields: Fields<'_>,
        name: &str,
        parent: Field<'_>,
    ) -> Option<String> {
        let node = value(fields, name)?;
        if let Value::String(text) = &node.value {
            return Some(text.clone());
        }
        let path = joined(parent, name);
        Some(self.string(node, Field { of: parent.of, path: &path }))
    }

    /// The maps of a list; a null among them is an empty one, as in Go.
    pub(super) fn maps<'n>(
        &mut self,
        fields: Fields<'n>,
        name: &str,
        parent: Field<'_>,
    ) -> Vec<Fields<'n>> {
        let Some(node) = value(fields, name) else { return Vec::new() };
        let path = joined(parent, name);
        let field = Field { of: parent.of, path: &path };
        let items = self.items(node, field);
        items.iter().map(|item| self.entries(item, field)).collect()
    }
}

/// The value of a field, unless it is null, which is as good as not there.
fn value<'n>(fields: Fields<'n>, name: &str) -> Option<&'n Node> {
    let found = fields.iter().find(|(key, _)| key.name == name);
    found.map(|(_, node)| node).filter(|node| node.value != Value::Null)
}

fn joined(parent: Field<'_>, name: &str) -> String {
    match parent.path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}
