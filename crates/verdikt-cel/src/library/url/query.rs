//! What is after the question mark of a URL.
//!
//! Follows `ParseQuery` of Go's `net/url`, whose errors are not looked at.

use std::collections::BTreeMap;

use super::escape::{Part, unescape};
use crate::Value;

/// The values of each key.
pub(super) fn values(query: &str) -> Value {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if query.split('&').count() > MAX_PAIRS {
        return Value::map::<&str>([]);
    }
    for pair in query.split('&') {
        if pair.is_empty() || pair.contains(';') {
            continue;
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if let (Some(key), Some(value)) = (text(key), text(value)) {
            found.entry(key).or_default().push(value);
        }
    }
    Value::map(found.into_iter().map(|(key, values)| (key, Value::native_string_list(values))))
}

fn text(escaped: &str) -> Option<String> {
    let bytes = unescape(escaped.as_bytes(), Part::Query).ok()?;
    Some(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

/// Go refuses a query with more.
const MAX_PAIRS: usize = 10_000;
