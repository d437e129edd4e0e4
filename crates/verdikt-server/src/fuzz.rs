//! What must hold of every body that is posted, for the fuzz targets: the readers themselves are nobody
//! else's.

use std::sync::LazyLock;

use axum::http::{HeaderName, HeaderValue, Request};
use prost::Message as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use verdikt::{Engine, RequestInfo};

use crate::grpc;
use crate::grpc::ext_authz::question;
use crate::grpc::proto::envoy::service::auth::v3::CheckRequest;
use crate::http::authzen;
use crate::kubernetes::review::access::{self, SelfSubjectAccessReview, SubjectAccessReview};
use crate::kubernetes::review::rules::SelfSubjectRulesReview;
use crate::kubernetes::review::token::TokenReview;
use crate::kubernetes::review::unreadable;
use crate::kubernetes::{protobuf, schema, strict, yaml};
use crate::original;
use crate::wire;

/// A message of AuthZEN, as one question and as many: what is not understood is said in words.
pub fn authzen(body: &[u8]) {
    if let Ok(value) = wire::parse::<Value>(body) {
        authzen::understand(value, |understood| {
            assert_ne!(understood, Err(""));
        });
    }
}

/// What the engine of [`grpc`] knows.
const POLICY: &str = "
kind: ClusterRole
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: reader}
rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]
---
kind: ClusterRoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: readers}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: dev}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
";

/// A message of gRPC, answered by an engine that knows one role.
pub fn grpc(bytes: &[u8]) {
    static ENGINE: LazyLock<Option<Engine>> =
        LazyLock::new(|| Engine::builder().manifest("policy.yaml", POLICY).build().ok());
    let engine = ENGINE.as_ref();
    assert!(engine.is_some(), "the policy is good");
    if let Some(engine) = engine {
        grpc::fuzz::messages(engine, bytes);
    }
}

/// A body in JSON.
pub fn review_json(body: &[u8]) {
    if let Some(value) = read::<Value>(body) {
        check(value);
    }
}

/// A body in YAML: what it says is printed and read again as the same.
pub fn review_yaml(body: &[u8]) {
    match yaml::parse(body) {
        Ok(value) => {
            assert_eq!(yaml::parse(yaml::write(&value).as_bytes()).as_ref(), Ok(&value));
            check(value);
        }
        Err(problem) => assert!(!problem.is_empty()),
    }
}

/// A body in protobuf, with its envelope.
pub fn review_protobuf(body: &[u8]) {
    match protobuf::parse(body, ("authorization.k8s.io/v1", "SubjectAccessReview")) {
        Ok(value) => {
            // What is written of it is read again.
            if let Some(written) = protobuf::write(&value) {
                assert!(protobuf::parse(&written, ("", "")).is_ok());
            }
            check(value);
        }
        Err(problem) => assert!(!problem.is_empty()),
    }
}

/// Headers of a request that a proxy asks about, one a line: what is judged is what they say, exactly.
pub fn forward_auth(bytes: &[u8]) {
    let (mut parts, ()) = Request::new(()).into_parts();
    let mut uris: Vec<&[u8]> = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (halves.next(), halves.next()) else { continue };
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        else {
            continue;
        };
        uris.extend(name.as_str().contains("-ur").then_some(line));
        if parts.headers.try_append(name, value).is_err() {
            return;
        }
    }
    match original::forwarded(parts) {
        Ok(asked) => {
            let target = asked.uri.to_string();
            assert!(target.starts_with('/'), "{target}");
            assert!(uris.iter().any(|line| line.ends_with(target.as_bytes())), "{target}");
            assert_resolved(&target);
        }
        Err(problem) => assert!(!problem.is_empty()),
    }
}

/// A question of Envoy in protobuf: what is judged is the path it has, exactly.
pub fn ext_authz(bytes: &[u8]) {
    let Ok(message) = CheckRequest::decode(bytes) else { return };
    let request = message.attributes.as_ref().and_then(|attributes| attributes.request.as_ref());
    let path = request.and_then(|request| request.http.as_ref()).map(|http| http.path.clone());
    match question::read(message) {
        Ok(asked) => {
            assert_eq!(Some(asked.uri.to_string()), path);
            assert_resolved(&asked.uri.to_string());
        }
        Err(problem) => assert!(!problem.is_empty()),
    }
}

/// No part of the path leads up.
fn assert_resolved(target: &str) {
    if let Ok(info) = RequestInfo::from_request("GET", target) {
        assert!(!info.path().split('/').any(|part| matches!(part, "." | "..")), "{target}");
    }
}

/// Read as each kind of review it is asked what it is asked over HTTP.
fn check(value: Value) {
    let text = wire::to_text(&value, false);
    let body = text.as_bytes();
    for kind in schema::KINDS {
        drop(strict::unknown_fields(&value, kind.message));
    }
    if let Some(mut review) = read::<SubjectAccessReview>(body) {
        review.settle_groups();
        drop((review.validate(), review.validate_local()));
        let (user, question) = (review.take_user(), review.question());
        let attributes = review.attributes(&user, &question);
        assert!(attributes.resource_request || attributes.resource.is_empty());
        drop(review.check_type(&access::LOCAL, "web"));
        check_printed(&review);
    }
    if let Some(review) = read::<SelfSubjectAccessReview>(body) {
        drop(review.validate_self());
        drop(review.question());
        check_printed(&review);
    }
    if let Some(review) = read::<SelfSubjectRulesReview>(body) {
        drop(review.asked());
        check_printed(&review);
    }
    if let Some(review) = read::<TokenReview>(body) {
        drop(review.credentials());
        check_printed(&review);
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    wire::parse(body)
        .inspect_err(|error| drop(wire::to_text(&unreadable(error, &access::SUBJECT), false)))
        .ok()
}

/// What is printed can be read, and prints alike again.
fn check_printed<T: Serialize + DeserializeOwned>(review: &T) {
    let printed = wire::to_text(review, false);
    let again: Option<T> = read(printed.as_bytes());
    assert_eq!(again.map(|again| wire::to_text(&again, false)), Some(printed));
}
