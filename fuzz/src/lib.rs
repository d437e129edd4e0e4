//! What each fuzz target does with its input, apart from any fuzzer.
//!
//! `fuzz_targets/` feeds these functions from libFuzzer; the project's tests feed them everything in
//! `seeds/` and `regressions/`, so that a crash once found stays fixed.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod case;
mod certificates;
pub mod node_world;
// Included as a file, so that fuzzing need not build the tests and the servers they start.
#[path = "../../tests/src/reference/mod.rs"]
pub mod reference;
pub mod world;
