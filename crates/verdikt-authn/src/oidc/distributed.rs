//! Groups that a token says are elsewhere: distributed claims of OpenID Connect Core 1.0, section 5.6.2.
//!
//! Follows `claimResolver` of apiserver's `plugin/pkg/authenticator/token/oidc/oidc.go`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use verdikt_core::{GoQuoted, Secret};
use verdikt_parser::authentication_config::Issuer;

use super::claims::Claims;
use super::id_token::field;
use super::peek::{MOST_DEPTH, untrusted_issuer};
use super::provider::Provider;
use super::verify::Rules;
use crate::Moment;
use crate::jwt::json::{Json, Kind, Value, cannot_decode};
use crate::remote::Get;

/// Gets one claim from where a token says it is.
#[derive(Debug)]
pub(super) struct Resolver {
    claim: String,
    /// The provider of the issuer whose tokens are looked at: with its client all is got. None if keys
    /// are given and there is no network.
    main: Option<Arc<Provider>>,
    rules: Arc<Rules>,
    /// Providers of whoever issued what was got, by URL.
    others: Mutex<BTreeMap<String, Arc<Provider>>>,
    under_way: AtomicUsize,
}

/// Where a claim is.
#[derive(Default)]
struct Endpoint {
    url: String,
    access_token: String,
}

impl Resolver {
    pub(super) fn new(claim: &str, main: Option<&Arc<Provider>>, rules: Arc<Rules>) -> Self {
        Self {
            claim: claim.to_owned(),
            main: main.map(Arc::clone),
            rules,
            others: Mutex::default(),
            under_way: AtomicUsize::new(0),
        }
    }

    /// The value of the claim as JSON, if it is elsewhere.
    pub(super) fn resolve(
        &self,
        claims: &Claims<'_>,
        now: Moment,
    ) -> Result<Option<Vec<u8>>, String> {
        if claims.get(&self.claim).is_some() {
            return Ok(None);
        }
        let Some(names) = claims.get("_claim_names") else { return Ok(None) };
        let sources = claims.get("_claim_sources");
        match self.endpoint(names, sources)? {
            Some(endpoint) if !endpoint.url.is_empty() => self.fetch(endpoint, now).map(Some),
            // What is not at a URL may be in the token itself, which is not looked at.
            _ => Ok(None),
        }
    }

    fn endpoint(
        &self,
        names: Value<'_>,
        sources: Option<Value<'_>>,
    ) -> Result<Option<Endpoint>, String> {
        let source_of_claim = source_of(names, &self.claim)
            .map_err(|error| format!("oidc: error parsing distributed claim names: {error}"))?;
        let sources = sources.ok_or("oidc: no claim sources")?;
        if !matches!(sources.kind(), Kind::Object | Kind::Null) {
            let error = cannot_decode(sources.kind().name(), "map[string]oidc.endpoint");
            return Err(format!("oidc: could not parse claim sources: {error}"));
        }
        let Some(source) = source_of_claim else { return Ok(None) };
        let endpoint = sources.members().filter(|(name, _)| *name == source).last();
        let (_, endpoint) = endpoint.ok_or_else(|| {
            format!("id token _claim_names contained a source {source} missing in _claims_sources")
        })?;
        Ok(Some(Endpoint::read(endpoint)))
    }

    fn fetch(&self, endpoint: Endpoint, now: Moment) -> Result<Vec<u8>, String> {
        let (claim, url) = (&self.claim, endpoint.url.clone());
        let failed =
            |error: &str| format!("while getting distributed claim {}: {error}", GoQuoted(claim));
        let main = self.main.as_ref().ok_or_else(|| failed("there is no network"))?;
        let token = self.get(main, endpoint).map_err(|error| failed(&error))?;
        let issuer = untrusted_issuer(&token).map_err(|error| {
            let claim = GoQuoted(claim);
            format!(
                "getting untrusted issuer from endpoint {url} failed for claim {claim}: {error}"
            )
        })?;
        let provider = self
            .provider(main, &issuer)
            .map_err(|error| format!("verifying untrusted issuer {issuer} failed: {error}"))?;
        let verified = self
            .rules
            .verify(&token, &issuer, &*provider, now)
            .map_err(|error| format!("verify distributed claim token: {error}"))?;
        let json = Json::parse(&verified.payload, MOST_DEPTH).map_err(|error| {
            format!("could not parse distributed claims for claim {claim}: {error}")
        })?;
        let value = Claims::of(&json).get(claim).map(|value| value.raw().to_vec());
        value.ok_or_else(|| {
            format!(
                "jwt returned by distributed claim endpoint {} did not contain claim: {claim}",
                GoQuoted(&url)
            )
        })
    }

    fn get(&self, main: &Provider, endpoint: Endpoint) -> Result<String, String> {
        let Some(_place) = Place::take(&self.under_way) else {
            return Err("too many distributed claims are being fetched".to_owned());
        };
        let bearer = Some(endpoint.access_token).filter(|token| !token.is_empty());
        let request = Get {
            url: endpoint.url,
            bearer: bearer.map(|token| Secret::new(token.into_bytes())),
            most_bytes: MOST_BYTES,
            within: GET_WITHIN,
        };
        let (send, receive) = sync_channel(1);
        // Nobody may be there any more to take the answer.
        let done = Box::new(move |answer| drop(send.try_send(answer)));
        main.client().get(request, done);
        let timeout = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
        let mut answer = Err(timeout.to_owned());
        main.network().wait(&mut || {
            if let Ok(received) = receive.recv_timeout(GET_WITHIN + Duration::from_secs(1)) {
                answer = received;
            }
        });
        let answer = answer?;
        if !(200..=226).contains(&answer.status) {
            return Err(format!(
                "error while getting distributed claim JWT: {}",
                answer.status_line
            ));
        }
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// The provider of an issuer that nothing is known about yet.
    fn provider(&self, main: &Arc<Provider>, issuer: &str) -> Result<Arc<Provider>, String> {
        let provider = if issuer == main.issuer().url {
            Arc::clone(main)
        } else {
            let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
            match others.get(issuer) {
                Some(provider) => Arc::clone(provider),
                None if others.len() >= MOST_OTHERS => {
                    return Err("too many issuers of distributed claims".to_owned());
                }
                None => {
                    let other = Issuer {
                        url: issuer.to_owned(),
                        certificate_authority: main.issuer().certificate_authority.clone(),
                        ..Issuer::default()
                    };
                    let provider = Provider::start(&other, main.network())?;
                    others.insert(issuer.to_owned(), Arc::clone(&provider));
                    provider
                }
            }
        };
        if provider.is_initialized() {
            return Ok(provider);
        }
        Err(format!("verifier not initialized for issuer: {}", GoQuoted(issuer)))
    }
}

impl Endpoint {
    fn read(value: Value<'_>) -> Self {
        let mut endpoint = Self::default();
        for (name, value) in value.members() {
            let Some(text) = value.as_text() else { continue };
            match field(&name, &["endpoint", "access_token"]) {
                "endpoint" => endpoint.url = text.into_owned(),
                "access_token" => endpoint.access_token = text.into_owned(),
                _ => {}
            }
        }
        endpoint
    }
}

/// The source that has a claim.
fn source_of(names: Value<'_>, claim: &str) -> Result<Option<String>, String> {
    if !matches!(names.kind(), Kind::Object | Kind::Null) {
        return Err(cannot_decode(names.kind().name(), "map[string]string"));
    }
    let source = names.members().filter(|(name, _)| name == claim).last();
    Ok(source.map(|(_, source)| source.as_text().unwrap_or_default().into_owned()))
}

/// One of a bounded number of places.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(taken: &'a AtomicUsize) -> Option<Self> {
        if taken.fetch_add(1, Ordering::AcqRel) < MOST_UNDER_WAY {
            return Some(Self(taken));
        }
        taken.fetch_sub(1, Ordering::AcqRel);
        None
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

const GET_WITHIN: Duration = Duration::from_secs(10);
const MOST_BYTES: usize = 1 << 20;
const MOST_OTHERS: usize = 64;
const MOST_UNDER_WAY: usize = 16;
