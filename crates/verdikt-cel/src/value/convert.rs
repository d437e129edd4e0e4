//! Values from JSON, and numbers that are whole.

use serde_json::Value as Json;

use super::{Key, Map, Value};

impl Value {
    /// The value of JSON as Go decodes it into an `any`: every number is a double. Names that are looked
    /// up in its maps are unescaped, as Kubernetes does with claims.
    pub fn from_json(json: &Json) -> Self {
        Self::plain_json(json).of_json()
    }

    fn plain_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(truth) => Self::Bool(*truth),
            Json::Number(number) => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => Self::string(text.as_str()),
            Json::Array(items) => Self::list(items.iter().map(Self::plain_json).collect()),
            Json::Object(fields) => Self::Map(Map::new(fields.iter().map(|(name, value)| {
                (Key::String(name.as_str().into()), Self::plain_json(value))
            }))),
        }
    }

    /// The same value, as one that was read from JSON.
    pub(super) fn of_json(self) -> Self {
        match self {
            Self::List(list) => Self::List(list.of_json()),
            Self::Map(map) => Self::Map(map.of_json()),
            other => other,
        }
    }
}

/// The whole number that a double is exactly, if it is one.
#[expect(clippy::cast_possible_truncation, reason = "the bounds were compared")]
pub(crate) fn exact_int(number: f64) -> Option<i64> {
    // 2^63 is no i64; the bound is exact as a double.
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    (fits && number.fract() == 0.0).then_some(number as i64)
}

/// The whole number without sign that a double is exactly, if it is one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "compared before")]
pub(crate) fn exact_uint(number: f64) -> Option<u64> {
    let fits = (0.0..18_446_744_073_709_551_616.0).contains(&number);
    (fits && number.fract() == 0.0).then_some(number as u64)
}
