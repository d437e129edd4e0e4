//! What match conditions see of a request: the spec of a SubjectAccessReview.
//!
//! Follows `buildRequestType` and `convertObjectToUnstructured` of apiserver's
//! `pkg/authorization/cel/compile.go`.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Deserializer};
use verdikt_cel::{ObjectType, Type, Value};

/// The spec of a SubjectAccessReview, in version v1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReviewSpec {
    /// What is asked about, if it is a resource.
    pub resource_attributes: Option<ResourceAttributes>,
    /// What is asked about, if it is a path.
    pub non_resource_attributes: Option<NonResourceAttributes>,
    /// Who asks.
    #[serde(deserialize_with = "or_default")]
    pub user: String,
    /// The groups of who asks.
    #[serde(deserialize_with = "or_default")]
    pub groups: Vec<String>,
    /// What else is known of who asks.
    #[serde(deserialize_with = "or_default")]
    pub extra: BTreeMap<String, Option<Vec<String>>>,
    /// The UID of who asks.
    #[serde(deserialize_with = "or_default")]
    pub uid: String,
}

/// A request for a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceAttributes {
    /// The namespace, or none.
    #[serde(deserialize_with = "or_default")]
    pub namespace: String,
    /// The verb.
    #[serde(deserialize_with = "or_default")]
    pub verb: String,
    /// The API group.
    #[serde(deserialize_with = "or_default")]
    pub group: String,
    /// The API version.
    #[serde(deserialize_with = "or_default")]
    pub version: String,
    /// The resource.
    #[serde(deserialize_with = "or_default")]
    pub resource: String,
    /// The subresource, or none.
    #[serde(deserialize_with = "or_default")]
    pub subresource: String,
    /// The name of the object, or none.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// What fields of objects are asked for.
    pub field_selector: Option<Selector>,
    /// What labels of objects are asked for.
    pub label_selector: Option<Selector>,
}

/// A request for a path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NonResourceAttributes {
    /// The path.
    #[serde(deserialize_with = "or_default")]
    pub path: String,
    /// The verb.
    #[serde(deserialize_with = "or_default")]
    pub verb: String,
}

/// A selector, as text or as requirements.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    /// The text, if it could not be made into requirements.
    #[serde(deserialize_with = "or_default")]
    pub raw_selector: String,
    /// The requirements.
    #[serde(deserialize_with = "or_default")]
    pub requirements: Vec<SelectorRequirement>,
}

/// One requirement of a selector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SelectorRequirement {
    /// The field or the label.
    #[serde(deserialize_with = "or_default")]
    pub key: String,
    /// How it is compared.
    #[serde(deserialize_with = "or_default")]
    pub operator: String,
    /// What it is compared with.
    #[serde(deserialize_with = "or_default")]
    pub values: Vec<String>,
}

/// `null` is as good as nothing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl ReviewSpec {
    /// The map that `request` is. What is not asked about is not there; texts are there even if empty.
    pub(super) fn to_value(&self, field_selector: bool, label_selector: bool) -> Value {
        let extra = self.extra.iter().map(|(key, values)| {
            (key.as_str(), Value::native_string_list(values.clone().unwrap_or_default()))
        });
        let mut fields = vec![
            ("user", Value::string(self.user.as_str())),
            ("groups", Value::native_string_list(self.groups.clone())),
            ("uid", Value::string(self.uid.as_str())),
            ("extra", Value::map(extra)),
        ];
        if let Some(attributes) = &self.resource_attributes {
            let value = attributes.to_value(field_selector, label_selector);
            fields.push(("resourceAttributes", value));
        }
        if let Some(attributes) = &self.non_resource_attributes {
            let texts = [("verb", &attributes.verb), ("path", &attributes.path)];
            fields.push(("nonResourceAttributes", Value::map(texts.map(text))));
        }
        Value::map(fields)
    }
}

fn text<'n>((name, value): (&'n str, &String)) -> (&'n str, Value) {
    (name, Value::string(value.as_str()))
}

impl ResourceAttributes {
    fn to_value(&self, field_selector: bool, label_selector: bool) -> Value {
        let texts = [
            ("namespace", &self.namespace),
            ("verb", &self.verb),
            ("group", &self.group),
            ("version", &self.version),
            ("resource", &self.resource),
            ("subresource", &self.subresource),
            ("name", &self.name),
        ];
        let mut fields: Vec<(&str, Value)> = texts.map(text).into();
        let selectors = [
            ("fieldSelector", &self.field_selector, field_selector),
            ("labelSelector", &self.label_selector, label_selector),
        ];
        for (name, selector, used) in selectors {
            let value = selector.as_ref().filter(|_| used).and_then(Selector::to_value);
            fields.extend(value.map(|value| (name, value)));
        }
        Value::map(fields)
    }
}

impl Selector {
    /// Text takes the place of requirements; without either there is no selector.
    fn to_value(&self) -> Option<Value> {
        if !self.raw_selector.is_empty() {
            return Some(Value::map([text(("rawSelector", &self.raw_selector))]));
        }
        if self.requirements.is_empty() {
            return None;
        }
        let requirements = self.requirements.iter().map(|requirement| {
            Value::map([
                text(("key", &requirement.key)),
                text(("operator", &requirement.operator)),
                ("values", Value::native_string_list(requirement.values.clone())),
            ])
        });
        Some(Value::map([("requirements", Value::list(requirements.collect()))]))
    }
}

/// The type of `request`.
pub(super) fn object_type() -> Arc<ObjectType> {
    Arc::clone(&SPEC)
}

static SPEC: LazyLock<Arc<ObjectType>> = LazyLock::new(|| {
    let texts = Type::list(Type::String);
    let requirement =
        object("SelectorRequirement", &["key", "operator"], [("values", texts.clone())]);
    let selector = |name| {
        let requirements = Type::list(Type::Object(Arc::clone(&requirement)));
        Type::Object(object(name, &["rawSelector"], [("requirements", requirements)]))
    };
    let resource = object(
        "ResourceAttributes",
        &["namespace", "verb", "group", "version", "resource", "subresource", "name"],
        [
            ("fieldSelector", selector("FieldSelectorAttributes")),
            ("labelSelector", selector("LabelSelectorAttributes")),
        ],
    );
    let non_resource = object("NonResourceAttributes", &["path", "verb"], []);
    object(
        "SubjectAccessReviewSpec",
        &["user", "uid"],
        [
            ("resourceAttributes", Type::Object(resource)),
            ("nonResourceAttributes", Type::Object(non_resource)),
            ("groups", texts.clone()),
            ("extra", Type::map(Type::String, texts)),
        ],
    )
});

/// A type of Kubernetes' with fields of text and other fields.
fn object<const N: usize>(
    name: &str,
    texts: &[&str],
    others: [(&str, Type); N],
) -> Arc<ObjectType> {
    let texts = texts.iter().map(|field| ((*field).to_owned(), Type::String));
    let others = others.into_iter().map(|(field, ty)| (field.to_owned(), ty));
    Arc::new(ObjectType {
        name: format!("kubernetes.{name}"),
        fields: texts.chain(others).collect(),
    })
}
