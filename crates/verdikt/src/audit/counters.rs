//! What happened to events, counted.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use verdikt_parser::audit_policy::Level;

/// The state of the audit trail, for `verdikt status` and `/v1/status`. The numbers are those of
/// upstream's metrics `apiserver_audit_…_total`, where there is one.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditStatus {
    /// Where events go.
    pub log_path: PathBuf,
    /// When they are written.
    pub mode: String,
    /// Requests by the level of the rule they fell under (`level`).
    pub levels: BTreeMap<&'static str, u64>,
    /// Events that were made (`event`).
    pub events: u64,
    /// Events that are where they should be.
    pub stored: u64,
    /// Events that are lost: there was no room, they were too large, or could not be written.
    pub lost: u64,
    /// Of these, the ones a full queue had no room for.
    pub dropped: u64,
    /// Of these, the ones that were larger than an event may be.
    pub too_large: u64,
    /// Attempts to write that failed; the events need not be lost.
    pub write_errors: u64,
    /// Requests that failed because their arrival could not be written (`requests_rejected`).
    pub rejected: u64,
    /// Events that wait to be written.
    pub queued: u64,
    /// Their size.
    pub queued_bytes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    levels: [AtomicU64; 4],
    pub(super) events: Count,
    pub(super) stored: Count,
    pub(super) lost: Count,
    pub(super) dropped: Count,
    pub(super) too_large: Count,
    pub(super) write_errors: Count,
    pub(super) rejected: Count,
}

impl Counters {
    pub(super) fn level(&self, level: Level) {
        if let Some(count) = self.levels.get(level as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn levels(&self) -> BTreeMap<&'static str, u64> {
        let counts = self.levels.iter().map(|count| count.load(Ordering::Relaxed));
        Level::ALL.into_iter().map(Level::as_str).zip(counts).collect()
    }

    /// Counts an event that is too large for the bound on events.
    pub(super) fn count_too_large(&self, bytes: usize, errors: &Interval) {
        self.lost.add(1);
        self.too_large.add(1);
        if errors.is_over() {
            tracing::error!(
                bytes,
                "Error in audit plugin 'truncate' affecting 1 audit events: event is too large even \
                 after truncating"
            );
        }
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Lets through one log line in an interval, so that a sink that is gone does not fill the log.
#[derive(Debug, Default)]
pub(super) struct Interval(Mutex<Option<Instant>>);

impl Interval {
    pub(super) fn is_over(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = last.is_none_or(|last| last.elapsed() >= BETWEEN_LOG_LINES);
        if is_over {
            *last = Some(Instant::now());
        }
        is_over
    }
}

const BETWEEN_LOG_LINES: Duration = Duration::from_secs(10);
