//! The keys of an issuer, got from the issuer.
//!
//! Follows apiserver's `oidc.go` (discovery at once and then every ten seconds until it succeeds) and
//! go-oidc v2 `jwks.go` (keys that are known serve on, whatever happens to the issuer; requests that need
//! new ones share one fetch). Unlike upstream, keys are got before the first token needs them and looked
//! at again from time to time, so that a key that was withdrawn goes; and tokens with unknown keys cannot
//! make verdikt ask the issuer more than once in a while.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwapOption;
use verdikt_core::GoQuoted;
use verdikt_parser::authentication_config::Issuer;

use super::discovery;
use super::metrics::KeySetFetches;
use super::verify::CheckSignature;
use crate::jwt::{Jws, KeySet};
use crate::remote::{Answer, Client, Get, Network};

/// An issuer and its keys.
#[derive(Debug)]
pub(super) struct Provider {
    issuer: Issuer,
    network: Arc<dyn Network>,
    client: Arc<dyn Client>,
    keys: ArcSwapOption<KeySet>,
    state: Mutex<State>,
    changed: Condvar,
    itself: Weak<Self>,
}

#[derive(Debug)]
struct State {
    /// Where the keys are, once the issuer has said so.
    keys_url: Option<String>,
    /// The key set as it was last published.
    published: Vec<u8>,
    /// Since when something is being got.
    busy_since: Option<Instant>,
    /// How many fetches of keys have ended.
    fetches: u64,
    /// When the last of them ended.
    last: Option<Instant>,
    /// When the last that brought keys did, and the last that did not.
    told: [Option<SystemTime>; 2],
    /// Tokens may not cause another fetch before this.
    not_before: Option<Instant>,
    /// How long to wait after the next fetch that brings nothing new.
    patience: Duration,
    /// How many tokens wait.
    waiting: usize,
    problem: Option<String>,
}

impl Provider {
    /// Begins to ask the issuer for its keys, and goes on until the provider is dropped.
    pub(super) fn start(issuer: &Issuer, network: &Arc<dyn Network>) -> Result<Arc<Self>, String> {
        if !issuer.egress_selector_type.is_empty() {
            let selector = GoQuoted(&issuer.egress_selector_type);
            return Err(format!(
                "oidc: egress lookup required with egress selector type {selector}"
            ));
        }
        let client = network.client(&issuer.certificate_authority)?;
        let not_initialized =
            format!("oidc: authenticator for issuer {} is not initialized", GoQuoted(&issuer.url));
        let provider = Arc::new_cyclic(|itself| Self {
            issuer: issuer.clone(),
            network: Arc::clone(network),
            client,
            keys: ArcSwapOption::empty(),
            state: Mutex::new(State {
                keys_url: None,
                published: Vec::new(),
                busy_since: None,
                fetches: 0,
                last: None,
                told: [None; 2],
                not_before: None,
                patience: LEAST_PATIENCE,
                waiting: 0,
                problem: Some(not_initialized),
            }),
            changed: Condvar::new(),
            itself: Weak::clone(itself),
        });
        provider.tick();
        Ok(provider)
    }

    /// Whether it is the provider of exactly this issuer.
    pub(super) fn is_of(&self, issuer: &Issuer) -> bool {
        self.issuer.url == issuer.url
            && self.issuer.discovery_url == issuer.discovery_url
            && self.issuer.certificate_authority == issuer.certificate_authority
            && self.issuer.egress_selector_type == issuer.egress_selector_type
    }

    pub(super) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    pub(super) fn client(&self) -> &Arc<dyn Client> {
        &self.client
    }

    pub(super) fn network(&self) -> &Arc<dyn Network> {
        &self.network
    }

    /// Whether the issuer has said where its keys are.
    pub(super) fn is_initialized(&self) -> bool {
        // Keys can only be there once it has; looking at them takes no lock.
        self.keys.load().is_some() || self.lock().keys_url.is_some()
    }

    /// Waits until the issuer has said where its keys are, at most for this time.
    pub(super) fn wait_until_initialized(&self, time: Duration) {
        let is_missing = |state: &mut State| state.keys_url.is_none();
        drop(self.changed.wait_timeout_while(self.lock(), time, is_missing));
    }

    /// What is wrong, as long as no token can be verified.
    pub(super) fn problem(&self) -> Option<String> {
        let state = self.lock();
        let problem = state.problem.as_ref().filter(|_| state.keys_url.is_none())?;
        let issuer = GoQuoted(&self.issuer.url);
        Some(format!("oidc: authenticator for issuer {issuer} is not healthy: {problem}"))
    }

    /// What became of asking for its keys.
    pub(super) fn fetches(&self) -> KeySetFetches {
        let state = self.lock();
        KeySetFetches::new(&self.issuer.url, state.told, &state.published)
    }

    /// Does what is due, and comes back later.
    fn tick(&self) {
        let is_due = |last: Instant| last.elapsed() >= REFRESH_AFTER;
        let mut state = self.lock();
        let is_idle = !state.is_busy();
        let is_stale = state.problem.is_some() || state.last.is_none_or(is_due);
        if is_idle && (state.keys_url.is_none() || is_stale) {
            state.busy_since = Some(Instant::now());
            drop(state);
            self.fetch();
        } else {
            drop(state);
        }
        let itself = Weak::clone(&self.itself);
        self.network.after(
            POLL_EVERY,
            Box::new(move || {
                if let Some(provider) = itself.upgrade() {
                    provider.tick();
                }
            }),
        );
    }

    /// Begins to get the discovery document, or the keys if it is known where they are.
    fn fetch(&self) {
        let keys_url = self.lock().keys_url.clone();
        let is_for_keys = keys_url.is_some();
        let url = keys_url.unwrap_or_else(|| discovery::discovery_url(&self.issuer));
        let request = Get { url, bearer: None, most_bytes: MOST_BYTES, within: FETCH_WITHIN };
        let itself = Weak::clone(&self.itself);
        self.client.get(
            request,
            Box::new(move |answer| {
                let Some(provider) = itself.upgrade() else { return };
                match is_for_keys {
                    true => provider.fetched(answer),
                    false => provider.discovered(answer),
                }
            }),
        );
    }

    fn discovered(&self, answer: Result<Answer, String>) {
        let found = answer.and_then(|answer| discovery::keys_url(&answer, &self.issuer.url));
        let mut state = self.lock();
        match found {
            Ok(url) => {
                tracing::info!(issuer = %self.issuer.url, keys = %url, "issuer of tokens found");
                state.keys_url = Some(url);
                state.problem = None;
                drop(state);
                self.fetch();
            }
            Err(problem) => {
                tracing::error!(
                    issuer = %self.issuer.url,
                    "oidc authenticator: initializing plugin: {problem}"
                );
                state.busy_since = None;
                state.problem = Some(problem);
                drop(state);
            }
        }
        self.changed.notify_all();
    }

    fn fetched(&self, answer: Result<Answer, String>) {
        let keys = answer.and_then(|answer| Ok((discovery::keys(&answer)?, answer.body)));
        let now = Instant::now();
        let mut state = self.lock();
        state.busy_since = None;
        state.fetches += 1;
        state.last = Some(now);
        let [good, bad] = &mut state.told;
        *(if keys.is_ok() { good } else { bad }) = Some(SystemTime::now());
        let is_new = match keys {
            Ok((keys, published)) => {
                state.problem = None;
                let is_new = published != state.published || self.keys.load().is_none();
                if is_new {
                    let count = keys.iter().count();
                    tracing::info!(issuer = %self.issuer.url, count, "keys of an issuer loaded");
                    state.published = published;
                    self.keys.store(Some(Arc::new(keys)));
                }
                is_new
            }
            Err(problem) => {
                if state.problem.as_ref() != Some(&problem) {
                    tracing::error!(
                        issuer = %self.issuer.url,
                        "keys of an issuer cannot be had, those that are known serve on: {problem}"
                    );
                }
                state.problem = Some(problem);
                false
            }
        };
        if is_new {
            state.patience = LEAST_PATIENCE;
            state.not_before = None;
        } else {
            state.not_before = Some(now + state.patience);
            state.patience = (state.patience * 2).min(MOST_PATIENCE);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for a fetch of keys that begins now, or is under way. At once if there was one just now.
    fn refresh(&self) -> Result<(), String> {
        let mut state = self.lock();
        if !state.is_busy() {
            if state.not_before.is_some_and(|time| Instant::now() < time) {
                let problem = state.problem.as_ref();
                return problem.map_or(Ok(()), |problem| Err(format!("fetching keys {problem}")));
            }
            state.busy_since = Some(Instant::now());
            drop(state);
            self.fetch();
            state = self.lock();
        }
        if state.waiting >= MOST_WAITING {
            return Err("fetching keys oidc: too many requests wait for them".to_owned());
        }
        state.waiting += 1;
        let fetches = state.fetches;
        drop(state);
        self.network.wait(&mut || {
            let is_under_way = |state: &mut State| state.is_busy() && state.fetches == fetches;
            drop(self.changed.wait_timeout_while(self.lock(), WAIT_AT_MOST, is_under_way));
        });
        let mut state = self.lock();
        state.waiting -= 1;
        if state.is_busy() && state.fetches == fetches {
            return Err("fetching keys oidc: get keys failed: the issuer takes too long".to_owned());
        }
        state.problem.as_ref().map_or(Ok(()), |problem| Err(format!("fetching keys {problem}")))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn verifies(&self, token: &Jws<'_>) -> bool {
        let keys = self.keys.load();
        let Some(keys) = keys.as_ref() else { return false };
        keys.candidates(token.header().key_id()).any(|key| token.verify(key).is_ok())
    }
}

impl State {
    /// Whether something is being got. What takes far too long is given up.
    fn is_busy(&self) -> bool {
        self.busy_since.is_some_and(|since| since.elapsed() < FETCH_WITHIN * 2)
    }
}

impl CheckSignature for Provider {
    /// Waits for the network only if none of the known keys made the signature.
    fn check(&self, token: &Jws<'_>) -> Result<(), String> {
        if self.verifies(token) {
            return Ok(());
        }
        self.refresh()?;
        match self.verifies(token) {
            true => Ok(()),
            false => Err("failed to verify id token signature".to_owned()),
        }
    }
}

/// How often a provider looks whether something is to be done.
const POLL_EVERY: Duration = Duration::from_secs(10);
/// How old keys get before they are looked at again.
const REFRESH_AFTER: Duration = Duration::from_secs(300);
const FETCH_WITHIN: Duration = Duration::from_secs(30);
/// No discovery document or key set needs more.
const MOST_BYTES: usize = 1 << 20;
/// After a fetch that brought nothing new, tokens cause no other one for this long, then twice as long.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);
const MOST_PATIENCE: Duration = Duration::from_secs(10);
/// How long a token with an unknown key waits for the issuer.
const WAIT_AT_MOST: Duration = Duration::from_secs(5);
const MOST_WAITING: usize = 16;
