//! YAML as JSON has it, for tests that look at manifests and configurations.

use serde_json::Value;
use verdikt_parser::document::{Node, Value as Read, read};
use verdikt_parser::{Limits, Source};

/// All documents of a text.
///
/// # Panics
/// If it is not YAML.
pub fn documents(text: &str) -> Vec<Value> {
    let (nodes, found) = read(&Source::new("manifest", text.as_bytes()), &Limits::default());
    assert!(found.is_empty(), "{found:?}\n{text}");
    nodes.iter().map(json).collect()
}

fn json(node: &Node) -> Value {
    match &node.value {
        Read::Null => Value::Null,
        Read::Bool(value) => Value::from(*value),
        Read::Number(number) => {
            serde_json::from_str(number).unwrap_or_else(|_| Value::from(number.as_str()))
        }
        Read::String(text) => Value::from(text.as_str()),
        Read::Sequence(items) => items.iter().map(json).collect(),
        Read::Mapping(entries) => {
            entries.iter().map(|(key, value)| (key.name.clone(), json(value))).collect()
        }
    }
}
