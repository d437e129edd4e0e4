//! A SubjectAccessReview as JSON, and the status in an answer.
//!
//! Follows `k8s.io/api/authorization/{v1,v1beta1}/types.go`, as Go writes them: fields in their order, what
//! is empty left out.

use verdikt_authn::oidc::config::json_string;

use crate::authorizer::match_conditions::{ReviewSpec, Selector};
use crate::remote::document::{self, Fields};
use crate::remote::webhook::Answer;

/// The version that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V1Beta1,
}

impl Version {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "v1" => Some(Self::V1),
            "v1beta1" => Some(Self::V1Beta1),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1Beta1 => "v1beta1",
        }
    }
}

/// What a webhook says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) allowed: bool,
    pub(super) denied: bool,
    pub(super) reason: String,
}

/// The whole request.
pub(super) fn request(spec: &ReviewSpec, version: Version) -> String {
    let name = version.name();
    let spec = spec_json(spec, version);
    format!(
        "{{\"kind\":\"SubjectAccessReview\",\"apiVersion\":\"authorization.k8s.io/{name}\",\
         \"metadata\":{{}},\"spec\":{spec},\"status\":{{\"allowed\":false}}}}\n"
    )
}

/// The spec alone.
pub(super) fn spec_json(spec: &ReviewSpec, version: Version) -> String {
    let mut object = Object::default();
    if let Some(resource) = &spec.resource_attributes {
        let mut inner = Object::default();
        inner.text("namespace", &resource.namespace);
        inner.text("verb", &resource.verb);
        inner.text("group", &resource.group);
        inner.text("version", &resource.version);
        inner.text("resource", &resource.resource);
        inner.text("subresource", &resource.subresource);
        inner.text("name", &resource.name);
        inner.raw("fieldSelector", resource.field_selector.as_ref().map(selector_json));
        inner.raw("labelSelector", resource.label_selector.as_ref().map(selector_json));
        object.raw("resourceAttributes", Some(inner.finish()));
    }
    if let Some(path) = &spec.non_resource_attributes {
        let mut inner = Object::default();
        inner.text("path", &path.path);
        inner.text("verb", &path.verb);
        object.raw("nonResourceAttributes", Some(inner.finish()));
    }
    object.text("user", &spec.user);
    let groups = match version {
        Version::V1 => "groups",
        Version::V1Beta1 => "group",
    };
    object.raw(groups, list_json(&spec.groups));
    let mut extra = Object::default();
    for (key, values) in &spec.extra {
        let values = values.as_ref().map(|values| texts_json(values));
        extra.raw(key, Some(values.unwrap_or_else(|| "null".to_owned())));
    }
    object.raw("extra", (!spec.extra.is_empty()).then(|| extra.finish()));
    object.text("uid", &spec.uid);
    object.finish()
}

fn selector_json(selector: &Selector) -> String {
    let requirements = selector.requirements.iter().map(|requirement| {
        let mut object = Object::default();
        object.raw("key", Some(json_string(&requirement.key)));
        object.raw("operator", Some(json_string(&requirement.operator)));
        object.raw("values", list_json(&requirement.values));
        object.finish()
    });
    let requirements: Vec<String> = requirements.collect();
    format!("{{\"requirements\":[{}]}}", requirements.join(","))
}

/// None if there is nothing in it.
fn list_json(texts: &[String]) -> Option<String> {
    (!texts.is_empty()).then(|| texts_json(texts))
}

fn texts_json(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| json_string(text)).collect();
    format!("[{}]", texts.join(","))
}

/// An object in the making.
#[derive(Default)]
struct Object(String);

impl Object {
    fn text(&mut self, name: &str, value: &str) {
        self.raw(name, (!value.is_empty()).then(|| json_string(value)));
    }

    fn raw(&mut self, name: &str, json: Option<String>) {
        let Some(json) = json else { return };
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(&json_string(name));
        self.0.push(':');
        self.0.push_str(&json);
    }

    fn finish(self) -> String {
        format!("{{{}}}", self.0)
    }
}

/// The status of an answer.
///
/// # Errors
/// In upstream's words.
pub(super) fn status(answer: &Answer, version: Version) -> Result<Status, String> {
    let wanted = document::Kind {
        group: "authorization.k8s.io",
        version: version.name(),
        kind: "SubjectAccessReview",
    };
    let root = document::decode(answer, &wanted)?;
    let go_type = format!("{}.SubjectAccessReviewStatus", wanted.version);
    let status = Fields::of(&root, &wanted).object("status", "status.", &go_type)?;
    // Nobody looks at it, but it must be what it should be.
    status.text("evaluationError")?;
    Ok(Status {
        allowed: status.flag("allowed")?,
        denied: status.flag("denied")?,
        reason: status.text("reason")?,
    })
}
