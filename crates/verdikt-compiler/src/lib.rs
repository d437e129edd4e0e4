//! Policy objects to hash-indexed decision tables, and every look-up over them.
//!
//! Each authorizer has a folder: `compile.rs` writes what `table.rs` describes, `lookup.rs` reads it
//! to decide, `explain.rs` reads it to say why. Everything slow happens when policy changes.

pub mod abac;
mod cow;
mod filter;
mod intern;
pub mod lint;
pub mod node;
mod number;
mod paged;
pub mod rbac;
mod rules;
pub mod who_can;

pub use rules::{NonResourceRule, ResourceRule, Rules};
