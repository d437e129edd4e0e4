//! OpenAPI version 2 in protobuf: the definitions alone, which is all that kubectl reads.
//!
//! Numbers are those of `openapiv2/OpenAPIv2.proto` of gnostic-models.

use serde_json::Value;

use crate::kubernetes::protobuf::Writer;
use crate::kubernetes::yaml;

/// A document as a message.
pub(super) fn document(document: &Value) -> Vec<u8> {
    let mut definitions = Writer::default();
    for (name, schema) in entries(document, "definitions") {
        definitions.bytes(1, &named(name, &self::schema(schema)));
    }
    let mut info = Writer::default();
    let of_info = |name: &str| text(document.get("info").and_then(|info| info.get(name)));
    info.bytes(1, of_info("title"));
    info.bytes(2, of_info("version"));
    let mut writer = Writer::default();
    writer.bytes(1, text(document.get("swagger")));
    writer.bytes(2, &info.0);
    writer.bytes(8, b"");
    writer.bytes(9, &definitions.0);
    writer.0
}

fn schema(schema: &Value) -> Vec<u8> {
    let mut writer = Writer::default();
    for (number, name) in [(1, "$ref"), (2, "format"), (4, "description")] {
        if let Some(value) = schema.get(name) {
            writer.bytes(number, text(Some(value)));
        }
    }
    for required in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        writer.bytes(19, text(Some(required)));
    }
    if let Some(values) = schema.get("additionalProperties") {
        writer.bytes(21, &wrapped(&self::schema(values)));
    }
    if let Some(name) = schema.get("type") {
        writer.bytes(22, &wrapped(text(Some(name))));
    }
    if let Some(items) = schema.get("items") {
        writer.bytes(23, &wrapped(&self::schema(items)));
    }
    if schema.get("properties").is_some() {
        let mut properties = Writer::default();
        for (name, property) in entries(schema, "properties") {
            properties.bytes(1, &named(name, &self::schema(property)));
        }
        writer.bytes(25, &properties.0);
    }
    if let Some(kinds) = schema.get(KINDS) {
        let mut any = Writer::default();
        any.bytes(2, yaml::write(kinds).as_bytes());
        writer.bytes(31, &named(KINDS, &any.0));
    }
    writer.0
}

/// A name with what it stands for.
fn named(name: &str, value: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bytes(1, name.as_bytes());
    writer.bytes(2, value);
    writer.0
}

/// A message whose only field this is.
fn wrapped(value: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.bytes(1, value);
    writer.0
}

fn entries<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(name).and_then(Value::as_object).into_iter().flatten()
}

fn text(value: Option<&Value>) -> &[u8] {
    value.and_then(Value::as_str).unwrap_or_default().as_bytes()
}

/// The extension that tells kubectl which schema is that of a kind.
const KINDS: &str = "x-kubernetes-group-version-kind";
