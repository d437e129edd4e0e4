//! RBAC: roles and bindings as tables.
//!
//! Follows `plugin/pkg/auth/authorizer/rbac` and `pkg/registry/rbac/validation` of Kubernetes.

mod aggregate;
mod compile;
mod explain;
mod lookup;
pub(crate) mod matching;
mod matrix;
mod names;
mod objects;
mod permission;
mod permission_builder;
mod reason;
mod rules_for;
mod set;
mod table;
mod verb;
mod who_can;

pub(crate) use aggregate::selections;
pub use aggregate::{AggregationError, aggregate};
pub use explain::{Explanation, Miss, MissKind, Path};
pub use table::{Stats, Table};

#[cfg(test)]
mod tests;
