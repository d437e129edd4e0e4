//! Objects in protobuf, inside Kubernetes' envelope, as client-go sends and takes them.
//!
//! Follows `pkg/runtime/serializer/protobuf` of apimachinery. A message becomes the JSON value it stands
//! for, so that it is read as any other body, and what is answered is written from such a value.

use serde_json::{Map, Value};

use super::schema::{self, Field, Message, Type};

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// The JSON value of a body, if it is one of the reviews. An object without a type is of that of
/// `expected`: API version and kind.
///
/// # Errors
/// If it is not, or is cut short.
pub(crate) fn parse(body: &[u8], expected: (&str, &str)) -> Result<Value, &'static str> {
    let envelope =
        body.strip_prefix(MAGIC).ok_or("provided data does not appear to be a protobuf message")?;
    let (types, raw) = opened(envelope).ok_or(MALFORMED)?;
    let types = message(types, &TYPE_META).ok_or(MALFORMED)?;
    let text = |name: &str| types.get(name).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let settled = (
        if api_version.is_empty() { expected.0 } else { api_version },
        if kind.is_empty() { expected.1 } else { kind },
    );
    // What is of another kind is refused for its kind.
    let of = schema::message(settled.0, settled.1).unwrap_or(&NOTHING);
    let mut object = Map::new();
    object.insert("kind".to_owned(), kind.into());
    object.insert("apiVersion".to_owned(), api_version.into());
    object.extend(message(raw, of).ok_or(MALFORMED)?);
    Ok(Value::Object(object))
}

/// The object in protobuf; none if it is of a kind that has no such form.
pub(crate) fn write(object: &Value) -> Option<Vec<u8>> {
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    let of = schema::message(text("apiVersion"), text("kind"))?;
    let mut types = Writer::default();
    types.bytes(1, text("apiVersion").as_bytes());
    types.bytes(2, text("kind").as_bytes());
    let mut envelope = Writer(MAGIC.to_vec());
    envelope.bytes(1, &types.0);
    envelope.bytes(2, &written(object, of));
    // No encoding, and no other media type.
    envelope.bytes(3, b"");
    envelope.bytes(4, b"");
    Some(envelope.0)
}

/// What tells the type, and the object: fields 1 and 2 of the envelope.
fn opened(envelope: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = Reader(envelope);
    let mut found: (&[u8], &[u8]) = (&[], &[]);
    while let Some((number, wire)) = reader.field()? {
        match (number, wire) {
            (1, Wire::Bytes(bytes)) => found.0 = bytes,
            (2, Wire::Bytes(bytes)) => found.1 = bytes,
            _ => {}
        }
    }
    Some(found)
}

/// The fields of a message; none if it is malformed. As deep as the types nest, and no deeper.
fn message(bytes: &[u8], of: &Message) -> Option<Map<String, Value>> {
    let mut object = Map::new();
    let mut reader = Reader(bytes);
    while let Some((number, wire)) = reader.field()? {
        let known = of.fields.iter().find(|field| u64::from(field.number) == number);
        let Some(Field { name, of, .. }) = known else { continue };
        let name = (*name).to_owned();
        match (of, wire) {
            (Type::Text, Wire::Bytes(bytes)) => {
                object.insert(name, text(bytes)?);
            }
            (Type::Number, Wire::Number(number)) => {
                object.insert(name, number.cast_signed().into());
            }
            (Type::Bool, Wire::Number(number)) => {
                object.insert(name, (number != 0).into());
            }
            (Type::Message(of), Wire::Bytes(bytes)) => {
                object.insert(name, Value::Object(message(bytes, of)?));
            }
            (Type::Texts, Wire::Bytes(bytes)) => list(&mut object, name)?.push(text(bytes)?),
            (Type::Messages(of), Wire::Bytes(bytes)) => {
                let value = Value::Object(message(bytes, of)?);
                list(&mut object, name)?.push(value);
            }
            (Type::Items, Wire::Bytes(bytes)) => {
                object.insert(name, items(message(bytes, &ITEMS)?));
            }
            (Type::TextMap, Wire::Bytes(bytes)) => {
                let entry = message(bytes, &TEXT_ENTRY)?;
                insert(&mut object, name, entry, Value::String(String::new()))?;
            }
            (Type::ListMap, Wire::Bytes(bytes)) => {
                let entry = message(bytes, &LIST_ENTRY)?;
                insert(&mut object, name, entry, Value::Array(Vec::new()))?;
            }
            // Times and managed fields are the server's; what a client says of them is not taken.
            (Type::Time | Type::Any, Wire::Bytes(_)) => {}
            _ => return None,
        }
    }
    Some(object)
}

fn text(bytes: &[u8]) -> Option<Value> {
    std::str::from_utf8(bytes).ok().map(Value::from)
}

/// The list that is all of a message.
fn items(mut message: Map<String, Value>) -> Value {
    message.remove("items").unwrap_or_else(|| Value::Array(Vec::new()))
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

/// The fields of an object, as a message.
fn written(object: &Value, of: &Message) -> Vec<u8> {
    let mut writer = Writer::default();
    for field in of.fields {
        if let Some(value) = object.get(field.name) {
            writer.field(field, value);
        }
    }
    writer.0
}

/// Fields as they lie on the wire.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    fn field(&mut self, field: &Field, value: &Value) {
        let number = field.number;
        match field.of {
            Type::Text => self.bytes(number, value.as_str().unwrap_or_default().as_bytes()),
            Type::Number => self.number(number, value.as_i64().unwrap_or_default().cast_unsigned()),
            Type::Bool => self.number(number, u64::from(value.as_bool().unwrap_or_default())),
            Type::Time => self.bytes(number, &seconds(value)),
            Type::Message(of) => self.bytes(number, &written(value, of)),
            Type::Messages(of) => {
                for item in value.as_array().into_iter().flatten() {
                    self.bytes(number, &written(item, of));
                }
            }
            Type::Texts => self.texts(number, value),
            Type::Items => {
                let mut items = Self::default();
                items.texts(1, value);
                self.bytes(number, &items.0);
            }
            Type::TextMap | Type::ListMap => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    let mut entry = Self::default();
                    entry.bytes(1, key.as_bytes());
                    let of =
                        if matches!(field.of, Type::ListMap) { Type::Items } else { Type::Text };
                    entry.field(&Field { number: 2, of, ..*field }, value);
                    self.bytes(number, &entry.0);
                }
            }
            Type::Any => {}
        }
    }

    fn texts(&mut self, number: u32, texts: &Value) {
        for text in texts.as_array().into_iter().flatten() {
            self.bytes(number, text.as_str().unwrap_or_default().as_bytes());
        }
    }

    pub(super) fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.varint(u64::from(number) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn number(&mut self, number: u32, value: u64) {
        self.varint(u64::from(number) << 3);
        self.varint(value);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// A time in RFC 3339, as the message of its seconds; empty if it is none.
fn seconds(time: &Value) -> Vec<u8> {
    let time = time.as_str().and_then(|time| humantime::parse_rfc3339(time).ok());
    let since = time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let mut writer = Writer::default();
    if let Some(since) = since {
        writer.number(1, since.as_secs());
    }
    writer.0
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

/// What the envelope says of its content.
static TYPE_META: Message =
    helper(&[entry(1, "apiVersion", Type::Text), entry(2, "kind", Type::Text)]);
/// An object of which nothing is read.
static NOTHING: Message = helper(&[]);
static ITEMS: Message = helper(&[entry(1, "items", Type::Texts)]);
static TEXT_ENTRY: Message = helper(&[entry(1, "k", Type::Text), entry(2, "v", Type::Text)]);
static LIST_ENTRY: Message = helper(&[entry(1, "k", Type::Text), entry(2, "v", Type::Items)]);

/// A message that is only there in protobuf.
const fn helper(fields: &'static [Field]) -> Message {
    Message { name: "", about: "", fields }
}

const fn entry(number: u32, name: &'static str, of: Type) -> Field {
    Field { number, name, of, required: false, about: "" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TOKEN: (&str, &str) = ("authentication.k8s.io/v1", "TokenReview");

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
            parse(&body(version, "SubjectAccessReview", &object), (version, "SubjectAccessReview")),
            Ok(json!({
                "kind": "SubjectAccessReview", "apiVersion": version,
                "metadata": {"name": "", "generation": 150},
                "spec": {
                    "resourceAttributes": {"verb": "get", "resource": "pods"},
                    "user": "jane", "groups": ["a", "b"], "extra": {"k": ["v"]},
                },
                "status": {"allowed": false},
            }))
        );
    }

    #[test]
    fn what_is_cut_short_or_something_else_is_refused() {
        let whole = body("authentication.k8s.io/v1", "TokenReview", &field(2, &field(1, b"abc")));
        assert!(parse(&whole, TOKEN).is_ok());
        for length in 0..whole.len() {
            // Between two fields of the envelope it is whole, though something is missing.
            if let Ok(value) = parse(&whole[..length], TOKEN) {
                assert!(value.get("spec").is_none_or(|spec| *spec == json!({"token": "abc"})));
            }
        }
        assert!(parse(b"{}", TOKEN).is_err());
        assert!(parse(&[MAGIC, &[0xff; 12]].concat(), TOKEN).is_err());
        assert!(parse(&body(TOKEN.0, TOKEN.1, &field(2, &field(1, b"\xff"))), TOKEN).is_err());
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let review = json!({
            "kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
            "metadata": {"labels": {"a": "b"}, "generation": -3},
            "spec": {
                "resourceAttributes": {
                    "verb": "list",
                    "fieldSelector": {"requirements": [
                        {"key": "k", "operator": "In", "values": ["v", ""]}
                    ]},
                },
                "groups": ["a", "b"], "extra": {"k": ["v", "w"], "none": []},
            },
            "status": {"allowed": true, "reason": "x".repeat(300)},
        });
        assert_eq!(parse(&write(&review).unwrap(), TOKEN), Ok(review));
        let made = json!({"kind": "SelfSubjectReview", "apiVersion": TOKEN.0,
            "metadata": {"creationTimestamp": "1970-01-01T00:02:30Z"}});
        // 150 seconds in field 1 of field 8 of the metadata.
        assert!(
            write(&made).unwrap().ends_with(
                &[&[2 << 3 | 2, 7, 10, 5, 8 << 3 | 2, 3, 8, 0x96, 1], [26, 0, 34, 0].as_slice()]
                    .concat()
            )
        );
        assert_eq!(write(&json!({"kind": "Pod", "apiVersion": "v1"})), None);
    }
}
