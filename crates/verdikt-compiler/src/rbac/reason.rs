//! Reasons in Kubernetes' own words, made only when someone asks.

use verdikt_core::{GoQuoted, User};

use super::table::{BindingRecord, SubjectKind, SubjectRecord, Table};
use crate::rules::aggregate_text;

impl Table {
    /// Why a request was allowed: `RBAC: allowed by RoleBinding "b/ns" of Role "r" to User "u"`.
    /// `binding` is what `lookup` gave for a request of `user`.
    pub fn reason(&self, binding: u32, user: &User) -> String {
        let Some(record) = self.binding(binding) else { return String::new() };
        let (binding, role) = (self.binding_text(record), self.role_text(record));
        let subject = self.applying_subject(record, user).map(|subject| self.subject_text(subject));
        format!("RBAC: allowed by {binding} of {role} to {}", subject.unwrap_or_default())
    }

    /// Why RBAC had no opinion: empty, or `RBAC: ` and the roles it looked for in vain on the way.
    pub fn no_opinion_reason(&self, user: &User, namespace: &str) -> String {
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
        let name = self.names.str(binding.name);
        match self.names.str(binding.namespace) {
            "" => format!("ClusterRoleBinding {}", GoQuoted(name)),
            namespace => format!("RoleBinding {}", GoQuoted(&format!("{name}/{namespace}"))),
        }
    }

    /// `ClusterRole "r"`, as the binding's roleRef says it.
    pub(super) fn role_text(&self, binding: &BindingRecord) -> String {
        let kind = self.names.str(binding.role_kind);
        format!("{kind} {}", GoQuoted(self.names.str(binding.role_name)))
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
        let name = self.names.str(subject.name);
        match subject.kind {
            SubjectKind::User => format!("User {}", GoQuoted(name)),
            SubjectKind::Group => format!("Group {}", GoQuoted(name)),
            SubjectKind::ServiceAccount => {
                let namespace = self.names.str(subject.namespace);
                format!("ServiceAccount {}", GoQuoted(&format!("{name}/{namespace}")))
            }
            SubjectKind::Other => String::new(),
        }
    }
}

/// Whether `user` is `system:serviceaccount:NAMESPACE:NAME`, compared as text.
fn is_service_account(user: &str, namespace: &str, name: &str) -> bool {
    user.strip_prefix("system:serviceaccount:")
        .and_then(|rest| rest.strip_prefix(namespace))
        .and_then(|rest| rest.strip_prefix(':'))
        == Some(name)
}
