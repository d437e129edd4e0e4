//! What a webhook is sent, and what is made of its answers.

use http_body_util as _;
use hyper::body::Bytes;
use verdikt_core::{Attributes, Selectors, User};

use super::review::{Status, Version, request, status};
use super::*;
use crate::remote::webhook::Answer;

fn check_body(asked: &Attributes<'_>, version: Version, expected: &str) {
    assert_eq!(request(&spec::of(asked), version), format!("{expected}\n"));
}

#[test]
fn bodies_are_upstreams() {
    let mut user = User::new("u", ["g"]);
    user.uid = "1".to_owned();
    user.extra.insert("k".to_owned(), vec!["v<".to_owned()]);
    let selectors = Selectors::parse("a=b,c!=d", "e in (y,x),!f,g>1,h,i=");
    let asked = Attributes {
        namespace: "n",
        api_version: "v1",
        selectors: Some(&selectors),
        ..Attributes::resource(&user, "list", "pods")
    };
    let spec = |groups| {
        format!(
            "{}{}\"user\":\"u\",\"{groups}\":[\"g\"],\"extra\":{{\"k\":[\"v\\u003c\"]}},\"uid\":\"1\"}},\
             \"status\":{{\"allowed\":false}}}}",
            r#""metadata":{},"spec":{"resourceAttributes":{"namespace":"n","verb":"list","version":"v1","resource":"pods","fieldSelector":{"requirements":[{"key":"a","operator":"In","values":["b"]},{"key":"c","operator":"NotIn","values":["d"]}]},"#,
            r#""labelSelector":{"requirements":[{"key":"e","operator":"In","values":["x","y"]},{"key":"f","operator":"DoesNotExist"},{"key":"h","operator":"Exists"},{"key":"i","operator":"In","values":[""]}]}},"#,
        )
    };
    let head = |version| {
        format!(
            "{{\"kind\":\"SubjectAccessReview\",\"apiVersion\":\"authorization.k8s.io/{version}\","
        )
    };
    check_body(&asked, Version::V1, &(head("v1") + &spec("groups")));
    check_body(&asked, Version::V1Beta1, &(head("v1beta1") + &spec("group")));
    let nobody = Attributes { user: None, ..Attributes::non_resource(&user, "get", "/x") };
    check_body(
        &nobody,
        Version::V1,
        &(head("v1")
            + r#""metadata":{},"spec":{"nonResourceAttributes":{"path":"/x","verb":"get"}},"status":{"allowed":false}}"#),
    );
}

fn check_answer(body: &str, expected: Result<(bool, bool, &str), &str>) {
    let answer = Answer {
        status: 200,
        content_type: "application/json".to_owned(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    let found = status(&answer, Version::V1);
    let expected = match expected {
        Ok((allowed, denied, reason)) => Ok(Status { allowed, denied, reason: reason.to_owned() }),
        Err(error) => Err(error.to_owned()),
    };
    assert_eq!(found, expected, "{body}");
}

#[test]
fn answers_are_read_as_upstream_reads_them() {
    check_answer("{}", Ok((false, false, "")));
    check_answer("null", Ok((false, false, "")));
    check_answer(r#"{"status":{"allowed":true,"denied":null,"x":1}}"#, Ok((true, false, "")));
    check_answer(
        r#"{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview",
            "status":{"allowed":true,"denied":true,"reason":"r","evaluationError":"e"}}"#,
        Ok((true, true, "r")),
    );
    check_answer(
        r#"{"apiVersion":"authorization.k8s.io/v1beta1","kind":"SubjectAccessReview"}"#,
        Err(
            "converting (v1beta1.SubjectAccessReview) to (v1.SubjectAccessReview): unknown conversion",
        ),
    );
    check_answer(
        r#"{"apiVersion":"v1","kind":"Status","status":"Failure"}"#,
        Err("converting (v1.Status) to (v1.SubjectAccessReview): unknown conversion"),
    );
    check_answer(
        r#"{"kind":"Odd"}"#,
        Err("no kind \"Odd\" is registered for version \"authorization.k8s.io/v1\" in scheme \
             \"pkg/runtime/scheme.go:111\""),
    );
    check_answer(
        "",
        Err("0-length response with status code: 200 and content type: application/json"),
    );
    check_answer(
        r#"{"status":{"allowed":"yes"}}"#,
        Err(
            "json: cannot unmarshal string into Go struct field SubjectAccessReview.status.allowed \
             of type bool",
        ),
    );
}

#[test]
fn both_allowed_and_denied_is_a_denial_with_an_error() {
    let said = |allowed, denied| {
        let reason = "r".to_owned();
        let said = Said::of(Status { allowed, denied, reason });
        (said.effect, said.error)
    };
    assert_eq!(said(true, true), (Effect::Deny, Some(BOTH.to_owned())));
    assert_eq!(said(false, true), (Effect::Deny, None));
    assert_eq!(said(true, false), (Effect::Allow, None));
    assert_eq!(said(false, false), (Effect::NoOpinion, None));
}
