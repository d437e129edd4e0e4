//! What validation says of issuers, rule by rule.

use verdikt_parser::authentication_config::read;
use verdikt_parser::{Limits, Source};

use super::*;

/// What is wrong with an entry that is good but for these lines.
fn check(lines: &str, expected: &[&str]) {
    let text = format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n{lines}"
    );
    let configuration = read(&Source::new("f", text.as_bytes()), &Limits::default()).unwrap();
    let found = match validate(&configuration, &["https://sa.example".to_owned()]) {
        Ok(_) => Vec::new(),
        Err(found) => found.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(found, expected, "{lines}");
}

fn entry(issuer: &str) -> String {
    format!(
        "jwt: [{{issuer: {{{issuer}}}, claimMappings: {{username: {{claim: sub, prefix: ''}}}}}}]"
    )
}

#[test]
fn urls_are_https_and_bare() {
    let with = |url: &str| entry(&format!("audiences: [a], url: '{url}'"));
    check(&with("https://a.example/x"), &[]);
    let url = "jwt[0].issuer.url: Invalid value: ";
    for (text, reasons) in [
        ("http://a", &["URL scheme must be https"][..]),
        ("https://u@a", &["URL must not contain a username or password"]),
        ("https://a?", &[]),
        ("https://a?q#f", &["URL must not contain a query", "URL must not contain a fragment"]),
        (
            "https://sa.example",
            &["URL must not overlap with disallowed issuers: [https://sa.example]"],
        ),
        ("https://%zz", &["parse \"https://%zz\": invalid URL escape \"%zz\""]),
    ] {
        let expected: Vec<String> =
            reasons.iter().map(|reason| format!("{url}\"{text}\": {reason}")).collect();
        check(&with(text), &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
    check(&with(""), &["jwt[0].issuer.url: Required value"]);
}

#[test]
fn a_discovery_url_is_another_than_the_url_and_no_issuer_of_service_accounts() {
    let with = |url: &str| {
        entry(&format!("audiences: [a], url: 'https://a.example/', discoveryURL: '{url}'"))
    };
    check(&with("https://sa.example"), &[]);
    check(
        &with("https://a.example//"),
        &[
            "jwt[0].issuer.discoveryURL: Invalid value: \"https://a.example//\": discoveryURL must be \
           different from URL",
        ],
    );
}

#[test]
fn values_of_named_types_are_shown_as_json() {
    check(
        &entry("audiences: [a], url: 'https://a', audienceMatchPolicy: '<a>'"),
        &[
            "jwt[0].issuer.audienceMatchPolicy: Invalid value: \"\\u003ca\\u003e\": audienceMatchPolicy \
           must be empty or MatchAny for single audience",
        ],
    );
}

#[test]
fn keys_of_extra_facts_have_a_domain_of_their_own() {
    let check_key = |key: &str, expected: &[&str]| {
        let lines = format!(
            "jwt: [{{issuer: {{url: 'https://a', audiences: [a]}}, claimMappings: {{username: \
             {{claim: sub, prefix: ''}}, extra: [{{key: '{key}', valueExpression: ''}}]}}}}]"
        );
        let path = "jwt[0].claimMappings.extra[0]";
        let mut expected: Vec<String> =
            expected.iter().map(|text| format!("{path}.key: {text}")).collect();
        expected.push(format!("{path}.valueExpression: Required value"));
        check(&lines, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    };
    check_key("a.example/x", &[]);
    check_key("", &["Required value"]);
    let prefixed = "must be a domain-prefixed path (such as \"acme.io/foo\")";
    check_key("x", &[&format!("Invalid value: \"x\": {prefixed}")]);
    check_key("/x", &[&format!("Invalid value: \"/x\": {prefixed}")]);
    check_key("a.example/X", &["Invalid value: \"a.example/X\": must be lowercase"]);
    let reserved = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use";
    check_key("k8s.io/x", &[&format!("Invalid value: \"k8s.io/x\": {reserved}")]);
    check_key("a.kubernetes.io/x", &[&format!("Invalid value: \"a.kubernetes.io/x\": {reserved}")]);
    check_key("ak8s.io/x", &[]);
    check_key(
        "a.example/x y",
        &["Invalid value: \"x y\": Invalid path (regex used for validation is \
           '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"],
    );
}

#[test]
fn at_most_64_issuers() {
    let entries = "{}, ".repeat(65);
    check(&format!("jwt: [{entries}]"), &["jwt: Too many: 65: must have at most 64 items"]);
}

#[test]
fn conditions_are_for_those_who_are_anonymous() {
    check("anonymous: {enabled: true, conditions: [{path: /x}]}", &[]);
    check(
        "anonymous: {conditions: [{path: /x}, {path: '<'}]}",
        &[
            "anonymous.conditions: Invalid value: [{\"Path\":\"/x\"},{\"Path\":\"\\u003c\"}]: enabled \
           should be set to true when conditions are defined",
        ],
    );
}

#[test]
fn a_constant_part_without_a_value_is_an_internal_error() {
    let with = |expression: &str| {
        format!(
            "jwt: [{{issuer: {{url: 'https://a.example', audiences: [a]}}, claimMappings: {{username: \
             {{claim: sub, prefix: ''}}}}, claimValidationRules: [{{expression: \"{expression}\"}}]}}]"
        )
    };
    let path = "jwt[0].claimValidationRules[0].expression";
    check(&with("claims.a == 1"), &[]);
    let found = format!(
        "{path}: Internal error: program instantiation failed: type conversion error from 'string' to \
         'int'"
    );
    check(&with("int('x') == claims.a"), &[&found]);
    let found = format!("{path}: Invalid value: \"int('x')\": must evaluate to bool");
    check(&with("int('x')"), &[&found]);
}
