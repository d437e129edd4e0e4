//! Reasons in Kubernetes' own words, made only when someone asks.

use verdikt_core::{GoQuoted, User};

use super::record::{Record, SubjectKind, SubjectRecord};
use super::records::BindingId;
use super::roles::RoleKind;
use super::table::Table;
use crate::rules::aggregate_text;

impl Table {
    /// Why a request was allowed: `RBAC: allowed by RoleBinding "b/ns" of Role "r" to User "u"`.
    /// `binding` is what `lookup` gave for a request of `user`.
    pub fn reason(&self, binding: u32, user: &User) -> String {
        let Some(record) = self.binding(binding) else { return String::new() };
        // Enough for most, so that it grows once at most: an audit trail has one for each request.
        let mut text = String::with_capacity(192);
        text.push_str("RBAC: allowed by ");
        write_binding(record, &mut text);
        text.push_str(" of ");
        self.write_role(record, &mut text);
        text.push_str(" to ");
        if let Some(subject) = record.applying_subject(user) {
            write_subject(subject, &mut text);
        }
        text
    }

    /// Why RBAC had no opinion: empty, or `RBAC: ` and the roles it looked for in vain on the way.
    pub fn no_opinion_reason(&self, user: &User, namespace: &str) -> String {
        if !self.roles.lacks_any() {
            return String::new();
        }
        let errors = self.role_errors(self.applying_bindings(user, namespace));
        aggregate_text(&errors).map_or_else(String::new, |errors| format!("RBAC: {errors}"))
    }

    /// What is wrong with the role references of `bindings`, each message once.
    pub(super) fn role_errors(&self, bindings: impl IntoIterator<Item = BindingId>) -> Vec<String> {
        let mut errors: Vec<String> = Vec::new();
        for binding in bindings {
            if let Some(error) = self.binding(binding).and_then(|record| self.role_error(record))
                && !errors.contains(&error)
            {
                errors.push(error);
            }
        }
        errors
    }

    fn role_error(&self, binding: Record<'_>) -> Option<String> {
        let role = self.roles.get(binding.role).filter(|role| role.rules.is_none())?;
        let name = GoQuoted(role.name_in(binding));
        Some(match role.kind {
            RoleKind::Role => format!("role.rbac.authorization.k8s.io {name} not found"),
            RoleKind::ClusterRole => {
                format!("clusterrole.rbac.authorization.k8s.io {name} not found")
            }
            RoleKind::Unsupported | RoleKind::Free => {
                format!("unsupported role reference kind: {}", GoQuoted(role.kind()))
            }
        })
    }

    /// `ClusterRole "r"`, as the binding's roleRef says it.
    pub(super) fn role_text(&self, binding: Record<'_>) -> String {
        written(|text| self.write_role(binding, text))
    }

    fn write_role(&self, binding: Record<'_>, text: &mut String) {
        if let Some(role) = self.roles.get(binding.role) {
            write_quoted(role.kind(), &[role.name_in(binding)], text);
        }
    }
}

/// `ClusterRoleBinding "b"` or `RoleBinding "b/ns"`.
pub(super) fn binding_text(binding: Record<'_>) -> String {
    written(|text| write_binding(binding, text))
}

fn write_binding(binding: Record<'_>, text: &mut String) {
    match binding.namespace {
        "" => write_quoted("ClusterRoleBinding", &[binding.name], text),
        namespace => write_quoted("RoleBinding", &[binding.name, "/", namespace], text),
    }
}

/// `User "u"`, `Group "g"` or `ServiceAccount "name/namespace"`.
pub(super) fn subject_text(subject: SubjectRecord<'_>) -> String {
    written(|text| write_subject(subject, text))
}

fn write_subject(subject: SubjectRecord<'_>, text: &mut String) {
    let name = subject.name();
    match subject.kind {
        SubjectKind::User => write_quoted("User", &[name], text),
        SubjectKind::Group => write_quoted("Group", &[name], text),
        SubjectKind::ServiceAccount => {
            write_quoted("ServiceAccount", &[name, "/", subject.namespace()], text);
        }
        SubjectKind::Other => {}
    }
}

fn written(write: impl FnOnce(&mut String)) -> String {
    let mut text = String::new();
    write(&mut text);
    text
}

/// `Kind "name"`, the name in parts.
fn write_quoted(kind: &str, name: &[&str], text: &mut String) {
    text.push_str(kind);
    text.push_str(" \"");
    for part in name {
        GoQuoted(part).push_inner(text);
    }
    text.push('"');
}
