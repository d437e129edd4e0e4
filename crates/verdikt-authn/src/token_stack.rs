//! All authenticators of tokens: the static file, and behind the cache the slower ones in Kubernetes'
//! order.
//!
//! Follows `pkg/kubeapiserver/authenticator/config.go` and apiserver's `pkg/authentication/token/union`:
//! the first success wins, errors are kept while others are asked.

use std::sync::Arc;

use verdikt_core::metrics::Metrics;
use verdikt_core::{HashKey, Identity};

use crate::cache::{CacheOptions, TokenCache};
use crate::group_adder;
use crate::time::{Clock, Moment};
use crate::token::{TokenAuthenticator, implied};
use crate::token_file::TokenFile;
use crate::{Authenticated, Error, Method, Outcome};

/// Whoever can be asked whose a token is.
#[derive(Debug, Default)]
pub(crate) struct TokenStack {
    pub(crate) file: Option<TokenFile>,
    /// In the order in which they are asked.
    pub(crate) slow: Vec<Arc<dyn TokenAuthenticator>>,
    /// There if anybody slow is.
    cache: Option<TokenCache>,
    key: Option<HashKey>,
    api_audiences: Arc<[String]>,
}

impl TokenStack {
    pub(crate) fn finish(
        &mut self,
        key: &HashKey,
        api_audiences: Vec<String>,
        options: CacheOptions,
        clock: &Clock,
        metrics: &Metrics,
    ) {
        self.slow.sort_by_key(|authenticator| authenticator.method());
        self.cache = (!self.slow.is_empty()).then(|| TokenCache::new(options, clock, metrics));
        self.key = Some(key.clone());
        self.api_audiences = api_audiences.into();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.file.is_none() && self.slow.is_empty()
    }

    /// Who is asked, in order.
    pub(crate) fn methods(&self) -> impl Iterator<Item = Method> {
        let file = self.file.iter().map(|_| Method::TokenFile);
        file.chain(self.slow.iter().map(|authenticator| authenticator.method()))
    }

    /// Whose token this is, for one of the `requested` audiences; the server's own if there are none.
    #[inline]
    pub(crate) fn authenticate(&self, token: &[u8], requested: &[String]) -> Outcome {
        match self.with_file(token, requested) {
            Outcome::NoOpinion => self.with_slow(token, requested),
            Outcome::Failed(error) => match self.with_slow(token, requested) {
                Outcome::NoOpinion => Outcome::Failed(error),
                Outcome::Failed(further) => Outcome::Failed(error.and(further)),
                authenticated => authenticated,
            },
            authenticated => authenticated,
        }
    }

    fn with_file(&self, token: &[u8], requested: &[String]) -> Outcome {
        let Some(file) = &self.file else { return Outcome::NoOpinion };
        let Some(audiences) = self.implied_audiences(requested) else {
            return Outcome::NoOpinion;
        };
        match file.authenticate(token) {
            Outcome::Authenticated(who) => Outcome::Authenticated(who.with_audiences(audiences)),
            other => other,
        }
    }

    /// The audiences of a credential that says nothing of any; none if it is then for nobody.
    pub(crate) fn implied_audiences(&self, requested: &[String]) -> Option<Option<Arc<[String]>>> {
        // Most requests ask for nothing in particular, and share one list.
        if requested.is_empty() {
            return Some((!self.api_audiences.is_empty()).then(|| Arc::clone(&self.api_audiences)));
        }
        implied(&self.api_audiences, requested).map(|audiences| Some(audiences.into()))
    }

    #[inline]
    fn with_slow(&self, token: &[u8], requested: &[String]) -> Outcome {
        let Some(cache) = &self.cache else { return Outcome::NoOpinion };
        let requested = if requested.is_empty() { &*self.api_audiences } else { requested };
        cache.get(token, requested, || self.ask_slow(token, requested))
    }

    /// The answer, and until when it holds at most.
    fn ask_slow(&self, token: &[u8], requested: &[String]) -> (Outcome, Option<Moment>) {
        // None of them knows a token that is no text.
        let Ok(token) = std::str::from_utf8(token) else { return (Outcome::NoOpinion, None) };
        let mut failed: Option<Error> = None;
        for authenticator in &self.slow {
            match authenticator.authenticate(token, requested) {
                Ok(None) => {}
                Ok(Some(accepted)) => {
                    let user = group_adder::add(accepted.user);
                    let Some(key) = &self.key else { continue };
                    let identity = Arc::new(Identity::new(user, key));
                    let who = Authenticated::new(identity, authenticator.method())
                        .with_audiences(shared(accepted.audiences));
                    return (Outcome::Authenticated(who), accepted.until);
                }
                Err(error) => {
                    failed = Some(match failed {
                        Some(failed) => failed.and(error),
                        None => error,
                    });
                }
            }
        }
        (failed.map_or(Outcome::NoOpinion, Outcome::Failed), None)
    }
}

/// None costs less to hand out than an empty list.
fn shared(audiences: Vec<String>) -> Option<Arc<[String]>> {
    (!audiences.is_empty()).then(|| audiences.into())
}
