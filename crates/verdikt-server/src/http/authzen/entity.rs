//! Subject, action and resource as they are written in JSON. What is unknown is passed over, as the
//! specification demands.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::wire::Object;

/// One question. Its context is taken, and nothing here depends on it.
#[derive(Debug, Deserialize)]
pub(super) struct Evaluation {
    pub(super) subject: Object<Subject>,
    pub(super) action: Object<Action>,
    pub(super) resource: Object<Resource>,
    #[serde(default)]
    #[expect(dead_code, reason = "read so that a context that is no object is refused")]
    context: Option<BTreeMap<String, serde::de::IgnoredAny>>,
}

impl Evaluation {
    /// A question without a context.
    pub(super) fn new(subject: Subject, action: Action, resource: Resource) -> Self {
        Self {
            subject: Object(subject),
            action: Object(action),
            resource: Object(resource),
            context: None,
        }
    }
}

/// Who.
#[derive(Debug, Deserialize)]
pub(super) struct Subject {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) properties: Option<Object<SubjectProperties>>,
}

/// What policy may look at beside the name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SubjectProperties {
    pub(super) groups: Vec<String>,
    pub(super) uid: String,
    pub(super) extra: BTreeMap<String, Vec<String>>,
}

/// Does what: a verb.
#[derive(Debug, Deserialize)]
pub(super) struct Action {
    pub(super) name: String,
    #[expect(dead_code, reason = "read so that properties that are no object are refused")]
    properties: Option<BTreeMap<String, serde::de::IgnoredAny>>,
}

impl Action {
    /// A verb.
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), properties: None }
    }
}

/// To what.
#[derive(Debug, Deserialize)]
pub(super) struct Resource {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) properties: Option<Object<ResourceProperties>>,
}

/// Where it is, and which part of it is meant.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ResourceProperties {
    pub(super) namespace: Option<String>,
    pub(super) api_group: Option<String>,
    pub(super) api_version: String,
    pub(super) subresource: Option<String>,
    pub(super) field_selector: String,
    pub(super) label_selector: String,
}

impl Resource {
    /// The namespace that its properties say it is in.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.properties.as_ref().and_then(|Object(properties)| properties.namespace.as_deref())
    }
}

impl ResourceProperties {
    /// Those of a resource that has none.
    pub(super) const NONE: &Self = &Self {
        namespace: None,
        api_group: None,
        api_version: String::new(),
        subresource: None,
        field_selector: String::new(),
        label_selector: String::new(),
    };
}

/// Whether a value may stand where an object may, or nothing.
pub(super) fn is_object_or_null(value: &Value) -> bool {
    value.is_object() || value.is_null()
}
