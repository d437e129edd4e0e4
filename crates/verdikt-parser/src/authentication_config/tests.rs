//! What strict decoding takes, refuses and defaults in an AuthenticationConfiguration.

use super::*;
use crate::{Limits, Source};

fn check(text: &str, expected: &[&str]) {
    let text = text.replace("HEAD", HEAD);
    let source = Source::new("authn.yaml", text.as_bytes());
    let found = match read(&source, &Limits::default()) {
        Ok(_) => Vec::new(),
        Err(found) => found.into_iter().map(|found| found.message).collect(),
    };
    assert_eq!(found, expected, "{text}");
}

const HEAD: &str = "apiVersion: apiserver.config.k8s.io/v1beta1\nkind: AuthenticationConfiguration";

#[test]
fn unknown_fields_and_fields_that_come_twice_are_errors_with_their_path() {
    check("HEAD\njwt: null\nanonymous: {}\n", &[]);
    check(
        "HEAD\nunknown: 1\njwt:\n- issuer: {URL: x}\nanonymous: {z: 1}",
        &[
            r#"strict decoding error: unknown field "anonymous.z""#,
            r#"strict decoding error: unknown field "jwt[0].issuer.URL""#,
            r#"strict decoding error: unknown field "unknown""#,
        ],
    );
    check(
        "HEAD\njwt: []\njwt: []\n",
        &[
            "strict decoding error: yaml: unmarshal errors:\n  line 4: key \"jwt\" already set in map",
        ],
    );
    check(
        r#"{"apiVersion":"apiserver.config.k8s.io/v1","kind":"AuthenticationConfiguration",
            "jwt":[{"issuer":{"url":"a","url":"b"}}],"x":1}"#,
        &[
            r#"strict decoding error: duplicate field "jwt[0].issuer.url""#,
            r#"strict decoding error: unknown field "x""#,
        ],
    );
}

#[test]
fn the_first_value_of_a_wrong_type_is_the_only_error() {
    check(
        "HEAD\nunknown: 1\njwt:\n- issuer: {url: 1, audiences: [2]}",
        &[
            "json: cannot unmarshal number into Go struct field Issuer.jwt.issuer.audiences of type string",
        ],
    );
    check(
        "HEAD\njwt: [x]",
        &[
            "json: cannot unmarshal string into Go struct field AuthenticationConfiguration.jwt of type \
           v1beta1.JWTAuthenticator",
        ],
    );
    check(
        "HEAD\njwt: [{issuer: {audienceMatchPolicy: true}}]",
        &[
            "json: cannot unmarshal bool into Go struct field Issuer.jwt.issuer.audienceMatchPolicy of \
           type v1beta1.AudienceMatchPolicyType",
        ],
    );
}

#[test]
fn version_and_kind_are_known_or_refused() {
    check("", &["Object 'Kind' is missing in ''"]);
    check("# nothing", &["Object 'Kind' is missing in '# nothing'"]);
    check("kind: X", &["Object 'apiVersion' is missing in 'kind: X'"]);
    check("apiVersion: a/b/c\nkind: X", &["unexpected GroupVersion string: a/b/c"]);
    check(
        "apiVersion: v1\nkind: X",
        &[r#"no kind "X" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111""#],
    );
    check(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration",
        &["expected AuthenticationConfiguration, got *apiserver.AuthorizationConfiguration"],
    );
    check(
        "apiVersion: apiserver.config.k8s.io/v1\nKIND: AuthenticationConfiguration",
        &[r#"strict decoding error: unknown field "KIND""#],
    );
}

#[test]
fn only_the_first_document_counts() {
    check("HEAD\n---\nwhat: ever\nwhat: else\n", &[]);
    check("HEAD\n---\n[", &[]);
}

#[test]
fn fields_have_places_and_what_is_missing_has_that_of_what_is_around_it() {
    let text = format!("{HEAD}\njwt:\n- issuer:\n    audiences: [a, b]\n");
    let source = Source::new("f", text.as_bytes());
    let read = read(&source, &Limits::default()).unwrap();
    let place = |path: &str| read.places.find(path).map(|label| label.place.to_string());
    assert_eq!(place("jwt[0].issuer.audiences[1]").as_deref(), Some("f:5:20"));
    assert_eq!(place("jwt[0].issuer.url").as_deref(), Some("f:5:5"));
    assert_eq!(place("anonymous.enabled"), None);
    assert_eq!(read.jwt[0].issuer.audiences, ["a", "b"]);
}
