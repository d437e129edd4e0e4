//! ABAC, policy by policy.

use verdikt_compiler::{NonResourceRule, ResourceRule, Rules};
use verdikt_core::{Attributes, User};
use verdikt_parser::abac::Policy;

use super::{Answer, path_matches};

/// What ABAC answers, and why.
pub fn authorize(policies: &[Policy], request: &Attributes<'_>) -> Answer {
    match first_match(policies, request) {
        Some(_) => Answer::allow(""),
        None => Answer::no_opinion("No policy matched."),
    }
}

/// Index of the first policy that allows the request.
pub fn first_match(policies: &[Policy], request: &Attributes<'_>) -> Option<usize> {
    let user = request.user?.user();
    policies.iter().position(|policy| {
        subject_matches(policy, user)
            && verb_matches(policy, request.verb)
            && (resource_matches(policy, request) || non_resource_matches(policy, request))
    })
}

/// All rules that hold for `user` in `namespace`.
pub fn rules_for(policies: &[Policy], user: &User, namespace: &str) -> Rules {
    let mut rules = Rules::default();
    for policy in policies {
        if !subject_matches(policy, user) || !is_or_any(&policy.namespace, namespace) {
            continue;
        }
        let verbs = if policy.readonly { vec!["get", "list", "watch"] } else { vec!["*"] };
        let verbs: Vec<String> = verbs.into_iter().map(str::to_owned).collect();
        if !policy.resource.is_empty() {
            rules.resource_rules.push(ResourceRule {
                verbs: verbs.clone(),
                api_groups: vec![policy.api_group.clone()],
                resources: vec![policy.resource.clone()],
                resource_names: vec![],
            });
        }
        if !policy.non_resource_path.is_empty() {
            let non_resource_urls = vec![policy.non_resource_path.clone()];
            rules.non_resource_rules.push(NonResourceRule { verbs, non_resource_urls });
        }
    }
    rules
}

/// What is given must match, and something must be given.
fn subject_matches(policy: &Policy, user: &User) -> bool {
    let mut matched = false;
    if !policy.user.is_empty() {
        if policy.user != "*" && policy.user != user.name {
            return false;
        }
        matched = true;
    }
    if !policy.group.is_empty() {
        if policy.group != "*" && !user.groups.contains(&policy.group) {
            return false;
        }
        matched = true;
    }
    matched
}

fn verb_matches(policy: &Policy, verb: &str) -> bool {
    ["get", "list", "watch"].contains(&verb) || !policy.readonly
}

/// Subresource and name are not looked at.
fn resource_matches(policy: &Policy, request: &Attributes<'_>) -> bool {
    request.resource_request
        && is_or_any(&policy.namespace, request.namespace)
        && is_or_any(&policy.resource, request.resource)
        && is_or_any(&policy.api_group, request.api_group)
}

fn non_resource_matches(policy: &Policy, request: &Attributes<'_>) -> bool {
    !request.resource_request && path_matches(&policy.non_resource_path, request.path)
}

fn is_or_any(field: &str, asked: &str) -> bool {
    field == "*" || field == asked
}
