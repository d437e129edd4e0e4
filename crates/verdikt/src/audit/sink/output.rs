//! Takes lines and says how many of them are stored.

use std::fmt;
use std::io::{self, Write as _};

use super::Slice;
use super::file::LogFile;
use crate::audit::LogOptions;

/// Where lines go.
#[derive(Debug)]
pub(in crate::audit) enum Output {
    Stdout,
    File(LogFile),
}

/// How far writing lines got.
#[derive(Debug)]
pub(in crate::audit) struct Written {
    /// How many of the lines are stored, from the first on.
    pub(in crate::audit) lines: usize,
    /// Why the next one is not.
    pub(in crate::audit) error: Option<StoreError>,
}

/// Why a line is not stored.
#[derive(Debug)]
pub(in crate::audit) enum StoreError {
    /// It never will be: it is larger than a file may be.
    TooLong { line: u64, file: u64 },
    /// It may be, later.
    Io(io::Error),
}

impl Output {
    /// Opens the file, with the folders it lies in.
    pub(in crate::audit) fn open(options: &LogOptions) -> io::Result<Self> {
        if options.path.as_os_str() == "-" {
            return Ok(Self::Stdout);
        }
        LogFile::open(options).map(Self::File)
    }

    /// Writes lines, as many as can be written.
    pub(in crate::audit) fn write(&mut self, lines: Slice<'_>) -> Written {
        match self {
            Self::File(file) => file.write(lines),
            Self::Stdout => {
                let result = to_stdout(lines.text());
                match result {
                    Ok(()) => Written { lines: lines.count(), error: None },
                    Err(error) => Written { lines: 0, error: Some(StoreError::Io(error)) },
                }
            }
        }
    }
}

fn to_stdout(text: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text)?;
    stdout.flush()
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { line, file } => {
                write!(f, "write length {line} exceeds maximum file size {file}")
            }
            Self::Io(error) => error.fmt(f),
        }
    }
}
