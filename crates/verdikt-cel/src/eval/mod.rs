//! Values of expressions.
//!
//! An expression is planned once (`plan.rs`: names become places, constants are folded) and evaluated by
//! walking the plan (`run.rs`).

mod fold;
mod node;
mod plan;
mod run;
mod select;

pub(crate) use plan::{Plan, plan};
pub(crate) use run::evaluate;
