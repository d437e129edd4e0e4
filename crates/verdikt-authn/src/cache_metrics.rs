//! What the cache of tokens counts.
//!
//! Follows apiserver's `pkg/authentication/token/cache/stats.go`, whose durations are whole milliseconds: a
//! hit takes none of them, so no clock is read for it.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use verdikt_core::metrics::{Counter, DEFAULT_BUCKETS, Family, Gauge, Histogram, Metrics};

use crate::Outcome;

/// The same for the caches of all states of policy.
#[derive(Debug)]
pub(crate) struct CacheMetrics {
    hits: Arc<Counter>,
    misses: Arc<Histogram>,
    blocked: Arc<Gauge>,
    in_flight: Arc<Gauge>,
    good: Arc<Counter>,
    bad: Arc<Counter>,
}

impl CacheMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let active = |status| metrics.gauge(&ACTIVE, &[("status", status)]);
        let fetches = |status| metrics.counter(&FETCHES, &[("status", status)]);
        Self {
            hits: metrics.timeless_counter(&REQUESTS, &SECONDS, &[("status", "hit")]),
            misses: metrics.counted_histogram(&REQUESTS, &SECONDS, &[("status", "miss")]),
            blocked: active("blocked"),
            in_flight: active("in_flight"),
            good: fetches("ok"),
            bad: fetches("error"),
        }
    }

    #[inline]
    pub(crate) fn hit(&self) {
        self.hits.add(1);
    }

    /// Somebody waits for an answer, until this is dropped.
    pub(crate) fn miss(&self) -> Wait<'_> {
        self.blocked.change(1.0);
        Wait { counts: self, since: Instant::now() }
    }

    /// Somebody is asked, until this is dropped.
    pub(crate) fn fetch(&self) -> Fetch<'_> {
        self.in_flight.change(1.0);
        Fetch { counts: self, is_good: Cell::new(false) }
    }
}

pub(crate) struct Wait<'c> {
    counts: &'c CacheMetrics,
    since: Instant,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.counts.blocked.change(-1.0);
        self.counts.misses.observe(self.since.elapsed());
    }
}

pub(crate) struct Fetch<'c> {
    counts: &'c CacheMetrics,
    is_good: Cell<bool>,
}

impl Fetch<'_> {
    /// Says what came of it; an error if nothing is said.
    pub(crate) fn brought(&self, outcome: &Outcome) {
        self.is_good.set(!matches!(outcome, Outcome::Failed(_)));
    }
}

impl Drop for Fetch<'_> {
    fn drop(&mut self) {
        let CacheMetrics { in_flight, good, bad, .. } = self.counts;
        in_flight.change(-1.0);
        if self.is_good.get() { good.add(1) } else { bad.add(1) }
    }
}

// Upstream says nothing about any of them.
const REQUESTS: Family = Family::counter("authentication_token_cache_request_total", "[ALPHA] ");
const SECONDS: Family = Family::histogram(
    "authentication_token_cache_request_duration_seconds",
    "[ALPHA] ",
    DEFAULT_BUCKETS,
);
const FETCHES: Family = Family::counter("authentication_token_cache_fetch_total", "[ALPHA] ");
const ACTIVE: Family = Family::gauge("authentication_token_cache_active_fetch_count", "[ALPHA] ");
