//! Reasons in Kubernetes' own words, made only when someone asks.

use verdikt_core::{GoQuoted, User};

use super::table::{BindingRecord, SubjectKind, SubjectRecord, Table};
use crate::rules::aggregate_text;

impl Table {
    /// Why a request was allowed: `RBAC: allowed by RoleBinding "b/ns" of Role "r" to User "u"`.
    /// `binding` is what `lookup` gave for a request of `user`.
    pub fn reason(&self, binding: u32, user: &User) -> String {
        let Some(record) = self.binding(binding) else { return String::new() };
        // Enough for most, so that it grows once at most: an audit trail has one for each request.
        let mut text = String::with_capacity(192);
        text.push_str("RBAC: allowed by ");
        self.write_binding(record, &mut text);
        text.push_str(" of ");
        self.write_role(record, &mut text);
        text.push_str(" to ");
        if let Some(subject) = self.applying_subject(record, user) {
            self.write_subject(subject, &mut text);
        }
        text
    }

    /// Why RBAC had no opinion: empty, or `RBAC: ` and the roles it looked for in vain on the way.
    pub fn no_opinion_reason(&self, user: &User, namespace: &str) -> String {
        if !self.lacks_roles {
            return String::new();
        }
        let errors = self.role_errors(self.applying_bindings(user, namespace));
        aggregate_text(&errors).map_or_else(String::new, |errors| format!("RBAC: {errors}"))
    }

    /// What is wrong with the role references of `bindings`, each message once.
    pub(super) fn role_errors(&self, bindings: impl IntoIterator<Item = u32>) -> Vec<String> {
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

    fn role_error(&self, binding: &BindingRecord) -> Option<String> {
        if self.role_of(binding).is_some() {
            return None;
        }
        let name = GoQuoted(self.names.str(binding.role_name));
        Some(match self.names.str(binding.role_kind) {
            "Role" => format!("role.rbac.authorization.k8s.io {name} not found"),
            "ClusterRole" => format!("clusterrole.rbac.authorization.k8s.io {name} not found"),
            kind => format!("unsupported role reference kind: {}", GoQuoted(kind)),
        })
    }

    /// `ClusterRoleBinding "b"` or `RoleBinding "b/ns"`.
    pub(super) fn binding_text(&self, binding: &BindingRecord) -> String {
        written(|text| self.write_binding(binding, text))
    }

    fn write_binding(&self, binding: &BindingRecord, text: &mut String) {
        let name = self.names.str(binding.name);
        match self.names.str(binding.namespace) {
            "" => write_quoted("ClusterRoleBinding", &[name], text),
            namespace => write_quoted("RoleBinding", &[name, "/", namespace], text),
        }
    }

    /// `ClusterRole "r"`, as the binding's roleRef says it.
    pub(super) fn role_text(&self, binding: &BindingRecord) -> String {
        written(|text| self.write_role(binding, text))
    }

    fn write_role(&self, binding: &BindingRecord, text: &mut String) {
        let kind = self.names.str(binding.role_kind);
        write_quoted(kind, &[self.names.str(binding.role_name)], text);
    }

    /// The first subject of the binding that is this user.
    pub(super) fn applying_subject(
        &self,
        binding: &BindingRecord,
        user: &User,
    ) -> Option<&SubjectRecord> {
        self.subjects_of(binding).iter().find(|subject| self.applies(subject, user))
    }

    fn applies(&self, subject: &SubjectRecord, user: &User) -> bool {
        let name = self.names.str(subject.name);
        match subject.kind {
            SubjectKind::User => user.name == name,
            SubjectKind::Group => user.is_in(name),
            SubjectKind::ServiceAccount => {
                let namespace = self.names.str(subject.namespace);
                !namespace.is_empty() && is_service_account(&user.name, namespace, name)
            }
            SubjectKind::Other => false,
        }
    }

    /// `User "u"`, `Group "g"` or `ServiceAccount "name/namespace"`.
    pub(super) fn subject_text(&self, subject: &SubjectRecord) -> String {
        written(|text| self.write_subject(subject, text))
    }

    fn write_subject(&self, subject: &SubjectRecord, text: &mut String) {
        let name = self.names.str(subject.name);
        match subject.kind {
            SubjectKind::User => write_quoted("User", &[name], text),
            SubjectKind::Group => write_quoted("Group", &[name], text),
            SubjectKind::ServiceAccount => {
                let namespace = self.names.str(subject.namespace);
                write_quoted("ServiceAccount", &[name, "/", namespace], text);
            }
            SubjectKind::Other => {}
        }
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

/// Whether `user` is `system:serviceaccount:NAMESPACE:NAME`, compared as text.
fn is_service_account(user: &str, namespace: &str, name: &str) -> bool {
    user.strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.strip_prefix(namespace))
        .and_then(|rest| rest.strip_prefix(':'))
        == Some(name)
}
