//! SubjectAccessReview (authorization.k8s.io/v1): may this user do that?
//!
//! Follows `pkg/registry/authorization/` and `pkg/apis/authorization/validation/` of kubernetes.

mod selectors;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use verdikt::{Attributes, Effect, Selectors, User};

use super::status::Status;
use super::validation::FieldError;
use crate::wire::Object;
use selectors::{FieldSelector, LabelSelector};

pub(crate) const GROUP: &str = "authorization.k8s.io";
pub(crate) const API_VERSION: &str = "authorization.k8s.io/v1";
pub(crate) const KIND: &str = "SubjectAccessReview";

/// A question about anyone, and its answer. Fields are in the order in which Go prints them.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct SubjectAccessReview {
    #[serde(default, deserialize_with = "or_null")]
    kind: String,
    #[serde(default, rename = "apiVersion", deserialize_with = "or_null")]
    api_version: String,
    #[serde(default, deserialize_with = "or_null")]
    metadata: Map<String, Value>,
    #[serde(default, deserialize_with = "or_null")]
    spec: Object<Spec>,
    #[serde(default, skip_deserializing)]
    status: ReviewStatus,
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Spec {
    #[serde(default, rename = "resourceAttributes", skip_serializing_if = "Option::is_none")]
    resource: Option<Object<ResourceAttributes>>,
    #[serde(default, rename = "nonResourceAttributes", skip_serializing_if = "Option::is_none")]
    non_resource: Option<Object<NonResourceAttributes>>,
    #[serde(default, deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    user: String,
    #[serde(default, deserialize_with = "or_null", skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    #[serde(default, deserialize_with = "or_null", skip_serializing_if = "BTreeMap::is_empty")]
    extra: BTreeMap<String, Vec<String>>,
    #[serde(default, deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    uid: String,
}

/// What a resource request asks.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ResourceAttributes {
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    namespace: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    verb: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    group: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    resource: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    subresource: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field_selector: Option<Object<FieldSelector>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label_selector: Option<Object<LabelSelector>>,
}

/// What a request for a path asks.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct NonResourceAttributes {
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    path: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    verb: String,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewStatus {
    allowed: bool,
    #[serde(skip_serializing_if = "is_false")]
    denied: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    evaluation_error: String,
}

/// What a review asks, in the engine's terms.
pub(crate) struct Question {
    user: User,
    selectors: Option<Selectors>,
    evaluation_errors: Vec<String>,
}

impl SubjectAccessReview {
    /// Whether it is what the address says, and its fields make sense together.
    pub(crate) fn validate(&mut self) -> Result<(), Status> {
        if self.kind.is_empty() && self.api_version.is_empty() {
            KIND.clone_into(&mut self.kind);
            API_VERSION.clone_into(&mut self.api_version);
        }
        if self.kind != KIND {
            return Err(Status::bad_request(format!(
                "the kind in the data ({}) does not match the expected kind ({KIND})",
                self.kind
            )));
        }
        if self.api_version != API_VERSION {
            return Err(Status::bad_request(format!(
                "the API version in the data ({}) does not match the expected API version \
                 ({API_VERSION})",
                self.api_version
            )));
        }
        let errors = self.field_errors();
        if errors.is_empty() { Ok(()) } else { Err(Status::invalid(GROUP, &errors)) }
    }

    fn field_errors(&mut self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let spec = &self.spec.0;
        const ONE: &str =
            "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        match (&spec.resource, &spec.non_resource) {
            (Some(_), Some(Object(both))) => {
                // Upstream prints the names its structure has in Go.
                let value = serde_json::json!({"Path": both.path, "Verb": both.verb});
                errors.push(FieldError::invalid_object("spec", &value, ONE));
            }
            (None, None) => errors.push(FieldError::invalid_object("spec", &Value::Null, ONE)),
            _ => {}
        }
        if spec.user.is_empty() && spec.groups.is_empty() {
            let detail = "at least one of user or group must be specified";
            errors.push(FieldError::invalid("spec.user", "", detail));
        }
        if let Some(Object(resource)) = &spec.resource {
            resource.validate("spec.resourceAttributes", &mut errors);
        }
        // What a client applied is managed by the server, and no mistake.
        self.metadata.remove("managedFields");
        self.metadata.retain(|_, value| !is_empty(value));
        if !self.metadata.is_empty() {
            errors.push(FieldError::invalid_object("metadata", &self.metadata, "must be empty"));
        }
        errors
    }

    /// Takes the question out; ask it with [`SubjectAccessReview::attributes`].
    pub(crate) fn question(&self) -> Question {
        let Spec { user, groups, extra, uid, .. } = &self.spec.0;
        let user = User {
            name: user.clone(),
            uid: uid.clone(),
            groups: groups.clone(),
            extra: extra.clone(),
        };
        let (selectors, evaluation_errors) = match &self.spec.0.resource {
            Some(Object(resource)) => resource.selectors(),
            None => (None, Vec::new()),
        };
        Question { user, selectors, evaluation_errors }
    }

    pub(crate) fn attributes<'a>(&'a self, question: &'a Question) -> Attributes<'a> {
        let user = Some((&question.user).into());
        if let Some(Object(resource)) = &self.spec.0.resource {
            return resource.attributes(user, question.selectors.as_ref());
        }
        match &self.spec.0.non_resource {
            Some(Object(non_resource)) => Attributes {
                user,
                verb: &non_resource.verb,
                path: &non_resource.path,
                ..Attributes::default()
            },
            None => Attributes { user, ..Attributes::default() },
        }
    }

    /// The review with its answer filled in.
    pub(crate) fn answered(self, effect: Effect, reason: String, question: &Question) -> Self {
        let status = ReviewStatus {
            allowed: effect == Effect::Allow,
            denied: effect == Effect::Deny,
            reason,
            evaluation_error: question.evaluation_errors.join("; "),
        };
        Self { status, ..self }
    }
}

impl ResourceAttributes {
    fn attributes<'a>(
        &'a self,
        user: Option<verdikt::Requester<'a>>,
        selectors: Option<&'a Selectors>,
    ) -> Attributes<'a> {
        Attributes {
            user,
            verb: &self.verb,
            namespace: &self.namespace,
            api_group: &self.group,
            api_version: if self.version.is_empty() { "*" } else { &self.version },
            resource: &self.resource,
            subresource: &self.subresource,
            name: &self.name,
            path: "",
            resource_request: true,
            selectors,
        }
    }

    fn validate(&self, path: &str, errors: &mut Vec<FieldError>) {
        if let Some(Object(selector)) = &self.field_selector {
            selector.validate(&format!("{path}.fieldSelector"), errors);
        }
        if let Some(Object(selector)) = &self.label_selector {
            selector.validate(&format!("{path}.labelSelector"), errors);
        }
    }

    /// The selectors, and what of them could not be used.
    fn selectors(&self) -> (Option<Selectors>, Vec<String>) {
        let mut parsed = Selectors::default();
        let mut problems = Vec::new();
        if let Some(Object(selector)) = &self.field_selector {
            let (fields, is_whole) = selector.requirements();
            problems.extend(problem("fieldSelector", is_whole, fields.as_ref().ok()));
            parsed.fields = fields;
        }
        if let Some(Object(selector)) = &self.label_selector {
            let (labels, is_whole) = selector.requirements();
            problems.extend(problem("labelSelector", is_whole, labels.as_ref().ok()));
            parsed.labels = labels;
        }
        (Some(parsed).filter(|selectors| !selectors.is_empty()), problems)
    }
}

fn problem<T>(name: &str, is_whole: bool, requirements: Option<&Vec<T>>) -> Option<String> {
    if is_whole {
        return None;
    }
    let partially =
        if requirements.is_some_and(|list| !list.is_empty()) { "partially " } else { "" };
    Some(format!("spec.resourceAttributes.{name} {partially}ignored due to parse error"))
}

/// `null` counts as absent wherever Go has no pointer.
pub(crate) fn or_null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(_) => false,
    }
}

fn is_false(value: &bool) -> bool {
    !*value
}
