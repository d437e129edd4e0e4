//! Whom RBAC allows a request: the bindings, read backwards.

use verdikt_core::Attributes;

use super::explain::Path;
use super::permission::Found;
use super::table::{BindingRecord, SubjectKind, SubjectRecord, Table};
use crate::who_can::{Asked, Scope, Subject};

impl Table {
    /// Every subject of every binding that permits the request, whoever sends it, with each rule that does. Walks
    /// over all bindings.
    pub fn who_can(&self, request: &Attributes<'_>, asked: Asked) -> Vec<(Subject, Scope, Path)> {
        let mut room = Found::new();
        let class = self.permissions.class(request, &self.key, &mut room);
        let mut found = Vec::new();
        for (id, record) in (0..).zip(&self.bindings) {
            let scope = self.scope(id, record);
            // A path lies in no namespace.
            let is_asked = asked == Asked::Everywhere && request.resource_request
                || scope == Scope::Everywhere
                || !request.namespace.is_empty() && scope.covers(request.namespace);
            let permits = |record: &BindingRecord| {
                self.role_of(record)
                    .is_some_and(|role| self.sets.permits(role.set, class, request.name, &self.key))
            };
            if !is_asked || !permits(record) {
                continue;
            }
            for named in self.subjects_of(record) {
                let Some(subject) = self.subject(named) else { continue };
                let paths = self.paths(record, request, self.subject_text(named));
                found.extend(paths.map(|path| (subject.clone(), scope.clone(), path)));
            }
        }
        found
    }

    /// Where a binding holds.
    pub(super) fn scope(&self, id: u32, record: &BindingRecord) -> Scope {
        if id < self.cluster_bindings {
            Scope::Everywhere
        } else {
            Scope::Namespace(self.names.str(record.namespace).to_owned())
        }
    }

    /// Whom a subject of a binding names, if anyone.
    fn subject(&self, named: &SubjectRecord) -> Option<Subject> {
        let name = self.names.str(named.name);
        match named.kind {
            SubjectKind::User => Some(Subject::user(name)),
            SubjectKind::Group => Some(Subject::group(name)),
            SubjectKind::ServiceAccount => {
                let namespace = self.names.str(named.namespace);
                (!namespace.is_empty()).then(|| Subject::service_account(namespace, name))
            }
            SubjectKind::Other => None,
        }
    }
}
