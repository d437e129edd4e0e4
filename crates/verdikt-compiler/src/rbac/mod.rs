//! RBAC: roles and bindings as tables.
//!
//! Follows `plugin/pkg/auth/authorizer/rbac` and `pkg/registry/rbac/validation` of Kubernetes.

mod aggregate;
mod compile;
mod event;
mod explain;
mod grants;
mod ids;
mod lookup;
pub(crate) mod matching;
mod matrix;
mod names;
mod objects;
mod permission;
mod permission_builder;
mod reason;
mod record;
mod records;
mod role_ids;
mod roles;
mod rules_for;
mod set;
mod table;
mod update;
mod verb;
mod who_can;

pub(crate) use aggregate::selections;
pub use aggregate::{AggregationError, aggregate};
pub use compile::Compiler;
pub use event::{Event, Object};
pub use explain::{Explanation, Miss, MissKind, Path};
pub use table::{Stats, Table};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod update_tests;
