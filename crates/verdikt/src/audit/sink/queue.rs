//! Events on their way to a thread that writes them: bounded in number and bytes, whatever the sink
//! does, and cheap to put something into.
//!
//! Follows `plugin/pkg/audit/buffered/buffered.go` of apiserver. Beyond that: what cannot be written
//! stays in the queue and is tried again, so that only what finds no room is lost.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::lines::Lines;
use super::output::{Output, StoreError};
use crate::audit::BatchOptions;
use crate::audit::counters::{Counters, Interval};
use crate::audit::render::{Renderer, TooLarge};

/// The queue; its thread ends with it, after it has written what is left.
#[derive(Debug)]
pub(in crate::audit) struct Queue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: BatchOptions,
    counters: Arc<Counters>,
    drops: Interval,
    state: Mutex<State>,
    /// There is something to write, or it is time to stop.
    wake: Condvar,
    /// Everything has been written, or the thread has ended.
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Records in pieces of some size; no piece is empty.
    pieces: VecDeque<Lines>,
    /// Pieces that were written, to be filled again.
    spare: Vec<Lines>,
    /// How many events there are, those that are being written included.
    count: usize,
    /// Their bytes: of records, and of the lines that those became which are being written.
    bytes: usize,
    /// Whether the thread waits to be woken.
    asleep: bool,
    closing: bool,
    ended: bool,
    /// Drops that the log does not know of yet.
    untold: u64,
}

impl Queue {
    pub(in crate::audit) fn start(
        options: BatchOptions,
        renderer: Renderer,
        output: Output,
        counters: Arc<Counters>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            options,
            counters,
            drops: Interval::default(),
            state: Mutex::default(),
            wake: Condvar::new(),
            done: Condvar::new(),
        });
        let worker = Worker {
            shared: Arc::clone(&shared),
            renderer,
            output,
            piece: Lines::default(),
            done: 0,
            tokens: shared.options.throttle.map_or(0.0, |throttle| throttle.burst as f64),
            refilled: Instant::now(),
            errors: Interval::default(),
        };
        thread::Builder::new().name("audit-log".to_owned()).spawn(move || worker.run())?;
        Ok(Self(shared))
    }

    /// Puts an event into the queue, or drops and counts it if there is no room. Never waits for the
    /// sink.
    pub(in crate::audit) fn push(&self, record: &[&[u8]]) {
        let shared = &self.0;
        let bytes: usize = record.iter().map(|part| part.len()).sum();
        let mut state = shared.lock();
        let fits = state.count < shared.options.buffer_size
            && state.bytes.saturating_add(bytes) <= shared.options.buffer_bytes;
        if !fits || state.ended {
            state.untold += 1;
            drop(state);
            shared.counters.dropped.add(1);
            shared.counters.lost.add(1);
            return shared.tell_of_drops();
        }
        state.add(record, bytes);
        let is_asleep = std::mem::take(&mut state.asleep);
        drop(state);
        if is_asleep {
            shared.wake.notify_one();
        }
    }

    /// How many events wait, and their bytes.
    pub(in crate::audit) fn waiting(&self) -> (usize, usize) {
        let state = self.0.lock();
        (state.count, state.bytes)
    }

    /// Waits until nothing waits, at most so long; whether that is so.
    pub(in crate::audit) fn flush(&self, most: Duration) -> bool {
        let state = self.0.lock();
        let waits = |state: &mut State| state.count > 0 && !state.ended;
        let waited = self.0.done.wait_timeout_while(state, most, waits);
        waited.unwrap_or_else(PoisonError::into_inner).0.count == 0
    }
}

/// Gives the thread a moment to write what is left. A sink that takes nothing does not keep the
/// process from ending.
impl Drop for Queue {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closing = true;
        state.asleep = false;
        drop(state);
        self.0.wake.notify_one();
        let state = self.0.lock();
        let waited = self.0.done.wait_timeout_while(state, AT_THE_END, |state| !state.ended);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        let left = state.count;
        if left > 0 && !std::mem::replace(&mut state.ended, true) {
            self.0.counters.lost.add(left);
            tracing::error!("the audit log takes nothing: {left} events are lost");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Once in an interval; what is left untold is told by whoever comes after it.
    fn tell_of_drops(&self) {
        if self.drops.is_over() {
            self.tell();
        }
    }

    fn tell(&self) {
        let untold = std::mem::take(&mut self.lock().untold);
        if untold > 0 {
            let all = self.counters.dropped.get();
            tracing::error!(
                "Error in audit plugin 'buffered' affecting {untold} audit events: audit buffer queue \
                 blocked ({all} dropped so far)"
            );
        }
    }

    /// Waits for lines. While they come, it looks every now and then, which costs those who add them
    /// nothing; after a while without any it sleeps until it is woken.
    fn wait_for_some(&self) -> Option<MutexGuard<'_, State>> {
        let mut state = self.lock();
        let idle = Instant::now();
        loop {
            if !state.pieces.is_empty() {
                return Some(state);
            }
            self.done.notify_all();
            if state.closing {
                return None;
            }
            if idle.elapsed() < STAY_AWAKE {
                state = self.wait(state, STEP);
                continue;
            }
            if state.untold > 0 {
                drop(state);
                self.tell_of_drops();
                state = self.lock();
                state = self.wait(state, STEP * 100);
                continue;
            }
            state.asleep = true;
            let sleeps = |state: &mut State| state.asleep && state.pieces.is_empty();
            let woken = self.wake.wait_while(state, |state| sleeps(state) && !state.closing);
            state = woken.unwrap_or_else(PoisonError::into_inner);
            state.asleep = false;
        }
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>, time: Duration) -> MutexGuard<'s, State> {
        let waited = self.wake.wait_timeout(state, time);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl State {
    fn add(&mut self, record: &[&[u8]], bytes: usize) {
        self.count += 1;
        self.bytes += bytes;
        match self.pieces.back_mut().filter(|last| last.bytes() + bytes <= PIECE) {
            Some(last) => last.push(record),
            None => {
                let mut piece = self.spare.pop().unwrap_or_default();
                piece.reserve(PIECE.max(bytes));
                piece.push(record);
                self.pieces.push_back(piece);
            }
        }
    }
}

/// The thread that writes.
struct Worker {
    shared: Arc<Shared>,
    renderer: Renderer,
    output: Output,
    /// What is being written, and how many of its lines have been dealt with.
    piece: Lines,
    done: usize,
    /// Batches that may be written now.
    tokens: f64,
    refilled: Instant,
    errors: Interval,
}

impl Worker {
    fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            while self.done == self.piece.count() {
                if !self.take_piece() {
                    return self.end();
                }
            }
            let batch = self.batch_size();
            self.throttle();
            if self.write(batch) {
                pause = FIRST_PAUSE;
                continue;
            }
            if self.gives_up(pause) {
                break;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.end();
    }

    /// What is left is lost, and is said to be.
    fn end(&self) {
        self.shared.tell();
        let mut state = self.shared.lock();
        let left = state.count;
        if !std::mem::replace(&mut state.ended, true) && left > 0 {
            self.shared.counters.lost.add(left);
            tracing::error!("the audit log takes nothing: {left} events are lost");
        }
        drop(state);
        self.shared.done.notify_all();
    }

    /// After a failure: waits a while before the next attempt. True if there will be none.
    fn gives_up(&self, pause: Duration) -> bool {
        let state = self.shared.lock();
        // One attempt was made after the end came; another would fail as well.
        if state.closing {
            return true;
        }
        let waited = self.shared.wake.wait_timeout_while(state, pause, |state| !state.closing);
        drop(waited);
        false
    }

    /// Takes the next records in hand, as lines; false if it is time to stop and nothing is left.
    fn take_piece(&mut self) -> bool {
        let shared = Arc::clone(&self.shared);
        let Some(mut state) = shared.wait_for_some() else { return false };
        let options = &shared.options;
        if options.max_size > 1 && !options.max_wait.is_zero() {
            // Whoever adds a line need not wake anyone for that: the lines are looked at in steps.
            let deadline = Instant::now() + options.max_wait;
            while state.count < options.max_size && !state.closing {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                state = shared.wait(state, left.min(STEP * 10));
            }
        }
        let mut records = state.pieces.pop_front().unwrap_or_default();
        drop(state);
        let too_large = self.put_into_words(&records);
        let mut state = shared.lock();
        state.count = state.count.saturating_sub(too_large);
        state.bytes = state.bytes.saturating_sub(records.bytes()) + self.piece.bytes();
        records.clear();
        // Some are kept to be filled again, for new memory is what costs most; not one that a record made
        // too large.
        if records.bytes_kept() <= 2 * PIECE && state.spare.len() < MOST_SPARE {
            state.spare.push(records);
        }
        true
    }

    /// Makes lines of records; how many are too large for that.
    fn put_into_words(&mut self, records: &Lines) -> usize {
        let Self { piece, renderer, shared, errors, .. } = self;
        if piece.bytes_kept() > 8 * PIECE {
            *piece = Lines::default();
        }
        piece.clear();
        self.done = 0;
        let mut too_large = 0;
        for record in records.iter() {
            if let Err(TooLarge { bytes }) = piece.push_with(|text| renderer.line(record, text)) {
                too_large += 1;
                shared.counters.count_too_large(bytes, errors);
            }
        }
        too_large
    }

    /// How many lines are written at once. Where how often is written has no bound, the fewer calls
    /// the better.
    fn batch_size(&self) -> usize {
        let options = &self.shared.options;
        if options.throttle.is_some() { options.max_size } else { usize::MAX }
    }

    /// Writes as much of a batch as can be written; false if the sink takes nothing now.
    fn write(&mut self, batch: usize) -> bool {
        let lines = self.piece.slice(self.done, batch);
        let written = self.output.write(lines);
        let counters = &self.shared.counters;
        counters.stored.add(written.lines);
        let mut gone = written.lines;
        if let Some(error) = &written.error {
            counters.write_errors.add(1);
            if self.errors.is_over() {
                let waiting = lines.count() - written.lines.min(lines.count());
                tracing::error!(
                    "Error in audit plugin 'log' affecting {waiting} audit events: {error}"
                );
            }
            if matches!(error, StoreError::TooLong { .. }) {
                gone += 1;
                counters.lost.add(1);
            }
        }
        let bytes = lines.first(gone).text().len();
        self.done += gone;
        let mut state = self.shared.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
        state.count = state.count.saturating_sub(gone);
        !matches!(written.error, Some(StoreError::Io(_)))
    }

    /// Waits until a batch may be written: a token bucket.
    fn throttle(&mut self) {
        let Some(throttle) = self.shared.options.throttle else { return };
        let qps = f64::from(throttle.qps);
        loop {
            let now = Instant::now();
            let since = now.duration_since(self.refilled).as_secs_f64();
            self.tokens = (self.tokens + since * qps).min(throttle.burst as f64);
            self.refilled = now;
            if self.tokens >= 1.0 || self.shared.lock().closing {
                self.tokens = (self.tokens - 1.0).max(0.0);
                return;
            }
            let wait = Duration::try_from_secs_f64((1.0 - self.tokens) / qps);
            // A rate of almost nothing: look again in a second.
            let wait = wait.unwrap_or(Duration::MAX).min(Duration::from_secs(1));
            let state = self.shared.lock();
            drop(self.shared.wake.wait_timeout_while(state, wait, |state| !state.closing));
        }
    }
}

/// How often the thread looks for lines while they come.
const STEP: Duration = Duration::from_millis(1);
/// How long it looks before it sleeps.
const STAY_AWAKE: Duration = Duration::from_millis(50);
/// Bytes of one piece of the queue, which is what is written at once.
const PIECE: usize = 256 << 10;
/// How many pieces are kept to be filled again.
const MOST_SPARE: usize = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the end waits for the thread.
const AT_THE_END: Duration = Duration::from_secs(5);
