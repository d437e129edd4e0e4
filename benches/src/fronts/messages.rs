//! The requests of a world, as each front is asked them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use serde_json::json;
use verdikt_server::proto::v1;

use crate::world::Request;

/// Messages that are made once, so that making them is not measured.
#[derive(Clone)]
pub(crate) struct Messages {
    pub(crate) checks: Arc<[v1::CheckRequest]>,
    pub(crate) reviews: Arc<[Bytes]>,
    requests: Arc<[Request]>,
}

impl Messages {
    pub(crate) fn new(requests: &[Request]) -> Self {
        Self {
            checks: requests.iter().map(check).collect(),
            reviews: requests.iter().map(review).collect(),
            requests: requests.into(),
        }
    }

    /// What the echo answers: as long as most answers of verdikt.
    pub(crate) fn answer(&self) -> v1::CheckResponse {
        v1::CheckResponse {
            allowed: true,
            decision: v1::Decision::Allow.into(),
            reason: "RBAC: allowed by RoleBinding \"binding-00004711/ns-000042\" of ClusterRole \"role-07\" \
                     to User \"user-000815\""
                .to_owned(),
            revision: 1,
            ..Default::default()
        }
    }

    /// Batches of this size, over all requests.
    pub(crate) fn batches(&self, size: usize) -> Vec<v1::CheckBatchRequest> {
        self.requests.chunks_exact(size.clamp(1, self.requests.len())).map(batch).collect()
    }
}

fn check(request: &Request) -> v1::CheckRequest {
    let question = &request.question;
    v1::CheckRequest {
        user: Some(user(request)),
        request: Some(v1::check_request::Request::Resource(v1::ResourceAttributes {
            verb: question.verb.clone(),
            namespace: question.namespace.clone(),
            group: question.group.clone(),
            version: "v1".to_owned(),
            resource: question.resource.clone(),
            subresource: question.subresource.clone(),
            name: question.name.clone(),
            ..Default::default()
        })),
        ..Default::default()
    }
}

fn user(request: &Request) -> v1::User {
    let (name, groups) = (request.user.name.clone(), request.user.groups.clone());
    v1::User { name, groups, ..Default::default() }
}

fn review(request: &Request) -> Bytes {
    let question = &request.question;
    let review = json!({
        "kind": "SubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {"creationTimestamp": null},
        "spec": {
            "resourceAttributes": {
                "namespace": question.namespace, "verb": question.verb, "group": question.group,
                "version": "v1", "resource": question.resource, "subresource": question.subresource,
                "name": question.name,
            },
            "user": request.user.name,
            "groups": request.user.groups,
        },
        "status": {"allowed": false},
    });
    Bytes::from(review.to_string())
}

fn batch(requests: &[Request]) -> v1::CheckBatchRequest {
    let mut batch = v1::CheckBatchRequest::default();
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    for request in requests {
        let question = &request.question;
        let mut number = |text| match text {
            "" => 0,
            text => *numbers.entry(text).or_insert_with(|| {
                batch.strings.push(text.to_owned());
                batch.strings.len() as u32
            }),
        };
        let user = v1::BatchUser {
            name: number(&request.user.name),
            groups: request.user.groups.len() as u32,
            uid: 0,
        };
        batch.groups.extend(request.user.groups.iter().map(|group| number(group)));
        batch.numbered_users.push(user);
        let asked = v1::BatchQuestion {
            verb: number(&question.verb),
            namespace: number(&question.namespace),
            group: number(&question.group),
            version: number("v1"),
            resource: number(&question.resource),
            subresource: number(&question.subresource),
            name: number(&question.name),
            user: batch.numbered_users.len() as u32,
            ..Default::default()
        };
        batch.questions.push(asked);
    }
    batch
}
