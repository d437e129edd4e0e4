//! The reference interpreter: a slow second opinion on every decision, to be read and audited.
//!
//! Each authorizer is written rule by rule after what Kubernetes does, straight over the objects that
//! were read. It shares no code with the tables it checks, nothing is prepared, and nothing is fast.

pub mod abac;
pub mod aggregation;
pub mod node;
pub mod rbac;

use verdikt_core::Effect;

/// What one authorizer answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Allow or NoOpinion; neither RBAC nor ABAC ever denies.
    pub effect: Effect,
    /// The reason, in Kubernetes' words; may be empty.
    pub reason: String,
}

impl Answer {
    fn allow(reason: impl Into<String>) -> Self {
        Self { effect: Effect::Allow, reason: reason.into() }
    }

    fn no_opinion(reason: impl Into<String>) -> Self {
        Self { effect: Effect::NoOpinion, reason: reason.into() }
    }
}

/// `*` matches every path, `/a*` and `/a**` those that start with `/a`, all else only itself.
fn path_matches(pattern: &str, path: &str) -> bool {
    pattern == "*"
        || pattern == path
        || (pattern.ends_with('*') && path.starts_with(pattern.trim_end_matches('*')))
}
