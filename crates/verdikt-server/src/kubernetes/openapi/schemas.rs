//! The schemas of OpenAPI, made from the table of structures.

use serde_json::{Map, Value, json};

use crate::kubernetes::discovery::{Group, Resource};
use crate::kubernetes::schema::{self, Field, Message, Type};

/// The version of OpenAPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Two,
    Three,
}

/// Adds the schemas of all that a group has.
pub(super) fn add(group: &Group, version: Version, schemas: &mut Map<String, Value>) {
    for resource in group.resources {
        let Some(message) = schema::message(&group.api_version(), resource.kind) else { continue };
        with_those_below(message, version, schemas);
        let Some(Value::Object(whole)) = schemas.get_mut(message.name) else { continue };
        let kinds = Value::Array(vec![kind_of(group, resource)]);
        whole.insert("x-kubernetes-group-version-kind".to_owned(), kinds);
        if let Some(Value::Object(properties)) = whole.get_mut("properties") {
            for (name, about) in [
                ("apiVersion", "Group and version of the object."),
                ("kind", "Kind of the object."),
            ] {
                properties.insert(name.to_owned(), json!({"description": about, "type": "string"}));
            }
        }
    }
}

/// What refers to the schema of a resource's kind.
pub(super) fn reference(group: &Group, resource: &Resource, version: Version) -> Value {
    let message = schema::message(&group.api_version(), resource.kind);
    message.map(|message| reference_to(message, version)).unwrap_or_default()
}

/// Group, version and kind, as extensions have them.
pub(super) fn kind_of(group: &Group, resource: &Resource) -> Value {
    json!({"group": group.name, "kind": resource.kind, "version": group.version})
}

fn reference_to(message: &Message, version: Version) -> Value {
    let place = match version {
        Version::Two => "#/definitions/",
        Version::Three => "#/components/schemas/",
    };
    json!({"$ref": format!("{place}{}", message.name)})
}

fn with_those_below(message: &Message, version: Version, schemas: &mut Map<String, Value>) {
    if schemas.contains_key(message.name) {
        return;
    }
    schemas.insert(message.name.to_owned(), whole(message, version));
    for field in message.fields {
        if let Type::Message(below) | Type::Messages(below) = field.of {
            with_those_below(below, version, schemas);
        }
    }
}

fn whole(message: &Message, version: Version) -> Value {
    let properties: Map<String, Value> = message
        .fields
        .iter()
        .map(|field| (field.name.to_owned(), property(field, version)))
        .collect();
    let required: Vec<&str> =
        message.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut whole = json!({
        "description": message.about,
        "type": "object",
        "properties": properties,
    });
    if let (Some(whole), false) = (whole.as_object_mut(), required.is_empty()) {
        whole.insert("required".to_owned(), json!(required));
    }
    whole
}

fn property(field: &Field, version: Version) -> Value {
    let texts = || json!({"type": "array", "items": {"type": "string"}});
    let mut property = match (field.of, version) {
        (Type::Text, _) => json!({"type": "string"}),
        (Type::Bool, _) => json!({"type": "boolean"}),
        (Type::Number, _) => json!({"type": "integer", "format": "int64"}),
        (Type::Time, _) => json!({"type": "string", "format": "date-time"}),
        (Type::Texts | Type::Items, _) => texts(),
        (Type::Message(below), Version::Two) => reference_to(below, version),
        // Nothing may stand beside a reference in version 3.
        (Type::Message(below), Version::Three) => json!({"allOf": [reference_to(below, version)]}),
        (Type::Messages(below), _) => {
            json!({"type": "array", "items": reference_to(below, version)})
        }
        (Type::TextMap, _) => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        (Type::ListMap, _) => json!({"type": "object", "additionalProperties": texts()}),
        (Type::Any, _) => json!({"type": "object"}),
    };
    if let Some(property) = property.as_object_mut() {
        property.insert("description".to_owned(), field.about.into());
    }
    property
}
