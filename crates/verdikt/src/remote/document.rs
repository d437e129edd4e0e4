//! An object of a known kind in the answer of a webhook.
//!
//! Follows apimachinery's `pkg/runtime/serializer/json` and `pkg/runtime/scheme.go`, as far as answers in
//! JSON go: unknown fields are ignored, names of fields are exact, what says no kind is taken for the one
//! that is wanted.

use std::collections::BTreeMap;

use serde_json::Value;

use super::webhook::Answer;

/// A kind in a version of a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
}

/// The object of an answer.
///
/// # Errors
/// In upstream's words, as far as they are not about the place of a mistake in JSON.
pub(crate) fn decode(answer: &Answer, wanted: &Kind) -> Result<Value, String> {
    if answer.body.is_empty() {
        let content_type = match answer.content_type.as_str() {
            "" => "application/json",
            content_type => content_type,
        };
        return Err(format!(
            "0-length response with status code: {} and content type: {content_type}",
            answer.status
        ));
    }
    let root: Value = serde_json::from_slice(&answer.body)
        .map_err(|error| format!("couldn't get version/kind; json parse error: {error}"))?;
    if !matches!(root, Value::Object(_) | Value::Null) {
        return Err(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value of \
             type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \
             \"json:\\\"kind,omitempty\\\"\" }}",
            kind_of(&root)
        ));
    }
    let said = |name: &str| match root.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(other) => Err(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go struct \
             field .{name} of type string",
            kind_of(other)
        )),
    };
    let (api_version, kind) = (said("apiVersion")?, said("kind")?);
    check_kind(api_version, kind, wanted)?;
    Ok(root)
}

fn check_kind(api_version: &str, kind: &str, wanted: &Kind) -> Result<(), String> {
    let kind = if kind.is_empty() { wanted.kind } else { kind };
    let (group, version) = match api_version.split_once('/') {
        None if api_version.is_empty() => (wanted.group, wanted.version),
        None => ("", api_version),
        Some((_, version)) if version.contains('/') => {
            return Err(format!("unexpected GroupVersion string: {api_version}"));
        }
        Some((group, "")) if group == wanted.group => (group, wanted.version),
        Some((group, version)) => (group, version),
    };
    if (group, version, kind) == (wanted.group, wanted.version, wanted.kind) {
        return Ok(());
    }
    if KNOWN.contains(&(group, version, kind)) {
        return Err(format!(
            "converting ({version}.{kind}) to ({}.{}): unknown conversion",
            wanted.version, wanted.kind
        ));
    }
    let version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Err(format!(
        "no kind \"{kind}\" is registered for version \"{version}\" in scheme \
         \"pkg/runtime/scheme.go:111\""
    ))
}

/// The fields of an object in an answer, and where it is. What is not there has none.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'v> {
    object: Option<&'v Value>,
    kind: &'static str,
    /// Such as `status.`.
    path: &'static str,
}

impl<'v> Fields<'v> {
    /// Those of the answer itself.
    pub(crate) fn of(root: &'v Value, wanted: &Kind) -> Self {
        Self { object: Some(root), kind: wanted.kind, path: "" }
    }

    /// Those of an object in it, which is at `path` and of a type of Go's.
    pub(crate) fn object(
        self,
        name: &str,
        path: &'static str,
        go_type: &str,
    ) -> Result<Self, String> {
        let object = match self.get(name) {
            None => None,
            Some(object @ Value::Object(_)) => Some(object),
            Some(other) => return Err(self.wrong_type(other, name, go_type)),
        };
        Ok(Self { object, kind: self.kind, path })
    }

    /// Whether something is so; false if it is not there.
    pub(crate) fn flag(self, name: &str) -> Result<bool, String> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.wrong_type(other, name, "bool")),
        }
    }

    /// A text; empty if it is not there.
    pub(crate) fn text(self, name: &str) -> Result<String, String> {
        match self.get(name) {
            None => Ok(String::new()),
            Some(value) => self.as_text(value, name),
        }
    }

    /// A list of texts; empty if it is not there.
    pub(crate) fn texts(self, name: &str) -> Result<Vec<String>, String> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(value) => self.as_texts(value, name, "[]string"),
        }
    }

    /// A map of lists of texts; empty if it is not there. `go_type` is that of a list.
    pub(crate) fn lists(
        self,
        name: &str,
        go_type: &str,
    ) -> Result<BTreeMap<String, Vec<String>>, String> {
        match self.get(name) {
            None => Ok(BTreeMap::new()),
            Some(Value::Object(entries)) => {
                let list = |(key, value): (&String, &Value)| {
                    Ok((key.clone(), self.as_texts(value, name, go_type)?))
                };
                entries.iter().map(list).collect()
            }
            Some(other) => Err(self.wrong_type(other, name, &format!("map[string]{go_type}"))),
        }
    }

    fn get(self, name: &str) -> Option<&'v Value> {
        self.object.and_then(|object| object.get(name)).filter(|value| !value.is_null())
    }

    fn as_texts(self, value: &Value, name: &str, go_type: &str) -> Result<Vec<String>, String> {
        match value {
            Value::Null => Ok(Vec::new()),
            Value::Array(items) => items.iter().map(|item| self.as_text(item, name)).collect(),
            other => Err(self.wrong_type(other, name, go_type)),
        }
    }

    fn as_text(self, value: &Value, name: &str) -> Result<String, String> {
        match value {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text.clone()),
            other => Err(self.wrong_type(other, name, "string")),
        }
    }

    fn wrong_type(self, found: &Value, name: &str, go_type: &str) -> String {
        format!(
            "json: cannot unmarshal {} into Go struct field {}.{}{name} of type {go_type}",
            kind_of(found),
            self.kind,
            self.path
        )
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

const AUTHORIZATION: &str = "authorization.k8s.io";
const AUTHENTICATION: &str = "authentication.k8s.io";

/// Kinds that an answer may well be of by mistake, and that upstream knows.
const KNOWN: [(&str, &str, &str); 14] = [
    ("", "v1", "Status"),
    (AUTHORIZATION, "v1", "SubjectAccessReview"),
    (AUTHORIZATION, "v1beta1", "SubjectAccessReview"),
    (AUTHORIZATION, "v1", "LocalSubjectAccessReview"),
    (AUTHORIZATION, "v1beta1", "LocalSubjectAccessReview"),
    (AUTHORIZATION, "v1", "SelfSubjectAccessReview"),
    (AUTHORIZATION, "v1beta1", "SelfSubjectAccessReview"),
    (AUTHORIZATION, "v1", "SelfSubjectRulesReview"),
    (AUTHORIZATION, "v1beta1", "SelfSubjectRulesReview"),
    (AUTHENTICATION, "v1", "TokenReview"),
    (AUTHENTICATION, "v1beta1", "TokenReview"),
    (AUTHENTICATION, "v1", "SelfSubjectReview"),
    (AUTHENTICATION, "v1beta1", "SelfSubjectReview"),
    (AUTHENTICATION, "v1", "TokenRequest"),
];
