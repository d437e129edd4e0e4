//! A log file that outlives whatever happens to it.
//!
//! Follows lumberjack (`gopkg.in/natefinch/lumberjack.v2`), which kube-apiserver uses, in when it
//! rotates and what it calls files. Beyond that: a line is stored whole or not at all, and counts as
//! stored only if the file it went to is still there afterwards.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::Slice;
use super::backups::Backups;
use super::output::{StoreError, Written};
use crate::audit::LogOptions;

/// The file, opened when there is something to write.
#[derive(Debug)]
pub(in crate::audit) struct LogFile {
    path: PathBuf,
    rotation: Option<Rotation>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Rotation {
    max_bytes: u64,
    backups: Backups,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
    /// Whether the last line is incomplete, and could not be taken away.
    torn: bool,
}

impl LogFile {
    /// Makes sure that the file can be written.
    pub(super) fn open(options: &LogOptions) -> io::Result<Self> {
        let path = options.path.clone();
        let rotation = (options.max_size_megabytes > 0).then(|| Rotation {
            max_bytes: options.max_size_megabytes.saturating_mul(1 << 20),
            backups: Backups::new(&path, options),
        });
        let mut log = Self { path, rotation, open: None };
        log.open = Some(log.existing_or_new()?);
        if let Some(rotation) = &log.rotation {
            rotation.backups.tidy();
        }
        Ok(log)
    }

    /// Writes lines, as many at once as fit the file.
    pub(super) fn write(&mut self, lines: Slice<'_>) -> Written {
        let mut written = 0;
        while written < lines.count() {
            match self.write_some(lines.after(written)) {
                Ok(count) => written += count,
                Err(error) => {
                    // Whatever is wrong with the file, the next attempt begins with a fresh look.
                    self.open = None;
                    return Written { lines: written, error: Some(error) };
                }
            }
        }
        Written { lines: written, error: None }
    }

    /// Writes the first lines, at least one, and says how many.
    fn write_some(&mut self, lines: Slice<'_>) -> Result<usize, StoreError> {
        let first = lines.first_bytes() as u64;
        if let Some(max) = self.max_bytes().filter(|&max| first > max) {
            return Err(StoreError::TooLong { line: first, file: max });
        }
        if self.open.is_none() {
            self.open = Some(self.existing_or_new().map_err(StoreError::Io)?);
        }
        if first > self.room() {
            self.rotate().map_err(StoreError::Io)?;
        }
        let count = lines.fitting(self.room()).max(1);
        self.append(lines.first(count).text()).map_err(StoreError::Io)?;
        Ok(count)
    }

    /// Bytes that the file still takes.
    fn room(&self) -> u64 {
        let bytes = self.open.as_ref().map_or(0, |open| open.bytes);
        self.max_bytes().map_or(u64::MAX, |max| max.saturating_sub(bytes))
    }

    fn max_bytes(&self) -> Option<u64> {
        self.rotation.as_ref().map(|rotation| rotation.max_bytes)
    }

    /// Appends the text as a whole, to a file that is there when that is done.
    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        for _ in 0..ATTEMPTS {
            let mut open = match self.open.take() {
                Some(open) => open,
                None => self.existing_or_new()?,
            };
            open.append(text)?;
            match open.place(&self.path) {
                Place::Same => {
                    self.open = Some(open);
                    return Ok(());
                }
                // Renamed: what was written is kept, and the next line begins a new file.
                Place::Elsewhere => return Ok(()),
                Place::Nowhere => {}
            }
        }
        Err(io::Error::other("the file was removed each time it was written"))
    }

    fn existing_or_new(&self) -> io::Result<Open> {
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_folder(folder)?;
        }
        let mut file =
            private(OpenOptions::new().create(true).read(true).append(true)).open(&self.path)?;
        let bytes = file.metadata()?.len();
        // A process that was killed may have left half a line.
        let torn = bytes > 0 && last_byte(&mut file)? != b'\n';
        Ok(Open { file, bytes, torn })
    }

    /// Names the file after the time, and begins a new one with its owner and mode.
    fn rotate(&mut self) -> io::Result<()> {
        self.open = None;
        let Some(rotation) = &self.rotation else { return Ok(()) };
        let before = fs::metadata(&self.path).ok();
        if before.is_some() {
            rotation.backups.take(&self.path)?;
        }
        let open = self.existing_or_new()?;
        if let Some(before) = before {
            // As far as the process may do that.
            drop(open.file.set_permissions(before.permissions()));
            own_like(&open.file, &before);
        }
        rotation.backups.tidy();
        self.open = Some(open);
        Ok(())
    }
}

impl Open {
    /// Appends the text, or leaves the file as it was.
    fn append(&mut self, text: &[u8]) -> io::Result<()> {
        if self.torn {
            self.file.write_all(b"\n")?;
            self.torn = false;
            self.bytes += 1;
        }
        match self.file.write_all(text) {
            Ok(()) => {
                self.bytes += text.len() as u64;
                Ok(())
            }
            Err(error) => {
                // What the disk had room for is taken away again, or no line would begin where one
                // should.
                self.torn = self.file.set_len(self.bytes).is_err();
                Err(error)
            }
        }
    }

    /// Where the file is now.
    fn place(&self, path: &Path) -> Place {
        let (Ok(here), there) = (self.file.metadata(), fs::metadata(path)) else {
            return Place::Nowhere;
        };
        if there.is_ok_and(|there| same_file(&here, &there)) {
            return Place::Same;
        }
        if has_a_name(&here) { Place::Elsewhere } else { Place::Nowhere }
    }
}

enum Place {
    Same,
    Elsewhere,
    Nowhere,
}

#[cfg(unix)]
fn same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

#[cfg(unix)]
fn has_a_name(file: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(file) > 0
}

#[cfg(not(unix))]
fn has_a_name(_: &fs::Metadata) -> bool {
    true
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    file.seek(SeekFrom::End(-1))?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    let [byte] = byte;
    Ok(byte)
}

/// Events are nobody else's business: mode 0600.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(unix)]
fn own_like(file: &File, other: &fs::Metadata) {
    use std::os::unix::fs::MetadataExt as _;
    drop(std::os::unix::fs::fchown(file, Some(other.uid()), Some(other.gid())));
}

#[cfg(not(unix))]
fn own_like(_: &File, _: &fs::Metadata) {}

/// Copies the mode of one file to another, for files that are compressed.
pub(super) fn with_permissions(file: &File, permissions: Permissions) {
    drop(file.set_permissions(permissions));
}

const ATTEMPTS: usize = 5;
