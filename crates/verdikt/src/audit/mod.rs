//! The audit trail: who asked for what, when, and what came of it, as `audit.k8s.io/v1` Events.
//!
//! Follows apiserver's `pkg/audit` and `plugin/pkg/audit/{log,buffered,truncate}`. A front begins a
//! [`Trail`] for each request ([`crate::Engine::begin_audit`]), tells it what happens, and ends it
//! with the answer. Events are handed on as records, in which facts are copied as they are; they become words where
//! they are written, in mode batch on a thread of its own. A queue of them is bounded in bytes.

mod arrival;
mod auditor;
mod counters;
mod engine;
mod id;
mod json;
mod legacy;
mod options;
mod policy;
mod record;
mod render;
mod sink;
mod time;
mod trail;

pub use arrival::{Arrival, source_ips};
pub use auditor::NotStored;
pub use counters::AuditStatus;
pub use options::{BatchOptions, Format, LogOptions, Mode, Throttle, Truncate};
pub use policy::{Config, Policy};
pub use trail::{Answer, ObjectMeta, Trail, is_long_running};
pub use verdikt_parser::audit_policy::{Level, Stage, Stages};

pub(crate) use auditor::Auditor;
pub(crate) use id::Ids;
