//! What must hold of every body that is posted, for the fuzz targets: the readers themselves are nobody
//! else's.

use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use verdikt::Engine;

use crate::grpc;
use crate::http::authzen;
use crate::kubernetes::review::access::{self, SelfSubjectAccessReview, SubjectAccessReview};
use crate::kubernetes::review::rules::SelfSubjectRulesReview;
use crate::kubernetes::review::token::TokenReview;
use crate::kubernetes::review::unreadable;
use crate::kubernetes::{protobuf, schema, strict, yaml};
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
        let (user, question) = (review.user(), review.question());
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
