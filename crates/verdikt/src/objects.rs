//! To which objects a user may do something, as far as policy names them.

use std::collections::BTreeSet;

use serde::Serialize;
use verdikt_compiler::who_can::Scope;
use verdikt_core::Revision;

/// Where somebody may do what was asked. Exact, but for what `incomplete` says.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Objects {
    /// The policy that was asked.
    pub revision: u64,
    /// Where they may do it to every object.
    pub all: BTreeSet<Scope>,
    /// Objects by name, where they may do it to those.
    pub named: BTreeSet<(Scope, String)>,
    /// Whether some authorizer cannot say which objects.
    pub incomplete: bool,
    /// Which those are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Objects {
    pub(crate) fn add(&mut self, scope: Scope, name: Option<String>) {
        match name {
            Some(name) => drop(self.named.insert((scope, name))),
            None => drop(self.all.insert(scope)),
        }
    }

    /// Something cannot be said.
    pub(crate) fn note(&mut self, text: String) {
        self.incomplete = true;
        self.notes.push(text);
    }

    pub(crate) fn at(self, revision: Revision) -> Self {
        Self { revision: revision.0, ..self }
    }

    /// Whether it may be done to an object of this namespace and name.
    pub fn contain(&self, namespace: &str, name: &str) -> bool {
        self.all.iter().any(|scope| scope.covers(namespace))
            || self.named.iter().any(|(scope, own)| own == name && scope.covers(namespace))
    }
}
