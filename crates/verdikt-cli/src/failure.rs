//! Why a command could not do what it was asked to, and how that is said.

use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use verdikt::{Diagnostic, LoadError};

use crate::report;

/// What ends a command. The exit code is 2, so that it is never taken for an answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line itself: clap has words for it, and for `--help`.
    Usage(clap::Error),
    /// The files are not fit for use.
    Findings(Vec<Diagnostic>),
    /// Anything else, in a sentence.
    Message(String),
    /// Whoever read the output has gone, which is no failure of ours.
    Unread,
}

impl Failure {
    pub(crate) fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }

    /// Says it on standard error.
    pub(crate) fn show(self) -> ExitCode {
        match self {
            Self::Usage(error) => {
                // Help and version are no failures, and go to standard output.
                drop(error.print());
                return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
            }
            Self::Findings(found) => drop(report::to_stderr(&found)),
            Self::Message(text) => {
                let _ = writeln!(anstream::stderr(), "error: {}", report::printable(&text));
            }
            Self::Unread => return ExitCode::SUCCESS,
        }
        ExitCode::from(2)
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::Findings(error.diagnostics().to_vec())
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

/// An error of writing the output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::Message(error.to_string()),
        }
    }
}
