//! How attempts to impersonate somebody ended.
//!
//! Follows apiserver's `pkg/endpoints/filters/impersonation/metrics`. The clock starts with the first question,
//! so that requests that impersonate nobody read none.

use std::cell::Cell;
use std::time::{Duration, Instant};

use verdikt_authn::impersonation::Answer;
use verdikt_core::metrics::{Family, MILLISECONDS, Metrics};

/// One attempt, and the questions asked for it.
pub(crate) struct Attempt<'m> {
    metrics: &'m Metrics,
    since: Cell<Option<Instant>>,
}

impl<'m> Attempt<'m> {
    pub(crate) fn new(metrics: &'m Metrics) -> Self {
        Self { metrics, since: Cell::new(None) }
    }

    /// Counts one question, about this verb.
    pub(crate) fn timed(&self, verb: &str, ask: impl FnOnce() -> Answer) -> Answer {
        let start = Instant::now();
        if self.since.get().is_none() {
            self.since.set(Some(start));
        }
        let answer = ask();
        self.count(&[&CHECKS, &CHECK_SECONDS], mode(verb), answer.allowed, start.elapsed());
        answer
    }

    /// Counts the attempt.
    pub(crate) fn ended(&self, mode: &str, allowed: bool) {
        let took = self.since.get().map_or(Duration::ZERO, |since| since.elapsed());
        self.count(&[&ATTEMPTS, &ATTEMPT_SECONDS], mode, allowed, took);
    }

    fn count(&self, [counts, times]: &[&Family; 2], mode: &str, allowed: bool, took: Duration) {
        let decision = if allowed { "allowed" } else { "denied" };
        let labels = [("mode", mode), ("decision", decision)];
        self.metrics.counted_histogram(counts, times, &labels).observe(took);
    }
}

/// What the metrics call the mode that has this verb or constraint.
pub(crate) fn mode(verb: &str) -> &'static str {
    const MODES: [&str; 4] = ["associated-node", "arbitrary-node", "serviceaccount", "user-info"];
    if matches!(verb, "" | "impersonate") {
        return "legacy";
    }
    let is = |mode: &&&str| {
        let of_mode =
            verb.strip_prefix("impersonate-on:").and_then(|rest| rest.strip_prefix(**mode));
        verb.strip_prefix("impersonate:") == Some(mode)
            || of_mode.is_some_and(|rest| rest.starts_with(':'))
    };
    MODES.iter().find(is).copied().unwrap_or("unknown")
}

const ATTEMPTS: Family = Family::counter(
    "apiserver_impersonation_attempts_total",
    "[ALPHA] Total number of impersonation attempts split by mode and decision.",
);
const ATTEMPT_SECONDS: Family = Family::histogram(
    "apiserver_impersonation_attempts_duration_seconds",
    "[ALPHA] Latency of impersonation attempts in seconds split by mode and decision.",
    MILLISECONDS,
);
const CHECKS: Family = Family::counter(
    "apiserver_impersonation_authorization_attempts_total",
    "[ALPHA] Total number of authorization checks made by the impersonation handler split by mode and decision.",
);
const CHECK_SECONDS: Family = Family::histogram(
    "apiserver_impersonation_authorization_attempts_duration_seconds",
    "[ALPHA] Latency of authorization checks made by the impersonation handler in seconds split by mode and decision.",
    MILLISECONDS,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_tells_its_mode() {
        for (verb, expected) in [
            ("impersonate", "legacy"),
            ("", "legacy"),
            ("impersonate:user-info", "user-info"),
            ("impersonate-on:arbitrary-node:get", "arbitrary-node"),
            ("impersonate-on:user-info", "unknown"),
            ("impersonate:everybody", "unknown"),
        ] {
            assert_eq!(mode(verb), expected, "{verb}");
        }
    }
}
