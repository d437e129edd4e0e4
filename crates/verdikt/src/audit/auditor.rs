//! Begins trails, and hands their events to the sink in the way the mode says.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::counters::{Counters, Interval};
use super::render::{Renderer, TooLarge};
use super::sink::{Output, Queue, Slice, StoreError};
use super::{Arrival, AuditStatus, Level, LogOptions, Mode, Policy, Trail};

/// The sink with what is counted about it; there is one to an engine.
#[derive(Debug)]
pub(crate) struct Auditor {
    options: LogOptions,
    counters: Arc<Counters>,
    errors: Interval,
    renderer: Renderer,
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    /// Whoever has an event writes it.
    Blocking(Mutex<Output>),
    Batch(Queue),
}

/// An event that had to be stored and could not be: the request must not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStored;

impl fmt::Display for NotStored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed to store audit event")
    }
}

impl std::error::Error for NotStored {}

impl Auditor {
    /// Opens the log, and starts the thread that writes it if the mode has one.
    ///
    /// # Errors
    /// In kube-apiserver's words, if the file cannot be had.
    pub(crate) fn start(options: LogOptions) -> Result<Self, String> {
        let counters = Arc::new(Counters::default());
        let renderer = Renderer::new(&options);
        let output = Output::open(&options).map_err(|error| format!("ensureLogFile: {error}"))?;
        let sink = match options.mode {
            Mode::Blocking | Mode::BlockingStrict => Sink::Blocking(Mutex::new(output)),
            Mode::Batch => Sink::Batch(
                Queue::start(options.batch.clone(), renderer, output, Arc::clone(&counters))
                    .map_err(|error| format!("the thread of the audit log: {error}"))?,
            ),
        };
        Ok(Self { options, counters, errors: Interval::default(), renderer, sink })
    }

    /// Records that a request is there, unless the policy has no interest in it.
    pub(crate) fn begin(
        self: &Arc<Self>,
        policy: &Policy,
        arrival: &Arrival<'_>,
    ) -> Result<Option<Trail>, NotStored> {
        let Some(mut trail) = self.trail(policy, arrival) else { return Ok(None) };
        trail.received().map(|()| Some(trail))
    }

    /// The trail of a request of which nobody knows who sent it.
    pub(crate) fn unidentified(
        self: &Arc<Self>,
        policy: &Policy,
        arrival: &Arrival<'_>,
    ) -> Option<Trail> {
        self.trail(policy, &Arrival { user: None, ..*arrival }).map(Trail::unidentified)
    }

    fn trail(self: &Arc<Self>, policy: &Policy, arrival: &Arrival<'_>) -> Option<Trail> {
        let config = policy.evaluate(arrival.request);
        self.counters.level(config.level);
        (config.level > Level::None).then(|| Trail::new(Arc::clone(self), config, arrival))
    }

    /// Whether storing an event may wait for a disk.
    pub(crate) fn is_blocking(&self) -> bool {
        matches!(self.sink, Sink::Blocking(_))
    }

    /// Stores an event, whose record is given in parts; false only where it counts that it could not be.
    pub(super) fn store(&self, record: &[&[u8]]) -> bool {
        self.counters.events.add(1);
        let output = match &self.sink {
            Sink::Batch(queue) => {
                queue.push(record);
                return true;
            }
            Sink::Blocking(output) => output,
        };
        let mut line = Vec::new();
        if let Err(TooLarge { bytes }) = self.renderer.line(&record.concat(), &mut line) {
            self.counters.count_too_large(bytes, &self.errors);
            return true;
        }
        let written = {
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.write(Slice::one(&line, &[line.len()]))
        };
        match written.error {
            None => {
                self.counters.stored.add(1);
                true
            }
            Some(error) => {
                self.counters.lost.add(1);
                self.counters.write_errors.add(1);
                self.report(&error);
                self.options.mode != Mode::BlockingStrict
            }
        }
    }

    fn report(&self, error: &StoreError) {
        if self.errors.is_over() {
            let lost = self.counters.lost.get();
            tracing::error!(
                path = %self.options.path.display(),
                "Error in audit plugin 'log' affecting 1 audit events: {error} ({lost} lost so far)"
            );
        }
    }

    pub(super) fn reject(&self) {
        self.counters.rejected.add(1);
    }

    pub(crate) fn status(&self) -> AuditStatus {
        let (queued, queued_bytes) = match &self.sink {
            Sink::Blocking(_) => (0, 0),
            Sink::Batch(queue) => queue.waiting(),
        };
        let counters = &self.counters;
        AuditStatus {
            log_path: self.options.path.clone(),
            mode: self.options.mode.to_string(),
            levels: counters.levels(),
            events: counters.events.get(),
            stored: counters.stored.get(),
            lost: counters.lost.get(),
            dropped: counters.dropped.get(),
            too_large: counters.too_large.get(),
            write_errors: counters.write_errors.get(),
            rejected: counters.rejected.get(),
            queued: queued as u64,
            queued_bytes: queued_bytes as u64,
        }
    }

    /// Waits until all that is queued has been written, at most so long; whether it has.
    pub(crate) fn flush(&self, most: Duration) -> bool {
        match &self.sink {
            Sink::Blocking(_) => true,
            Sink::Batch(queue) => queue.flush(most),
        }
    }
}
