//! The claims of service account tokens.
//!
//! Follows go-jose v2 `jwt/claims.go`, `pkg/serviceaccount/claims.go` and `legacy.go` for what there is,
//! and go-jose's decoder for what is said about claims of the wrong kind.

use std::borrow::Cow;

use crate::jwt::decode::{Saved, object, string, strings};
use crate::jwt::json::{Kind, Value};

/// Claims every kind of token has.
#[derive(Debug, Default)]
pub(super) struct PublicClaims {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) audience: Vec<String>,
    /// Seconds since 1970, like the next two.
    pub(super) expiry: Option<i64>,
    pub(super) not_before: Option<i64>,
    pub(super) issued_at: Option<i64>,
    pub(super) id: String,
}

/// What a bound token says of its service account and of what it is bound to.
#[derive(Debug, Default)]
pub(super) struct BoundClaims {
    pub(super) namespace: String,
    pub(super) service_account: Reference,
    pub(super) pod: Option<Reference>,
    pub(super) secret: Option<Reference>,
    pub(super) node: Option<Reference>,
    /// Whether it is bound to the configuration of a webhook.
    pub(super) is_webhook: bool,
    /// When it should have been replaced, in seconds since 1970: it is counted then, not refused.
    pub(super) warn_after: Option<i64>,
}

/// A name and the uid it had.
#[derive(Debug, Default)]
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) uid: String,
}

/// What a token in a Secret says of itself.
#[derive(Debug, Default)]
pub(super) struct LegacyClaims {
    pub(super) service_account_name: String,
    pub(super) service_account_uid: String,
    pub(super) secret_name: String,
    pub(super) namespace: String,
}

impl PublicClaims {
    pub(super) fn read(value: Value<'_>) -> Result<Self, String> {
        let (mut claims, mut saved) = (Self::default(), Saved::default());
        object(value, "jwt.Claims", &mut saved, |name, value, saved| {
            match name {
                "iss" => string(value, &mut claims.issuer, saved)?,
                "sub" => string(value, &mut claims.subject, saved)?,
                "jti" => string(value, &mut claims.id, saved)?,
                "aud" => claims.audience = audience(value)?,
                "exp" => claims.expiry = date(value)?,
                "nbf" => claims.not_before = date(value)?,
                "iat" => claims.issued_at = date(value)?,
                _ => {}
            }
            Ok(())
        })?;
        saved.finish().map(|()| claims)
    }
}

impl BoundClaims {
    pub(super) fn read(value: Value<'_>) -> Result<Self, String> {
        let (mut claims, mut saved) = (Self::default(), Saved::default());
        object(
            value,
            "serviceaccount.privateClaims",
            &mut saved,
            |name, value, saved| match name {
                "kubernetes.io" => claims.kubernetes(value, saved),
                _ => Ok(()),
            },
        )?;
        saved.finish().map(|()| claims)
    }

    fn kubernetes(&mut self, value: Value<'_>, saved: &mut Saved) -> Result<(), String> {
        object(value, "serviceaccount.kubernetes", saved, |name, value, saved| {
            match name {
                "namespace" => string(value, &mut self.namespace, saved)?,
                "serviceaccount" => self.service_account.read(value, saved)?,
                "pod" => self.pod = Reference::optional(value, saved)?,
                "secret" => self.secret = Reference::optional(value, saved)?,
                "node" => self.node = Reference::optional(value, saved)?,
                "validatingwebhookconfiguration" | "mutatingwebhookconfiguration" => {
                    self.is_webhook |= Reference::optional(value, saved)?.is_some();
                }
                "attestations" => attestations(value, saved)?,
                "warnafter" => self.warn_after = date(value)?,
                _ => {}
            }
            Ok(())
        })
    }
}

impl Reference {
    fn optional(value: Value<'_>, saved: &mut Saved) -> Result<Option<Self>, String> {
        if value.kind() == Kind::Null {
            return Ok(None);
        }
        let mut reference = Self::default();
        reference.read(value, saved)?;
        Ok(Some(reference))
    }

    fn read(&mut self, value: Value<'_>, saved: &mut Saved) -> Result<(), String> {
        object(value, "serviceaccount.ref", saved, |name, value, saved| match name {
            "name" => string(value, &mut self.name, saved),
            "uid" => string(value, &mut self.uid, saved),
            _ => Ok(()),
        })
    }
}

impl LegacyClaims {
    pub(super) fn read(value: Value<'_>) -> Result<Self, String> {
        let (mut claims, mut saved) = (Self::default(), Saved::default());
        object(value, "serviceaccount.legacyPrivateClaims", &mut saved, |name, value, saved| {
            let text = match name {
                "kubernetes.io/serviceaccount/service-account.name" => {
                    &mut claims.service_account_name
                }
                "kubernetes.io/serviceaccount/service-account.uid" => {
                    &mut claims.service_account_uid
                }
                "kubernetes.io/serviceaccount/secret.name" => &mut claims.secret_name,
                "kubernetes.io/serviceaccount/namespace" => &mut claims.namespace,
                _ => return Ok(()),
            };
            string(value, text, saved)
        })?;
        saved.finish().map(|()| claims)
    }
}

/// The issuer as Go's own decoder finds it, in any letter case: the last text counts. `None` if there is
/// one that is no text, or the payload is no map.
pub(super) fn unverified_issuer(value: Value<'_>) -> Option<Cow<'_, str>> {
    if value.kind() != Kind::Object {
        return None;
    }
    let mut issuer = Cow::Borrowed("");
    for (name, value) in value.members() {
        if !is_issuer(&name) {
            continue;
        }
        match value.kind() {
            Kind::String => issuer = value.as_text()?,
            Kind::Null => {}
            _ => return None,
        }
    }
    Some(issuer)
}

/// Whether Go's decoder takes the name for `iss`. Unicode has one more letter that folds to `s`.
fn is_issuer(name: &str) -> bool {
    let fold = |letter: char| if letter == 'ſ' { 's' } else { letter.to_ascii_lowercase() };
    name.chars().map(fold).eq("iss".chars())
}

/// One text or several.
fn audience(value: Value<'_>) -> Result<Vec<String>, String> {
    value.check_any()?;
    let wrong = || {
        "go-jose/go-jose/jwt: expected string or array value to unmarshal to Audience".to_owned()
    };
    let text = |value: Value<'_>| value.as_text().map(Cow::into_owned).ok_or_else(wrong);
    match value.kind() {
        Kind::Array => value.items().map(text).collect(),
        _ => Ok(vec![text(value)?]),
    }
}

/// Seconds, cut to whole ones; what no word holds becomes the smallest that does, as Go has it on amd64.
fn date(value: Value<'_>) -> Result<Option<i64>, String> {
    if value.kind() == Kind::Null {
        return Ok(None);
    }
    let seconds = value.as_f64().ok_or_else(|| {
        "go-jose/go-jose/jwt: expected number value to unmarshal NumericDate".to_owned()
    })?;
    let fits = (-TWO_TO_63..TWO_TO_63).contains(&seconds);
    Ok(Some(if fits { seconds as i64 } else { i64::MIN }))
}

fn attestations(value: Value<'_>, saved: &mut Saved) -> Result<(), String> {
    object(value, "map[string]v1.AttestationValue", saved, |_, value, saved| {
        strings(value, "v1.AttestationValue", saved).map(drop)
    })
}

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
