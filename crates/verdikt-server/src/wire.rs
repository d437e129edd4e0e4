//! JSON as Go writes it, and JSON bodies read with the place of what is wrong.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use axum::http::{HeaderMap, Uri, header};
use memchr::{memchr, memchr3};
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};
use serde_json::Value;

/// The value as Go's `encoding/json` prints it, with a newline behind it.
pub(crate) fn to_text(value: &impl Serialize, pretty: bool) -> String {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    let written = match pretty {
        true => serde_json::to_writer_pretty(&mut bytes, value),
        false => serde_json::to_writer(&mut bytes, value),
    };
    // What is written here are structures of strings and numbers, which always have a JSON form.
    if written.is_err() {
        bytes.clear();
    }
    bytes.push(b'\n');
    // The last two begin with this byte, as few others do.
    let may_need_it = memchr3(b'&', b'<', b'>', &bytes).is_some() || memchr(0xe2, &bytes).is_some();
    let text = String::from_utf8(bytes).unwrap_or_default();
    if may_need_it { escaped(&text) } else { text }
}

/// As many bytes as most answers need.
const USUAL_BYTES: usize = 1024;

/// These five are escaped by Go so that JSON can stand in HTML; in JSON they occur in strings alone.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            '&' => escaped.push_str("\\u0026"),
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Whether a person is likely to read the answer: `?pretty=`, or else a client people type at.
/// Follows `endpoints/handlers/negotiation/negotiate.go`.
pub(crate) fn is_pretty(uri: &Uri, headers: &HeaderMap) -> bool {
    let asked = uri.query().and_then(|query| {
        query.split('&').find_map(|pair| match pair.split_once('=') {
            Some(("pretty", value)) => Some(value),
            _ => None,
        })
    });
    match asked.filter(|value| !value.is_empty()) {
        // What Go's `ParseBool` takes for true.
        Some(value) => matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True"),
        None => {
            let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
            agent.is_some_and(|agent| {
                ["curl", "Wget", "Mozilla/5.0"].iter().any(|start| agent.starts_with(start))
            })
        }
    }
}

/// Tells contents from others, as long as nobody means to deceive: for the tags of documents and of pages.
pub(crate) fn fingerprint(content: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}

/// Why a body cannot be read.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// It is not JSON; the text says in which line and column.
    Syntax(String),
    /// It is JSON of another shape; the text begins with the path of the field.
    Shape(String),
}

impl BodyError {
    /// In words, whichever it is.
    pub(crate) fn into_text(self) -> String {
        let (Self::Syntax(text) | Self::Shape(text)) = self;
        text
    }
}

/// Reads a body. Of a key that occurs twice the last counts, as in Kubernetes.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, BodyError> {
    from_value(value(body)?)
}

/// The same, whatever its shape.
pub(crate) fn value(body: &[u8]) -> Result<Value, BodyError> {
    serde_json::from_slice(body).map_err(|error| BodyError::Syntax(error.to_string()))
}

/// Reads what a body was found to say.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, BodyError> {
    serde_path_to_error::deserialize(value).map(|Object(parsed)| parsed).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        BodyError::Shape(if path == "." { inner.to_string() } else { format!("{path}: {inner}") })
    })
}

/// A structure that is written as a JSON object and in no other way. What serde derives would take an
/// array of the fields' values, too, and so read what Kubernetes refuses.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(AsMap(deserializer)).map(Self)
    }
}

/// Asks for a map where a structure is asked for.
struct AsMap<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for AsMap<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_escaped_as_go_does() {
        assert_eq!(to_text(&"<a>&\u{2028}\"", false), "\"\\u003ca\\u003e\\u0026\\u2028\\\"\"\n");
    }

    #[test]
    fn an_array_is_no_object() {
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        struct Inner {
            a: u8,
        }
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        struct Outer {
            inner: Option<Object<Inner>>,
        }
        let check = |json: &str, expected: Option<u8>| {
            let parsed = parse::<Outer>(json.as_bytes());
            assert_eq!(
                parsed.ok().and_then(|outer| outer.inner).map(|i| i.0.a),
                expected,
                "{json}"
            );
        };
        check(r#"{"inner":{"a":1}}"#, Some(1));
        check(r#"{"inner":[1]}"#, None);
        check(r#"[{"a":1}]"#, None);
        let error = parse::<Outer>(br#"{"inner":[1]}"#).unwrap_err();
        assert!(
            matches!(&error, BodyError::Shape(text) if text.starts_with("inner: ")),
            "{error:?}"
        );
    }

    #[test]
    fn people_get_pretty_answers() {
        let check = |uri: &'static str, agent: &'static str, expected: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::USER_AGENT, agent.parse().unwrap());
            assert_eq!(is_pretty(&Uri::from_static(uri), &headers), expected, "{uri} {agent}");
        };
        check("/x", "curl/8.0", true);
        check("/x", "Go-http-client/1.1", false);
        check("/x?a=b&pretty=true", "Go-http-client/1.1", true);
        check("/x?pretty=false", "curl/8.0", false);
        check("/x?pretty=maybe", "curl/8.0", false);
        check("/x?pretty=", "curl/8.0", true);
        check("/x?pretty=T", "Go-http-client/1.1", true);
    }
}
