//! One test for each thing about RBAC that surprises people.

use verdikt_core::{Attributes, HashKey, Identity, User};
use verdikt_parser::PolicySet;
use verdikt_parser::rbac::{Binding, ClusterRole, PolicyRule, Role, RoleRef, Subject};

use super::{MissKind, Table};

/// A policy of one ClusterRole `role` with one rule, bound to user `jane` for the whole cluster.
fn policy(rule: PolicyRule) -> PolicySet {
    PolicySet {
        cluster_roles: vec![cluster_role("role", rule)],
        cluster_role_bindings: vec![binding("binding", "", ("User", "jane"), "ClusterRole")],
        ..PolicySet::default()
    }
}

fn cluster_role(name: &str, rule: PolicyRule) -> ClusterRole {
    ClusterRole { name: name.to_owned(), rules: vec![rule], ..ClusterRole::default() }
}

fn binding(name: &str, namespace: &str, subject: (&str, &str), role_kind: &str) -> Binding {
    let (kind, subject) = subject;
    Binding {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        subjects: vec![Subject {
            kind: kind.to_owned(),
            name: subject.to_owned(),
            ..Subject::default()
        }],
        role_ref: RoleRef {
            kind: role_kind.to_owned(),
            name: "role".to_owned(),
            ..RoleRef::default()
        },
        ..Binding::default()
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn rule(verbs: &str, groups: &str, resources: &str) -> PolicyRule {
    PolicyRule {
        verbs: list(verbs),
        api_groups: list(groups),
        resources: list(resources),
        ..PolicyRule::default()
    }
}

/// Asks with bare strings and with resolved subjects; the two must agree, and so must `explain`.
fn reason(policy: &PolicySet, user: &User, request: Attributes<'_>) -> Option<String> {
    let key = HashKey::random();
    let (table, _) = Table::compile(policy, &key);
    let request = Attributes { user: Some(user.into()), ..request };
    let found = table.lookup(&request);
    let identity = Identity::new(user.clone(), &key);
    let resolved = Attributes { user: Some((&identity).into()), ..request };
    assert_eq!(table.lookup(&resolved), found, "resolved subjects decide alike");
    let explained = table.explain(&request);
    assert_eq!(explained.paths.is_empty(), found.is_none(), "the explanation agrees");
    found.map(|binding| table.reason(binding, user))
}

fn allows(rule: PolicyRule, verb: &str, group: &str, resource: &str, subresource: &str) -> bool {
    let jane = User::new("jane", ["dev"]);
    let request =
        Attributes { api_group: group, subresource, ..Attributes::resource(&jane, verb, resource) };
    reason(&policy(rule), &jane, request).is_some()
}

fn allows_path(urls: &str, path: &str) -> bool {
    let jane = User::new("jane", ["dev"]);
    let rule =
        PolicyRule { verbs: list("get"), non_resource_urls: list(urls), ..PolicyRule::default() };
    reason(&policy(rule), &jane, Attributes::non_resource(&jane, "get", path)).is_some()
}

fn allows_name(names: &[&str], name: &str) -> bool {
    let jane = User::new("jane", ["dev"]);
    let rule = PolicyRule {
        resource_names: names.iter().map(|&name| name.to_owned()).collect(),
        ..rule("get", "", "pods")
    };
    let request = Attributes { name, ..Attributes::resource(&jane, "get", "pods") };
    reason(&policy(rule), &jane, request).is_some()
}

#[test]
fn a_resource_does_not_cover_its_subresources() {
    assert!(!allows(rule("get", "", "pods"), "get", "", "pods", "log"));
    assert!(allows(rule("get", "", "pods/log"), "get", "", "pods", "log"));
}

#[test]
fn star_covers_subresources() {
    assert!(allows(rule("get", "", "*"), "get", "", "pods", "log"));
}

#[test]
fn subresource_star_does_not_match_parent() {
    assert!(allows(rule("get", "", "*/log"), "get", "", "pods", "log"));
    assert!(!allows(rule("get", "", "*/log"), "get", "", "pods", ""));
}

#[test]
fn star_after_the_slash_is_no_wildcard() {
    assert!(!allows(rule("get", "", "pods/*"), "get", "", "pods", "log"));
    assert!(allows(rule("get", "", "pods/*"), "get", "", "pods", "*"));
    assert!(!allows(rule("get", "", "*/*"), "get", "", "pods", "log"));
}

#[test]
fn a_slash_in_the_resource_is_not_a_subresource() {
    assert!(allows(rule("get", "", "pods/log"), "get", "", "pods/log", ""));
    assert!(!allows(rule("get", "", "*/log"), "get", "", "pods/log", ""));
    assert!(allows(rule("get", "", "a/b/c"), "get", "", "a", "b/c"));
    assert!(allows(rule("get", "", "a/b/c"), "get", "", "a/b", "c"));
}

#[test]
fn prefixes_of_resources_are_no_wildcards() {
    assert!(!allows(rule("get", "", "po*"), "get", "", "pods", ""));
    assert!(allows(rule("get", "", "po*"), "get", "", "po*", ""));
}

#[test]
fn the_empty_verb_needs_star_or_itself() {
    assert!(allows(rule("*", "", "pods"), "", "", "pods", ""));
    assert!(!allows(rule("get", "", "pods"), "", "", "pods", ""));
}

#[test]
fn groups_and_verbs_no_rule_names_match_wildcards() {
    assert!(allows(rule("*", "*", "*"), "frobnicate", "unheard.of", "things", "sub"));
    assert!(allows(rule("get", "*", "pods"), "get", "unheard.of", "pods", ""));
    assert!(!allows(rule("get", "*", "pods"), "frobnicate", "unheard.of", "pods", ""));
}

#[test]
fn letter_case_counts() {
    assert!(!allows(rule("get", "", "Pods"), "get", "", "pods", ""));
    assert!(!allows(rule("Get", "", "pods"), "get", "", "pods", ""));
}

#[test]
fn a_rule_without_groups_or_resources_permits_nothing() {
    let without_groups = PolicyRule { api_groups: Vec::new(), ..rule("*", "", "*") };
    assert!(!allows(without_groups, "get", "", "pods", ""));
}

#[test]
fn absurdly_long_names_are_compared_too() {
    let long = "x".repeat(3_000);
    assert!(allows(rule("get", "", &long), "get", "", &long, ""));
    assert!(!allows(rule("get", "", &long), "get", "", &format!("{long}y"), ""));
    assert!(allows(rule("get", &long, &format!("{long}/{long}")), "get", &long, &long, &long));
}

#[test]
fn more_verbs_than_columns_all_count() {
    let verbs: Vec<String> = (0..200).map(|index| format!("verb{index}")).collect();
    for verb in &verbs {
        assert!(allows(rule(&verbs.join(" "), "", "pods"), verb, "", "pods", ""), "{verb}");
    }
    assert!(!allows(rule(&verbs.join(" "), "", "pods"), "verb200", "", "pods", ""));
}

#[test]
fn resource_names_are_exact() {
    assert!(allows_name(&["web"], "web"));
    assert!(!allows_name(&["web"], "web2"));
    assert!(!allows_name(&["*"], "web"));
    assert!(allows_name(&["*"], "*"));
}

#[test]
fn a_request_without_a_name_matches_an_empty_name_only() {
    assert!(!allows_name(&["web"], ""));
    assert!(allows_name(&["web", ""], ""));
}

#[test]
fn names_of_several_rules_add_up() {
    let jane = User::new("jane", ["dev"]);
    let named = |name: &str| PolicyRule { resource_names: list(name), ..rule("get", "", "pods") };
    let mut policy = policy(named("a"));
    policy.cluster_roles[0].rules.extend([named("b"), named("c d")]);
    for (name, expected) in [("a", true), ("b", true), ("d", true), ("e", false)] {
        let request = Attributes { name, ..Attributes::resource(&jane, "get", "pods") };
        assert_eq!(reason(&policy, &jane, request).is_some(), expected, "{name}");
    }
    policy.cluster_roles[0].rules.push(rule("get", "", "pods"));
    let request = Attributes { name: "e", ..Attributes::resource(&jane, "get", "pods") };
    assert!(reason(&policy, &jane, request).is_some(), "a rule without names permits any");
}

#[test]
fn paths_match_exactly_or_by_prefix() {
    for (urls, path, expected) in [
        ("/a", "/a", true),
        ("/a", "/a/", false),
        ("/a/*", "/a/b/c", true),
        ("/a/*", "/a", false),
        ("/a**", "/ab", true),
        ("*", "/anything", true),
        ("**", "", true),
        ("/a/*/b", "/a/x/b", false),
        ("/a/*/b", "/a/*/b", true),
        ("/é*", "/épée", true),
        ("/a /ab* /abc*", "/abcd", true),
        ("/a /ab*", "/ab", true),
    ] {
        assert_eq!(allows_path(urls, path), expected, "{urls} for {path}");
    }
}

#[test]
fn a_rule_for_resources_says_nothing_about_paths() {
    let jane = User::new("jane", ["dev"]);
    let everything = policy(rule("*", "*", "*"));
    assert!(reason(&everything, &jane, Attributes::non_resource(&jane, "get", "/a")).is_none());
}

#[test]
fn role_bindings_count_in_their_namespace_only() {
    let jane = User::new("jane", ["dev"]);
    let policy = PolicySet {
        cluster_roles: vec![cluster_role("role", rule("get", "", "pods"))],
        role_bindings: vec![binding("b", "web", ("Group", "dev"), "ClusterRole")],
        ..PolicySet::default()
    };
    let in_namespace = |namespace| {
        let request = Attributes { namespace, ..Attributes::resource(&jane, "get", "pods") };
        reason(&policy, &jane, request)
    };
    let allowed = r#"RBAC: allowed by RoleBinding "b/web" of ClusterRole "role" to Group "dev""#;
    assert_eq!(in_namespace("web").as_deref(), Some(allowed));
    assert_eq!(in_namespace("other"), None);
    assert_eq!(in_namespace(""), None);
}

#[test]
fn the_first_binding_by_name_is_the_reason_and_cluster_wide_ones_come_first() {
    let jane = User::new("jane", ["dev"]);
    let mut policy = policy(rule("get", "", "pods"));
    policy.role_bindings = vec![binding("a", "web", ("User", "jane"), "ClusterRole")];
    policy.cluster_role_bindings.push(binding("another", "", ("Group", "dev"), "ClusterRole"));
    let request = Attributes { namespace: "web", ..Attributes::resource(&jane, "get", "pods") };
    let expected =
        r#"RBAC: allowed by ClusterRoleBinding "another" of ClusterRole "role" to Group "dev""#;
    assert_eq!(reason(&policy, &jane, request).as_deref(), Some(expected));
}

#[test]
fn service_accounts_are_users_of_a_certain_name() {
    let account = User::new("system:serviceaccount:a:b:c", Vec::<String>::new());
    for (namespace, name) in [("a", "b:c"), ("a:b", "c")] {
        let mut policy = policy(rule("get", "", "pods"));
        policy.cluster_role_bindings[0].subjects = vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            ..Subject::default()
        }];
        let expected = format!(
            r#"RBAC: allowed by ClusterRoleBinding "binding" of ClusterRole "role" to ServiceAccount "{name}/{namespace}""#
        );
        let request = Attributes::resource(&account, "get", "pods");
        assert_eq!(reason(&policy, &account, request), Some(expected));
    }
}

#[test]
fn a_service_account_without_namespace_matches_nobody_cluster_wide() {
    let account = User::new("system:serviceaccount::x", Vec::<String>::new());
    let mut policy = policy(rule("get", "", "pods"));
    policy.cluster_role_bindings = vec![binding("b", "", ("ServiceAccount", "x"), "ClusterRole")];
    assert_eq!(reason(&policy, &account, Attributes::resource(&account, "get", "pods")), None);
}

#[test]
fn a_group_of_the_same_name_is_not_the_user() {
    let dev = User::new("dev", Vec::<String>::new());
    let mut policy = policy(rule("get", "", "pods"));
    policy.cluster_role_bindings = vec![binding("b", "", ("Group", "dev"), "ClusterRole")];
    assert_eq!(reason(&policy, &dev, Attributes::resource(&dev, "get", "pods")), None);
}

#[test]
fn roles_that_are_missing_show_only_when_nothing_allows() {
    let jane = User::new("jane", ["dev"]);
    let key = HashKey::random();
    let mut policy = PolicySet {
        cluster_role_bindings: vec![
            binding("a", "", ("User", "jane"), "ClusterRole"),
            binding("b", "", ("User", "jane"), "Foo"),
            binding("c", "", ("User", "jane"), "ClusterRole"),
        ],
        ..PolicySet::default()
    };
    let (table, _) = Table::compile(&policy, &key);
    let expected = "RBAC: [clusterrole.rbac.authorization.k8s.io \"role\" not found, \
                    unsupported role reference kind: \"Foo\"]";
    assert_eq!(table.no_opinion_reason(&jane, ""), expected);

    policy.cluster_roles = vec![cluster_role("role", rule("get", "", "pods"))];
    let request = Attributes::resource(&jane, "get", "pods");
    assert!(reason(&policy, &jane, request).is_some());
}

#[test]
fn a_cluster_role_binding_finds_a_role_by_its_cache_key() {
    let jane = User::new("jane", ["dev"]);
    let mut policy = PolicySet {
        roles: vec![Role {
            name: "foo".to_owned(),
            namespace: "ns1".to_owned(),
            rules: vec![rule("get", "", "pods")],
            ..Role::default()
        }],
        cluster_role_bindings: vec![binding("b", "", ("User", "jane"), "Role")],
        ..PolicySet::default()
    };
    policy.cluster_role_bindings[0].role_ref.name = "ns1/foo".to_owned();
    let request = Attributes::resource(&jane, "get", "pods");
    assert!(reason(&policy, &jane, request).is_some());
}

#[test]
fn the_nearest_miss_comes_first() {
    let jane = User::new("jane", ["dev"]);
    let mut policy = policy(rule("list", "", "pods"));
    policy.cluster_roles.push(cluster_role("admin", rule("*", "", "pods")));
    let mut admins = binding("admins", "", ("Group", "ops"), "ClusterRole");
    admins.role_ref.name = "admin".to_owned();
    policy.cluster_role_bindings.push(admins);
    let (table, _) = Table::compile(&policy, &HashKey::random());
    let misses = table.explain(&Attributes::resource(&jane, "get", "pods")).misses;
    let kinds: Vec<MissKind> = misses.iter().map(|miss| miss.kind).collect();
    assert_eq!(kinds, [MissKind::OtherVerb, MissKind::OtherSubject], "{misses:?}");
}
