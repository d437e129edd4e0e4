//! Counters under Kubernetes' names, for whoever exposes them.
//!
//! Follows apiserver's `pkg/authorization/metrics`, `pkg/authorization/cel/metrics.go`,
//! `plugin/pkg/authorizer/webhook/metrics` and `pkg/server/options/authorizationconfig/metrics`.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Engine;

/// One value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metric {
    /// Such as `apiserver_authorization_decisions_total`; durations end in `_sum` and `_count`.
    pub name: String,
    /// Names and values of its labels.
    pub labels: Vec<(&'static str, String)>,
    /// How many, or how many seconds.
    pub value: f64,
}

/// The counters of an engine. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics(Arc<Mutex<Registry>>);

type Labels = Vec<(&'static str, String)>;

#[derive(Debug, Default)]
struct Registry {
    counts: BTreeMap<(&'static str, Labels), u64>,
    times: BTreeMap<(&'static str, Labels), (Duration, u64)>,
    states: BTreeMap<&'static str, BTreeMap<Labels, f64>>,
    decisions: BTreeMap<(&'static str, String), Arc<Decisions>>,
}

/// What one authorizer has decided. Counting costs a few nanoseconds, however many threads count.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    pub(crate) allowed: Counter,
    pub(crate) denied: Counter,
}

/// A count in several places, so that threads do not take it from each other.
#[derive(Debug, Default)]
pub(crate) struct Counter([Shard; SHARDS]);

#[derive(Debug, Default)]
#[repr(align(64))]
struct Shard(AtomicU64);

impl Metrics {
    pub(crate) fn count(&self, name: &'static str, labels: &[(&'static str, &str)]) {
        *self.lock().counts.entry((name, owned(labels))).or_default() += 1;
    }

    pub(crate) fn time(&self, name: &'static str, labels: &[(&'static str, &str)], took: Duration) {
        let mut registry = self.lock();
        let (sum, count) = registry.times.entry((name, owned(labels))).or_default();
        *sum += took;
        *count += 1;
    }

    /// Sets a value; `alone` forgets those with other labels.
    pub(crate) fn set(
        &self,
        name: &'static str,
        labels: &[(&'static str, &str)],
        value: f64,
        alone: bool,
    ) {
        let mut registry = self.lock();
        let states = registry.states.entry(name).or_default();
        if alone {
            states.clear();
        }
        states.insert(owned(labels), value);
    }

    /// Where the decisions of an authorizer are counted; the same after every reload.
    pub(crate) fn decisions(&self, kind: &'static str, name: &str) -> Arc<Decisions> {
        Arc::clone(self.lock().decisions.entry((kind, name.to_owned())).or_default())
    }

    fn all(&self) -> Vec<Metric> {
        let registry = self.lock();
        let mut all = Vec::new();
        for ((kind, name), decisions) in &registry.decisions {
            for (decision, counter) in
                [("allowed", &decisions.allowed), ("denied", &decisions.denied)]
            {
                let labels = [("type", *kind), ("name", name.as_str()), ("decision", decision)];
                #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
                let value = counter.get() as f64;
                if value > 0.0 {
                    all.push(Metric { name: DECISIONS.to_owned(), labels: owned(&labels), value });
                }
            }
        }
        for ((name, labels), count) in &registry.counts {
            #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
            let value = *count as f64;
            all.push(Metric { name: (*name).to_owned(), labels: labels.clone(), value });
        }
        for (name, states) in &registry.states {
            for (labels, value) in states {
                let (name, labels) = ((*name).to_owned(), labels.clone());
                all.push(Metric { name, labels, value: *value });
            }
        }
        for ((name, labels), (sum, count)) in &registry.times {
            #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
            let count = *count as f64;
            for (suffix, value) in [("sum", sum.as_secs_f64()), ("count", count)] {
                let name = format!("{name}_{suffix}");
                all.push(Metric { name, labels: labels.clone(), value });
            }
        }
        all
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counter {
    #[inline]
    pub(crate) fn add(&self) {
        let shard = SHARD.with(Cell::get);
        if let Some(Shard(count)) = self.0.get(shard) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn get(&self) -> u64 {
        self.0.iter().map(|Shard(count)| count.load(Ordering::Relaxed)).sum()
    }
}

impl Engine {
    /// What was counted since the engine was built: decisions, calls of webhooks, reloads, under
    /// Kubernetes' names.
    pub fn metrics(&self) -> Vec<Metric> {
        self.0.metrics.all()
    }
}

fn owned(labels: &[(&'static str, &str)]) -> Labels {
    labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

thread_local! {
    static SHARD: Cell<usize> = Cell::new({
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS
    });
}

const SHARDS: usize = 8;
const DECISIONS: &str = "apiserver_authorization_decisions_total";
