//! The claims of a token: names and what was written, decoded when somebody asks.
//!
//! Follows `claims` and `stringOrArray` of apiserver's `plugin/pkg/authenticator/token/oidc/oidc.go`:
//! names are compared exactly, and of several with one name the last counts.

use std::borrow::Cow;

use verdikt_cel as cel;
use verdikt_core::GoQuoted;

use crate::jwt::json::{Json, Kind, Value, cannot_decode};

/// The members of a payload.
#[derive(Debug)]
pub(super) struct Claims<'j> {
    entries: Vec<(Cow<'j, str>, Value<'j>)>,
}

impl<'j> Claims<'j> {
    pub(super) fn of(json: &'j Json<'j>) -> Self {
        Self { entries: json.root().members().collect() }
    }

    pub(super) fn get(&self, name: &str) -> Option<Value<'j>> {
        self.entries.iter().rev().find(|(other, _)| other == name).map(|(_, value)| *value)
    }

    /// Adds a claim that was fetched from elsewhere.
    pub(super) fn insert(&mut self, name: &'j str, value: Value<'j>) {
        self.entries.push((Cow::Borrowed(name), value));
    }

    /// A claim that must be there, and be a text.
    pub(super) fn text(&self, name: &str) -> Result<String, String> {
        text(self.get(name).ok_or("claim not present")?)
    }

    /// The claims as expressions see them, and those that nobody can see, with what asking for one of
    /// them is answered.
    pub(super) fn to_cel(&self) -> (cel::Value, Vec<(String, String)>) {
        let mut broken = Vec::new();
        let mut fields = Vec::with_capacity(self.entries.len());
        for (name, value) in &self.entries {
            let name = name.clone().into_owned();
            match to_json(*value, DEPTH) {
                Ok(json) => fields.push((name, cel::Value::from_json(&json))),
                Err(problem) => {
                    let name_shown = GoQuoted(&name);
                    let problem = format!("claim {name_shown} failed to unmarshal: {problem}");
                    broken.push((name, problem));
                }
            }
        }
        (cel::Value::lazy_map(fields), broken)
    }
}

/// A text; `null` is an empty one.
pub(super) fn text(value: Value<'_>) -> Result<String, String> {
    match value.kind() {
        Kind::Null => Ok(String::new()),
        kind => match value.as_text() {
            Some(text) => Ok(text.into_owned()),
            None => Err(cannot_decode(kind.name(), "string")),
        },
    }
}

/// `true` or `false`; `null` is false.
pub(super) fn boolean(value: Value<'_>) -> Result<bool, String> {
    match (value.kind(), value.as_bool()) {
        (Kind::Null, _) => Ok(false),
        (_, Some(truth)) => Ok(truth),
        (kind, None) => Err(cannot_decode(kind.name(), "bool")),
    }
}

/// A text, or several; `null` is none.
pub(super) fn text_or_texts(value: Value<'_>) -> Result<Vec<String>, String> {
    let list = match value.kind() {
        Kind::Null => return Ok(Vec::new()),
        Kind::Array => value.items().map(text).collect(),
        _ => Err(String::new()),
    };
    // What upstream says is why it is no text, whatever was wrong with the list.
    list.or_else(|_| text(value).map(|text| vec![text]))
}

/// An error if it nests too deep, or holds a number that is none of Go's.
fn to_json(value: Value<'_>, depth: usize) -> Result<serde_json::Value, String> {
    let inside = depth.checked_sub(1).ok_or("exceeded max depth")?;
    Ok(match value.kind() {
        Kind::Null => serde_json::Value::Null,
        Kind::Bool => value.as_bool().into(),
        Kind::Number => {
            let number = value.as_f64().and_then(serde_json::Number::from_f64);
            number.map(serde_json::Value::Number).ok_or_else(|| {
                let number = String::from_utf8_lossy(value.raw());
                cannot_decode(&format!("number {number}"), "float64")
            })?
        }
        Kind::String => value.as_text().unwrap_or_default().into_owned().into(),
        Kind::Array => {
            let items: Result<Vec<_>, _> =
                value.items().map(|item| to_json(item, inside)).collect();
            items?.into()
        }
        Kind::Object => {
            let mut fields = serde_json::Map::new();
            for (name, value) in value.members() {
                fields.insert(name.into_owned(), to_json(value, inside)?);
            }
            fields.into()
        }
    })
}

/// How deep a claim that an expression looks at may nest: values are walked over by recursion.
const DEPTH: usize = 512;
