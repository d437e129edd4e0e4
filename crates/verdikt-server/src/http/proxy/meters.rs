//! What is counted of requests that are handed on.

use std::sync::Arc;
use std::time::Duration;

use verdikt::Engine;
use verdikt::metrics::{Counter, DEFAULT_BUCKETS, Family, Gauge, Histogram};

use super::upstream::Failure;

/// Of one upstream.
pub(super) struct Meters {
    answered: Arc<Counter>,
    unreachable: Arc<Counter>,
    broken: Arc<Counter>,
    silent: Arc<Counter>,
    client: Arc<Counter>,
    full: Arc<Counter>,
    duration: Arc<Histogram>,
    tunnels: Arc<Gauge>,
}

impl Meters {
    pub(super) fn new(engine: &Engine) -> Self {
        let metrics = engine.registry();
        let result = |result| metrics.counter(&REQUESTS, &[("result", result)]);
        Self {
            answered: result("answered"),
            unreachable: result("unreachable"),
            broken: result("broken"),
            silent: result("timeout"),
            client: result("client"),
            full: result("full"),
            duration: metrics.histogram(&DURATION, &[]),
            tunnels: metrics.gauge(&TUNNELS, &[]),
        }
    }

    /// The upstream has begun to answer, which took so long.
    pub(super) fn answered(&self, took: Duration) {
        self.answered.add(1);
        self.duration.observe(took);
    }

    pub(super) fn failed(&self, failure: &Failure) {
        let counter = match failure {
            Failure::Client(_) => &self.client,
            Failure::Full => &self.full,
            Failure::Unreachable(_) => &self.unreachable,
            Failure::Broken(_) => &self.broken,
            Failure::Silent => &self.silent,
        };
        counter.add(1);
    }

    /// One more tunnel, until what is returned is dropped.
    pub(super) fn open(&self) -> Open {
        self.tunnels.change(1.0);
        Open(Arc::clone(&self.tunnels))
    }
}

/// A tunnel that is there.
pub(super) struct Open(Arc<Gauge>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.change(-1.0);
    }
}

const REQUESTS: Family = Family::counter(
    "verdikt_upstream_requests_total",
    "Requests that were handed on, by what came of it: answered, unreachable, broken, timeout, client (its body did not come), or full (too many tunnels).",
);
const DURATION: Family = Family::histogram(
    "verdikt_upstream_duration_seconds",
    "How long the upstream took to begin its answers.",
    DEFAULT_BUCKETS,
);
const TUNNELS: Family = Family::gauge(
    "verdikt_upstream_tunnels",
    "Connections that have become WebSockets and the like.",
);
