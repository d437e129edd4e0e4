//! Where lines end up: a file that is rotated, or standard output; at once, or through a queue.

mod backups;
mod file;
mod lines;
mod output;
mod queue;

pub(super) use lines::Slice;
pub(super) use output::{Output, StoreError};
pub(super) use queue::Queue;
