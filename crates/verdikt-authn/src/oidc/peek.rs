//! Whose token it is, before anything of it is known to be true.

use super::id_token::field;
use crate::jwt::base64url;
use crate::jwt::json::{Json, Kind};

/// What a token says of its issuer. None if that cannot be read: then the token is nobody's.
pub(super) fn untrusted_issuer(token: &str) -> Result<String, String> {
    if token.trim_start().starts_with('{') {
        return Err("token is not compact JWT".to_owned());
    }
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("malformed token".to_owned());
    };
    let payload = base64url::decode(payload.as_bytes()).map_err(|byte| {
        format!("error decoding token: illegal base64 data at input byte {byte}")
    })?;
    let issuer = issuer(&payload).map_err(|error| format!("while unmarshaling token: {error}"))?;
    Ok(if issuer == GOOGLE_WITHOUT_SCHEME { GOOGLE.to_owned() } else { issuer })
}

/// The last `iss` of a payload, in any letter case.
fn issuer(payload: &[u8]) -> Result<String, String> {
    let json = Json::parse(payload, MOST_DEPTH)?;
    let root = json.root();
    if !matches!(root.kind(), Kind::Object | Kind::Null) {
        let kind = root.kind().name();
        return Err(format!(
            "json: cannot unmarshal {kind} into Go value of type struct {{ Issuer string \
             \"json:\\\"iss\\\"\" }}"
        ));
    }
    let mut issuer = String::new();
    for (name, value) in root.members() {
        if field(&name, &["iss"]).is_empty() {
            continue;
        }
        match (value.kind(), value.as_text()) {
            (_, Some(text)) => issuer = text.into_owned(),
            (Kind::Null, None) => {}
            (kind, None) => {
                let kind = kind.name();
                return Err(format!(
                    "json: cannot unmarshal {kind} into Go struct field .iss of type string"
                ));
            }
        }
    }
    Ok(issuer)
}

/// How deep Go's decoder reads.
pub(super) const MOST_DEPTH: usize = 10_000;
pub(super) const GOOGLE: &str = "https://accounts.google.com";
pub(super) const GOOGLE_WITHOUT_SCHEME: &str = "accounts.google.com";
