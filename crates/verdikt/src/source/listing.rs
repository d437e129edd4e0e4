//! What a look at a set of files shows without opening any: where each lies, and in which state.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use verdikt_parser::{Diagnostic, Limits};

use super::files::FileKind;
use super::read::{Problem, refuse_special};

/// Everything that would be read, and what was found on the way. Two listings are equal if, as far
/// as can be told without reading, they would be read alike.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) manifests: Vec<Manifest>,
    pub(super) abac: Option<Listed>,
    pub(super) tokens: Option<Listed>,
    pub(super) basic: Option<Listed>,
    pub(super) others: Vec<(FileKind, Listed)>,
    /// Files that other files name, as far as they are there.
    pub(super) named: Vec<Listed>,
    /// Every folder of manifests, links resolved.
    pub(super) folders: Vec<PathBuf>,
    pub(super) found: Vec<Diagnostic>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Manifest {
    Stdin,
    File(Listed),
}

/// A file to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// The path for people: as it was given, and whatever lies below.
    pub(super) path: PathBuf,
    /// The part of `path` below what was given.
    pub(super) local_name: String,
    /// Where it really lies.
    pub(super) real: PathBuf,
    pub(super) state: State,
}

/// Enough to see that a file has been replaced or written to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) bytes: u64,
    modified: Option<SystemTime>,
    inode: Inode,
}

/// Bounds on a set of files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Size of one file.
    pub(super) file_bytes: u64,
    /// Size of all files.
    pub(super) total_bytes: u64,
    /// Entries of all folders, whether they are read or not.
    pub(super) entries: usize,
    /// How deep folders may nest.
    pub(super) depth: usize,
    /// How many findings are kept.
    pub(super) diagnostics: usize,
}

impl Listing {
    /// Whether every file is still as it was when it was listed.
    pub(super) fn is_current(&self) -> bool {
        let manifests = self.manifests.iter().filter_map(|manifest| match manifest {
            Manifest::File(listed) => Some(listed),
            Manifest::Stdin => None,
        });
        let single = [&self.abac, &self.tokens, &self.basic].into_iter().flatten();
        let others = self.others.iter().map(|(_, listed)| listed);
        manifests.chain(single).chain(others).chain(&self.named).all(Listed::is_current)
    }
}

impl Listed {
    pub(super) fn new(
        path: &Path,
        local_name: String,
        found: (PathBuf, Metadata),
    ) -> Result<Self, Problem> {
        let (real, metadata) = found;
        refuse_special(&metadata, &path.display().to_string())?;
        Ok(Self { path: path.to_owned(), local_name, real, state: State::of(&metadata) })
    }

    fn is_current(&self) -> bool {
        self.real.metadata().is_ok_and(|metadata| State::of(&metadata) == self.state)
    }
}

impl State {
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok();
        Self { bytes: metadata.len(), modified, inode: Inode::of(metadata) }
    }
}

/// Which file it is, and when the file system last changed anything about it; unlike the time of
/// modification, that cannot be set by whoever writes the file.
#[derive(Debug, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
    changed: (i64, i64),
}

impl Inode {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        Self { device: metadata.dev(), number: metadata.ino(), changed }
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self { device: 0, number: 0, changed: (0, 0) }
    }
}

impl Bounds {
    pub(super) fn new(limits: &Limits) -> Self {
        let file_bytes = limits.file_bytes as u64;
        Self {
            file_bytes,
            total_bytes: file_bytes.max(limits.total_bytes),
            entries: limits.folder_entries,
            depth: limits.folder_depth,
            // At least one must be left, or a refusal would look like success.
            diagnostics: limits.diagnostics.max(1),
        }
    }
}
