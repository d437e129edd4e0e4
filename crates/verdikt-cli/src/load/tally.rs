//! What came of the calls: counts, and histograms of fixed size.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::answer::{CallError, Decision};
use super::message::Message;
use super::pace::Turn;

/// The counts of some calls.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    /// From when a call should have begun to its answer, in nanoseconds.
    pub(super) latency: Histogram<u64>,
    /// From when a call should have begun to when it did.
    pub(super) wait: Histogram<u64>,
    /// Calls that were answered.
    pub(super) calls: u64,
    pub(super) answers: Answers,
    pub(super) mismatches: u64,
    /// The first of some requests.
    pub(super) examples: Vec<Mismatch>,
    pub(super) errors: BTreeMap<String, Errors>,
}

/// What was answered.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answers {
    pub(super) allowed: u64,
    pub(super) denied: u64,
    pub(super) no_opinion: u64,
    pub(super) unauthenticated: u64,
}

/// An answer that is not what the file of requests says.
#[derive(Clone, Copy, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mismatch {
    /// Which request, from 1.
    pub(super) request: usize,
    pub(super) expected: bool,
    pub(super) allowed: bool,
}

/// Errors of one kind.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Errors {
    pub(super) count: u64,
    /// What the first of them said.
    pub(super) example: String,
}

impl Tally {
    fn new() -> Self {
        Self {
            latency: histogram(),
            wait: histogram(),
            calls: 0,
            answers: Answers::default(),
            mismatches: 0,
            examples: Vec::new(),
            errors: BTreeMap::new(),
        }
    }

    fn add_answer(&mut self, message: &Message, decisions: &[Decision]) {
        self.calls += 1;
        for ((number, expected), decision) in message.asks.iter().zip(decisions) {
            match decision {
                Decision::Allowed => self.answers.allowed += 1,
                Decision::Denied => self.answers.denied += 1,
                Decision::NoOpinion => self.answers.no_opinion += 1,
                Decision::Unauthenticated => self.answers.unauthenticated += 1,
            }
            let allowed = *decision == Decision::Allowed;
            if let Some(expected) = *expected
                && expected != allowed
            {
                self.mismatches += 1;
                self.add_example(Mismatch { request: number + 1, expected, allowed });
            }
        }
    }

    /// Keeps it if its request has none yet, and there is room.
    fn add_example(&mut self, example: Mismatch) {
        let is_new = self.examples.iter().all(|known| known.request != example.request);
        if is_new && self.examples.len() < MOST_EXAMPLES {
            self.examples.push(example);
        }
    }

    fn add_error(&mut self, error: &CallError) {
        let errors = self.errors.entry(error.kind.to_string()).or_default();
        if errors.count == 0 {
            errors.example.clone_from(&error.text);
        }
        errors.count += 1;
    }

    /// How many calls failed.
    pub(super) fn failed(&self) -> u64 {
        self.errors.values().map(|errors| errors.count).sum()
    }

    /// How many questions were answered.
    pub(super) fn decisions(&self) -> u64 {
        let Answers { allowed, denied, no_opinion, unauthenticated } = self.answers;
        allowed + denied + no_opinion + unauthenticated
    }

    fn merge(&mut self, other: &Self) {
        // All histograms have the same bounds.
        let _ = self.latency.add(&other.latency);
        let _ = self.wait.add(&other.wait);
        self.calls += other.calls;
        self.answers.allowed += other.answers.allowed;
        self.answers.denied += other.answers.denied;
        self.answers.no_opinion += other.answers.no_opinion;
        self.answers.unauthenticated += other.answers.unauthenticated;
        self.mismatches += other.mismatches;
        other.examples.iter().for_each(|example| self.add_example(*example));
        for (kind, errors) in &other.errors {
            let all = self.errors.entry(kind.clone()).or_default();
            if all.count == 0 {
                all.example.clone_from(&errors.example);
            }
            all.count += errors.count;
        }
    }
}

/// All have the same bounds; of a value beyond them, the nearest is counted.
#[expect(clippy::expect_used, reason = "the bounds are constants, and good ones")]
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, DIGITS).expect("bounds of a histogram")
}

/// Tallies that several connections share, so that there are no more of them than cores that write to them.
#[derive(Clone, Debug)]
pub(super) struct Tallies(Vec<Arc<Mutex<Tally>>>);

impl Tallies {
    pub(super) fn new(count: usize) -> Self {
        Self((0..count.max(1)).map(|_| Arc::new(Mutex::new(Tally::new()))).collect())
    }

    /// Where a connection writes what happens from some time on.
    pub(super) fn recorder(&self, connection: usize, from: Instant) -> Option<Recorder> {
        let tally = self.0.get(connection % self.0.len())?;
        Some(Recorder { tally: Arc::clone(tally), from })
    }

    /// Questions that were answered and calls that failed so far.
    pub(super) fn so_far(&self) -> (u64, u64) {
        let each = self.0.iter().map(|tally| {
            let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            (tally.decisions(), tally.failed())
        });
        each.fold((0, 0), |all, each| (all.0 + each.0, all.1 + each.1))
    }

    /// All together.
    pub(super) fn total(&self) -> Tally {
        let mut total = Tally::new();
        for tally in &self.0 {
            total.merge(&tally.lock().unwrap_or_else(PoisonError::into_inner));
        }
        total
    }
}

/// Writes down what comes of calls.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    tally: Arc<Mutex<Tally>>,
    from: Instant,
}

impl Recorder {
    /// A call that was to begin with its turn, did so at `begun`, and has come to an end.
    pub(super) fn record(
        &self,
        turn: Turn,
        begun: Instant,
        message: &Message,
        result: Result<&[Decision], &CallError>,
    ) {
        if turn.since < self.from {
            return;
        }
        let latency = nanoseconds(turn.since.elapsed());
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.wait.saturating_record(nanoseconds(begun.saturating_duration_since(turn.since)));
        match result {
            Ok(decisions) if decisions.len() == message.asks.len() => {
                tally.latency.saturating_record(latency);
                tally.add_answer(message, decisions);
            }
            Ok(_) => tally.add_error(&CallError::unreadable("not as many answers as questions")),
            Err(error) => tally.add_error(error),
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// An hour.
const LONGEST_NS: u64 = 3_600_000_000_000;
/// Values are right to three digits.
const DIGITS: u8 = 3;
/// Mismatches that are kept to be shown.
const MOST_EXAMPLES: usize = 5;
