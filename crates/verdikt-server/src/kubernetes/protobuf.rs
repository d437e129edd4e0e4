//! Reviews as kubectl and client-go send them: in protobuf, inside Kubernetes' envelope.
//!
//! Follows `pkg/runtime/serializer/protobuf` of apimachinery and the `generated.proto` files of
//! `k8s.io/api`. A message becomes the JSON value it stands for, so that it is read as any other body.

use serde_json::{Map, Value};

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// What a field of a message holds.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Texts,
    Number,
    Message(Fields),
    Messages(Fields),
    /// A map of texts to texts.
    TextMap,
    /// A map of texts to messages whose first field is a list of texts.
    ListMap,
}

/// Number, name in JSON, and type of each field that is read.
type Fields = &'static [(u64, &'static str, Type)];

/// The JSON value of a body, if it is one of the reviews.
///
/// # Errors
/// If it is not, or is cut short.
pub(crate) fn parse(body: &[u8]) -> Result<Value, &'static str> {
    let envelope =
        body.strip_prefix(MAGIC).ok_or("provided data does not appear to be a protobuf message")?;
    let envelope = message(envelope, UNKNOWN).ok_or(MALFORMED)?;
    let text = |name: &str| {
        let found = envelope.get("typeMeta").and_then(|types| types.get(name));
        found.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let fields = match kind.as_str() {
        "SubjectAccessReview" | "LocalSubjectAccessReview" if api_version.ends_with("/v1beta1") => {
            BETA_ACCESS_REVIEW
        }
        "SubjectAccessReview" | "LocalSubjectAccessReview" => ACCESS_REVIEW,
        "SelfSubjectAccessReview" => SELF_ACCESS_REVIEW,
        "SelfSubjectRulesReview" => RULES_REVIEW,
        "TokenReview" => TOKEN_REVIEW,
        // What is of another kind is refused for its kind.
        _ => METADATA_ALONE,
    };
    // The message lies in field 2 of the envelope, as bytes.
    let raw = body.strip_prefix(MAGIC).and_then(raw).unwrap_or_default();
    let mut object = Map::new();
    object.insert("kind".to_owned(), kind.into());
    object.insert("apiVersion".to_owned(), api_version.into());
    object.extend(message(raw, fields).ok_or(MALFORMED)?);
    Ok(Value::Object(object))
}

/// The last value of field 2.
fn raw(bytes: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader(bytes);
    let mut found = None;
    while let Some((number, wire)) = reader.field()? {
        if let (2, Wire::Bytes(bytes)) = (number, wire) {
            found = Some(bytes);
        }
    }
    found
}

/// The fields of a message; none if it is malformed. As deep as the types above, and no deeper.
fn message(bytes: &[u8], fields: Fields) -> Option<Map<String, Value>> {
    let mut object = Map::new();
    let mut reader = Reader(bytes);
    while let Some((number, wire)) = reader.field()? {
        let Some((_, name, of)) = fields.iter().find(|field| field.0 == number) else { continue };
        let name = (*name).to_owned();
        match (of, wire) {
            (Type::Text, Wire::Bytes(bytes)) => {
                object.insert(name, text(bytes)?);
            }
            (Type::Number, Wire::Number(number)) => {
                object.insert(name, number.cast_signed().into());
            }
            (Type::Message(fields), Wire::Bytes(bytes)) => {
                object.insert(name, Value::Object(message(bytes, fields)?));
            }
            (Type::Texts, Wire::Bytes(bytes)) => list(&mut object, name)?.push(text(bytes)?),
            (Type::Messages(fields), Wire::Bytes(bytes)) => {
                let value = Value::Object(message(bytes, fields)?);
                list(&mut object, name)?.push(value);
            }
            (Type::TextMap, Wire::Bytes(bytes)) => {
                let entry = message(bytes, &[(1, "k", Type::Text), (2, "v", Type::Text)])?;
                insert(&mut object, name, entry, Value::String(String::new()))?;
            }
            (Type::ListMap, Wire::Bytes(bytes)) => {
                let mut entry = message(bytes, LIST_ENTRY)?;
                let items = entry.get_mut("v").and_then(|value| value.get_mut("items"));
                let items = items.map_or_else(|| Value::Array(Vec::new()), Value::take);
                entry.insert("v".to_owned(), items);
                insert(&mut object, name, entry, Value::Array(Vec::new()))?;
            }
            _ => return None,
        }
    }
    Some(object)
}

fn text(bytes: &[u8]) -> Option<Value> {
    std::str::from_utf8(bytes).ok().map(Value::from)
}

fn list(object: &mut Map<String, Value>, name: String) -> Option<&mut Vec<Value>> {
    object.entry(name).or_insert_with(|| Value::Array(Vec::new())).as_array_mut()
}

fn insert(
    object: &mut Map<String, Value>,
    name: String,
    mut entry: Map<String, Value>,
    absent: Value,
) -> Option<()> {
    let key = entry.get("k").and_then(Value::as_str).unwrap_or_default().to_owned();
    let value = entry.remove("v").unwrap_or(absent);
    let map = object.entry(name).or_insert_with(|| Value::Object(Map::new()));
    map.as_object_mut()?.insert(key, value);
    Some(())
}

/// A value as it lies on the wire.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a fixed size; no field that is read has one.
    Fixed,
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next field; `Some(None)` at the end, none if the message is malformed.
    #[expect(clippy::option_option, reason = "the end is no failure")]
    fn field(&mut self) -> Option<Option<(u64, Wire<'a>)>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let tag = self.number()?;
        let wire = match tag & 7 {
            0 => Wire::Number(self.number()?),
            1 => self.bytes(8).map(|_| Wire::Fixed)?,
            2 => {
                let length = usize::try_from(self.number()?).ok()?;
                Wire::Bytes(self.bytes(length)?)
            }
            5 => self.bytes(4).map(|_| Wire::Fixed)?,
            _ => return None,
        };
        Some(Some((tag >> 3, wire)))
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

const MAGIC: &[u8] = b"k8s\0";
const MALFORMED: &str = "the protobuf message is malformed";

const UNKNOWN: Fields =
    &[(1, "typeMeta", Type::Message(&[(1, "apiVersion", Type::Text), (2, "kind", Type::Text)]))];
const METADATA: Type = Type::Message(&[
    (1, "name", Type::Text),
    (2, "generateName", Type::Text),
    (3, "namespace", Type::Text),
    (6, "resourceVersion", Type::Text),
    (7, "generation", Type::Number),
    (11, "labels", Type::TextMap),
    (12, "annotations", Type::TextMap),
    (
        13,
        "ownerReferences",
        Type::Messages(&[
            (5, "apiVersion", Type::Text),
            (1, "kind", Type::Text),
            (3, "name", Type::Text),
            (4, "uid", Type::Text),
        ]),
    ),
    (14, "finalizers", Type::Texts),
]);
const METADATA_ALONE: Fields = &[(1, "metadata", METADATA)];
const SELECTOR: Type = Type::Message(&[
    (1, "rawSelector", Type::Text),
    (
        2,
        "requirements",
        Type::Messages(&[
            (1, "key", Type::Text),
            (2, "operator", Type::Text),
            (3, "values", Type::Texts),
        ]),
    ),
]);
const RESOURCE: Type = Type::Message(&[
    (1, "namespace", Type::Text),
    (2, "verb", Type::Text),
    (3, "group", Type::Text),
    (4, "version", Type::Text),
    (5, "resource", Type::Text),
    (6, "subresource", Type::Text),
    (7, "name", Type::Text),
    (8, "fieldSelector", SELECTOR),
    (9, "labelSelector", SELECTOR),
]);
const NON_RESOURCE: Type = Type::Message(&[(1, "path", Type::Text), (2, "verb", Type::Text)]);
const LIST_ENTRY: Fields =
    &[(1, "k", Type::Text), (2, "v", Type::Message(&[(1, "items", Type::Texts)]))];
const ACCESS_REVIEW: Fields = &[
    (1, "metadata", METADATA),
    (
        2,
        "spec",
        Type::Message(&[
            (1, "resourceAttributes", RESOURCE),
            (2, "nonResourceAttributes", NON_RESOURCE),
            (3, "user", Type::Text),
            (4, "groups", Type::Texts),
            (5, "extra", Type::ListMap),
            (6, "uid", Type::Text),
        ]),
    ),
];
const BETA_ACCESS_REVIEW: Fields = &[
    (1, "metadata", METADATA),
    (
        2,
        "spec",
        Type::Message(&[
            (1, "resourceAttributes", RESOURCE),
            (2, "nonResourceAttributes", NON_RESOURCE),
            (3, "user", Type::Text),
            (4, "group", Type::Texts),
            (5, "extra", Type::ListMap),
            (6, "uid", Type::Text),
        ]),
    ),
];
const SELF_ACCESS_REVIEW: Fields = &[
    (1, "metadata", METADATA),
    (
        2,
        "spec",
        Type::Message(&[
            (1, "resourceAttributes", RESOURCE),
            (2, "nonResourceAttributes", NON_RESOURCE),
        ]),
    ),
];
const RULES_REVIEW: Fields =
    &[(1, "metadata", METADATA), (2, "spec", Type::Message(&[(1, "namespace", Type::Text)]))];
const TOKEN_REVIEW: Fields = &[
    (1, "metadata", METADATA),
    (2, "spec", Type::Message(&[(1, "token", Type::Text), (2, "audiences", Type::Texts)])),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    fn body(api_version: &str, kind: &str, object: &[u8]) -> Vec<u8> {
        let types = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &types), &field(2, object), &field(3, b""), &field(4, b"")].concat()
    }

    #[test]
    fn a_review_becomes_the_json_it_stands_for() {
        let list = |key: &[u8], items: &[u8]| [field(1, key), field(2, &field(1, items))].concat();
        let resource = [field(2, b"get"), field(5, b"pods"), vec![10 << 3, 1]].concat();
        let spec = [
            field(1, &resource),
            field(3, b"jane"),
            field(4, b"a"),
            field(4, b"b"),
            field(5, &list(b"k", b"v")),
        ]
        .concat();
        let meta = [field(1, b""), vec![7 << 3, 0x96, 1]].concat();
        let object = [field(1, &meta), field(2, &spec), field(3, &[1 << 3, 0])].concat();
        let version = "authorization.k8s.io/v1";
        assert_eq!(
            parse(&body(version, "SubjectAccessReview", &object)),
            Ok(json!({
                "kind": "SubjectAccessReview", "apiVersion": version,
                "metadata": {"name": "", "generation": 150},
                "spec": {
                    "resourceAttributes": {"verb": "get", "resource": "pods"},
                    "user": "jane", "groups": ["a", "b"], "extra": {"k": ["v"]},
                },
            }))
        );
    }

    #[test]
    fn what_is_cut_short_or_something_else_is_refused() {
        let whole = body("authentication.k8s.io/v1", "TokenReview", &field(2, &field(1, b"abc")));
        assert!(parse(&whole).is_ok());
        for length in 0..whole.len() {
            // Between two fields of the envelope it is whole, though something is missing.
            if let Ok(value) = parse(&whole[..length]) {
                assert!(value.get("spec").is_none_or(|spec| *spec == json!({"token": "abc"})));
            }
        }
        assert!(parse(b"{}").is_err());
        assert!(parse(&[MAGIC, &[0xff; 12]].concat()).is_err());
        assert!(parse(&body("v1", "TokenReview", &field(2, &field(1, b"\xff")))).is_err());
    }
}
