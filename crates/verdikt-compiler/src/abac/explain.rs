//! Why policies allow a request, or do not: one by one, as Kubernetes reads them.

use verdikt_core::{Attributes, GoQuoted, User};
use verdikt_parser::abac::Policy;

use super::table::Table;
use crate::rbac::matching::url_matches;

/// What ABAC says when it has no opinion. When it allows, it says nothing.
pub const NO_POLICY_MATCHED: &str = "No policy matched.";

/// The condition by which a policy misses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Miss {
    /// It is for another user or group, or for nobody.
    Subject,
    /// It allows reading only.
    Verb,
    /// It is about another namespace.
    Namespace,
    /// It is about another resource.
    Resource,
    /// It is about another API group.
    ApiGroup,
    /// It is about another path.
    Path,
}

impl Table {
    /// Indices of all policies that allow the request, in ascending order.
    pub fn all_matching(&self, request: &Attributes<'_>) -> Vec<u32> {
        let policies = (0..).zip(&*self.policies);
        let matching = policies.filter(|(_, policy)| why_not(policy, request).is_none());
        matching.map(|(index, _)| index).collect()
    }
}

/// Whom a policy is for: `User "jane"`, `Group "dev"`, or both.
pub fn subject_text(policy: &Policy) -> String {
    let Policy { user, group, .. } = policy;
    match (user.as_str(), group.as_str()) {
        ("", group) => format!("Group {}", GoQuoted(group)),
        (user, "") => format!("User {}", GoQuoted(user)),
        (user, group) => format!("User {} in Group {}", GoQuoted(user), GoQuoted(group)),
    }
}

/// What a policy allows, on one line.
pub fn rule_text(policy: &Policy) -> String {
    let verbs = if policy.readonly { "get,list,watch" } else { "any verb" };
    let Policy { api_group, resource, namespace, non_resource_path, .. } = policy;
    let mut text = format!("{verbs} on");
    if !resource.is_empty() {
        let (group, namespace) = (GoQuoted(api_group), GoQuoted(namespace));
        text.push_str(&format!(" {resource} in API group {group} in namespace {namespace}"));
    }
    if !non_resource_path.is_empty() {
        text.push_str(&format!(" path {non_resource_path}"));
    }
    text
}

/// The first condition of `policy` that fails for the request, in Kubernetes' order; none if the policy
/// allows it.
pub fn why_not(policy: &Policy, request: &Attributes<'_>) -> Option<Miss> {
    if !request.user.is_some_and(|requester| applies(policy, requester.user())) {
        return Some(Miss::Subject);
    }
    why_not_anyone(policy, request)
}

/// The same, whoever sends the request.
pub(super) fn why_not_anyone(policy: &Policy, request: &Attributes<'_>) -> Option<Miss> {
    if policy.readonly && !request.is_read_only() {
        return Some(Miss::Verb);
    }
    if !request.resource_request {
        let covered = url_matches(&policy.non_resource_path, request.path);
        return if covered { None } else { Some(Miss::Path) };
    }
    if !covers(&policy.namespace, request.namespace) {
        Some(Miss::Namespace)
    } else if !covers(&policy.resource, request.resource) {
        Some(Miss::Resource)
    } else if !covers(&policy.api_group, request.api_group) {
        Some(Miss::ApiGroup)
    } else {
        None
    }
}

/// Whether `user` is whom the policy is for. User and group must both match where both are given, and
/// a policy without either is for nobody.
pub(super) fn applies(policy: &Policy, user: &User) -> bool {
    let Policy { user: name, group, .. } = policy;
    (!name.is_empty() || !group.is_empty())
        && (name.is_empty() || covers(name, &user.name))
        && (group.is_empty() || group == "*" || user.is_in(group))
}

/// Whether a field of a policy, `*` or a text to be equalled, covers `asked`.
pub(super) fn covers(field: &str, asked: &str) -> bool {
    field == "*" || field == asked
}
