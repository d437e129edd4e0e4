//! Service account tokens: bound ones of the configured issuers, and legacy ones kept in Secrets.
//!
//! Follows `pkg/serviceaccount/jwt.go`. Both kinds take the same way: whose token it seems to be is
//! looked up before anything is verified, the keys are tried in order, and claims are read only from
//! what a key has signed.

mod bound;
mod claims;
mod discovery;
mod issue;
mod issuers;
mod legacy;
mod metrics;
mod objects;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use verdikt_core::GoQuoted;
use verdikt_core::metrics::Metrics;

pub use self::discovery::{Discovery, DiscoveryError};
pub use self::issue::{Bound, ObjectRef, TokenRequest};
pub use self::issuers::{check_issuers, check_jwks_uri};
pub use self::objects::Objects;
use crate::jwt::json::Json;
use crate::jwt::{Jws, KeySet, MAX_TOKEN_BYTES, PublicKey, base64url};
use crate::time::Clock;
use crate::token::{Accepted, TokenAuthenticator, Verdict, intersect};
use crate::{Error, Method};

use self::claims::{BoundClaims, LegacyClaims, PublicClaims};
use self::metrics::TokenMetrics;

/// What both kinds go by.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Issuers of bound tokens.
    pub issuers: Vec<String>,
    /// Keys that sign tokens.
    pub keys: Arc<KeySet>,
    /// The server's audiences, for tokens and requests that say none.
    pub api_audiences: Vec<String>,
    /// Whether the Secret and ServiceAccount of a legacy token are looked up.
    pub lookup: bool,
    /// What tokens are bound to; none to go by signature and claims alone.
    pub objects: Option<Arc<Objects>>,
    /// What time it is.
    pub clock: Clock,
    /// Where the use of tokens is counted.
    pub metrics: Metrics,
}

/// The authenticator of one kind of service account tokens.
pub struct ServiceAccounts {
    config: Config,
    kind: Kind,
    metrics: TokenMetrics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Legacy,
    Bound,
}

impl ServiceAccounts {
    /// The authenticator of tokens that are kept in Secrets.
    pub fn legacy(config: Config) -> Self {
        Self::new(config, Kind::Legacy)
    }

    /// The authenticator of tokens that are made on request.
    pub fn bound(config: Config) -> Self {
        Self::new(config, Kind::Bound)
    }

    fn new(config: Config, kind: Kind) -> Self {
        let metrics = TokenMetrics::new(&config.metrics);
        Self { config, kind, metrics }
    }

    fn is_issuer(&self, issuer: &str) -> bool {
        match self.kind {
            Kind::Legacy => issuer == LEGACY_ISSUER,
            Kind::Bound => self.config.issuers.iter().any(|known| known == issuer),
        }
    }

    fn error(&self, message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(self.method().name(), message)
    }

    /// The claims, from the first key that signed the token and under which they can be read.
    fn verified(&self, jws: &Jws<'_>, json: &Json<'_>) -> Result<(PublicClaims, Private), Error> {
        let mut failed: Option<Error> = None;
        for key in self.config.keys.candidates(jws.header().key_id()) {
            match self.claims(jws, json, key) {
                Ok(claims) => return Ok(claims),
                Err(message) => {
                    let error = self.error(message);
                    failed = Some(match failed {
                        Some(failed) => failed.and(error),
                        None => error,
                    });
                }
            }
        }
        Err(failed.unwrap_or_else(|| self.error("invalid signature, no keys found")))
    }

    fn claims(
        &self,
        jws: &Jws<'_>,
        json: &Json<'_>,
        key: &PublicKey,
    ) -> Result<(PublicClaims, Private), String> {
        jws.verify(key).map_err(|error| error.to_string())?;
        let public = PublicClaims::read(json.root())?;
        let private = match self.kind {
            Kind::Legacy => Private::Legacy(LegacyClaims::read(json.root())?),
            Kind::Bound => Private::Bound(Box::new(BoundClaims::read(json.root())?)),
        };
        Ok((public, private))
    }

    /// The requested audiences that the token is meant for.
    fn audiences(&self, claims: &PublicClaims, requested: &[String]) -> Result<Vec<String>, Error> {
        let implicit = &self.config.api_audiences;
        let of_token = if claims.audience.is_empty() { implicit } else { &claims.audience };
        let requested = if requested.is_empty() { implicit } else { requested };
        let audiences = intersect(of_token, requested);
        if audiences.is_empty() && !implicit.is_empty() {
            let (of_token, requested) = (list(of_token), list(requested));
            return Err(self.error(format!(
                "token audiences {of_token} is invalid for the target audiences {requested}"
            )));
        }
        Ok(audiences)
    }
}

impl TokenAuthenticator for ServiceAccounts {
    fn method(&self) -> Method {
        match self.kind {
            Kind::Legacy => Method::LegacyServiceAccount,
            Kind::Bound => Method::ServiceAccount,
        }
    }

    fn authenticate(&self, token: &str, requested: &[String]) -> Verdict {
        let Some(payload) = unverified_payload(token) else { return Ok(None) };
        let Ok(json) = Json::parse(&payload, MAX_DEPTH) else { return Ok(None) };
        let issuer = claims::unverified_issuer(json.root());
        if !issuer.is_some_and(|issuer| self.is_issuer(&issuer)) {
            return Ok(None);
        }
        let Ok(jws) = Jws::parse(token) else { return Ok(None) };
        let (public, private) = self.verified(&jws, &json)?;
        // It was read before the signature was verified, and in any letter case.
        if !self.is_issuer(&public.issuer) {
            let issuer = GoQuoted(&public.issuer);
            return Err(self.error(format!("token issuer {issuer} is invalid")));
        }
        self.metrics.signed(&public);
        let audiences = self.audiences(&public, requested)?;
        let now = self.config.clock.now();
        let (user, until) = match private {
            Private::Legacy(claims) => {
                let Self { config, metrics, .. } = self;
                let user = legacy::validate(config, metrics, token, &public, &claims);
                (user.map_err(|message| self.error(message))?, None)
            }
            Private::Bound(claims) => bound::validate(&self.config, now, &public, &claims)
                .inspect(|_| self.metrics.accepted(&claims, now))
                .map_err(|message| self.error(message))?,
        };
        Ok(Some(Accepted { user, audiences, until }))
    }
}

impl fmt::Debug for ServiceAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccounts").field("kind", &self.kind).finish_non_exhaustive()
    }
}

enum Private {
    Legacy(LegacyClaims),
    Bound(Box<BoundClaims>),
}

/// The payload of what looks like a token, to learn its issuer before any work is done.
fn unverified_payload(token: &str) -> Option<Vec<u8>> {
    if token.len() > MAX_TOKEN_BYTES || token.trim_start().starts_with('{') {
        return None;
    }
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    base64url::decode(payload.as_bytes()).ok()
}

/// Go's `%q` of a list.
fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| GoQuoted(item).to_string()).collect();
    format!("[{}]", items.join(" "))
}

/// The issuer of tokens that are kept in Secrets.
pub const LEGACY_ISSUER: &str = "kubernetes/serviceaccount";

/// As deep as Go's own decoder goes, which reads the issuer.
const MAX_DEPTH: usize = 10_000;

#[cfg(test)]
mod tests;
