//! What the schemas of token authenticators have in common.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use verdikt_authn::TokenAuthenticator;
use verdikt_core::User;

/// The list of texts under `name`; absent and null are none.
pub(super) fn texts(line: &Value, name: &str) -> Result<Vec<String>, serde_json::Error> {
    let list = Option::<Vec<String>>::deserialize(line.get(name).unwrap_or(&Value::Null))?;
    Ok(list.unwrap_or_default())
}

/// The audiences a question asks for; none are the server's own.
pub(super) fn requested_audiences(lookup: &Value) -> Result<Vec<String>, serde_json::Error> {
    texts(lookup, "requested_audiences")
}

/// What an authenticator says of a token, in the vectors' form.
pub(super) fn answer(
    authenticator: &dyn TokenAuthenticator,
    token: &str,
    audiences: &[String],
) -> Value {
    match authenticator.authenticate(token, audiences) {
        Ok(Some(accepted)) if accepted.audiences.is_empty() => {
            json!({"user": wire_user(&accepted.user)})
        }
        Ok(Some(accepted)) => {
            json!({"user": wire_user(&accepted.user), "audiences": accepted.audiences})
        }
        Ok(None) => json!({}),
        Err(error) => json!({"error": error.to_string()}),
    }
}

/// A user in the vectors' form, without what is empty.
pub(super) fn wire_user(user: &User) -> Value {
    let mut wire = Map::new();
    wire.insert("name".to_owned(), json!(user.name));
    if !user.uid.is_empty() {
        wire.insert("uid".to_owned(), json!(user.uid));
    }
    if !user.groups.is_empty() {
        wire.insert("groups".to_owned(), json!(user.groups));
    }
    if !user.extra.is_empty() {
        wire.insert("extra".to_owned(), json!(user.extra));
    }
    Value::Object(wire)
}
