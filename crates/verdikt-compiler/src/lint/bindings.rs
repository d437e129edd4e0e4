//! Bindings that grant all there is, or nothing.

use std::collections::HashMap;

use verdikt_parser::Severity::{Note, Warning};

use super::finding::{Finding, Findings, Step, name_at, subject_at};
use super::rule::{Rule, practice};
use super::world::World;

pub(super) const CLUSTER_ADMIN_BINDING: Rule = Rule::new(
    "lint/cluster-admin-binding",
    Warning,
    "cluster-admin is everything, permissions of what is yet to be installed included",
    "bind a role with what is needed",
)
.see(practice!("least-privilege"));

pub(super) const NO_SUBJECTS: Rule = Rule::new(
    "lint/no-subjects",
    Warning,
    "a binding without subjects gives its role to nobody",
    "name the subjects, or remove the binding",
);

pub(super) const DUPLICATE_SUBJECT: Rule = Rule::new(
    "lint/duplicate-subject",
    Note,
    "one who is removed once and was named twice keeps the role",
    "remove one of the two",
);

pub(super) fn check<'p>(world: &World<'p>, findings: &mut Findings<'p, '_>) {
    for view in world.bindings() {
        let (object, binding) = (view.object, view.binding);
        if binding.subjects.is_empty() {
            let message = format!("{object} has no subjects");
            findings.add(Finding::new(&NO_SUBJECTS, object, name_at(), message));
        }
        let role_ref = &binding.role_ref;
        if role_ref.kind == "ClusterRole" && role_ref.name == "cluster-admin" {
            let who = match binding.subjects.as_slice() {
                [one] => format!("{} `{}`", one.kind, one.name),
                many => format!("{} subjects", many.len()),
            };
            let (place, severity) = match object.namespace {
                "" => ("", Warning),
                _ => (" of the namespace", Note),
            };
            let message = format!("{object} makes {who} cluster-admin{place}");
            let path = vec![Step::Field("roleRef"), Step::Field("name")];
            let finding = Finding::new(&CLUSTER_ADMIN_BINDING, object, path, message);
            findings.add(finding.severity(severity));
        }
        let mut seen = HashMap::new();
        for (number, subject) in binding.subjects.iter().enumerate() {
            let key = match subject.kind.as_str() {
                "ServiceAccount" if subject.namespace.is_empty() => {
                    ("ServiceAccount", object.namespace, subject.name.as_str())
                }
                "User" | "Group" => (subject.kind.as_str(), "", subject.name.as_str()),
                kind => (kind, subject.namespace.as_str(), subject.name.as_str()),
            };
            if let Some(first) = seen.insert(key, number) {
                let (kind, name) = (&subject.kind, &subject.name);
                let message = format!("{object} names {kind} `{name}` twice");
                let finding = Finding::new(&DUPLICATE_SUBJECT, object, subject_at(number), message);
                findings.add(finding.related(subject_at(first), "first here"));
            }
        }
    }
}
