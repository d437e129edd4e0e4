//! Which folders must be listened to, and which events in them matter.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind};

use super::files::FileSet;
use super::listing::{Listing, Manifest};

/// Folders, links resolved, each with the names in it that matter.
///
/// Folders alone, never files: what replaces a file, or appears where nothing was, is seen in the
/// folder it lies in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places(BTreeMap<PathBuf, Names>);

#[derive(Debug, PartialEq, Eq)]
enum Names {
    All,
    Some(BTreeSet<OsString>),
}

impl Places {
    /// Where changes to `files` would show, given what lies there now.
    pub(super) fn of(files: &FileSet, listing: &Listing) -> Self {
        let mut places = Self::default();
        for folder in &listing.folders {
            places.0.insert(folder.clone(), Names::All);
        }
        for path in files.paths() {
            places.add_way_to(path);
        }
        for path in files.named().iter() {
            places.add_way_to(path);
        }
        for manifest in &listing.manifests {
            // What lies in a listed folder is heard there; what is linked from it is not.
            if let Manifest::File(listed) = manifest
                && !listed.real.parent().is_some_and(|folder| places.hears_all_of(folder))
            {
                places.add_way_to(&listed.path);
            }
        }
        places
    }

    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    /// Whether what is read may have changed.
    pub(super) fn concern(&self, event: &Event) -> bool {
        // Reading is an event too, and no reason to read again.
        if let EventKind::Access(kind) = event.kind
            && kind != AccessKind::Close(AccessMode::Write)
        {
            return false;
        }
        // An event without paths says that others were lost.
        event.paths.is_empty() || event.paths.iter().any(|path| self.contain(path))
    }

    fn contain(&self, path: &Path) -> bool {
        if self.0.contains_key(path) {
            return true;
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return false };
        match self.0.get(folder) {
            Some(Names::All) => !is_scratch(name),
            Some(Names::Some(names)) => names.contains(name),
            None => false,
        }
    }

    fn hears_all_of(&self, folder: &Path) -> bool {
        matches!(self.0.get(folder), Some(Names::All))
    }

    /// Adds whatever could make `path` lead elsewhere: each link on the way, where each link leads,
    /// what is missing, and the last part itself. Folders above that are moved are left to polling.
    fn add_way_to(&mut self, path: &Path) {
        let Ok(path) = std::path::absolute(path) else { return };
        let mut here = PathBuf::new();
        let mut ahead = parts_backwards(&path);
        let mut links = 0;
        while let Some(part) = ahead.pop() {
            if part == ".." {
                here.pop();
                continue;
            }
            let next = here.join(&part);
            match fs::read_link(&next) {
                Ok(target) if links < MAX_LINKS => {
                    links += 1;
                    self.add(&here, part);
                    ahead.extend(parts_backwards(&target));
                }
                _ => {
                    let missing = !next.exists();
                    if missing || ahead.is_empty() {
                        self.add(&here, part);
                    }
                    if missing {
                        return;
                    }
                    here = next;
                }
            }
        }
    }

    fn add(&mut self, folder: &Path, name: OsString) {
        // The root has no name in any folder.
        if folder.as_os_str().is_empty() {
            return;
        }
        let names = || Names::Some(BTreeSet::new());
        match self.0.entry(folder.to_owned()).or_insert_with(names) {
            Names::All => {}
            Names::Some(names) => {
                names.insert(name);
            }
        }
    }
}

/// The last part first. `.` says nothing; the root, joined to anything, is the root.
fn parts_backwards(path: &Path) -> Vec<OsString> {
    let parts = path.components().map(|part| part.as_os_str().to_owned());
    let mut parts: Vec<OsString> = parts.filter(|part| part != ".").collect();
    parts.reverse();
    parts
}

/// Hidden files are never read, and editors write them all the time. Two dots are Kubernetes' own:
/// `..data` decides where everything else leads.
fn is_scratch(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b".") && !name.starts_with(b"..")
}

/// As Linux has it.
const MAX_LINKS: usize = 40;
