//! What issuers publish: the discovery document and the key set.
//!
//! Follows `NewProvider` of go-oidc v2 (`oidc.go`) and `updateKeys` (`jwks.go`).

use verdikt_core::GoQuoted;
use verdikt_parser::authentication_config::Issuer;

use super::id_token::field;
use super::peek::MOST_DEPTH;
use crate::jwt::KeySet;
use crate::jwt::json::{Json, Kind};
use crate::remote::Answer;

/// Where the discovery document of an issuer is.
pub(super) fn discovery_url(issuer: &Issuer) -> String {
    if issuer.discovery_url.is_empty() {
        let url = issuer.url.strip_suffix('/').unwrap_or(&issuer.url);
        format!("{url}/.well-known/openid-configuration")
    } else {
        issuer.discovery_url.clone()
    }
}

/// Where the keys are, by the discovery document of the issuer `url`.
pub(super) fn keys_url(answer: &Answer, url: &str) -> Result<String, String> {
    if answer.status != 200 {
        return Err(format!("{}: {}", answer.status_line, shown(&answer.body)));
    }
    let failed = |error| {
        let error = with_content_type(answer, error);
        format!("oidc: failed to decode provider discovery object: {error}")
    };
    let json = Json::parse(&answer.body, MOST_DEPTH).map_err(failed)?;
    let root = json.root();
    if !matches!(root.kind(), Kind::Object | Kind::Null) {
        let kind = root.kind().name();
        return Err(failed(format!(
            "json: cannot unmarshal {kind} into Go value of type oidc.providerJSON"
        )));
    }
    let (mut issuer, mut keys) = (String::new(), String::new());
    for (name, value) in root.members() {
        let name = field(&name, &["issuer", "jwks_uri"]);
        if name.is_empty() || value.kind() == Kind::Null {
            continue;
        }
        let text = value.as_text().map(std::borrow::Cow::into_owned).ok_or_else(|| {
            let kind = value.kind().name();
            failed(format!(
                "json: cannot unmarshal {kind} into Go struct field providerJSON.{name} of type string"
            ))
        })?;
        if name == "issuer" { issuer = text } else { keys = text }
    }
    if issuer != url {
        return Err(format!(
            "oidc: issuer did not match the issuer returned by provider, expected {} got {}",
            GoQuoted(url),
            GoQuoted(&issuer)
        ));
    }
    if keys.is_empty() {
        return Err("provider did not return JWKS URL".to_owned());
    }
    Ok(keys)
}

/// The keys of a key set.
pub(super) fn keys(answer: &Answer) -> Result<KeySet, String> {
    if answer.status != 200 {
        let (status, body) = (&answer.status_line, shown(&answer.body));
        return Err(format!("oidc: get keys failed: {status} {body}"));
    }
    KeySet::from_jwks(&answer.body).map_err(|error| {
        let error = with_content_type(answer, error.to_string());
        format!("oidc: failed to decode keys: {error} {}", shown(&answer.body))
    })
}

/// Follows `unmarshalResp`: what cannot be read is probably no JSON at all.
fn with_content_type(answer: &Answer, error: String) -> String {
    let media_type = answer.content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return format!(
            "got Content-Type = application/json, but could not unmarshal as JSON: {error}"
        );
    }
    let content_type = GoQuoted(&answer.content_type);
    format!("expected Content-Type = application/json, got {content_type}: {error}")
}

/// The beginning of a document, on one line: what an issuer answers must not flood a log.
fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..SHOWN).unwrap_or(body));
    let mut shown = text.replace(|c: char| c.is_control(), " ");
    if body.len() > SHOWN {
        shown.push('…');
    }
    shown
}

const SHOWN: usize = 200;
