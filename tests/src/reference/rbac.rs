//! RBAC, binding by binding and rule by rule.

use verdikt_compiler::{NonResourceRule, ResourceRule, Rules};
use verdikt_core::{Attributes, GoQuoted, User};
use verdikt_parser::PolicySet;
use verdikt_parser::rbac::{Binding, PolicyRule, RoleRef, Subject};

use super::{Answer, aggregation, path_matches};

/// What RBAC answers, and why.
pub fn authorize(policy: &PolicySet, request: &Attributes<'_>) -> Answer {
    let Some(requester) = request.user else { return Answer::no_opinion("") };
    let mut errors = Vec::new();
    for grant in grants(policy, requester.user(), request.namespace) {
        match &grant.rules {
            Ok(rules) if rules.iter().any(|rule| permits(rule, request)) => {
                return Answer::allow(grant.reason());
            }
            Ok(_) => {}
            Err(error) => errors.push(error.clone()),
        }
    }
    match distinct(errors).as_slice() {
        [] => Answer::no_opinion(""),
        [error] => Answer::no_opinion(format!("RBAC: {error}")),
        errors => Answer::no_opinion(format!("RBAC: [{}]", errors.join(", "))),
    }
}

/// All rules that hold for `user` in `namespace`; the errors are told once each.
pub fn rules_for(policy: &PolicySet, user: &User, namespace: &str) -> Rules {
    let mut found = Rules::default();
    let mut errors = Vec::new();
    for grant in grants(policy, user, namespace) {
        match grant.rules {
            Ok(rules) => rules.into_iter().for_each(|rule| list(rule, &mut found)),
            Err(error) => errors.push(error),
        }
    }
    found.errors = distinct(errors);
    found
}

/// A binding that names the user.
struct Grant<'p> {
    binding: &'p Binding,
    /// Namespace of a RoleBinding; empty for a ClusterRoleBinding.
    scope: &'p str,
    /// The first subject that is the user.
    subject: &'p Subject,
    /// The rules of its role, or what is wrong with its roleRef.
    rules: Result<Vec<PolicyRule>, String>,
}

/// All ClusterRoleBindings by name, then the RoleBindings of the namespace by name, if there is one.
fn grants<'p>(policy: &'p PolicySet, user: &User, namespace: &str) -> Vec<Grant<'p>> {
    let cluster = policy.cluster_role_bindings.iter().map(|binding| (binding, ""));
    let namespaced = policy
        .role_bindings
        .iter()
        .filter(|binding| !namespace.is_empty() && binding.namespace == namespace)
        .map(|binding| (binding, binding.namespace.as_str()));
    let mut grants = Vec::new();
    for (binding, scope) in
        by_name(cluster.collect()).into_iter().chain(by_name(namespaced.collect()))
    {
        // Where nobody is named, the role is not even looked for.
        if let Some(subject) = binding.subjects.iter().find(|one| is_subject(one, scope, user)) {
            let rules = role_rules(policy, &binding.role_ref, scope);
            grants.push(Grant { binding, scope, subject, rules });
        }
    }
    grants
}

/// Bytes are compared; bindings of one name keep their order.
fn by_name<'p>(mut bindings: Vec<(&'p Binding, &'p str)>) -> Vec<(&'p Binding, &'p str)> {
    bindings.sort_by(|(a, _), (b, _)| a.name.as_bytes().cmp(b.name.as_bytes()));
    bindings
}

fn is_subject(subject: &Subject, scope: &str, user: &User) -> bool {
    match subject.kind.as_str() {
        "User" => subject.name == user.name,
        "Group" => user.groups.contains(&subject.name),
        "ServiceAccount" => {
            let namespace = account_namespace(subject, scope);
            let user_name = format!("system:serviceaccount:{namespace}:{}", subject.name);
            !namespace.is_empty() && user_name == user.name
        }
        _ => false,
    }
}

/// A service account without a namespace is one of the binding's namespace.
fn account_namespace<'p>(subject: &'p Subject, scope: &'p str) -> &'p str {
    if subject.namespace.is_empty() { scope } else { &subject.namespace }
}

/// Of two roles of one name the later counts.
fn role_rules(
    policy: &PolicySet,
    role_ref: &RoleRef,
    scope: &str,
) -> Result<Vec<PolicyRule>, String> {
    let RoleRef { kind, name, .. } = role_ref;
    match kind.as_str() {
        "Role" => {
            // Roles are cached by this key. A ClusterRoleBinding has no namespace to put before the
            // name, so that the name `ns/r` finds the Role r of namespace ns.
            let key = cache_key(scope, name);
            let mut roles = policy.roles.iter();
            let role = roles.rfind(|role| cache_key(&role.namespace, &role.name) == key);
            role.map(|role| role.rules.clone()).ok_or_else(|| {
                format!("role.rbac.authorization.k8s.io {} not found", GoQuoted(name))
            })
        }
        "ClusterRole" => {
            let role = policy.cluster_roles.iter().rfind(|role| role.name == *name);
            role.map(|role| aggregation::rules_of(role, &policy.cluster_roles)).ok_or_else(|| {
                format!("clusterrole.rbac.authorization.k8s.io {} not found", GoQuoted(name))
            })
        }
        kind => Err(format!("unsupported role reference kind: {}", GoQuoted(kind))),
    }
}

fn cache_key(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// Whether a rule permits a request: all its parts must match, each on its own.
fn permits(rule: &PolicyRule, request: &Attributes<'_>) -> bool {
    let has = |list: &[String], wanted: &str| list.iter().any(|item| item == "*" || item == wanted);
    if !has(&rule.verbs, request.verb) {
        return false;
    }
    if !request.resource_request {
        return rule.non_resource_urls.iter().any(|url| path_matches(url, request.path));
    }
    has(&rule.api_groups, request.api_group)
        && rule.resources.iter().any(|item| resource_matches(item, request))
        && (rule.resource_names.is_empty()
            || rule.resource_names.iter().any(|name| name == request.name))
}

/// `*` covers subresources too; `*/log` is a wildcard for the subresource log, `pods/*` is none.
fn resource_matches(item: &str, request: &Attributes<'_>) -> bool {
    let Attributes { resource, subresource, .. } = request;
    match *subresource {
        "" => item == "*" || item == *resource,
        subresource => {
            item == "*"
                || item == format!("{resource}/{subresource}")
                || item == format!("*/{subresource}")
        }
    }
}

impl Grant<'_> {
    fn reason(&self) -> String {
        let Self { binding, scope, subject, .. } = self;
        let RoleRef { kind, name: role, .. } = &binding.role_ref;
        let name = &binding.name;
        let binding = match *scope {
            "" => format!("ClusterRoleBinding {}", GoQuoted(name)),
            namespace => format!("RoleBinding {}", GoQuoted(&format!("{name}/{namespace}"))),
        };
        let name = match subject.kind.as_str() {
            "ServiceAccount" => format!("{}/{}", subject.name, account_namespace(subject, scope)),
            _ => subject.name.clone(),
        };
        let (role, name) = (GoQuoted(role), GoQuoted(&name));
        format!("RBAC: allowed by {binding} of {kind} {role} to {} {name}", subject.kind)
    }
}

/// A rule may be about resources and paths at once, or about neither.
fn list(rule: PolicyRule, rules: &mut Rules) {
    let PolicyRule { verbs, api_groups, resources, resource_names, non_resource_urls } = rule;
    if !resources.is_empty() {
        let verbs = verbs.clone();
        rules.resource_rules.push(ResourceRule { verbs, api_groups, resources, resource_names });
    }
    if !non_resource_urls.is_empty() {
        rules.non_resource_rules.push(NonResourceRule { verbs, non_resource_urls });
    }
}

fn distinct(texts: Vec<String>) -> Vec<String> {
    let mut distinct = Vec::new();
    for text in texts {
        if !distinct.contains(&text) {
            distinct.push(text);
        }
    }
    distinct
}
