//! Where events go and how, under the names and with the defaults of kube-apiserver's flags.
//!
//! Follows `pkg/server/options/audit.go` of apiserver.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The log of events (`--audit-log-…`).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogOptions {
    /// The file; `-` is standard output.
    pub path: PathBuf,
    /// How an event is written.
    pub format: Format,
    /// Days after which files that were rotated away are removed; 0 keeps them.
    pub max_age_days: u64,
    /// How many files that were rotated away are kept; 0 keeps all.
    pub max_backups: usize,
    /// Megabytes (of 1,048,576 bytes) after which the file is rotated away; 0 never does that.
    pub max_size_megabytes: u64,
    /// Whether files that were rotated away are compressed.
    pub compress: bool,
    /// When events are written.
    pub mode: Mode,
    /// How events are queued; for [`Mode::Batch`] alone.
    pub batch: BatchOptions,
    /// Bounds on the size of events; none by default.
    pub truncate: Option<Truncate>,
}

/// How an event is written: one line each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// As JSON.
    #[default]
    Json,
    /// As words, without most of what is in it.
    Legacy,
}

/// When events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// By another thread, later; what does not fit the queue is dropped.
    Batch,
    /// Before the request goes on; an event that cannot be written is counted, and lost.
    #[default]
    Blocking,
    /// As blocking, but a request fails if its arrival cannot be written.
    BlockingStrict,
}

/// The queue of [`Mode::Batch`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BatchOptions {
    /// How many events it holds.
    pub buffer_size: usize,
    /// How many bytes all its events may have together.
    pub buffer_bytes: usize,
    /// How many events are written at a time.
    pub max_size: usize,
    /// How long is waited for so many.
    pub max_wait: Duration,
    /// A bound on how often is written; none by default.
    pub throttle: Option<Throttle>,
}

/// How often batches are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throttle {
    /// Batches a second, on average.
    pub qps: f32,
    /// Batches at once, after a pause.
    pub burst: usize,
}

/// Bounds on the size of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncate {
    /// Bytes of one event: one with more loses its objects, and is dropped if that is not enough.
    pub max_event_size: u64,
    /// Bytes of a batch; a log has none, but the two are held against each other.
    pub max_batch_size: u64,
}

impl LogOptions {
    /// A log at `path`, with Kubernetes' defaults.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            format: Format::default(),
            max_age_days: 366,
            max_backups: 100,
            max_size_megabytes: 100,
            compress: false,
            mode: Mode::default(),
            batch: BatchOptions::default(),
            truncate: None,
        }
    }

    /// What contradicts itself, in kube-apiserver's words.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.mode == Mode::Batch {
            problems.extend(self.batch.problem());
        }
        problems.extend(self.truncate.and_then(Truncate::problem));
        problems
    }
}

impl BatchOptions {
    /// The first thing that is wrong.
    fn problem(&self) -> Option<String> {
        let wrong = |what: &str, value: &dyn fmt::Display| {
            Some(format!("invalid audit batch log {what} {value}, must be a positive number"))
        };
        if self.buffer_size == 0 {
            return wrong("buffer size", &self.buffer_size);
        }
        if self.buffer_bytes == 0 {
            return wrong("buffer bytes", &self.buffer_bytes);
        }
        if self.max_size == 0 {
            return wrong("max batch size", &self.max_size);
        }
        match self.throttle {
            // Not a number is no positive one either.
            Some(throttle) if throttle.qps.is_nan() || throttle.qps <= 0.0 => {
                wrong("throttle QPS", &throttle.qps)
            }
            Some(throttle) if throttle.burst == 0 => wrong("throttle burst", &throttle.burst),
            _ => None,
        }
    }
}

impl Truncate {
    fn problem(self) -> Option<String> {
        let Self { max_event_size: event, max_batch_size: batch } = self;
        if event == 0 {
            return Some(format!(
                "invalid audit truncate log max event size {event}, must be a positive number"
            ));
        }
        (batch < event).then(|| {
            format!(
                "invalid audit truncate log max batch size {batch}, must be greater than max event \
                 size ({event})"
            )
        })
    }
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            buffer_size: 10_000,
            buffer_bytes: 64 << 20,
            max_size: 1,
            max_wait: Duration::ZERO,
            throttle: None,
        }
    }
}

impl Default for Truncate {
    fn default() -> Self {
        Self { max_event_size: 102_400, max_batch_size: 10_485_760 }
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "batch" => Ok(Self::Batch),
            "blocking" => Ok(Self::Blocking),
            "blocking-strict" => Ok(Self::BlockingStrict),
            _ => Err(format!(
                "invalid audit log mode {text}, allowed modes are \"batch,blocking,blocking-strict\""
            )),
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "legacy" => Ok(Self::Legacy),
            _ => {
                Err(format!("invalid audit log format {text}, allowed formats are \"legacy,json\""))
            }
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Batch => "batch",
            Self::Blocking => "blocking",
            Self::BlockingStrict => "blocking-strict",
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "json",
            Self::Legacy => "legacy",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_said_in_upstreams_words() {
        let check = |change: &dyn Fn(&mut LogOptions), expected: &[&str]| {
            let mut options = LogOptions::new("-");
            options.mode = Mode::Batch;
            change(&mut options);
            assert_eq!(options.problems(), expected);
        };
        check(&|_| {}, &[]);
        check(
            &|options| options.batch.buffer_size = 0,
            &["invalid audit batch log buffer size 0, must be a positive number"],
        );
        check(
            &|options| options.batch.max_size = 0,
            &["invalid audit batch log max batch size 0, must be a positive number"],
        );
        check(
            &|options| options.batch.throttle = Some(Throttle { qps: 0.0, burst: 1 }),
            &["invalid audit batch log throttle QPS 0, must be a positive number"],
        );
        check(
            &|options| {
                options.truncate = Some(Truncate { max_event_size: 2, max_batch_size: 1 });
            },
            &[
                "invalid audit truncate log max batch size 1, must be greater than max event size (2)",
            ],
        );
        // Only a queue has a size.
        check(
            &|options| {
                options.mode = Mode::Blocking;
                options.batch.buffer_size = 0;
            },
            &[],
        );
    }
}
