//! The flags of the audit log, under kube-apiserver's names and with its defaults. The policy is among
//! the flags of policy.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueHint};
use verdikt::Builder;
use verdikt::audit::{BatchOptions, Format, LogOptions, Mode, Throttle, Truncate};

/// Where events go.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Audit")]
pub(crate) struct AuditFlags {
    /// File that events are written to, one a line; `-` is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    audit_log_path: Option<PathBuf>,
    /// How an event is written: json, legacy
    #[arg(long, value_name = "FORMAT", default_value_t = Format::Json)]
    audit_log_format: Format,
    /// Version of the events; there is one
    #[arg(long, value_name = "VERSION", default_value = VERSION, value_parser = [VERSION])]
    audit_log_version: String,
    /// When events are written: batch (later, by another thread), blocking (before the request goes
    /// on), blocking-strict (or the request fails)
    #[arg(long, value_name = "MODE", default_value_t = Mode::Blocking)]
    audit_log_mode: Mode,
    /// Megabytes after which the file is rotated away; 0 never does that
    #[arg(long, value_name = "N", default_value_t = 100)]
    audit_log_maxsize: u64,
    /// Days after which files that were rotated away are removed; 0 keeps them
    #[arg(long, value_name = "N", default_value_t = 366)]
    audit_log_maxage: u64,
    /// Files that were rotated away to keep; 0 keeps all
    #[arg(long, value_name = "N", default_value_t = 100)]
    audit_log_maxbackup: usize,
    /// Compress files that were rotated away
    #[arg(long, value_name = "BOOL", default_value_t = false, default_missing_value = "true",
          num_args = 0..=1, require_equals = true, action = ArgAction::Set)]
    audit_log_compress: bool,
    #[command(flatten)]
    batch: BatchFlags,
}

/// The queue of mode batch, and the size of events.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Audit")]
struct BatchFlags {
    /// Events that wait to be written, in mode batch; what finds no room is dropped and counted
    #[arg(long, value_name = "N", default_value_t = BatchOptions::default().buffer_size)]
    audit_log_batch_buffer_size: usize,
    /// Bytes that all of them may have together
    #[arg(long, value_name = "N", default_value_t = BatchOptions::default().buffer_bytes)]
    audit_log_batch_buffer_bytes: usize,
    /// Events that are written at a time
    #[arg(long, value_name = "N", default_value_t = 1)]
    audit_log_batch_max_size: usize,
    /// How long to wait for so many
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = go_duration)]
    audit_log_batch_max_wait: Duration,
    /// Bound how often is written
    #[arg(long, value_name = "BOOL", default_value_t = false, default_missing_value = "true",
          num_args = 0..=1, require_equals = true, action = ArgAction::Set)]
    audit_log_batch_throttle_enable: bool,
    /// Batches a second, on average
    #[arg(long, value_name = "N", default_value_t = 0.0)]
    audit_log_batch_throttle_qps: f32,
    /// Batches at once, after a pause
    #[arg(long, value_name = "N", default_value_t = 0)]
    audit_log_batch_throttle_burst: usize,
    /// Bound the size of events
    #[arg(long, value_name = "BOOL", default_value_t = false, default_missing_value = "true",
          num_args = 0..=1, require_equals = true, action = ArgAction::Set)]
    audit_log_truncate_enabled: bool,
    /// Bytes of an event; a larger one loses its objects, and is dropped if that is not enough
    #[arg(long, value_name = "N", default_value_t = Truncate::default().max_event_size)]
    audit_log_truncate_max_event_size: u64,
    /// Bytes of a batch; at least those of an event
    #[arg(long, value_name = "N", default_value_t = Truncate::default().max_batch_size)]
    audit_log_truncate_max_batch_size: u64,
}

impl AuditFlags {
    /// The builder with the audit log.
    pub(crate) fn apply(&self, builder: Builder) -> Builder {
        let Some(path) = &self.audit_log_path else { return builder };
        let mut options = LogOptions::new(path);
        options.format = self.audit_log_format;
        options.mode = self.audit_log_mode;
        options.max_size_megabytes = self.audit_log_maxsize;
        options.max_age_days = self.audit_log_maxage;
        options.max_backups = self.audit_log_maxbackup;
        options.compress = self.audit_log_compress;
        let flags = &self.batch;
        options.batch.buffer_size = flags.audit_log_batch_buffer_size;
        options.batch.buffer_bytes = flags.audit_log_batch_buffer_bytes;
        options.batch.max_size = flags.audit_log_batch_max_size;
        options.batch.max_wait = flags.audit_log_batch_max_wait;
        options.batch.throttle = flags.audit_log_batch_throttle_enable.then_some(Throttle {
            qps: flags.audit_log_batch_throttle_qps,
            burst: flags.audit_log_batch_throttle_burst,
        });
        options.truncate = flags.audit_log_truncate_enabled.then_some(Truncate {
            max_event_size: flags.audit_log_truncate_max_event_size,
            max_batch_size: flags.audit_log_truncate_max_batch_size,
        });
        builder.audit_log(options)
    }
}

/// A duration as Go writes it: `1m30s`, `1.5s`, `500ms`, `0`.
fn go_duration(text: &str) -> Result<Duration, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut rest, mut total) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(invalid)?;
        let (number, after) = rest.split_at_checked(end).ok_or_else(invalid)?;
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end).ok_or_else(invalid)?;
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            _ => return Err(invalid()),
        };
        let number: f64 = number.parse().map_err(|_| invalid())?;
        let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| invalid())?;
        total = total.checked_add(part).ok_or_else(invalid)?;
        rest = after;
    }
    if text.is_empty() { Err(invalid()) } else { Ok(total) }
}

const VERSION: &str = "audit.k8s.io/v1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        let check = |text: &str, expected: Option<u64>| {
            let found = go_duration(text).ok().map(|duration| duration.as_millis() as u64);
            assert_eq!(found, expected, "{text}");
        };
        check("0", Some(0));
        check("1m30s", Some(90_000));
        check("1.5s", Some(1_500));
        check(".5s", Some(500));
        check("500ms", Some(500));
        check("", None);
        check("5", None);
        check("s", None);
        check("-1s", None);
        check("1x", None);
        check("1e9s", None);
    }
}
