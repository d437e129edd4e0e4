//! Whom ABAC allows a request: the policies, read backwards.

use verdikt_core::Attributes;
use verdikt_parser::abac::Policy;

use super::explain::why_not_anyone;
use super::table::Table;
use crate::who_can::{Asked, Scope, Subject};

impl Table {
    /// Whom each policy that permits the request is for, and its index. Walks over all policies.
    pub fn who_can(&self, request: &Attributes<'_>, asked: Asked) -> Vec<(Subject, Scope, u32)> {
        let mut found = Vec::new();
        for (index, policy) in (0..).zip(&*self.policies) {
            let (namespace, scope) = match policy.namespace.as_str() {
                _ if !request.resource_request => (request.namespace, Scope::Everywhere),
                "*" => (request.namespace, Scope::Everywhere),
                namespace if asked == Asked::Everywhere => (namespace, Scope::of(namespace)),
                namespace => (request.namespace, Scope::of(namespace)),
            };
            let there = Attributes { namespace, ..*request };
            if why_not_anyone(policy, &there).is_none()
                && let Some(subject) = subject(policy)
            {
                found.push((subject, scope, index));
            }
        }
        found
    }
}

/// Whom a policy is for, if anyone.
fn subject(policy: &Policy) -> Option<Subject> {
    let is_any = |name: &str| matches!(name, "" | "*");
    match (policy.user.as_str(), policy.group.as_str()) {
        ("", "") => None,
        (user, group) if is_any(user) && is_any(group) => Some(Subject::everyone()),
        (user, group) if is_any(user) => Some(Subject::group(group)),
        (user, group) if is_any(group) => Some(Subject::user(user)),
        (user, group) => Some(Subject::member(user, group)),
    }
}
