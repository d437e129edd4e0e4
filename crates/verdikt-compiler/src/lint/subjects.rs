//! Subjects that mean nobody, or not whom they seem to.

use verdikt_parser::Severity::{Note, Warning};
use verdikt_parser::rbac::Subject;

use super::finding::{Finding, Findings, Object, subject_field_at};
use super::rule::Rule;
use super::world::World;

pub(super) const NOBODY: Rule = Rule::new(
    "lint/subject-is-nobody",
    Warning,
    "names are compared exactly, and no user or group has this one, so nobody is given the role",
    "write the kind and the name as they are",
);

pub(super) const SERVICE_ACCOUNT_AS_USER: Rule = Rule::new(
    "lint/service-account-as-user",
    Note,
    "it works, but who looks for what a service account may do looks for subjects of that kind",
    "write it as a subject of kind ServiceAccount",
);

pub(super) const DEFAULT_SERVICE_ACCOUNT: Rule = Rule::new(
    "lint/default-service-account",
    Note,
    "every pod of the namespace that names no other service account has the role",
    "make a service account for the pods that need it",
);

pub(super) const IGNORED_NAMESPACE: Rule = Rule::new(
    "lint/ignored-namespace",
    Note,
    "users and groups are in no namespace: the field says nothing",
    "remove it, or write kind: ServiceAccount",
);

pub(super) const MISSING_NAMESPACE: Rule = Rule::new(
    "lint/service-account-without-namespace",
    Note,
    "a service account without a namespace is one of the binding's, which need not be the one that is meant",
    "write the namespace",
);

pub(super) fn check<'p>(world: &World<'p>, findings: &mut Findings<'p, '_>) {
    for view in world.bindings() {
        for (number, subject) in view.binding.subjects.iter().enumerate() {
            let found = match subject.kind.as_str() {
                "User" => user(view.object, number, subject),
                "Group" => group(view.object, number, subject),
                "ServiceAccount" => service_account(world, view.object, number, subject),
                // An error, where it was read.
                _ => continue,
            };
            if let Some(found) = found {
                findings.add(found);
            }
            let has_namespace = !subject.namespace.is_empty();
            if has_namespace && matches!(subject.kind.as_str(), "User" | "Group") {
                let (kind, name) = (&subject.kind, &subject.name);
                let message =
                    format!("the namespace of {kind} `{name}` in {} is ignored", view.object);
                let path = subject_field_at(number, "namespace");
                findings.add(Finding::new(&IGNORED_NAMESPACE, view.object, path, message));
            }
        }
    }
}

fn user<'p>(object: Object<'p>, number: usize, subject: &Subject) -> Option<Finding<'p>> {
    let name = subject.name.as_str();
    if let Some(account) = name.strip_prefix("system:serviceaccount:") {
        let message = match account.split_once(':') {
            Some((namespace, account)) if !namespace.is_empty() && !account.is_empty() => {
                let message = format!("{object} writes a service account as the user `{name}`");
                let path = subject_field_at(number, "name");
                let help =
                    format!("write kind: ServiceAccount, namespace: {namespace}, name: {account}");
                return Some(
                    Finding::new(&SERVICE_ACCOUNT_AS_USER, object, path, message).help(help),
                );
            }
            _ => format!("the user `{name}` in {object} is no service account"),
        };
        let help = "a service account is system:serviceaccount:NAMESPACE:NAME";
        return Some(nobody(object, number, "name", message).help(help));
    }
    let is_group = matches!(
        name,
        "system:authenticated" | "system:unauthenticated" | "system:masters" | "system:nodes"
    ) || name.starts_with("system:serviceaccounts");
    if is_group {
        let message = format!("`{name}` in {object} is a group, and no user");
        return Some(nobody(object, number, "kind", message).help("write kind: Group"));
    }
    star(object, number, subject)
}

fn group<'p>(object: Object<'p>, number: usize, subject: &Subject) -> Option<Finding<'p>> {
    let name = subject.name.as_str();
    if name == "system:anonymous" || name.starts_with("system:serviceaccount:") {
        let message = format!("`{name}` in {object} is a user, and no group");
        let help = match name {
            "system:anonymous" => "write kind: User",
            _ => {
                "write kind: ServiceAccount; the group of a namespace is system:serviceaccounts:NAMESPACE"
            }
        };
        return Some(nobody(object, number, "kind", message).help(help));
    }
    star(object, number, subject)
}

fn service_account<'p>(
    world: &World<'p>,
    object: Object<'p>,
    number: usize,
    subject: &Subject,
) -> Option<Finding<'p>> {
    let name = subject.name.as_str();
    if name == "default" {
        let namespace = match subject.namespace.as_str() {
            "" => object.namespace,
            namespace => namespace,
        };
        let message =
            format!("{object} gives its role to the default service account of `{namespace}`");
        let path = subject_field_at(number, "name");
        return Some(Finding::new(&DEFAULT_SERVICE_ACCOUNT, object, path, message));
    }
    // In a ClusterRoleBinding, that is an error; and where there is such an account, it is meant.
    let is_bare = subject.namespace.is_empty() && !object.namespace.is_empty();
    if is_bare && !world.has_service_account(object.namespace, name) {
        let message = format!("{object} does not say the namespace of ServiceAccount `{name}`");
        let path = subject_field_at(number, "name");
        return Some(Finding::new(&MISSING_NAMESPACE, object, path, message));
    }
    None
}

fn star<'p>(object: Object<'p>, number: usize, subject: &Subject) -> Option<Finding<'p>> {
    let Subject { kind, name, .. } = subject;
    if !name.contains('*') {
        return None;
    }
    let message = format!("{kind} `{name}` in {object} is no pattern: `*` is a character there");
    let help = "all users are Group `system:authenticated`; otherwise, write the names out";
    Some(nobody(object, number, "name", message).help(help))
}

fn nobody<'p>(
    object: Object<'p>,
    number: usize,
    field: &'static str,
    message: String,
) -> Finding<'p> {
    Finding::new(&NOBODY, object, subject_field_at(number, field), message)
}
