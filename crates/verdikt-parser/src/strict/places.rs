//! Where the fields of a configuration stand, by their paths in error messages.

use std::collections::BTreeMap;

use crate::{Diagnostic, Label};

/// Paths such as `jwt[0].issuer.url`, and where each stands.
#[derive(Clone, Debug, Default)]
pub struct Places(BTreeMap<String, Label>);

impl Places {
    pub(super) fn insert(&mut self, path: String, label: Label) {
        self.0.insert(path, label);
    }

    /// Where a field stands, or, if it is not there, the nearest field around it.
    pub fn find(&self, path: &str) -> Option<&Label> {
        let mut path = path;
        loop {
            if let Some(label) = self.0.get(path) {
                return Some(label);
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }

    /// The finding, at the place of the field `path` if that is known.
    #[must_use]
    pub fn mark(&self, diagnostic: Diagnostic, path: &str) -> Diagnostic {
        match self.find(path) {
            Some(label) => diagnostic.at(label.clone()),
            None => diagnostic,
        }
    }
}
