//! What each authorizer decides.
//!
//! Follows apiserver's `pkg/authorization/metrics`.

use std::sync::Arc;

use verdikt_core::Effect;
use verdikt_core::metrics::{Counter, Family, Metrics};

/// Where the decisions of one authorizer are counted; the same after every reload.
#[derive(Clone, Debug)]
pub(crate) struct Decisions {
    allowed: Arc<Counter>,
    denied: Arc<Counter>,
}

impl Decisions {
    pub(crate) fn new(metrics: &Metrics, kind: &str, name: &str) -> Self {
        let counter = |decision| {
            metrics.counter(&TOTAL, &[("type", kind), ("name", name), ("decision", decision)])
        };
        Self { allowed: counter("allowed"), denied: counter("denied") }
    }

    #[inline]
    pub(crate) fn count(&self, effect: Effect) {
        match effect {
            Effect::Allow => self.allowed.add(1),
            Effect::Deny => self.denied.add(1),
            Effect::NoOpinion => {}
        }
    }
}

const TOTAL: Family = Family::counter(
    "apiserver_authorization_decisions_total",
    "[ALPHA] Total number of terminal decisions made by an authorizer split by authorizer type, name, and decision.",
);
