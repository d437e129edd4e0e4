//! ABAC: the lines of a policy file as a table.
//!
//! Follows `pkg/auth/authorizer/abac` of Kubernetes, which reads line after line; what a line says in
//! its older form has been put into the present one by the parser.

mod compile;
mod explain;
mod lookup;
mod objects;
mod prefixes;
mod rules_for;
mod table;
mod who_can;

#[cfg(test)]
mod tests;

pub use explain::{Miss, NO_POLICY_MATCHED, rule_text, subject_text, why_not};
pub use table::Table;
