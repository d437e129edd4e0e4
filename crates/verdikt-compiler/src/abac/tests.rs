//! What policies allow: the rules of upstream's `abac.go`, each by its name.

use verdikt_core::{Attributes, HashKey, Identity, Requester, User};
use verdikt_parser::abac::Policy;

use super::{Miss, Table, why_not};
use crate::{NonResourceRule, ResourceRule, Rules};

/// A policy of `user` for all resources and paths.
fn all_for(user: &str) -> Policy {
    Policy {
        user: user.to_owned(),
        api_group: "*".to_owned(),
        resource: "*".to_owned(),
        namespace: "*".to_owned(),
        non_resource_path: "*".to_owned(),
        ..Policy::default()
    }
}

/// A policy of ada for resources: namespace, resource, API group.
fn resource(namespace: &str, resource: &str, api_group: &str) -> Policy {
    Policy {
        namespace: namespace.to_owned(),
        resource: resource.to_owned(),
        api_group: api_group.to_owned(),
        non_resource_path: String::new(),
        ..all_for("ada")
    }
}

fn path(pattern: &str) -> Policy {
    Policy { user: "ada".to_owned(), non_resource_path: pattern.to_owned(), ..Policy::default() }
}

fn subject(user: &str, group: &str) -> Policy {
    Policy { group: group.to_owned(), ..all_for(user) }
}

fn readonly(policy: Policy) -> Policy {
    Policy { readonly: true, ..policy }
}

fn ada() -> User {
    User::new("ada", ["dev", "ops"])
}

/// The first policy that allows the request; by look-up, for a bare and a resolved user, and by reading.
fn check(policies: &[Policy], user: &User, request: &Attributes<'_>, expected: Option<u32>) {
    let key = HashKey::random();
    let table = Table::compile(policies, &key);
    let identity = Identity::new(user.clone(), &key);
    for requester in [Requester::from(user), Requester::from(&identity)] {
        let mut request = *request;
        request.user = Some(requester);
        assert_eq!(table.lookup(&request), expected, "{policies:?}\n{request:?}");
        let matching = table.all_matching(&request);
        assert_eq!(matching.first().copied(), expected, "{policies:?}\n{request:?}");
    }
}

fn check_subject(policy: Policy, user: &User, allowed: bool) {
    let expected = allowed.then_some(0);
    let policies = [policy];
    check(&policies, user, &Attributes::resource(user, "delete", "pods"), expected);
    check(&policies, user, &Attributes::non_resource(user, "post", "/x"), expected);
}

fn check_resource(policy: Policy, [namespace, name, api_group]: [&str; 3], allowed: bool) {
    let user = ada();
    let request =
        Attributes { namespace, api_group, ..Attributes::resource(&user, "create", name) };
    check(&[policy], &user, &request, allowed.then_some(0));
}

fn check_path(pattern: &str, asked: &str, allowed: bool) {
    let user = ada();
    let request = Attributes::non_resource(&user, "get", asked);
    check(&[path(pattern)], &user, &request, allowed.then_some(0));
}

#[test]
fn user_is_compared_exactly() {
    check_subject(subject("ada", ""), &ada(), true);
    check_subject(subject("Ada", ""), &ada(), false);
    check_subject(subject("ad*", ""), &ada(), false);
}

#[test]
fn group_must_be_among_the_groups() {
    check_subject(subject("", "ops"), &ada(), true);
    check_subject(subject("", "eng"), &ada(), false);
    check_subject(subject("", "ops"), &User::new("ada", [""]), false);
}

#[test]
fn user_and_group_must_both_match_if_both_are_given() {
    check_subject(subject("ada", "ops"), &ada(), true);
    check_subject(subject("bob", "ops"), &ada(), false);
    check_subject(subject("ada", "eng"), &ada(), false);
}

#[test]
fn user_and_group_of_one_name_are_not_confused() {
    check_subject(subject("dev", ""), &ada(), false);
    check_subject(subject("", "ada"), &ada(), false);
}

#[test]
fn policy_without_user_and_group_matches_nobody() {
    check_subject(subject("", ""), &ada(), false);
    check_subject(subject("", ""), &User::new("", [""]), false);
}

#[test]
fn star_as_user_or_group_is_anyone() {
    let nobody = User::default();
    for policy in [subject("*", ""), subject("", "*"), subject("*", "*")] {
        check_subject(policy.clone(), &ada(), true);
        check_subject(policy, &nobody, true);
    }
}

#[test]
fn star_leaves_the_other_condition_standing() {
    check_subject(subject("*", "ops"), &ada(), true);
    check_subject(subject("*", "eng"), &ada(), false);
    check_subject(subject("ada", "*"), &ada(), true);
    check_subject(subject("bob", "*"), &ada(), false);
}

#[test]
fn request_without_user_matches_nothing() {
    let table = Table::compile(&[subject("*", "*")], &HashKey::random());
    let request = Attributes { resource: "pods", resource_request: true, ..Attributes::default() };
    assert_eq!(table.lookup(&request), None);
    assert_eq!(why_not(&subject("*", "*"), &request), Some(Miss::Subject));
}

#[test]
fn readonly_allows_get_list_and_watch_alone() {
    let user = ada();
    let verbs = [
        ("get", true),
        ("list", true),
        ("watch", true),
        ("Get", false),
        ("", false),
        ("create", false),
        ("deletecollection", false),
        ("proxy", false),
    ];
    for (verb, reads) in verbs {
        let requests =
            [Attributes::resource(&user, verb, "pods"), Attributes::non_resource(&user, verb, "/")];
        for request in requests {
            check(&[readonly(all_for("ada"))], &user, &request, reads.then_some(0));
            check(&[all_for("ada")], &user, &request, Some(0));
        }
    }
}

#[test]
fn star_covers_any_field() {
    check_resource(resource("*", "*", "*"), ["ns", "pods", "apps"], true);
    check_resource(resource("*", "*", "*"), ["", "", ""], true);
    check_resource(resource("*", "pods", "*"), ["ns", "pods", "apps"], true);
    check_resource(resource("*", "pods", "*"), ["ns", "secrets", "apps"], false);
}

#[test]
fn fields_are_compared_exactly() {
    check_resource(resource("ns", "pods", "apps"), ["ns", "pods", "apps"], true);
    check_resource(resource("NS", "pods", "apps"), ["ns", "pods", "apps"], false);
    check_resource(resource("ns", "po*", "apps"), ["ns", "pods", "apps"], false);
    check_resource(resource("ns", "**", "apps"), ["ns", "pods", "apps"], false);
    check_resource(resource("ns", "pods", "ap"), ["ns", "pods", "apps"], false);
}

#[test]
fn fields_are_not_mixed_up() {
    check_resource(resource("a", "b", "c"), ["b", "a", "c"], false);
    check_resource(resource("a", "b", "c"), ["a", "c", "b"], false);
    check_resource(resource("a", "*", "b"), ["a", "b", "a"], false);
}

#[test]
fn star_in_a_request_is_no_wildcard() {
    check_resource(resource("ns", "pods", ""), ["*", "pods", ""], false);
    check_resource(resource("ns", "pods", ""), ["ns", "*", ""], false);
    check_resource(resource("ns", "pods", ""), ["ns", "pods", "*"], false);
}

#[test]
fn empty_namespace_matches_only_requests_without_one() {
    check_resource(resource("", "*", "*"), ["", "nodes", ""], true);
    check_resource(resource("", "*", "*"), ["ns", "pods", ""], false);
}

#[test]
fn empty_api_group_is_the_core_group_alone() {
    check_resource(resource("*", "*", ""), ["ns", "pods", ""], true);
    check_resource(resource("*", "*", ""), ["ns", "deployments", "apps"], false);
}

#[test]
fn empty_resource_matches_only_an_empty_resource() {
    check_resource(resource("*", "", "*"), ["ns", "", ""], true);
    check_resource(resource("*", "", "*"), ["ns", "pods", ""], false);
}

#[test]
fn subresource_and_name_are_ignored() {
    let user = ada();
    let request = Attributes {
        subresource: "exec",
        name: "web",
        ..Attributes::resource(&user, "create", "pods")
    };
    check(&[resource("*", "pods", "")], &user, &request, Some(0));
}

#[test]
fn paths_are_equal_or_begin_with_what_is_before_the_final_stars() {
    check_path("/a", "/a", true);
    check_path("/a", "/a/", false);
    check_path("/a*", "/a", true);
    check_path("/a*", "/ab/c", true);
    check_path("/a*", "/b", false);
    check_path("/a/*", "/a/b", true);
    check_path("/a/*", "/a/", true);
    check_path("/a/*", "/a", false);
    check_path("/a**", "/ab", true);
    check_path("*", "/", true);
    check_path("***", "/", true);
}

#[test]
fn star_within_a_path_is_an_ordinary_character() {
    check_path("/a/*/b", "/a/x/b", false);
    check_path("/a/*/b", "/a/*/b", true);
    check_path("/a/*/b*", "/a/*/bc", true);
}

#[test]
fn empty_path_is_covered_by_any_policy_that_names_none() {
    check_path("", "", true);
    check_path("*", "", true);
    check_path("", "/", false);
    check_path("/a", "", false);
    let user = ada();
    let request = Attributes::non_resource(&user, "get", "");
    check(&[resource("ns", "pods", "")], &user, &request, Some(0));
}

#[test]
fn only_the_kind_of_request_decides_what_is_compared() {
    let user = ada();
    let resources = [resource("*", "*", "*")];
    let paths = [path("*")];
    let about_path =
        Attributes { resource: "pods", ..Attributes::non_resource(&user, "get", "/a") };
    let about_pods = Attributes { path: "/a", ..Attributes::resource(&user, "get", "pods") };
    check(&resources, &user, &about_path, None);
    check(&resources, &user, &about_pods, Some(0));
    check(&paths, &user, &about_path, Some(0));
    check(&paths, &user, &about_pods, None);
}

#[test]
fn first_policy_in_the_file_is_the_one_reported() {
    let user = ada();
    let request = Attributes { namespace: "ns", ..Attributes::resource(&user, "get", "pods") };
    let exact = || resource("ns", "pods", "");
    let group = || subject("", "ops");
    let both = || subject("ada", "dev");
    let any = || subject("*", "");
    let other = || all_for("bob");
    check(&[exact(), group(), both(), any()], &user, &request, Some(0));
    check(&[other(), any(), both(), group(), exact()], &user, &request, Some(1));
    check(&[other(), other(), both(), exact(), any()], &user, &request, Some(2));
    check(&[other(), group(), group(), all_for("ada")], &user, &request, Some(1));
    check(&[other(), all_for("ada"), exact()], &user, &request, Some(1));
    check(&[other(), other()], &user, &request, None);
}

#[test]
fn first_writing_policy_is_reported_for_a_write() {
    let user = ada();
    let policies = [readonly(all_for("ada")), all_for("ada"), all_for("ada")];
    check(&policies, &user, &Attributes::resource(&user, "get", "pods"), Some(0));
    check(&policies, &user, &Attributes::resource(&user, "delete", "pods"), Some(1));
}

#[test]
fn first_of_nested_prefixes_is_reported() {
    let user = ada();
    let policies = [path("/a/b/c*"), path("/a/*"), path("/a/b*"), path("/a/b/x"), path("*")];
    for (asked, expected) in
        [("/a/b/c", 0), ("/a/b/x", 1), ("/a/b", 1), ("/a/c", 1), ("/a", 4), ("", 4)]
    {
        check(&policies, &user, &Attributes::non_resource(&user, "get", asked), Some(expected));
    }
}

#[test]
fn a_miss_is_the_first_condition_that_fails() {
    let user = ada();
    let request = Attributes {
        namespace: "ns",
        api_group: "apps",
        ..Attributes::resource(&user, "delete", "deployments")
    };
    let check = |policy: Policy, expected| {
        assert_eq!(why_not(&policy, &request), expected, "{policy:?}");
    };
    check(all_for("ada"), None);
    check(readonly(all_for("bob")), Some(Miss::Subject));
    check(readonly(resource("", "", "")), Some(Miss::Verb));
    check(resource("", "", ""), Some(Miss::Namespace));
    check(resource("ns", "", ""), Some(Miss::Resource));
    check(resource("ns", "deployments", ""), Some(Miss::ApiGroup));
    let request = Attributes::non_resource(&user, "get", "/a");
    assert_eq!(why_not(&path("/b"), &request), Some(Miss::Path));
}

#[test]
fn all_matching_policies_are_found() {
    let user = ada();
    let policies = [all_for("bob"), all_for("ada"), subject("", "eng"), subject("", "ops")];
    let table = Table::compile(&policies, &HashKey::random());
    assert_eq!(table.all_matching(&Attributes::resource(&user, "get", "pods")), [1, 3]);
    assert_eq!(table.policy(3), policies.get(3));
    assert_eq!(table.policy(4), None);
    assert_eq!(table.policies(), policies);
}

fn rules(policies: &[Policy], namespace: &str) -> Rules {
    let mut rules = Rules::default();
    Table::compile(policies, &HashKey::random()).rules_for(&ada(), namespace, &mut rules);
    rules
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn rules_list_what_holds_in_the_order_of_the_file() {
    let policies =
        [readonly(resource("ns", "pods", "")), all_for("bob"), all_for("ada"), subject("", "ops")];
    let any = || ResourceRule {
        verbs: owned(&["*"]),
        api_groups: owned(&["*"]),
        resources: owned(&["*"]),
        resource_names: Vec::new(),
    };
    let pods = ResourceRule {
        verbs: owned(&["get", "list", "watch"]),
        api_groups: owned(&[""]),
        resources: owned(&["pods"]),
        resource_names: Vec::new(),
    };
    let any_path = || NonResourceRule { verbs: owned(&["*"]), non_resource_urls: owned(&["*"]) };
    let expected = Rules {
        resource_rules: vec![pods, any(), any()],
        non_resource_rules: vec![any_path(), any_path()],
        ..Rules::default()
    };
    assert_eq!(rules(&policies, "ns"), expected);
}

#[test]
fn rules_of_other_namespaces_are_left_out() {
    let policies = [resource("ns", "pods", ""), resource("", "nodes", "")];
    let resources = |namespace: &str| -> Vec<String> {
        let rules = rules(&policies, namespace).resource_rules;
        rules.into_iter().flat_map(|rule| rule.resources).collect()
    };
    assert_eq!(resources("ns"), ["pods"]);
    assert_eq!(resources(""), ["nodes"]);
    assert!(resources("other").is_empty());
}

#[test]
fn rules_about_a_path_alone_are_listed_for_the_empty_namespace_only() {
    let expected = [NonResourceRule {
        verbs: owned(&["get", "list", "watch"]),
        non_resource_urls: owned(&["/a*"]),
    }];
    let policies = [readonly(path("/a*"))];
    assert_eq!(rules(&policies, "").non_resource_rules, expected);
    assert!(rules(&policies, "").resource_rules.is_empty());
    assert_eq!(rules(&policies, "ns"), Rules::default());
}
