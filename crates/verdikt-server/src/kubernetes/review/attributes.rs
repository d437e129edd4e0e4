//! What an access review asks about: a resource or a path.
//!
//! Follows `pkg/registry/authorization/util/helpers.go` and `pkg/apis/authorization/validation`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use verdikt::{Attributes, Requester, Selectors};

use super::or_null;
use super::plain::Json;
use super::selectors::{FieldSelector, LabelSelector};
use crate::kubernetes::validation::FieldError;
use crate::wire::Object;

/// What a resource request asks.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ResourceAttributes {
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    pub(super) namespace: String,
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
pub(super) struct NonResourceAttributes {
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    path: String,
    #[serde(deserialize_with = "or_null", skip_serializing_if = "String::is_empty")]
    verb: String,
}

/// A resource or a path, of which there must be exactly one.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) resource: Option<&'a ResourceAttributes>,
    pub(super) non_resource: Option<&'a NonResourceAttributes>,
}

/// The selectors of a question, read.
pub(crate) struct Question {
    selectors: Option<Selectors>,
    evaluation_errors: Vec<String>,
}

impl<'a> Subject<'a> {
    /// The rules that hold whoever is asked about: `user` are those for the user.
    pub(super) fn validate(self, user: Option<FieldError>) -> Vec<FieldError> {
        const ONE: &str =
            "exactly one of nonResourceAttributes or resourceAttributes must be specified";
        let mut errors = Vec::new();
        match (self.resource, self.non_resource) {
            (Some(_), Some(both)) => {
                errors.push(FieldError::invalid_object("spec", &both.as_go(), ONE));
            }
            (None, None) => errors.push(FieldError::invalid_object("spec", &Value::Null, ONE)),
            _ => {}
        }
        errors.extend(user);
        if let Some(resource) = self.resource {
            resource.validate("spec.resourceAttributes", &mut errors);
        }
        errors
    }

    pub(super) fn question(self) -> Question {
        let (selectors, evaluation_errors) = match self.resource {
            Some(resource) => resource.selectors(),
            None => (None, Vec::new()),
        };
        Question { selectors, evaluation_errors }
    }

    /// What is asked, for `user`.
    pub(super) fn attributes(
        self,
        user: Option<Requester<'a>>,
        question: &'a Question,
    ) -> Attributes<'a> {
        if let Some(resource) = self.resource {
            return resource.attributes(user, question.selectors.as_ref());
        }
        match self.non_resource {
            Some(NonResourceAttributes { path, verb }) => {
                Attributes { user, verb, path, ..Attributes::default() }
            }
            None => Attributes { user, ..Attributes::default() },
        }
    }
}

impl Question {
    /// What went wrong, and what of the selectors could not be used, in the words of a status.
    pub(super) fn evaluation_error(&self, error: Option<String>) -> String {
        let errors: Vec<&str> =
            error.iter().chain(&self.evaluation_errors).map(String::as_str).collect();
        errors.join("; ")
    }
}

impl NonResourceAttributes {
    /// As it stands in plain JSON.
    pub(super) fn plain(json: &mut Json<'_>) -> Option<Option<Object<Self>>> {
        json.structure(&["path", "verb"], |asked: &mut Self, field, json| {
            let value = json.text()?;
            match field {
                "path" => asked.path = value,
                _ => asked.verb = value,
            }
            Some(())
        })
    }

    /// As upstream prints it in messages: with the names its structure has in Go.
    pub(super) fn as_go(&self) -> Value {
        serde_json::json!({"Path": self.path, "Verb": self.verb})
    }
}

impl ResourceAttributes {
    /// As it stands in plain JSON, without selectors.
    pub(super) fn plain(json: &mut Json<'_>) -> Option<Option<Object<Self>>> {
        const FIELDS: &[&str] =
            &["namespace", "verb", "group", "version", "resource", "subresource", "name"];
        json.structure(FIELDS, |asked: &mut Self, field, json| {
            let value = json.text()?;
            match field {
                "namespace" => asked.namespace = value,
                "verb" => asked.verb = value,
                "group" => asked.group = value,
                "version" => asked.version = value,
                "resource" => asked.resource = value,
                "subresource" => asked.subresource = value,
                _ => asked.name = value,
            }
            Some(())
        })
    }

    fn attributes<'a>(
        &'a self,
        user: Option<Requester<'a>>,
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
