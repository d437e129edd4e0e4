//! Objects in YAML: what is read and written is what stands in JSON.
//!
//! Follows `sigs.k8s.io/yaml` as far as meaning goes. One thing is refused that it reads: a key that occurs
//! twice in one map.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Number, Value};
use verdikt::parser::document::{self, Node};
use verdikt::parser::{Limits, Source};

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/yaml";

/// The first document of a text; null if there is none.
///
/// # Errors
/// What is wrong, and in which line and column.
pub(crate) fn parse(body: &[u8]) -> Result<Value, String> {
    let (documents, diagnostics) = document::read_yaml(&Source::new("body", body), &limits());
    if let Some(diagnostic) = diagnostics.first() {
        let place = diagnostic.primary.as_ref().map(|label| &label.place);
        let place = place.map(|place| format!("line {}, column {}: ", place.line, place.column));
        return Err(format!("{}{}", place.unwrap_or_default(), diagnostic.message));
    }
    documents.first().map_or(Ok(Value::Null), value)
}

/// A value with its keys in order, as Kubernetes prints them.
pub(crate) fn write(value: &Value) -> String {
    let mut options = serde_saphyr::SerializerOptions::default();
    options.compact_list_indent = true;
    options.prefer_block_scalars = false;
    let mut text = String::new();
    // What is written here are texts, numbers, lists and maps with texts as keys, which always have a form.
    drop(serde_saphyr::to_fmt_writer_with_options(&mut text, &Sorted::from(value), options));
    text
}

/// A body has far less of everything than a file of policy may have.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.alias_nodes = 1_000;
    limits.diagnostics = 1;
    limits
}

fn value(node: &Node) -> Result<Value, String> {
    Ok(match &node.value {
        document::Value::Null => Value::Null,
        document::Value::Bool(value) => Value::Bool(*value),
        document::Value::String(text) => Value::String(text.clone()),
        document::Value::Number(word) => Value::Number(number(word).ok_or_else(|| {
            format!("line {}, column {}: {word} is no number in JSON", node.at.line, node.at.column)
        })?),
        document::Value::Sequence(items) => {
            Value::Array(items.iter().map(value).collect::<Result<_, _>>()?)
        }
        document::Value::Mapping(entries) => {
            let entries = entries.iter().map(|(key, node)| Ok((key.name.clone(), value(node)?)));
            Value::Object(entries.collect::<Result<Map<_, _>, String>>()?)
        }
    })
}

/// A number as YAML 1.1 writes it; none if JSON has none like it.
fn number(word: &str) -> Option<Number> {
    let plain = word.replace('_', "");
    let (is_negative, digits) = match plain.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (digits.get(2..)?, 16),
        [b'0', b'o' | b'O', ..] => (digits.get(2..)?, 8),
        [b'0', b'b' | b'B', ..] => (digits.get(2..)?, 2),
        [b'0', _, ..] => (digits.get(1..)?, 8),
        _ => (digits, 10),
    };
    match u64::from_str_radix(digits, radix) {
        Ok(number) if !is_negative => Some(number.into()),
        Ok(number) if number <= i64::MIN.unsigned_abs() => {
            Some(0_i64.wrapping_sub_unsigned(number).into())
        }
        _ => Number::from_f64(plain.parse().ok()?),
    }
}

/// A value whose maps are in the order of their keys.
#[derive(Serialize)]
#[serde(untagged)]
enum Sorted<'a> {
    Plain(&'a Value),
    List(Vec<Self>),
    Map(BTreeMap<&'a str, Self>),
}

impl<'a> From<&'a Value> for Sorted<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.as_str(), Self::from(value)));
                Self::Map(entries.collect())
            }
            plain => Self::Plain(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(text: &str, expected: &Value) {
        assert_eq!(parse(text.as_bytes()).as_ref(), Ok(expected), "{text}");
    }

    #[test]
    fn yaml_means_what_it_means_in_json() {
        check(
            "{kind: X, a: [1, -2, 0x1F, 017, 1_000, 1.5]}",
            &json!({"kind": "X", "a": [1, -2, 31, 15, 1000, 1.5]}),
        );
        check(
            "a: yes\nb: 'yes'\nc: ~\nd: 2001-12-14",
            &json!({"a": true, "b": "yes", "c": null, "d": "2001-12-14"}),
        );
        check("1: x", &json!({"1": "x"}));
        check("a: &x [b]\nc: *x\n---\nd: e", &json!({"a": ["b"], "c": ["b"]}));
        check("", &Value::Null);
        check("-9223372036854775808", &json!(i64::MIN));
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_place() {
        for (text, expected) in [
            ("a: [", "line "),
            ("a: 1\na: 2", "line 2, column 1: "),
            ("\n.nan", "line 2, column 1: .nan"),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        assert!(parse(b"\xff").is_err());
        let deep = "[".repeat(1_000);
        assert!(parse(deep.as_bytes()).unwrap_err().contains("deep"));
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let value = json!({
            "z": ["yes", "1", "", " a ", "a: b", "x\ny", "#", "y", "0x1", "1e3", "~", "-", "\u{7f}\t"],
            "a": {"c": {}, "b": [], "t": true, "n": 3, "long": "word ".repeat(60)},
        });
        let text = write(&value);
        assert!(text.starts_with("a:\n  b: []\n  c: {}\n  long: "), "{text}");
        assert_eq!(parse(text.as_bytes()), Ok(value), "{text}");
    }
}
