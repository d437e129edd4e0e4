//! Who can do this, as data for people and programs: all authorizers, read backwards.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use verdikt_compiler::who_can::{Scope, Subject};
use verdikt_core::Revision;

/// Everyone who may do what was asked.
///
/// Exact: whoever is one of the subjects may, and nobody else, but for what `incomplete` says. Who is in a group is
/// not known here.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WhoCan {
    /// The policy that was asked.
    pub revision: u64,
    /// Whoever may, each once: everyone, groups, users, service accounts, by name.
    pub subjects: Vec<Holder>,
    /// Whether some authorizer cannot say who may.
    pub incomplete: bool,
    /// Which those are, and what that means.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A subject, and all that permits it what was asked.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Holder {
    /// Who.
    #[serde(flatten)]
    pub subject: Subject,
    /// Every way in which it may, in the order of the authorizers.
    pub grants: Vec<Grant>,
}

/// One way in which a subject may do something. What an authorizer does not have is empty.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Grant {
    /// Name of the authorizer.
    pub authorizer: Cow<'static, str>,
    /// Where it holds: a namespace, `*` for all of them and the cluster as a whole, or nothing for that alone.
    pub namespace: Scope,
    /// The binding, such as `RoleBinding "name/namespace"`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub binding: String,
    /// The role it refers to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// The rule on one line.
    pub rule: String,
    /// `file:line` of the binding or policy line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub origin: String,
    /// `file:line` of the role.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub role_origin: String,
}

impl Grant {
    pub(crate) fn new(
        authorizer: impl Into<Cow<'static, str>>,
        namespace: Scope,
        rule: impl Into<String>,
    ) -> Self {
        let none = String::new;
        Self {
            authorizer: authorizer.into(),
            namespace,
            binding: none(),
            role: none(),
            rule: rule.into(),
            origin: none(),
            role_origin: none(),
        }
    }
}

/// What is found, while it is put together.
#[derive(Debug, Default)]
pub(crate) struct Found {
    by_subject: BTreeMap<Subject, Vec<Grant>>,
    notes: Vec<String>,
}

impl Found {
    pub(crate) fn add(&mut self, subject: Subject, grant: Grant) {
        self.by_subject.entry(subject).or_default().push(grant);
    }

    /// Something cannot be said.
    pub(crate) fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    pub(crate) fn at(self, revision: Revision) -> WhoCan {
        let Self { by_subject, notes } = self;
        let holders = by_subject.into_iter().map(|(subject, grants)| Holder { subject, grants });
        WhoCan {
            revision: revision.0,
            subjects: holders.collect(),
            incomplete: !notes.is_empty(),
            notes,
        }
    }
}
