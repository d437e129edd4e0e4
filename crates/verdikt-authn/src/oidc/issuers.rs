//! All issuers of a configuration.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use verdikt_core::metrics::Metrics;

use super::authenticator::Authenticator;
use super::config::Validated;
use super::metrics::KeySetFetches;
use super::peek::untrusted_issuer;
use super::provider::Provider;
use crate::jwt::KeySet;
use crate::remote::Network;
use crate::token::implied;
use crate::{Accepted, Clock, Error, Method, Moment, TokenAuthenticator, Verdict};

/// Where the keys of issuers come from.
#[derive(Clone)]
pub enum Keys {
    /// A set that is known, for all issuers, whatever id a token asks for.
    Fixed(KeySet),
    /// The issuers themselves.
    Remote(Arc<dyn Network>),
}

/// Issuers, no two of one URL, so that a token is at most one's.
#[derive(Debug, Default)]
pub struct Issuers {
    authenticators: Vec<Arc<Authenticator>>,
}

impl Issuers {
    /// The issuers of a configuration that was validated. What `before` knows of an issuer is kept, so
    /// that its keys need not be asked for again.
    ///
    /// # Errors
    /// If an issuer cannot be talked to in the way that is configured.
    pub fn new(
        validated: Vec<Validated>,
        algorithms: &[String],
        keys: &Keys,
        before: Option<&Self>,
        metrics: &Metrics,
    ) -> Result<Self, String> {
        let known: Vec<Arc<Provider>> =
            before.into_iter().flat_map(Self::providers).map(Arc::clone).collect();
        let authenticators = validated.into_iter().map(|entry| {
            let same = before.and_then(|before| before.unchanged(&entry, algorithms));
            same.map_or_else(
                || Authenticator::new(entry, algorithms, keys, &known, metrics).map(Arc::new),
                |same| Ok(Arc::clone(same)),
            )
        });
        Ok(Self { authenticators: authenticators.collect::<Result<_, _>>()? })
    }

    /// Whose token it is: none if it is of no issuer here.
    ///
    /// # Errors
    /// If it is of one, but is not good, or not known to be.
    pub fn authenticate(&self, token: &str, now: Moment) -> Result<Option<Accepted>, String> {
        if self.authenticators.is_empty() {
            return Ok(None);
        }
        let Ok(issuer) = untrusted_issuer(token) else { return Ok(None) };
        let of_issuer = |other: &&Arc<Authenticator>| other.config.issuer.url == issuer;
        match self.authenticators.iter().find(of_issuer) {
            Some(authenticator) => authenticator.authenticate(token, now).map(Some),
            None => Ok(None),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.authenticators.is_empty()
    }

    /// What is wrong with issuers that cannot be used yet, in upstream's words.
    pub fn problems(&self) -> Vec<String> {
        self.providers().filter_map(|provider| provider.problem()).collect()
    }

    /// What became of asking each issuer for its keys.
    pub fn fetches(&self) -> Vec<KeySetFetches> {
        self.providers().map(|provider| provider.fetches()).collect()
    }

    /// Waits until all issuers can be used, at most for this time.
    ///
    /// # Errors
    /// What is wrong with those that cannot.
    pub fn wait_until_usable(&self, time: Duration) -> Result<(), Vec<String>> {
        let end = Instant::now() + time;
        for provider in self.providers() {
            provider.wait_until_initialized(end.saturating_duration_since(Instant::now()));
        }
        let problems = self.problems();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// The authenticator of an entry that is as it was.
    fn unchanged(&self, entry: &Validated, algorithms: &[String]) -> Option<&Arc<Authenticator>> {
        self.authenticators.iter().find(|authenticator| {
            authenticator.provider().is_some()
                && authenticator.config == entry.config
                && authenticator.rules.algorithms == algorithms
        })
    }

    fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.authenticators.iter().filter_map(|authenticator| authenticator.provider())
    }
}

/// [`Issuers`] as the chain asks them.
#[derive(Debug)]
pub struct Tokens {
    issuers: Arc<Issuers>,
    api_audiences: Vec<String>,
    clock: Clock,
}

impl Tokens {
    /// Users of these issuers are meant for the server's audiences, whatever their tokens say: what a
    /// token says is for its issuer's entry to judge.
    pub fn new(issuers: Arc<Issuers>, api_audiences: Vec<String>, clock: Clock) -> Self {
        Self { issuers, api_audiences, clock }
    }
}

impl TokenAuthenticator for Tokens {
    fn method(&self) -> Method {
        Method::Oidc
    }

    fn authenticate(&self, token: &str, requested: &[String]) -> Verdict {
        let Some(audiences) = implied(&self.api_audiences, requested) else { return Ok(None) };
        match self.issuers.authenticate(token, self.clock.now()) {
            Ok(accepted) => Ok(accepted.map(|accepted| Accepted { audiences, ..accepted })),
            Err(message) => Err(Error::new(Method::Oidc.name(), message)),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(_) => f.write_str("Fixed"),
            Self::Remote(_) => f.write_str("Remote"),
        }
    }
}
