//! JSON values to Go's types, as go-jose's decoder does it and with what it says.
//!
//! Follows go-jose v2 `json/decode.go`: names are compared exactly, a key that comes twice in a map that
//! is looked into is an error at once, and so is a number where a text is wanted; values of other wrong
//! kinds are passed over, and the first of them is reported at the end.

use std::borrow::Cow;
use std::collections::HashSet;

use super::json::{Kind, Value, cannot_decode, duplicate_key};

/// What a decoder goes on after: the first wrong kind.
#[derive(Debug, Default)]
pub(crate) struct Saved(Option<String>);

impl Saved {
    fn note(&mut self, kind: Kind, into: &str) {
        self.0.get_or_insert_with(|| cannot_decode(kind.name(), into));
    }

    /// An error if there was one.
    pub(crate) fn finish(self) -> Result<(), String> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Hands the fields of a map to `field`, in order. `into` is the name of the Go type.
pub(crate) fn object<'j>(
    value: Value<'j>,
    into: &str,
    saved: &mut Saved,
    mut field: impl FnMut(&str, Value<'j>, &mut Saved) -> Result<(), String>,
) -> Result<(), String> {
    match value.kind() {
        Kind::Object => {}
        Kind::Null => return Ok(()),
        Kind::Number => return Err(cannot_decode("number", into)),
        kind => {
            saved.note(kind, into);
            return Ok(());
        }
    }
    let mut seen: Keys<'j> = Keys::default();
    for (name, value) in value.members() {
        seen.add(name.clone())?;
        field(&name, value, saved)?;
    }
    Ok(())
}

/// A text; null leaves what was there.
pub(crate) fn string(value: Value<'_>, text: &mut String, saved: &mut Saved) -> Result<(), String> {
    match value.kind() {
        Kind::String => *text = value.as_text().map(Cow::into_owned).unwrap_or_default(),
        Kind::Null => {}
        Kind::Number => return Err(cannot_decode("number", "string")),
        kind => saved.note(kind, "string"),
    }
    Ok(())
}

/// A list of texts; null is none.
pub(crate) fn strings(
    value: Value<'_>,
    into: &str,
    saved: &mut Saved,
) -> Result<Vec<String>, String> {
    match value.kind() {
        Kind::Array => {}
        Kind::Null => return Ok(Vec::new()),
        Kind::Number => return Err(cannot_decode("number", into)),
        kind => {
            saved.note(kind, into);
            return Ok(Vec::new());
        }
    }
    let mut texts = Vec::new();
    for item in value.items() {
        let mut text = String::new();
        string(item, &mut text, saved)?;
        texts.push(text);
    }
    Ok(texts)
}

/// The keys of a map so far. A few are compared faster than they are hashed.
#[derive(Default)]
pub(crate) struct Keys<'j> {
    first: Vec<Cow<'j, str>>,
    more: HashSet<Cow<'j, str>>,
}

impl<'j> Keys<'j> {
    /// Notes a key; an error if it was there before.
    pub(crate) fn add(&mut self, key: Cow<'j, str>) -> Result<(), String> {
        if self.first.contains(&key) || self.more.contains(&key) {
            return Err(duplicate_key(&key));
        }
        if self.first.len() < FEW {
            self.first.push(key);
        } else {
            self.more.insert(key);
        }
        Ok(())
    }
}

const FEW: usize = 16;
