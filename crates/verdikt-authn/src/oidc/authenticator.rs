//! One issuer: its tokens to users.
//!
//! Follows `AuthenticateToken` of apiserver's `plugin/pkg/authenticator/token/oidc/oidc.go`.

use std::sync::Arc;
use std::time::Instant;

use verdikt_core::metrics::Metrics;
use verdikt_parser::authentication_config::JwtAuthenticator;

use super::claims::Claims;
use super::config::Validated;
use super::distributed::Resolver;
use super::issuers::Keys;
use super::mapping::{self, Expressions};
use super::metrics::IssuerMetrics;
use super::peek::MOST_DEPTH;
use super::provider::Provider;
use super::verify::{CheckSignature, Rules};
use crate::jwt::json::Json;
use crate::jwt::{Jws, JwtError, KeySet};
use crate::remote::Network;
use crate::{Accepted, Moment};

/// An issuer, and what is made of its tokens.
#[derive(Debug)]
pub(super) struct Authenticator {
    pub(super) config: JwtAuthenticator,
    pub(super) rules: Arc<Rules>,
    expressions: Expressions,
    keys: Source,
    /// Looks for groups elsewhere, if a token says they are there.
    resolver: Option<Resolver>,
    metrics: IssuerMetrics,
}

/// Where keys come from.
#[derive(Debug)]
pub(super) enum Source {
    /// A set that stays, whatever id a token asks for.
    Fixed(KeySet),
    /// The issuer's own, over the network.
    Remote(Arc<Provider>),
}

impl Authenticator {
    /// With keys from `keys`; `known` are providers that have been asked before.
    pub(super) fn new(
        validated: Validated,
        algorithms: &[String],
        keys: &Keys,
        known: &[Arc<Provider>],
        metrics: &Metrics,
    ) -> Result<Self, String> {
        let Validated { config, expressions } = validated;
        let mut audiences = config.issuer.audiences.clone();
        audiences.sort_unstable();
        audiences.dedup();
        let rules = Arc::new(Rules { algorithms: algorithms.to_vec(), audiences });
        let keys = match keys {
            Keys::Fixed(set) => Source::Fixed(set.clone()),
            Keys::Remote(network) => Source::Remote(provider(&config, network, known)?),
        };
        let main = match &keys {
            Source::Fixed(_) => None,
            Source::Remote(provider) => Some(provider),
        };
        let claim = config.claim_mappings.groups.claim.as_str();
        let resolver = (!claim.is_empty()).then(|| Resolver::new(claim, main, Arc::clone(&rules)));
        let metrics = IssuerMetrics::new(metrics, &config.issuer.url);
        Ok(Self { config, rules, expressions, keys, resolver, metrics })
    }

    /// Counts how long it took to say so, as well.
    pub(super) fn authenticate(&self, token: &str, now: Moment) -> Result<Accepted, String> {
        let start = Instant::now();
        let said = self.judge(token, now);
        self.metrics.judged(said.is_ok(), start.elapsed());
        said
    }

    /// Whether a token of this issuer is good, and whose it is.
    fn judge(&self, token: &str, now: Moment) -> Result<Accepted, String> {
        if let Source::Remote(provider) = &self.keys
            && !provider.is_initialized()
        {
            return Err("oidc: authenticator not initialized".to_owned());
        }
        let verified = self
            .rules
            .verify(token, &self.config.issuer.url, &self.keys, now)
            .map_err(|error| format!("oidc: verify token: {error}"))?;
        let parse = |payload| {
            Json::parse(payload, MOST_DEPTH).map_err(|error| format!("oidc: parse claims: {error}"))
        };
        let json = parse(&verified.payload)?;
        let mut claims = Claims::of(&json);
        let elsewhere = match &self.resolver {
            Some(resolver) => resolver
                .resolve(&claims, now)
                .map_err(|error| format!("oidc: could not expand distributed claims: {error}"))?,
            None => None,
        };
        let elsewhere = elsewhere.as_deref().map(parse).transpose()?;
        if let Some(elsewhere) = &elsewhere {
            claims.insert(&self.config.claim_mappings.groups.claim, elsewhere.root());
        }
        let user = mapping::user(&self.config, &self.expressions, &claims)?;
        Ok(Accepted { user, audiences: Vec::new(), until: Some(verified.expiry.moment()) })
    }

    pub(super) fn provider(&self) -> Option<&Arc<Provider>> {
        match &self.keys {
            Source::Fixed(_) => None,
            Source::Remote(provider) => Some(provider),
        }
    }
}

/// The provider of an issuer: one that is known, if nothing it depends on has changed.
fn provider(
    config: &JwtAuthenticator,
    network: &Arc<dyn Network>,
    known: &[Arc<Provider>],
) -> Result<Arc<Provider>, String> {
    match known.iter().find(|provider| provider.is_of(&config.issuer)) {
        Some(provider) => Ok(Arc::clone(provider)),
        None => Provider::start(&config.issuer, network),
    }
}

impl CheckSignature for Source {
    fn check(&self, token: &Jws<'_>) -> Result<(), String> {
        match self {
            Self::Fixed(set) => {
                let verifies = |key| token.verify(key).is_ok();
                match set.candidates(None).any(verifies) {
                    true => Ok(()),
                    false => Err(JwtError::Signature.to_string()),
                }
            }
            Self::Remote(provider) => provider.check(token),
        }
    }
}
