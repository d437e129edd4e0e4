//! The webhook authorizer: asks somebody else, and remembers for a while what was said.
//!
//! Follows apiserver's `plugin/pkg/authorizer/webhook/webhook.go`.

mod cache;
mod review;
mod spec;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use verdikt_core::metrics::{DEFAULT_BUCKETS, Family};
use verdikt_core::{Attributes, Effect};

use super::match_conditions::MatchConditions;
use crate::metrics::Metrics;
use crate::remote::webhook::{Outcome, Webhook};
use cache::Cache;
use review::Status;
pub(crate) use review::Version;

/// How a webhook is asked.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) name: Arc<str>,
    pub(crate) version: Version,
    /// None of it if zero.
    pub(crate) authorized_ttl: Duration,
    pub(crate) unauthorized_ttl: Duration,
    /// What it means if no answer is to be had: no opinion, or Deny.
    pub(crate) on_error: Effect,
    pub(crate) conditions: Option<MatchConditions>,
}

/// An authorizer that lies elsewhere.
#[derive(Debug)]
pub(crate) struct WebhookAuthorizer {
    options: Options,
    webhook: Webhook,
    cache: Cache,
    metrics: Metrics,
}

/// What it decided, in words of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) effect: Effect,
    pub(crate) reason: String,
    pub(crate) error: Option<String>,
}

impl WebhookAuthorizer {
    pub(crate) fn new(options: Options, webhook: Webhook, metrics: Metrics) -> Self {
        Self { options, webhook, cache: Cache::new(CACHE_BYTES), metrics }
    }

    /// What it is called in reasons.
    pub(crate) fn name(&self) -> &str {
        &self.options.name
    }

    /// Asks, and waits for the answer.
    pub(crate) fn authorize(&self, request: &Attributes<'_>) -> Said {
        let spec = spec::of(request);
        if let Some(said) = self.unless_it_matches(&spec) {
            return said;
        }
        let user = request.user.map_or("", |user| user.user().name.as_str());
        let key = review::spec_json(&spec, Version::V1);
        if let Some(status) = self.cache.get(user, &key, Instant::now()) {
            return Said::of(status);
        }
        match self.ask(review::request(&spec, self.options.version)) {
            Ok(status) => {
                if is_worth_keeping(request, &key) {
                    let Options { authorized_ttl, unauthorized_ttl, .. } = &self.options;
                    let ttl = if status.allowed { authorized_ttl } else { unauthorized_ttl };
                    self.cache.put(user, &key, &status, *ttl, Instant::now());
                }
                Said::of(status)
            }
            Err(error) => {
                tracing::error!("Failed to make webhook authorizer request: {error}");
                self.failed(error)
            }
        }
    }

    /// What is said of a request without asking, because it does not match, or that is not known.
    fn unless_it_matches(&self, spec: &super::match_conditions::ReviewSpec) -> Option<Said> {
        let conditions = self.options.conditions.as_ref()?;
        let started = Instant::now();
        let matches = conditions.matches(spec);
        let labels = [("type", "Webhook"), ("name", self.name())];
        self.metrics.histogram(&MATCH_SECONDS, &labels).observe(started.elapsed());
        match matches {
            Ok(true) => None,
            Ok(false) => {
                self.metrics.counter(&MATCH_EXCLUSIONS, &labels).add(1);
                Some(Said { effect: Effect::NoOpinion, reason: String::new(), error: None })
            }
            Err(error) => {
                self.metrics.counter(&MATCH_ERRORS, &labels).add(1);
                Some(self.failed(error))
            }
        }
    }

    fn ask(&self, body: String) -> Result<Status, String> {
        let version = self.options.version;
        let (metrics, name) = (self.metrics.clone(), Arc::clone(&self.options.name));
        let observe = move |outcome, took| {
            let labels = [("name", &*name), ("result", result_name(outcome))];
            metrics.counted_histogram(&EVALUATIONS, &DURATION, &labels).observe(took);
        };
        let decode = move |answer: &_| review::status(answer, version);
        self.webhook.post(body.into_bytes(), decode, observe).map_err(|failure| {
            if self.options.on_error == Effect::NoOpinion {
                let outcome = if failure.is_timeout() { Outcome::Timeout } else { Outcome::Error };
                let labels = [("name", self.name()), ("result", result_name(outcome))];
                self.metrics.counter(&FAIL_OPEN, &labels).add(1);
            }
            failure.to_string()
        })
    }

    fn failed(&self, error: String) -> Said {
        Said { effect: self.options.on_error, reason: String::new(), error: Some(error) }
    }
}

impl Said {
    fn of(status: Status) -> Self {
        let Status { allowed, denied, reason } = status;
        let effect = match (denied, allowed) {
            (true, _) => Effect::Deny,
            (false, true) => Effect::Allow,
            (false, false) => Effect::NoOpinion,
        };
        let error = (denied && allowed).then(|| BOTH.to_owned());
        Self { effect, reason, error }
    }
}

/// Upstream counts what the sender of a request chooses, but for selectors and what is known of the user;
/// here the key as a whole has a bound as well.
fn is_worth_keeping(request: &Attributes<'_>, key: &str) -> bool {
    let chosen = [
        request.namespace,
        request.verb,
        request.api_group,
        request.api_version,
        request.resource,
        request.subresource,
        request.name,
        request.path,
    ];
    let chosen: usize = chosen.iter().map(|text| text.len()).sum();
    chosen < MOST_CHOSEN_BYTES && key.len() < MOST_KEY_BYTES
}

fn result_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Timeout => "timeout",
        Outcome::Error => "error",
    }
}

/// What it says of listing rules.
pub(crate) const NO_RULES: &str = "webhook authorizer does not support user rule resolution";
const BOTH: &str = "webhook subject access review returned both allow and deny response";
const MOST_CHOSEN_BYTES: usize = 10_000;
const MOST_KEY_BYTES: usize = 64 << 10;
const CACHE_BYTES: usize = 16 << 20;

const EVALUATIONS: Family = Family::counter(
    "apiserver_authorization_webhook_evaluations_total",
    "[ALPHA] Round-trips to authorization webhooks.",
);
const DURATION: Family = Family::histogram(
    "apiserver_authorization_webhook_duration_seconds",
    "[ALPHA] Request latency in seconds.",
    DEFAULT_BUCKETS,
);
const FAIL_OPEN: Family = Family::counter(
    "apiserver_authorization_webhook_evaluations_fail_open_total",
    "[ALPHA] NoOpinion results due to webhook timeout or error.",
);
const MATCH_ERRORS: Family = Family::counter(
    "apiserver_authorization_match_condition_evaluation_errors_total",
    "[ALPHA] Total number of errors when an authorization webhook encounters a match condition error split by authorizer type and name.",
);
const MATCH_EXCLUSIONS: Family = Family::counter(
    "apiserver_authorization_match_condition_exclusions_total",
    "[ALPHA] Total number of exclusions when an authorization webhook is skipped because match conditions exclude it.",
);
const MATCH_SECONDS: Family = Family::histogram(
    "apiserver_authorization_match_condition_evaluation_seconds",
    "[ALPHA] Authorization match condition evaluation time in seconds, split by authorizer type and name.",
    &[0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25],
);
