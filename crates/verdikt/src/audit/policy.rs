//! Which rule of an audit policy a request falls under.
//!
//! Follows apiserver's `pkg/audit/policy/checker.go`. A rule is plain to read, and there are few of
//! them: they are tried one after the other.

use verdikt_core::{Attributes, User};
use verdikt_parser::audit_policy::{AuditPolicy, GroupResources, Level, Rule, Stages};

/// An audit policy that requests are held against.
#[derive(Clone, Debug, Default)]
pub struct Policy(AuditPolicy);

/// What is recorded of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// How much.
    pub level: Level,
    /// The stages at which nothing is.
    pub omit_stages: Stages,
    /// Whether objects are recorded without `metadata.managedFields`.
    pub omit_managed_fields: bool,
}

impl Policy {
    /// Takes a policy that was read.
    pub fn new(policy: AuditPolicy) -> Self {
        Self(policy)
    }

    /// What the first rule says that matches; nothing is recorded if none does. `request.user` is the
    /// user that was authenticated, not who is impersonated.
    pub fn evaluate(&self, request: &Attributes<'_>) -> Config {
        let policy = &self.0;
        match policy.rules.iter().find(|rule| matches(rule, request)) {
            Some(rule) => Config {
                level: rule.level,
                omit_stages: policy.omit_stages.union(rule.omit_stages),
                omit_managed_fields: rule.omit_managed_fields.unwrap_or(policy.omit_managed_fields),
            },
            None => Config {
                level: Level::None,
                omit_stages: policy.omit_stages,
                omit_managed_fields: policy.omit_managed_fields,
            },
        }
    }
}

fn matches(rule: &Rule, request: &Attributes<'_>) -> bool {
    let user = request.user.map(|user| user.user());
    let is_user = |user: &User| contain(&rule.users, &user.name);
    let is_member = |user: &User| user.groups.iter().any(|group| contain(&rule.user_groups, group));
    if !rule.users.is_empty() && !user.is_some_and(is_user) {
        return false;
    }
    if !rule.user_groups.is_empty() && !user.is_some_and(is_member) {
        return false;
    }
    if !rule.verbs.is_empty() && !contain(&rule.verbs, request.verb) {
        return false;
    }
    if !rule.namespaces.is_empty() || !rule.resources.is_empty() {
        return matches_resource(rule, request);
    }
    if !rule.non_resource_urls.is_empty() {
        let matches = |spec: &String| matches_path(spec, request.path);
        return !request.resource_request && rule.non_resource_urls.iter().any(matches);
    }
    true
}

fn matches_resource(rule: &Rule, request: &Attributes<'_>) -> bool {
    request.resource_request
        && (rule.namespaces.is_empty() || contain(&rule.namespaces, request.namespace))
        && (rule.resources.is_empty() || rule.resources.iter().any(|of| matches_group(of, request)))
}

fn matches_group(of: &GroupResources, request: &Attributes<'_>) -> bool {
    if of.group != request.api_group && of.group != "*" {
        return false;
    }
    if of.resources.is_empty() {
        return true;
    }
    let is_named = of.resource_names.is_empty() || contain(&of.resource_names, request.name);
    is_named && of.resources.iter().any(|spec| is_resource(spec, request))
}

/// `pods` is not its subresources; `pods/*` is, and `pods` as well, unlike in RBAC.
fn is_resource(spec: &str, request: &Attributes<'_>) -> bool {
    let (resource, subresource) = (request.resource, request.subresource);
    let is_exact = match subresource {
        "" => spec == resource,
        _ => spec
            .strip_prefix(resource)
            .and_then(|rest| rest.strip_prefix('/'))
            .is_some_and(|rest| rest == subresource),
    };
    is_exact
        || spec == "*"
        || (!subresource.is_empty() && spec.strip_prefix("*/") == Some(subresource))
        || spec.strip_suffix("/*") == Some(resource)
}

/// A path, or one that begins with what stands before the stars.
fn matches_path(spec: &str, path: &str) -> bool {
    spec == "*"
        || spec == path
        || (spec.ends_with('*') && path.starts_with(spec.trim_end_matches('*')))
}

fn contain(list: &[String], word: &str) -> bool {
    list.iter().any(|item| item == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_after_the_slash_is_the_resource_too() {
        let check = |spec: &str, resource: &str, subresource: &str, expected: bool| {
            let request = Attributes { resource, subresource, ..Attributes::default() };
            assert_eq!(is_resource(spec, &request), expected, "{spec} {resource}/{subresource}");
        };
        check("pods", "pods", "", true);
        check("pods", "pods", "log", false);
        check("pods/log", "pods", "log", true);
        check("pods/log", "pods", "", false);
        check("pods/*", "pods", "", true);
        check("pods/*", "pods", "log", true);
        check("*/log", "pods", "log", true);
        check("*/", "pods", "", false);
        check("*", "pods", "log", true);
        check("*/*", "pods", "log", false);
        check("*/*", "pods", "*", true);
        check("*/*", "*", "", true);
        check("a/b", "a/b", "", true);
    }

    #[test]
    fn stars_end_a_path() {
        let check = |spec: &str, path: &str, expected: bool| {
            assert_eq!(matches_path(spec, path), expected, "{spec} {path}");
        };
        check("*", "", true);
        check("/logs", "/logs/a", false);
        check("/logs*", "/logs", true);
        check("/logs/**", "/logs/a", true);
        check("/logs/*", "/logs", false);
    }
}
