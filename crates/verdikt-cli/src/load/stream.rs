//! Questions on a stream: several under way, answered in their order.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use verdikt_server::proto::v1::CheckStreamResponse;
use verdikt_server::proto::v1::check_stream_response::Result as Answered;

use super::answer::{CallError, Decision, ErrorKind};
use super::grpc::Grpc;
use super::message::Message;
use super::pace::Turn;
use super::worker::{AFTER_ERROR, Work};

/// A question that waits for its answer.
struct Pending<'m> {
    turn: Turn,
    begun: Instant,
    message: &'m Message,
}

/// Asks on one stream after the other, each until it breaks.
pub(super) async fn work(mut grpc: Grpc, concurrency: usize, work: Work) {
    let mut pending = VecDeque::with_capacity(concurrency);
    while let Err(error) = one(&mut grpc, concurrency, &mut pending, &work).await {
        for Pending { turn, begun, message } in pending.drain(..) {
            work.recorder.record(turn, begun, message, Err(&error));
        }
        if work.pace.is_stopped() {
            break;
        }
        tokio::time::sleep(AFTER_ERROR).await;
    }
}

/// Asks until the load ends.
async fn one<'m>(
    grpc: &mut Grpc,
    most: usize,
    pending: &mut VecDeque<Pending<'m>>,
    work: &'m Work,
) -> Result<(), CallError> {
    let (sender, questions) = mpsc::channel(most);
    // Servers may say nothing before they are asked.
    let Some(turn) = work.pace.turn().await else { return Ok(()) };
    let ask = |turn: Turn, pending: &mut VecDeque<Pending<'m>>| {
        let Some(message) = work.message(turn) else { return };
        pending.push_back(Pending { turn, begun: Instant::now(), message });
        // There is room: no more are under way. If the stream has broken, its answers say so.
        let _ = sender.try_send(message.bytes.clone());
    };
    ask(turn, pending);
    let opened = grpc.stream(ReceiverStream::new(questions));
    let mut answers = in_time(work.timeout, opened).await??;
    let mut is_over = false;
    while !is_over || !pending.is_empty() {
        tokio::select! {
            turn = work.pace.turn(), if !is_over && pending.len() < most => match turn {
                Some(turn) => ask(turn, pending),
                None => is_over = true,
            },
            answer = in_time(work.timeout, answers.next()), if !pending.is_empty() => {
                let answer = answer?.ok_or_else(|| CallError::unreadable("the stream ended"))?;
                let result = decision(answer?);
                let Some(Pending { turn, begun, message }) = pending.pop_front() else { continue };
                let result = result.as_ref().map(std::slice::from_ref);
                work.recorder.record(turn, begun, message, result);
            }
        }
    }
    Ok(())
}

/// Asks one question, to see whether that can be done.
pub(super) async fn probe(
    grpc: &mut Grpc,
    message: &Message,
    timeout: Duration,
) -> Result<(), CallError> {
    let question = tokio_stream::once(message.bytes.clone());
    let answer = async { Ok::<_, CallError>(grpc.stream(question).await?.next().await) };
    let answer = in_time(timeout, answer).await??;
    let answer = answer.ok_or_else(|| CallError::unreadable("the stream ended"))?;
    decision(answer?).map(drop)
}

fn decision(answer: CheckStreamResponse) -> Result<Decision, CallError> {
    match answer.result {
        Some(Answered::Answer(answer)) => Decision::of_check(&answer),
        Some(Answered::Error(error)) => {
            Err(CallError { kind: ErrorKind::Grpc(error.code.into()), text: error.message })
        }
        None => Err(CallError::unreadable("neither an answer nor an error")),
    }
}

/// The same, or an error if it takes too long.
pub(super) async fn in_time<T>(
    limit: Duration,
    future: impl Future<Output = T>,
) -> Result<T, CallError> {
    let late = |_| CallError { kind: ErrorKind::Timeout, text: format!("no answer in {limit:?}") };
    tokio::time::timeout(limit, future).await.map_err(late)
}
