//! What an engine counts and times, under Kubernetes' names where it has them.
//!
//! Each family stands beside the code that counts it; here are those of the engine as a whole. Those of
//! decisions and of requests are asked for once and kept, so that counting takes no lock.

mod configuration;
mod decisions;
mod impersonation;
mod requests;
mod server_id;
mod state;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::Engine;

pub use verdikt_core::metrics::{
    Counter, DEFAULT_BUCKETS, Family, Gauge, Histogram, Kind, Labels, MILLISECONDS, Metrics,
    Reading, Sample, Value,
};

pub(crate) use configuration::ConfigurationFamilies;
pub(crate) use decisions::Decisions;
pub(crate) use impersonation::{Attempt, mode};
pub(crate) use requests::Requests;
pub(crate) use server_id::SERVER_ID;
pub(crate) use state::PolicyReloads;

impl Engine {
    /// Where a front counts what only it sees.
    pub fn registry(&self) -> &Metrics {
        &self.0.metrics
    }

    /// All that has been counted since the engine was built, by name.
    pub fn metrics(&self) -> Vec<Reading> {
        let mut all = self.0.metrics.read();
        all.extend(state::read(self));
        all.sort_by_key(|reading| reading.family.name);
        all
    }
}

/// The time, in seconds.
pub(crate) fn now() -> f64 {
    seconds(SystemTime::now())
}

/// A time, in seconds since 1970.
fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
