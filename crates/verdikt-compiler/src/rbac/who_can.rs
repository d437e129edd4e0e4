//! Whom RBAC allows a request: the bindings, read backwards.

use verdikt_core::Attributes;

use super::explain::Path;
use super::permission::Found;
use super::reason::subject_text;
use super::record::{Record, SubjectKind, SubjectRecord};
use super::table::Table;
use crate::who_can::{Asked, Scope, Subject};

impl Table {
    /// Every subject of every binding that permits the request, whoever sends it, with each rule that does. Walks
    /// over all bindings.
    pub fn who_can(&self, request: &Attributes<'_>, asked: Asked) -> Vec<(Subject, Scope, Path)> {
        let mut room = Found::new();
        let class = self.permissions.class(request, &self.key, &mut room);
        let mut found = Vec::new();
        for record in self.permitting(class, request.name) {
            let scope = scope(record);
            // A path lies in no namespace.
            let is_asked = asked == Asked::Everywhere && request.resource_request
                || scope == Scope::Everywhere
                || !request.namespace.is_empty() && scope.covers(request.namespace);
            if !is_asked {
                continue;
            }
            for named in record.subjects() {
                let Some(subject) = subject(named) else { continue };
                let paths = self.paths(record, request, subject_text(named));
                found.extend(paths.map(|path| (subject.clone(), scope.clone(), path)));
            }
        }
        found
    }
}

/// Where a binding holds.
pub(super) fn scope(record: Record<'_>) -> Scope {
    match record.namespace {
        "" => Scope::Everywhere,
        namespace => Scope::Namespace(namespace.to_owned()),
    }
}

/// Whom a subject of a binding names, if anyone.
fn subject(named: SubjectRecord<'_>) -> Option<Subject> {
    let name = named.name();
    match named.kind {
        SubjectKind::User => Some(Subject::user(name)),
        SubjectKind::Group => Some(Subject::group(name)),
        SubjectKind::ServiceAccount => {
            let namespace = named.namespace();
            (!namespace.is_empty()).then(|| Subject::service_account(namespace, name))
        }
        SubjectKind::Other => None,
    }
}
