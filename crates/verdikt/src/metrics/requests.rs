//! What becomes of requests at a front: who sent them, whether they may, and how long that took to say.
//!
//! Follows apiserver's `pkg/endpoints/filters/metrics.go`.

use std::sync::Arc;
use std::time::Duration;

use verdikt_authn::Outcome;
use verdikt_core::Effect;
use verdikt_core::metrics::{Counter, Family, Histogram, MILLISECONDS, Metrics};

use crate::{Decision, Engine};

/// Of all requests of an engine's fronts.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    authentication: [Arc<Histogram>; 3],
    authorization: [Arc<Histogram>; 4],
    users: [Arc<Counter>; USERS.len()],
}

impl Requests {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let result = |counts, times| {
            move |result| metrics.counted_histogram(counts, times, &[("result", result)])
        };
        Self {
            authentication: ["success", "failure", "error"]
                .map(result(&AUTHENTICATION_ATTEMPTS, &AUTHENTICATION_DURATION)),
            authorization: ["allowed", "denied", "no-opinion", "error"]
                .map(result(&AUTHORIZATION_ATTEMPTS, &AUTHORIZATION_DURATION)),
            users: USERS.map(|name| metrics.counter(&USER_REQUESTS, &[("username", name)])),
        }
    }
}

impl Engine {
    /// Counts what came of a request's credentials, which took so long to say. A front does so for each
    /// request it answers; [`Engine::authenticate`] does not, for it may be about somebody else.
    pub fn count_authentication(&self, outcome: &Outcome, took: Duration) {
        let requests = &self.0.requests;
        let [success, failure, error] = &requests.authentication;
        match outcome {
            Outcome::Authenticated(who) => {
                success.observe(took);
                if let Some(users) = requests.users.get(class_of(&who.user().name)) {
                    users.add(1);
                }
            }
            Outcome::NoOpinion => failure.observe(took),
            Outcome::Failed(_) => error.observe(took),
        }
    }

    /// Counts what was decided about a request, likewise.
    pub fn count_authorization(&self, decision: &Decision<'_>, took: Duration) {
        let [allowed, denied, no_opinion, error] = &self.0.requests.authorization;
        let result = match decision.effect() {
            Effect::Allow => allowed,
            _ if decision.has_error() => error,
            Effect::Deny => denied,
            Effect::NoOpinion => no_opinion,
        };
        result.observe(took);
    }
}

/// Who is counted apart, as upstream: a few, so that nobody's name is told.
fn class_of(name: &str) -> usize {
    let by_name = USERS.iter().take(KNOWN).position(|known| *known == name);
    let is_address = name.contains('@');
    by_name.unwrap_or(if is_address { KNOWN } else { KNOWN + 1 })
}

const USERS: [&str; KNOWN + 2] = [
    "admin",
    "client",
    "kube_proxy",
    "kubelet",
    "system:serviceaccount:kube-system:default",
    "email_id",
    "other",
];
const KNOWN: usize = 5;

const USER_REQUESTS: Family = Family::counter(
    "authenticated_user_requests",
    "[ALPHA] Counter of authenticated requests broken out by username.",
);
const AUTHENTICATION_ATTEMPTS: Family =
    Family::counter("authentication_attempts", "[ALPHA] Counter of authenticated attempts.");
const AUTHENTICATION_DURATION: Family = Family::histogram(
    "authentication_duration_seconds",
    "[ALPHA] Authentication duration in seconds broken out by result.",
    MILLISECONDS,
);
const AUTHORIZATION_ATTEMPTS: Family = Family::counter(
    "authorization_attempts_total",
    "[ALPHA] Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', 'no-opinion' or 'error'.",
);
const AUTHORIZATION_DURATION: Family = Family::histogram(
    "authorization_duration_seconds",
    "[ALPHA] Authorization duration in seconds broken out by result.",
    MILLISECONDS,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_counted_in_upstreams_classes() {
        for (name, expected) in [
            ("admin", "admin"),
            ("system:serviceaccount:kube-system:default", USERS[4]),
            ("jane@example.com", "email_id"),
            ("email_id", "other"),
            ("jane", "other"),
            ("", "other"),
        ] {
            assert_eq!(USERS[class_of(name)], expected, "{name:?}");
        }
    }
}
