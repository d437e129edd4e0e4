//! Where policy comes from: files, read as one consistent set and watched for changes.
//!
//! Reading goes `list` (what lies there, links resolved, nothing opened) → `read` (bounded) →
//! [`Contents`], which are compared by [`Contents::digests`]. Watching lists again and again, and
//! tells someone else to read when something may have changed.

mod bell;
mod contents;
pub(crate) mod excerpts;
mod files;
mod findings;
mod listing;
mod places;
mod read;
#[cfg(test)]
mod tests;
mod walk;
mod watch;

pub use contents::{Contents, Digests, Text};
pub use files::{FileKind, FileSet};
pub(crate) use read::{cannot, read_file};
pub use watch::{WatchOptions, Watcher};
