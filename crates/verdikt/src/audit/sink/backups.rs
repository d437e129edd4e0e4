//! Files that were rotated away: what they are called, how long they are kept, and how they are
//! compressed, all as lumberjack does it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::file::with_permissions;
use crate::audit::{LogOptions, time};

/// Keeps the files beside the log in order. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Backups {
    folder: PathBuf,
    /// The name before the time, and after it.
    prefix: String,
    extension: String,
    max_backups: usize,
    max_age: Option<Duration>,
    compress: bool,
    /// Whether a thread is at work, and whether there is more for it to do.
    busy: Arc<AtomicBool>,
    again: Arc<AtomicBool>,
}

/// A file that was rotated away.
struct Backup {
    name: String,
    at: SystemTime,
}

impl Backups {
    pub(super) fn new(path: &Path, options: &LogOptions) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let dot = name.rfind('.').unwrap_or(name.len());
        let (stem, extension) = name.split_at_checked(dot).unwrap_or((&name, ""));
        let day = Duration::from_secs(86_400);
        let days = u32::try_from(options.max_age_days).unwrap_or(u32::MAX);
        Self {
            folder: path.parent().map(Path::to_owned).unwrap_or_default(),
            prefix: format!("{stem}-"),
            extension: extension.to_owned(),
            max_backups: options.max_backups,
            max_age: (days > 0).then(|| day.saturating_mul(days)),
            compress: options.compress,
            busy: Arc::default(),
            again: Arc::default(),
        }
    }

    /// Names the file after the time. No two get the same name, however fast they fill.
    pub(super) fn take(&self, path: &Path) -> io::Result<()> {
        let mut now = SystemTime::now();
        loop {
            let name = format!("{}{}{}", self.prefix, time::for_file_name(now), self.extension);
            let backup = self.folder.join(&name);
            if !backup.exists() && !self.folder.join(format!("{name}.gz")).exists() {
                return fs::rename(path, backup);
            }
            now += Duration::from_millis(1);
        }
    }

    /// Removes and compresses what is to be, on a thread of its own.
    pub(super) fn tidy(&self) {
        if self.max_backups == 0 && self.max_age.is_none() && !self.compress {
            return;
        }
        self.again.store(true, Ordering::SeqCst);
        if self.busy.swap(true, Ordering::SeqCst) {
            return;
        }
        let backups = self.clone();
        let work = move || {
            while backups.again.swap(false, Ordering::SeqCst) {
                if let Err(error) = backups.tidy_now() {
                    tracing::warn!("audit log files that were rotated away: {error}");
                }
            }
            backups.busy.store(false, Ordering::SeqCst);
        };
        if let Err(error) = std::thread::Builder::new().name("audit-backups".to_owned()).spawn(work)
        {
            self.busy.store(false, Ordering::SeqCst);
            tracing::warn!("audit log files that were rotated away are left alone: {error}");
        }
    }

    fn tidy_now(&self) -> io::Result<()> {
        let found = self.found()?;
        let (kept, removed) = self.judge(found, SystemTime::now());
        let removed = removed.iter().map(|backup| fs::remove_file(self.folder.join(&backup.name)));
        let plain = kept.iter().filter(|backup| self.compress && !backup.is_compressed());
        let compressed = plain.map(|backup| compress(&self.folder.join(&backup.name)));
        // What goes wrong with one keeps nobody from the others.
        let errors: Vec<io::Error> = removed.chain(compressed).filter_map(Result::err).collect();
        errors.into_iter().next().map_or(Ok(()), Err)
    }

    /// The files, the newest first.
    fn found(&self) -> io::Result<Vec<Backup>> {
        let here = Path::new(".");
        let folder = if self.folder.as_os_str().is_empty() { here } else { &self.folder };
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(at) = self.time_of(&name)
                && entry.file_type().is_ok_and(|kind| kind.is_file())
            {
                found.push(Backup { name, at });
            }
        }
        found.sort_by(|a, b| (b.at, &b.name).cmp(&(a.at, &a.name)));
        Ok(found)
    }

    fn time_of(&self, name: &str) -> Option<SystemTime> {
        let name = name.strip_suffix(".gz").unwrap_or(name);
        let time = name.strip_prefix(&self.prefix)?.strip_suffix(&self.extension)?;
        time::from_file_name(time)
    }

    /// Which are kept, and which removed. A file and its compressed form are one, for a moment.
    fn judge(&self, found: Vec<Backup>, now: SystemTime) -> (Vec<Backup>, Vec<Backup>) {
        let oldest = self.max_age.and_then(|age| now.checked_sub(age));
        let mut names = std::collections::HashSet::new();
        found.into_iter().partition(|backup| {
            names.insert(backup.name.strip_suffix(".gz").unwrap_or(&backup.name).to_owned());
            let is_among = self.max_backups == 0 || names.len() <= self.max_backups;
            is_among && oldest.is_none_or(|oldest| backup.at >= oldest)
        })
    }
}

impl Backup {
    fn is_compressed(&self) -> bool {
        self.name.ends_with(".gz")
    }
}

/// Compresses a file, and removes it once the compressed form is on the disk.
fn compress(path: &Path) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    let compressed = PathBuf::from(name);
    let result = compress_to(path, &compressed);
    match result {
        Ok(()) => fs::remove_file(path),
        Err(error) => {
            drop(fs::remove_file(&compressed));
            Err(error)
        }
    }
}

fn compress_to(path: &Path, compressed: &Path) -> io::Result<()> {
    let mut from = File::open(path)?;
    let to = File::create(compressed)?;
    with_permissions(&to, from.metadata()?.permissions());
    let mut encoder = GzEncoder::new(to, Compression::default());
    io::copy(&mut from, &mut encoder)?;
    encoder.finish()?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backups(path: &str, change: impl FnOnce(&mut LogOptions)) -> Backups {
        let mut options = LogOptions::new(path);
        change(&mut options);
        Backups::new(Path::new(path), &options)
    }

    fn check(name: &str, change: impl FnOnce(&mut LogOptions), kept: &[&str]) {
        let backups = backups("/x/audit.log", change);
        let names = [
            "audit-2026-11-25T10-00-00.000.log",
            "audit-2026-11-24T10-00-00.000.log.gz",
            "audit-2026-11-24T10-00-00.000.log",
            "audit-2026-11-01T10-00-00.000.log.gz",
        ];
        let found = names
            .iter()
            .map(|name| Backup { name: (*name).to_owned(), at: backups.time_of(name).unwrap() });
        let now = time::from_file_name("2026-11-25T12-00-00.000").unwrap();
        let (found, _) = backups.judge(found.collect(), now);
        let found: Vec<&str> = found.iter().map(|backup| backup.name.as_str()).collect();
        assert_eq!(found, kept, "{name}");
    }

    #[test]
    fn old_files_go_and_those_beyond_the_number() {
        let all = [
            "audit-2026-11-25T10-00-00.000.log",
            "audit-2026-11-24T10-00-00.000.log.gz",
            "audit-2026-11-24T10-00-00.000.log",
            "audit-2026-11-01T10-00-00.000.log.gz",
        ];
        check("defaults", |_| {}, &all);
        check("two files", |options| options.max_backups = 2, &all[..3]);
        check("two days", |options| options.max_age_days = 2, &all[..3]);
        check("neither", |options| (options.max_age_days, options.max_backups) = (0, 0), &all);
    }

    #[test]
    fn only_names_with_a_time_are_ours() {
        let check = |path: &str, name: &str, expected: bool| {
            assert_eq!(backups(path, |_| {}).time_of(name).is_some(), expected, "{name}");
        };
        check("audit.log", "audit-2026-11-25T10-00-00.000.log", true);
        check("audit.log", "audit-2026-11-25T10-00-00.000.log.gz", true);
        check("audit.log", "audit-2026-11-25T10-00-00.log", false);
        check("audit.log", "other-2026-11-25T10-00-00.000.log", false);
        check("audit.log", "audit.log", false);
        check("audit", "audit-2026-11-25T10-00-00.000", true);
        check(".audit", "-2026-11-25T10-00-00.000.audit", true);
    }
}
