//! What upstream takes and what it refuses, checked against upstream itself.

use super::{AuditPolicy, Level, Stage, parse};
use crate::{Diagnostic, Limits, Source};

fn read(text: &str) -> (Option<AuditPolicy>, Vec<Diagnostic>) {
    parse(&Source::new("policy.yaml", text.as_bytes()), &Limits::default())
}

fn check(body: &str, errors: &[&str]) {
    let text = format!("apiVersion: audit.k8s.io/v1\nkind: Policy\n{body}");
    check_text(&text, errors);
}

fn check_text(text: &str, errors: &[&str]) {
    let (policy, found) = read(text);
    let messages: Vec<&str> =
        found.iter().filter(|found| found.is_error()).map(|found| found.message.as_str()).collect();
    assert_eq!(messages, errors, "{text}");
    assert_eq!(policy.is_some(), errors.is_empty(), "{text}");
}

#[test]
fn unknown_fields_and_doubled_keys_are_passed_over() {
    for body in [
        "rules: [{level: None, Users: [a], bogus: 1}]",
        "bogus: {level: 3}\nrules: [{level: None}]",
        "rules: [{level: None, level: Metadata}]",
        "rules: 3\nrules: [{level: None}]",
        "rules: [&a {level: None}, *a]",
        "rules: [{level: None, omitManagedFields: yes}]",
        "rules: [{level: None}]\n---\nkind: Nonsense",
    ] {
        check(body, &[]);
    }
    let (policy, found) = read(
        "{\"apiVersion\":\"audit.k8s.io/v1\",\"kind\":\"Policy\",\
         \"rules\":[{\"level\":\"None\",\"level\":\"Metadata\"}]}",
    );
    assert_eq!(policy.unwrap().rules[0].level, Level::Metadata);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_kind_need_not_be_said_but_a_version_must() {
    let unknown = "unknown group version field audit.k8s.io/__internal, Kind=Policy in policy";
    check_text("apiVersion: audit.k8s.io/v1\nKind: X\nrules: [{level: None}]", &[]);
    for text in ["", "null", "kind: Policy\nrules: [{level: None}]", "apiVersion: audit.k8s.io/"] {
        check_text(text, &[unknown]);
    }
    check_text(
        "apiVersion: audit.k8s.io/v1\nkind: Event",
        &["failed decoding: converting (v1.Event) to (audit.Policy): unknown conversion"],
    );
    check_text("apiVersion: a/b/c", &["failed decoding: unexpected GroupVersion string: a/b/c"]);
    check_text(
        "apiVersion: /v1\nkind: Policy",
        &["failed decoding: no kind \"Policy\" is registered for version \"v1\" in scheme \
           \"pkg/runtime/scheme.go:111\""],
    );
}

#[test]
fn values_of_another_type_are_refused_in_gos_words() {
    check(
        "rules: {level: None}",
        &[
            "failed decoding: json: cannot unmarshal object into Go struct field Policy.rules of type \
           []v1.PolicyRule",
        ],
    );
    check(
        "rules: [{level: 1, omitStages: [y]}]",
        &[
            "failed decoding: json: cannot unmarshal number into Go struct field \
             PolicyRule.rules.level of type v1.Level",
            "failed decoding: json: cannot unmarshal bool into Go struct field \
             PolicyRule.rules.omitStages of type v1.Stage",
        ],
    );
    check(
        "metadata: {labels: {a: 1}}\nrules: [{level: None}]",
        &["failed decoding: json: cannot unmarshal number into Go struct field \
           ObjectMeta.metadata.labels of type string"],
    );
}

#[test]
fn rules_are_validated_in_upstreams_order() {
    check("rules: null", &["loaded illegal policy with 0 rules"]);
    check("rules: [null]", &["rules[0].level: Required value"]);
    check(
        "omitStages: ['']\nrules: [{level: None, nonResourceURLs: ['*/', '/a*'], namespaces: [a]}]",
        &[
            "omitStages[0]: Invalid value: \"\": allowed stages are \
             RequestReceived,ResponseStarted,ResponseComplete,Panic",
            "rules[0].nonResourceURLs[0]: Invalid value: \"*/\": non-resource URL rules must begin \
             with a '/' character",
            "rules[0].nonResourceURLs[0]: Invalid value: \"*/\": non-resource URL wildcards '*' must \
             be the final character of the rule",
            "rules[0].nonResourceURLs: Invalid value: [\"*/\",\"/a*\"]: rules cannot apply to both \
             regular resources and non-resource URLs",
        ],
    );
}

#[test]
fn stages_are_a_set() {
    let text = "apiVersion: audit.k8s.io/v1\nkind: Policy\n\
                omitStages: [Panic, Panic]\nrules: [{level: None}]";
    let stages = read(text).0.unwrap().omit_stages;
    assert_eq!(Stage::ALL.map(|stage| stages.contain(stage)), [false, false, false, true]);
}
