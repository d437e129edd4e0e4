//! Looks at a set of files: walks folders, resolves links, opens nothing.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use verdikt_parser::Diagnostic;

use super::findings::Findings;
use super::listing::{Bounds, Listed};
use super::read::{Problem, cannot};

/// Lists one set of files.
pub(super) struct Lister<'a> {
    bounds: &'a Bounds,
    /// What `..data` was when it was first met, by folder.
    generations: BTreeMap<PathBuf, Option<PathBuf>>,
    entries: usize,
    folders: Vec<PathBuf>,
    found: Findings,
}

/// One folder of manifests that was given, and how far the walk through it has come.
struct Walk<'a> {
    given: &'a Path,
    files: Vec<Listed>,
    /// The folders from the one given down to the current one, links resolved.
    ancestors: Vec<PathBuf>,
}

impl<'a> Lister<'a> {
    pub(super) fn new(bounds: &'a Bounds) -> Self {
        Self {
            bounds,
            generations: BTreeMap::new(),
            entries: 0,
            folders: Vec::new(),
            found: Findings::new(bounds),
        }
    }

    /// A single file; none if it cannot be read, and why is then among the findings.
    pub(super) fn file(&mut self, path: &Path) -> Option<Listed> {
        let local_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let listed = self.find(path).and_then(|found| Listed::new(path, local_name, found));
        listed.map_err(|problem| self.found.push(*problem)).ok()
    }

    /// The same, with nothing among the findings.
    pub(super) fn file_if_there(&mut self, path: &Path) -> Option<Listed> {
        let found = self.find(path).ok()?;
        Listed::new(path, String::new(), found).ok()
    }

    /// One manifest, or all those in a folder, sorted by the bytes of their names.
    pub(super) fn manifests(&mut self, given: &Path) -> Vec<Listed> {
        let real = match self.find(given) {
            Ok((real, metadata)) if metadata.is_dir() => real,
            _ => return self.file(given).into_iter().collect(),
        };
        let problems = self.found.len();
        let mut walk = Walk { given, files: Vec::new(), ancestors: Vec::new() };
        if let Err(problem) = self.folder(&real, "", &mut walk) {
            self.found.push(*problem);
        }
        walk.files.sort_by(|a, b| a.local_name.cmp(&b.local_name));
        if walk.files.is_empty() && self.found.len() == problems {
            let message = format!("no manifest in `{}`", given.display());
            let help = "put files there whose names end in .yaml, .yml or .json";
            self.found.push(Diagnostic::warning("source/no-manifest", message).help(help));
        }
        walk.files
    }

    /// The folders that were walked, and the findings.
    pub(super) fn finish(self) -> (Vec<PathBuf>, Vec<Diagnostic>) {
        (self.folders, self.found.into_vec())
    }

    /// Fails only if all listing must end; any other problem is reported.
    fn folder(&mut self, real: &Path, local: &str, walk: &mut Walk<'_>) -> Result<(), Problem> {
        let name = walk.name(local);
        if let Err(problem) = self.may_enter(real, &name, &walk.ancestors) {
            self.found.push(*problem);
            return Ok(());
        }
        let names = match self.names_in(real) {
            Ok(names) => names,
            Err(error) => {
                self.found.push(*cannot("open", &name, &error));
                return Ok(());
            }
        };
        let names = names.ok_or_else(|| too_many(&name, self.bounds.entries))?;
        self.folders.push(real.to_owned());
        walk.ancestors.push(real.to_owned());
        for entry in names {
            self.entry(real, &entry, local, walk)?;
        }
        walk.ancestors.pop();
        Ok(())
    }

    fn entry(
        &mut self,
        folder: &Path,
        entry: &OsStr,
        local: &str,
        walk: &mut Walk<'_>,
    ) -> Result<(), Problem> {
        let text = entry.to_string_lossy();
        let local = if local.is_empty() { text.into_owned() } else { format!("{local}/{text}") };
        let listed = match self.locate(folder, entry) {
            // Even a link without the ending of a manifest: it may have led to a folder of them.
            Err(error) => Err(cannot("open", &walk.name(&local), &error)),
            Ok((real, metadata)) if metadata.is_dir() => return self.folder(&real, &local, walk),
            Ok(_) if !is_manifest(Path::new(entry)) => return Ok(()),
            Ok(found) => Listed::new(&walk.given.join(&local), local, found),
        };
        match listed {
            Ok(listed) => walk.files.push(listed),
            Err(problem) => self.found.push(*problem),
        }
        Ok(())
    }

    fn may_enter(&self, real: &Path, name: &str, ancestors: &[PathBuf]) -> Result<(), Problem> {
        if ancestors.iter().any(|ancestor| ancestor == real) {
            let message = format!("`{name}` leads back to a folder it lies in");
            return Err(Diagnostic::error("source/loop", message).help("remove the link").into());
        }
        if ancestors.len() >= self.bounds.depth {
            let message = format!("`{name}` lies more than {} folders deep", self.bounds.depth);
            let help = "put it less deep, or name it as a folder of its own";
            return Err(Diagnostic::error("source/too-deep", message).help(help).into());
        }
        Ok(())
    }

    /// The entries of a folder that are not hidden, sorted; none if there are too many in all.
    fn names_in(&mut self, folder: &Path) -> io::Result<Option<Vec<OsString>>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            self.entries += 1;
            if self.entries > self.bounds.entries {
                return Ok(None);
            }
            let name = entry?.file_name();
            if !name.as_encoded_bytes().starts_with(b".") {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(Some(names))
    }

    /// Where the last part of `path` leads, and what lies there.
    fn find(&mut self, path: &Path) -> Result<(PathBuf, Metadata), Problem> {
        let found = match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => {
                let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
                parent.canonicalize().and_then(|folder| self.locate(&folder, name))
            }
            _ => path.canonicalize().and_then(with_metadata),
        };
        found.map_err(|error| cannot("open", &path.display().to_string(), &error))
    }

    /// Where `name` in `folder` leads, and what lies there.
    ///
    /// The links of a ConfigMap or Secret volume lead through its `..data`, which the kubelet swaps
    /// to change all files at once. It is looked up once, so that no listing has files from both
    /// sides of a swap.
    fn locate(&mut self, folder: &Path, name: &OsStr) -> io::Result<(PathBuf, Metadata)> {
        let location = folder.join(name);
        let Ok(target) = fs::read_link(&location) else { return with_metadata(location) };
        if let Ok(rest) = target.strip_prefix("..data")
            && let Some(generation) = self.generation(folder)
        {
            return folder.join(generation).join(rest).canonicalize().and_then(with_metadata);
        }
        location.canonicalize().and_then(with_metadata)
    }

    fn generation(&mut self, folder: &Path) -> Option<&Path> {
        let look = || fs::read_link(folder.join("..data")).ok();
        self.generations.entry(folder.to_owned()).or_insert_with(look).as_deref()
    }
}

impl Walk<'_> {
    /// What the user calls a folder or file of this walk.
    fn name(&self, local: &str) -> String {
        let path = if local.is_empty() { self.given.to_owned() } else { self.given.join(local) };
        path.display().to_string()
    }
}

fn with_metadata(real: PathBuf) -> io::Result<(PathBuf, Metadata)> {
    let metadata = real.metadata()?;
    Ok((real, metadata))
}

/// As kubectl has it: these endings, in lower case.
fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str);
    matches!(ending, Some("yaml" | "yml" | "json"))
}

fn too_many(folder: &str, most: usize) -> Problem {
    let message = format!("`{folder}` brings the entries of all folders to more than {most}");
    Diagnostic::error("source/too-many-files", message)
        .help("name a folder that holds manifests and little else")
        .into()
}
