//! Node: which node may read which object, as one table of pairs.
//!
//! Follows `plugin/pkg/auth/authorizer/node` of Kubernetes. Upstream walks a graph of objects for each
//! decision. Here the walk is done when an object changes, and its outcome is kept: a pair (node, object)
//! with the number of ways that lead from the one to the other. A decision is one probe for that pair.
//!
//! [`Graph`] is what is written, by one writer; [`Index`] is what is read, an immutable state of it.

mod explain;
mod files;
mod graph;
mod index;
mod lookup;
mod pairs;
mod reason;
mod record;
mod static_rules;
mod update;
mod who_can;

pub use explain::Explanation;
pub use graph::Graph;
pub use index::{Index, Stats};
pub use lookup::Ground;
pub use reason::Refusal;
pub use update::Event;

#[cfg(test)]
mod tests;
