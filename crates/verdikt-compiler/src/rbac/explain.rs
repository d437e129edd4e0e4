//! Every way in which RBAC allows a request, and what comes nearest when it does not.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use verdikt_core::Attributes;
use verdikt_parser::Origin;
use verdikt_parser::rbac::PolicyRule;

use super::matching::Matched;
use super::permission::{Class, Found};
use super::reason::{binding_text, subject_text};
use super::record::{PlaceRecord, Record};
use super::records::BindingId;
use super::table::Table;

/// All that RBAC has to say about one request.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// Every rule that allows it, the deciding one first.
    pub paths: Vec<Path>,
    /// For a request that is not allowed: what comes near, the nearest first.
    pub misses: Vec<Miss>,
}

/// One rule of one binding.
#[derive(Clone, Debug)]
pub struct Path {
    /// `RoleBinding "name/namespace"` or `ClusterRoleBinding "name"`.
    pub binding: String,
    /// `ClusterRole "name"`, as the binding refers to it.
    pub role: String,
    /// The subject of the binding that applies, such as `Group "dev"`.
    pub subject: String,
    /// The rule, on one line.
    pub rule: String,
    /// Which rule of the role, from 0.
    pub rule_index: usize,
    /// Where the binding was read.
    pub binding_origin: Origin,
    /// Where the role was read.
    pub role_origin: Origin,
}

/// Something that would have allowed a request, had one thing been different.
#[derive(Clone, Debug)]
pub struct Miss {
    /// What is different.
    pub kind: MissKind,
    /// In a sentence.
    pub text: String,
    /// Where to look.
    pub origin: Origin,
}

/// What keeps a [`Miss`] from allowing, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum MissKind {
    /// A binding names the user, but its role does not exist.
    MissingRole,
    /// The user may do other things to the same resource.
    OtherVerb,
    /// The user may do it to objects of other names.
    OtherName,
    /// The rule is for a resource of this name in another API group.
    OtherGroup,
    /// The user may do it in another namespace.
    OtherNamespace,
    /// Someone else may do it.
    OtherSubject,
}

impl Table {
    /// Explains the answer to `request`. Walks over all bindings: for people, not for the decision.
    pub fn explain(&self, request: &Attributes<'_>) -> Explanation {
        let Some(user) = request.user else { return Explanation::default() };
        let applying = self.applying_bindings(user.user(), request.namespace);
        let paths: Vec<Path> = applying
            .iter()
            .filter_map(|&id| self.binding(id))
            .flat_map(|record| self.paths(record, request, self.who(record, request)))
            .collect();
        if !paths.is_empty() {
            return Explanation { paths, misses: Vec::new() };
        }
        let mut misses = Misses::default();
        for record in applying.iter().filter_map(|&id| self.binding(id)) {
            self.near_rules(record, request, &mut misses);
        }
        self.elsewhere(request, &mut misses);
        Explanation { paths, misses: misses.ranked() }
    }

    /// The rules of a binding that permit the request to `subject`.
    pub(super) fn paths(
        &self,
        record: Record<'_>,
        request: &Attributes<'_>,
        subject: String,
    ) -> impl Iterator<Item = Path> {
        self.rules(record)
            .iter()
            .enumerate()
            .filter(|(_, rule)| Matched::of(rule, request).all())
            .map(move |(rule_index, rule)| Path {
                binding: binding_text(record),
                role: self.role_text(record),
                subject: subject.clone(),
                rule: RuleText(rule).to_string(),
                rule_index,
                binding_origin: self.origin(record.place),
                role_origin: self
                    .role_of(record)
                    .map_or_else(Origin::default, |r| self.origin(r.place)),
            })
    }

    /// Rules that name the user, and fail in one part.
    fn near_rules(&self, record: Record<'_>, request: &Attributes<'_>, misses: &mut Misses) {
        let (binding, role) = (binding_text(record), self.role_text(record));
        let who = self.who(record, request);
        let Some(role_record) = self.role_of(record) else {
            let text = format!("{binding} names {who}, but its {role} does not exist");
            return misses.add(MissKind::MissingRole, text, self.origin(record.place));
        };
        for rule in self.rules(record) {
            let matched = Matched::of(rule, request);
            let rule = RuleText(rule);
            let (kind, text) = match matched {
                Matched { verb: false, group: true, resource: true, name: true } => {
                    (MissKind::OtherVerb, format!("{binding} of {role} lets {who} only {rule}"))
                }
                Matched { verb: true, group: true, resource: true, name: false } => (
                    MissKind::OtherName,
                    format!("{binding} of {role} lets {who} {rule}; names are compared exactly"),
                ),
                Matched { verb: true, group: false, resource: true, name: true } => (
                    MissKind::OtherGroup,
                    format!(
                        "{binding} of {role} lets {who} {rule}, which is not API group {:?}",
                        request.api_group
                    ),
                ),
                _ => continue,
            };
            misses.add(kind, text, self.origin(role_record.place));
        }
    }

    /// Bindings that would allow the request in another namespace, or to someone else.
    fn elsewhere(&self, request: &Attributes<'_>, misses: &mut Misses) {
        let Some(user) = request.user else { return };
        let mut found = Found::new();
        let class = self.permissions.class(request, &self.key, &mut found);
        for record in self.permitting(class, request.name) {
            let namespace = record.namespace;
            let in_scope = namespace.is_empty() || namespace == request.namespace;
            let (binding, role) = (binding_text(record), self.role_text(record));
            let origin = self.origin(record.place);
            if let Some(subject) = record.applying_subject(user.user()) {
                if !in_scope {
                    let who = subject_text(subject);
                    let text =
                        format!("{binding} of {role} lets {who} do it in namespace {namespace:?}");
                    misses.add(MissKind::OtherNamespace, text, origin);
                }
            } else if in_scope {
                let subjects = record.subjects().take(SHOWN);
                let others: Vec<String> = subjects.map(subject_text).collect();
                if !others.is_empty() {
                    let text = format!("{binding} of {role} lets {} do it", others.join(", "));
                    misses.add(MissKind::OtherSubject, text, origin);
                }
            }
        }
    }

    /// All bindings whose roles permit a class of requests for an object of this name, in order.
    pub(super) fn permitting(&self, class: Class<'_>, name: &str) -> Vec<Record<'_>> {
        let permits = |record: &Record<'_>| {
            self.sets.permits(self.roles.set(record.role), class, name, &self.key)
        };
        let found = self.bindings.iter().filter(|(_, record)| permits(record));
        let mut ids: Vec<BindingId> = found.map(|(id, _)| id).collect();
        self.bindings.put_in_order(&mut ids);
        ids.into_iter().filter_map(|id| self.binding(id)).collect()
    }

    /// The rules of a binding's role.
    pub(super) fn rules(&self, record: Record<'_>) -> &[PolicyRule] {
        self.role_of(record).and_then(|role| role.rules.as_deref()).unwrap_or_default()
    }

    fn who(&self, record: Record<'_>, request: &Attributes<'_>) -> String {
        let subject = request.user.and_then(|user| record.applying_subject(user.user()));
        subject.map(subject_text).unwrap_or_default()
    }

    fn origin(&self, place: PlaceRecord) -> Origin {
        let file = self.files.get(place.file as usize).map_or_else(|| Arc::from(""), Arc::clone);
        Origin { file, line: place.line }
    }
}

/// Misses by kind, a few of each.
#[derive(Default)]
struct Misses(HashMap<MissKind, Vec<Miss>>);

impl Misses {
    fn add(&mut self, kind: MissKind, text: String, origin: Origin) {
        let list = self.0.entry(kind).or_default();
        if list.len() < SHOWN {
            list.push(Miss { kind, text, origin });
        }
    }

    fn ranked(self) -> Vec<Miss> {
        let mut misses: Vec<Miss> = self.0.into_values().flatten().collect();
        misses.sort_by_key(|miss| miss.kind);
        misses
    }
}

/// A rule as `get,list pods,pods/log.apps named a,b` or `get /metrics`.
struct RuleText<'a>(&'a PolicyRule);

impl fmt::Display for RuleText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.0;
        write!(f, "{}", rule.verbs.join(","))?;
        if !rule.resources.is_empty() {
            write!(f, " {}", rule.resources.join(","))?;
            match rule.api_groups.as_slice() {
                [group] if group.is_empty() => {}
                groups => write!(f, " in API groups {groups:?}")?,
            }
        }
        if !rule.resource_names.is_empty() {
            write!(f, " named {}", rule.resource_names.join(","))?;
        }
        if !rule.non_resource_urls.is_empty() {
            write!(f, " {}", rule.non_resource_urls.join(","))?;
        }
        Ok(())
    }
}

/// How many examples of each kind of miss, and subjects of a binding, are shown.
const SHOWN: usize = 5;
