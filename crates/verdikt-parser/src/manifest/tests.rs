//! What manifests may look like, and what is said of those that are wrong.

use super::*;
use crate::{PolicySet, Severity};

fn read(text: &str) -> (Manifest, Vec<Diagnostic>) {
    parse_manifest(&Source::new("test.yaml", text.as_bytes()), &Options::default())
}

/// The findings, as `line:column severity message`.
fn findings(text: &str) -> Vec<String> {
    findings_with(text.as_bytes(), &Options::default())
}

fn findings_with(bytes: &[u8], options: &Options) -> Vec<String> {
    let (_, found) = parse_manifest(&Source::new("test.yaml", bytes), options);
    let show = |found: &Diagnostic| {
        let place = found
            .primary
            .as_ref()
            .map(|label| format!("{}:{} ", label.place.line, label.place.column));
        let severity = if found.severity == Severity::Error { "error" } else { "warning" };
        format!("{}{severity} {}", place.unwrap_or_default(), found.message)
    };
    found.iter().map(show).collect()
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(findings(text), expected, "{text}");
}

fn with_rules(rules: &str) -> String {
    format!(
        "kind: ClusterRole\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: {{name: r}}\nrules:\n{rules}"
    )
}

const GOOD: &str = "{apiGroups: [''], resources: [pods], verbs: [get]}";

#[test]
fn many_documents_lists_and_other_kinds() {
    let role = |name: &str| {
        format!(
            "kind: Role\napiVersion: rbac.authorization.k8s.io/v1beta1\nmetadata: {{name: {name}, namespace: ns}}\nrules: [{GOOD}]\n"
        )
    };
    let text = format!(
        "# only a comment\n---\n{}---\n---\n{}---\nkind: List\napiVersion: v1\nitems:\n- {{kind: ServiceAccount, apiVersion: v1, metadata: {{name: s}}}}\n- {{kind: Deployment, apiVersion: apps/v1}}\n---\nkind: RoleList\napiVersion: rbac.authorization.k8s.io/v1\nitems: [{{metadata: {{name: c, namespace: ns}}, rules: [{GOOD}]}}]\n---\nkind: Role\napiVersion: example.com/v1\n",
        role("a"),
        role("b"),
    );
    let (manifest, found) = read(&text);
    assert_eq!(found, [], "{text}");
    let names: Vec<&str> = manifest.roles.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(manifest.roles[1].origin.to_string(), "test.yaml:9");
    assert_eq!(manifest.service_accounts[0].namespace, "default");
    let skipped: Vec<(&str, usize)> =
        manifest.skipped.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(skipped, [("apps/v1/Deployment", 1), ("example.com/v1/Role", 1)]);
}

#[test]
fn json_objects_one_after_the_other() {
    let text = r#"{"kind":"ClusterRole","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"a"},
        "rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get", 1]}]}
        {"kind":"ConfigMap","apiVersion":"v1"}"#;
    check(
        text,
        &[
            "2:73 error json: cannot unmarshal number into Go struct field PolicyRule.rules.verbs of type string",
        ],
    );
    assert_eq!(read(text).0.skipped.len(), 1);
}

#[test]
fn words_that_are_not_texts_are_wrong_types() {
    check(
        &with_rules("- {apiGroups: [''], resources: [pods], verbs: [yes, 017]}\n"),
        &[
            "5:48 error json: cannot unmarshal bool into Go struct field PolicyRule.rules.verbs of type string",
            "5:53 error json: cannot unmarshal number into Go struct field PolicyRule.rules.verbs of type string",
        ],
    );
    check(
        &with_rules("- {apiGroups: '', resources: [pods], verbs: [get]}\n"),
        &[
            "5:15 error json: cannot unmarshal string into Go struct field PolicyRule.rules.apiGroups of type []string",
            "5:3 error rules[0].apiGroups: Required value: resource rules must supply at least one api group",
        ],
    );
}

#[test]
fn unknown_fields_warn_and_do_not_count() {
    check(
        &with_rules("- {apiGroups: [''], resources: [pods], verb: [get]}\n"),
        &[
            "5:40 warning unknown field \"rules[0].verb\"",
            "5:3 error rules[0].verbs: Required value: verbs must contain at least one value",
        ],
    );
    let (_, found) =
        read(&with_rules("- {apigroups: [''], apiGroups: [''], resources: [a], verbs: [a]}\n"));
    assert_eq!(found[0].help, "did you mean `apiGroups`? As it is, the field is ignored");
}

#[test]
fn what_an_api_server_would_refuse_is_an_error() {
    let binding = |subject: &str, role: &str| {
        format!(
            "kind: ClusterRoleBinding\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: {{name: a/b}}\nsubjects: [{subject}]\nroleRef: {role}\n"
        )
    };
    check(
        &binding("{kind: user, name: jane}", "{kind: Role, name: x}"),
        &[
            "3:18 error metadata.name: Invalid value: \"a/b\": may not contain '/'",
            "5:10 error roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\"",
            "4:12 error subjects[0].kind: Unsupported value: \"user\": supported values: \"ServiceAccount\", \"User\", \"Group\"",
        ],
    );
    check(
        &with_rules("- {nonResourceURLs: [/a], resources: [pods], verbs: []}\n"),
        &[
            "5:3 error rules[0].verbs: Required value: verbs must contain at least one value",
            "5:4 error rules[0].nonResourceURLs: Invalid value: [\"/a\"]: rules cannot apply to both regular resources and non-resource URLs",
        ],
    );
}

#[test]
fn wire_objects_are_taken_as_they_are() {
    let text = r#"{"kind":"List","apiVersion":"v1","items":[{"kind":"RoleBinding","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":""},"subjects":null,"roleRef":{"kind":"Foo","name":""}}]}"#;
    let (manifest, found) = parse_manifest(&Source::new("x", text.as_bytes()), &Options::wire());
    assert_eq!(found, []);
    assert_eq!(manifest.role_bindings[0].role_ref.kind, "Foo");
    assert_eq!(manifest.role_bindings[0].namespace, "");
}

#[test]
fn secrets_are_decoded_and_do_not_print() {
    let text = "kind: Secret\napiVersion: v1\nmetadata: {name: s, namespace: kube-system}\ntype: t\ndata: {a: aHVudGVyMg==, b: '!'}\nstringData: {c: plain}\n";
    let (manifest, found) = read(text);
    assert_eq!(found.len(), 1);
    assert!(!format!("{found:?}").contains("aHVudGVyMg"), "{found:?}");
    let secret = &manifest.secrets[0];
    assert!(secret.data["a"].matches(b"hunter2") && secret.data["c"].matches(b"plain"));
    assert!(!format!("{secret:?}{:?}", secret.data).contains("hunter2"));
}

#[test]
fn bounds_have_an_error_each() {
    let limits = |change: fn(&mut Limits)| {
        let mut options = Options::default();
        change(&mut options.limits);
        options
    };
    let anchors: String = std::iter::once("a0: &a0 [x, x]\n".to_owned())
        .chain((1..30).map(|n| format!("a{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1)))
        .collect();
    for (text, options, expected) in [
        (
            "a: 1".repeat(100),
            limits(|limits| limits.file_bytes = 10),
            "test.yaml has 400 bytes, the limit is 10",
        ),
        ("[".repeat(1_000_000), limits(|_| {}), "lists and maps nest deeper than 100 levels"),
        ("{\"a\":".repeat(1_000_000), limits(|_| {}), "lists and maps nest deeper than 100 levels"),
        ("- ".repeat(100_000), limits(|_| {}), "lists and maps nest deeper than 100 levels"),
        (anchors, limits(|_| {}), "aliases expand to more than 100000 nodes"),
        (
            with_rules(&format!("- {GOOD}\n---\n")).repeat(3),
            limits(|limits| limits.objects = 1),
            "the file holds more than 1 objects",
        ),
    ] {
        let found = findings_with(text.as_bytes(), &options);
        assert!(found.iter().any(|found| found.contains(expected)), "{expected}: {found:?}");
    }
}

#[test]
fn encodings() {
    let text = with_rules(&format!("- {GOOD}\n"));
    let with_bom = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
    let with_crlf = text.replace('\n', "\r\n");
    let no_findings: [String; 0] = [];
    assert_eq!(findings_with(&with_bom, &Options::default()), no_findings);
    assert_eq!(findings_with(with_crlf.as_bytes(), &Options::default()), no_findings);
    for (bytes, expected) in [
        (b"a: 1\nb: \xff\n".as_slice(), "2:4 error byte 0xff is not UTF-8"),
        (b"\xff\xfea\0".as_slice(), "error test.yaml is UTF-16"),
        (b"a: \x01".as_slice(), "1:4 error control characters are not allowed: U+0001"),
        (b"a: \0".as_slice(), "1:4 error control characters are not allowed: U+0000"),
    ] {
        assert_eq!(findings_with(bytes, &Options::default()), [expected]);
    }
}

#[test]
fn nothing_is_worth_a_warning() {
    for text in ["", "\n", "# comment", "---", "---\n---\n", "null"] {
        check(text, &["warning test.yaml holds no object"]);
    }
}

#[test]
fn duplicate_keys_are_errors() {
    check(
        "kind: ConfigMap\nkind: Role\napiVersion: v1\n",
        &["2:1 error key \"kind\" already set in map"],
    );
}

#[test]
fn merge_keys_and_anchors() {
    let text = "kind: Role\napiVersion: rbac.authorization.k8s.io/v1\nmetadata: &m {name: a, namespace: ns}\nrules: []\n---\nkind: Role\napiVersion: rbac.authorization.k8s.io/v1\nmetadata:\n  <<: &base {namespace: ns, name: x}\n  name: b\n";
    let (manifest, found) = read(text);
    assert_eq!(found, []);
    let role = &manifest.roles[1];
    assert_eq!((role.name.as_str(), role.namespace.as_str()), ("b", "ns"));
}

#[test]
fn of_two_objects_the_later_counts_with_a_warning() {
    let text = format!("{}---\n{}", with_rules(&format!("- {GOOD}\n")), with_rules("  []\n"));
    let (manifest, found) = read(&text);
    assert_eq!(found, []);
    let (set, found) = PolicySet::from_manifests([manifest]);
    assert_eq!(set.cluster_roles.len(), 1);
    assert_eq!(set.cluster_roles[0].rules, []);
    assert_eq!(found[0].message, "ClusterRole `r` is there twice; the later one counts");
    assert_eq!(found[0].primary.as_ref().map(|label| label.place.line), Some(7));
    assert_eq!(found[0].related[0].place.line, 1);
}
