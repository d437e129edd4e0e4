//! A bar on standard error while a load is made, if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::report::grouped;

/// Gone when dropped.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    warmup: Duration,
}

impl Progress {
    /// How often it is worth a look.
    pub(super) const INTERVAL: Duration = Duration::from_millis(100);

    pub(super) fn new(warmup: Duration, duration: Duration) -> Self {
        // It hides itself where nobody looks.
        let bar = ProgressBar::new(milliseconds(warmup + duration));
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {msg}") {
            bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        }
        Self { bar, warmup }
    }

    /// What was answered, and what has failed, `elapsed` after the start.
    pub(super) fn show(&self, elapsed: Duration, (decisions, failed): (u64, u64)) {
        self.bar.set_position(milliseconds(elapsed));
        self.bar.set_prefix(format!("{:>5.1}s", elapsed.as_secs_f64()));
        let Some(measured) = elapsed.checked_sub(self.warmup) else {
            return self.bar.set_message("warming up");
        };
        let rate = decisions as f64 / measured.as_secs_f64().max(0.001);
        let mut message = format!("{} decisions/s", grouped(rate as u64));
        if failed > 0 {
            message += &format!(", {} calls failed", grouped(failed));
        }
        self.bar.set_message(message);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
