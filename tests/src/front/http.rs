//! Questions over HTTP, in JSON.

use serde_json::{Map, Value, json};
use verdikt::EffectName;
use verdikt_core::User;

use super::{Answer, Front, Outcome, answer};
use crate::http::Running;
use crate::wire::Request;

/// `POST /v1/check` of a running server.
#[derive(Debug)]
pub struct Check<'s>(pub &'s Running);

impl Front for Check<'_> {
    fn name(&self) -> &'static str {
        "/v1/check"
    }

    fn check(&self, request: &Request) -> Outcome {
        let attributes = match request.is_resource {
            true => {
                let mut attributes = resource(request);
                attributes["fieldSelector"] = json!(request.field_selector);
                attributes
            }
            false => json!({"verb": request.verb, "path": request.path}),
        };
        let body = json!({"user": wire_user(&request.user, "name"), "attributes": attributes});
        let is_about_nothing = match request.is_resource {
            true => request.resource.is_empty(),
            false => request.path.is_empty(),
        };
        let found = self.0.post("/v1/check", &body.to_string());
        if is_about_nothing {
            const REFUSAL: &str = "attributes: exactly one of resource and path must be specified";
            assert_eq!((found.code, &found.json()["message"]), (400, &json!(REFUSAL)), "{found:?}");
            return Outcome::Refused(REFUSAL);
        }
        assert_eq!(found.code, 200, "{found:?}");
        Outcome::Answered(answer(&found.json()))
    }
}

/// `POST subjectaccessreviews` of a running server, which tells no revision.
#[derive(Debug)]
pub struct Review<'s>(pub &'s Running);

impl Front for Review<'_> {
    fn name(&self) -> &'static str {
        "subjectaccessreviews"
    }

    fn check(&self, request: &Request) -> Outcome {
        let mut spec = wire_user(&request.user, "user");
        match request.is_resource {
            true => {
                let mut attributes = resource(request);
                if !request.field_selector.is_empty() {
                    attributes["fieldSelector"] = json!({"rawSelector": request.field_selector});
                }
                spec.insert("resourceAttributes".into(), attributes)
            }
            false => spec.insert(
                "nonResourceAttributes".into(),
                json!({"verb": request.verb, "path": request.path}),
            ),
        };
        let body = json!({
            "kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": spec,
        });
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let found = self.0.post(path, &body.to_string());
        if request.user.name.is_empty() && request.user.groups.is_empty() {
            const REFUSAL: &str = "at least one of user or group must be specified";
            let cause = format!("Invalid value: \"\": {REFUSAL}");
            let causes = &found.json()["details"]["causes"];
            assert_eq!((found.code, &causes[0]["message"]), (422, &json!(cause)), "{found:?}");
            return Outcome::Refused(REFUSAL);
        }
        assert_eq!(found.code, 201, "{found:?}");
        let status = &found.json()["status"];
        let decision = match (&status["allowed"], &status["denied"]) {
            (Value::Bool(true), Value::Null) => EffectName::Allow,
            (Value::Bool(false), Value::Bool(true)) => EffectName::Deny,
            (Value::Bool(false), Value::Null) => EffectName::NoOpinion,
            _ => panic!("{found:?}"),
        };
        let reason = status["reason"].as_str().unwrap_or_default().to_owned();
        Outcome::Answered(Answer { decision, reason, revision: None })
    }
}

fn resource(request: &Request) -> Value {
    json!({
        "verb": request.verb,
        "namespace": request.namespace,
        "group": request.group,
        "version": request.version,
        "resource": request.resource,
        "subresource": request.subresource,
        "name": request.name,
    })
}

fn wire_user(user: &User, name: &str) -> Map<String, Value> {
    let user = json!({
        name: user.name, "uid": user.uid, "groups": user.groups, "extra": user.extra,
    });
    user.as_object().cloned().unwrap_or_default()
}
