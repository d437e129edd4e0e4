//! Those who make the calls: for each connection as many as may be under way on it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::answer::{CallError, Decision, ErrorKind};
use super::grpc::Grpc;
use super::message::Message;
use super::pace::{Pace, Turn};
use super::review::Review;
use super::stream::in_time;
use super::tally::Recorder;

/// A connection that makes one call at a time; its clones share it.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    Grpc(Grpc),
    Review(Review),
}

/// What to do, and where to write down what came of it.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) pace: Arc<Pace>,
    pub(super) messages: Arc<[Message]>,
    pub(super) recorder: Recorder,
    pub(super) timeout: Duration,
}

impl Work {
    /// What is asked at this turn.
    pub(super) fn message(&self, turn: Turn) -> Option<&Message> {
        let number = turn.number % self.messages.len().max(1) as u64;
        self.messages.get(usize::try_from(number).ok()?)
    }
}

impl Caller {
    pub(super) async fn call(
        &mut self,
        message: &Message,
        timeout: Duration,
    ) -> Result<Vec<Decision>, CallError> {
        let answer = async {
            match self {
                Self::Grpc(grpc) => grpc.call(message).await,
                Self::Review(review) => review.call(message).await,
            }
        };
        in_time(timeout, answer).await?
    }

    /// Calls whenever it is its turn, until the load ends.
    pub(super) async fn work(mut self, work: Work) {
        while let Some(turn) = work.pace.turn().await {
            let Some(message) = work.message(turn) else { return };
            let begun = Instant::now();
            let result = self.call(message, work.timeout).await;
            work.recorder.record(turn, begun, message, result.as_deref());
            // A server that is away is asked again soon, but not all the time.
            if result.is_err_and(|error| error.kind == ErrorKind::Connection) {
                tokio::time::sleep(AFTER_ERROR).await;
            }
        }
    }
}

/// How long a connection that broke is left alone.
pub(super) const AFTER_ERROR: Duration = Duration::from_millis(10);
