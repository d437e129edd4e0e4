//! Worlds to measure in and the floor to measure against.
//!
//! `cargo bench -p verdikt-bench` runs the criterion benches; `cargo run --release -p verdikt-bench --
//! decision --bindings N --json` prints the figures that README and issues speak of.

pub mod audit;
pub mod floor;
pub mod fronts;
#[expect(clippy::indexing_slicing, reason = "indices are drawn below the length")]
pub mod lines;
pub mod measure;
#[expect(clippy::indexing_slicing, reason = "pods are made with what is indexed")]
pub mod nodes;
pub mod tokens;
#[expect(clippy::indexing_slicing, reason = "indices are drawn below the length")]
pub mod world;
