//! One line to one policy: which version it is, and what its fields turn into.

use std::borrow::Cow;

use super::raw::Raw;
use super::{AUTHENTICATED, Cause, Form, LineError, Policy};
use crate::document::{self, Node, Value};
use crate::{Limits, Source};

type Result<T> = std::result::Result<T, LineError>;

/// Reads a line that is neither blank nor a comment.
pub(super) fn read_line(line: &str) -> Result<(Policy, Form)> {
    let object = match if line.trim_start().starts_with('{') { json(line)? } else { yaml(line)? } {
        Raw::Object(entries) => entries,
        Raw::Null => Vec::new(),
        other => return Err(not_an_object(&other)),
    };
    let (api_version, kind) = (type_meta(&object, "apiVersion")?, type_meta(&object, "kind")?);
    if api_version.matches('/').count() > 1 {
        return Err(whole(Cause::GroupVersion(api_version)));
    }
    match (api_version.as_str(), kind.as_str()) {
        ("", "" | "Policy") | (V0, "Policy") => flat(&object).map(|policy| (policy, Form::Flat)),
        (V1BETA1, "Policy") => versioned(&object, &SPEC).map(|policy| (policy, Form::Versioned)),
        (INTERNAL, "Policy") => internal(&object).map(|policy| (policy, Form::Versioned)),
        (V1BETA1, "") => Err(whole(Cause::UnknownConversion)),
        _ => {
            let kind = if kind.is_empty() { "Policy".to_owned() } else { kind };
            Err(whole(Cause::NoKind { kind, version: api_version }))
        }
    }
}

fn json(line: &str) -> Result<Raw> {
    serde_json::from_str(&without_lone_surrogates(line)).map_err(|error| {
        let column = u32::try_from(error.column().max(1)).unwrap_or(u32::MAX);
        let text = error.to_string();
        let message = match text.split_once(" at line ") {
            _ if error.is_eof() => "unexpected end of JSON input".to_owned(),
            Some((message, _)) => message.to_owned(),
            None => text,
        };
        LineError { column, cause: Cause::NotAnObject(message) }
    })
}

/// Go reads an escaped half of a character as U+FFFD; serde_json refuses it.
fn without_lone_surrogates(line: &str) -> Cow<'_, str> {
    let mut fixed = String::new();
    let mut rest = line;
    let mut copied = false;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at_checked(at).unwrap_or((rest, ""));
        fixed.push_str(before);
        let (taken, replaced) = match surrogate(escape) {
            Some(0xd800..0xdc00)
                if matches!(escape.get(6..).and_then(surrogate), Some(0xdc00..0xe000)) =>
            {
                (12, false)
            }
            Some(_) => (6, true),
            None => (escape.chars().take(2).map(char::len_utf8).sum(), false),
        };
        let (written, after) = escape.split_at_checked(taken).unwrap_or((escape, ""));
        fixed.push_str(if replaced { "\\ufffd" } else { written });
        copied |= replaced;
        rest = after;
    }
    fixed.push_str(rest);
    if copied { Cow::Owned(fixed) } else { Cow::Borrowed(line) }
}

/// The half of a character that a text begins with, escaped.
fn surrogate(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let half = u32::from_str_radix(digits, 16).ok()?;
    (0xd800..0xe000).contains(&half).then_some(half)
}

/// What does not begin with a brace is YAML, as Kubernetes has it.
fn yaml(line: &str) -> Result<Raw> {
    if line.chars().any(|c| c != '\t' && c != '\u{85}' && c.is_control()) {
        return Err(whole(Cause::Yaml("control characters are not allowed".to_owned())));
    }
    let source = Source::new("", line.as_bytes());
    let (mut documents, found) = document::read_yaml(&source, &Limits::default());
    match found.into_iter().find(crate::Diagnostic::is_error) {
        Some(error) => {
            let column = error.primary.as_ref().map_or(1, |label| label.place.column);
            Err(LineError { column, cause: Cause::Yaml(error.message) })
        }
        None if documents.is_empty() => Ok(Raw::Null),
        None => Ok(raw(documents.swap_remove(0))),
    }
}

fn raw(node: Node) -> Raw {
    match node.value {
        Value::Null => Raw::Null,
        Value::Bool(value) => Raw::Bool(value),
        Value::Number(_) => Raw::Number,
        Value::String(text) => Raw::String(text),
        Value::Sequence(_) => Raw::Array,
        Value::Mapping(entries) => {
            Raw::Object(entries.into_iter().map(|(key, node)| (key.name, raw(node))).collect())
        }
    }
}

fn type_meta(object: &[(String, Raw)], name: &str) -> Result<String> {
    let mut text = String::new();
    for (_, value) in object.iter().filter(|(key, _)| key == name) {
        match value {
            Raw::String(value) => text.clone_from(value),
            Raw::Null => {}
            other => {
                let kind = other.kind();
                let cause = format!(
                    "json: cannot unmarshal {kind} into Go struct field .{name} of type string"
                );
                return Err(whole(Cause::NotAnObject(cause)));
            }
        }
    }
    Ok(text)
}

/// Names of the fields, and how errors call them: `Policy.user` or `PolicySpec.spec.user`.
struct Names {
    prefix: &'static str,
    user: &'static str,
    group: &'static str,
    readonly: &'static str,
    api_group: Option<&'static str>,
    resource: &'static str,
    namespace: &'static str,
    non_resource_path: Option<&'static str>,
}

const FLAT: Names = Names {
    prefix: "Policy.",
    user: "user",
    group: "group",
    readonly: "readonly",
    api_group: None,
    resource: "resource",
    namespace: "namespace",
    non_resource_path: None,
};

const SPEC: Names = Names {
    prefix: "PolicySpec.spec.",
    api_group: Some("apiGroup"),
    non_resource_path: Some("nonResourcePath"),
    ..FLAT
};

const INTERNAL_SPEC: Names = Names {
    prefix: "PolicySpec.Spec.",
    user: "User",
    group: "Group",
    readonly: "Readonly",
    api_group: Some("APIGroup"),
    resource: "Resource",
    namespace: "Namespace",
    non_resource_path: Some("NonResourcePath"),
};

fn fields<'r>(
    object: impl IntoIterator<Item = &'r (String, Raw)>,
    names: &Names,
) -> Result<Policy> {
    let mut policy = Policy::default();
    for (key, value) in object {
        let key = key.as_str();
        let text = if key == names.readonly {
            match value {
                Raw::Bool(value) => policy.readonly = *value,
                Raw::Null => {}
                other => return Err(wrong_type(other, names, key, "bool")),
            }
            continue;
        } else if key == names.user {
            &mut policy.user
        } else if key == names.group {
            &mut policy.group
        } else if key == names.resource {
            &mut policy.resource
        } else if key == names.namespace {
            &mut policy.namespace
        } else if Some(key) == names.api_group {
            &mut policy.api_group
        } else if Some(key) == names.non_resource_path {
            &mut policy.non_resource_path
        } else {
            continue;
        };
        match value {
            Raw::String(value) => text.clone_from(value),
            Raw::Null => {}
            other => return Err(wrong_type(other, names, key, "string")),
        }
    }
    Ok(policy)
}

/// The old form: what is not said means any (`pkg/apis/abac/v0/conversion.go`).
fn flat(object: &[(String, Raw)]) -> Result<Policy> {
    let mut policy = fields(object, &FLAT)?;
    if policy.user.is_empty() && policy.group.is_empty() {
        AUTHENTICATED.clone_into(&mut policy.group);
    }
    star_is_authenticated(&mut policy);
    if policy.namespace.is_empty() && policy.resource.is_empty() {
        policy.non_resource_path = "*".to_owned();
    }
    for field in [&mut policy.namespace, &mut policy.resource, &mut policy.api_group] {
        if field.is_empty() {
            "*".clone_into(field);
        }
    }
    Ok(policy)
}

/// v1beta1: what is not said is empty (`pkg/apis/abac/v1beta1/conversion.go`).
fn versioned(object: &[(String, Raw)], names: &Names) -> Result<Policy> {
    let mut policy = spec(object, "spec", names)?;
    star_is_authenticated(&mut policy);
    Ok(policy)
}

/// The form Kubernetes uses within; it is registered, so its decoder takes it. A `*` stays one here.
fn internal(object: &[(String, Raw)]) -> Result<Policy> {
    spec(object, "Spec", &INTERNAL_SPEC)
}

fn spec(object: &[(String, Raw)], key: &str, names: &Names) -> Result<Policy> {
    let mut entries: Vec<&(String, Raw)> = Vec::new();
    for (_, value) in object.iter().filter(|(name, _)| name == key) {
        match value {
            Raw::Object(more) => entries.extend(more),
            Raw::Null => {}
            other => {
                let (field, go_type) = if key == "spec" {
                    ("Policy.spec".to_owned(), "v1beta1.PolicySpec")
                } else {
                    ("Policy.Spec".to_owned(), "abac.PolicySpec")
                };
                return Err(whole(Cause::WrongType { kind: other.kind(), field, go_type }));
            }
        }
    }
    fields(entries, names)
}

fn star_is_authenticated(policy: &mut Policy) {
    if policy.user == "*" || policy.group == "*" {
        AUTHENTICATED.clone_into(&mut policy.group);
        policy.user.clear();
    }
}

fn wrong_type(value: &Raw, names: &Names, key: &str, go_type: &'static str) -> LineError {
    let field = format!("{}{key}", names.prefix);
    whole(Cause::WrongType { kind: value.kind(), field, go_type })
}

fn not_an_object(value: &Raw) -> LineError {
    let kind = value.kind();
    whole(Cause::NotAnObject(format!(
        "json: cannot unmarshal {kind} into Go value of type struct {{ APIVersion string \
         \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
    )))
}

fn whole(cause: Cause) -> LineError {
    LineError { column: 1, cause }
}

const V0: &str = "abac.authorization.kubernetes.io/v0";
const V1BETA1: &str = "abac.authorization.kubernetes.io/v1beta1";
const INTERNAL: &str = "abac.authorization.kubernetes.io/__internal";
