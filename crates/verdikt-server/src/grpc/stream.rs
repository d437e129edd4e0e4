//! Streams: questions as they come up, and the status as it changes. Nothing is queued here: a message is read
//! when the answer before it has been taken.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream;
use tokio::sync::watch;
use tokio_stream::Stream;
use tonic::{Code, Status, Streaming};
use verdikt::{Changes, Revision};

use super::call::{Call, Privilege};
use super::codec::{CheckRequest, CheckStreamRequest};
use super::meters::{Handling, Meter};
use super::proto::v1::check_stream_response::Result as Answered;
use super::proto::v1::{self, CheckStreamResponse, WatchStatusResponse};
use super::{check, error};
use crate::inflight;

/// What a stream sends.
pub(crate) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Answers questions in their order.
pub(super) fn answers(
    call: Call,
    questions: Streaming<CheckStreamRequest>,
    handling: Handling<Arc<Meter>>,
) -> Answers<CheckStreamResponse> {
    let stopping = call.app.stopping.clone();
    // In a box: it changes hands with every answer.
    let asking = Box::new(Asking { call, questions, stopping, handling });
    Box::pin(stream::unfold(Some(asking), async |asking| {
        let mut asking = asking?;
        match asking.next().await {
            Ok(None) => {
                asking.handling.count(Code::Ok);
                None
            }
            Ok(Some(CheckStreamRequest { id, question })) => {
                let result = Some(match asking.answer(question).await {
                    Ok(answer) => Answered::Answer(answer),
                    Err(status) => Answered::Error(v1::StreamError {
                        code: status.code().into(),
                        message: status.message().to_owned(),
                    }),
                });
                Some((Ok(CheckStreamResponse { id, result }), Some(asking)))
            }
            Err(status) => {
                asking.handling.count(status.code());
                Some((Err(status), None))
            }
        }
    }))
}

/// A stream of questions that is being answered.
struct Asking {
    call: Call,
    questions: Streaming<CheckStreamRequest>,
    stopping: watch::Receiver<bool>,
    handling: Handling<Arc<Meter>>,
}

impl Asking {
    async fn next(&mut self) -> Result<Option<CheckStreamRequest>, Status> {
        let Self { call, questions, stopping, .. } = self;
        let next = tokio::select! {
            biased;
            // What has come already is answered even if the server is to end.
            next = questions.message() => next?,
            _ = stopping.wait_for(|&stopping| stopping) => return Err(stops()),
        };
        call.deadline.check()?;
        Ok(next)
    }

    async fn answer(
        &mut self,
        question: Option<CheckRequest>,
    ) -> Result<v1::CheckResponse, Status> {
        let call = &mut self.call;
        let inflight = call.app.inflight.as_ref();
        let place = inflight.map(|inflight| inflight.enter().ok_or_else(inflight::exhausted));
        let _place = place.transpose()?;
        let question = question.ok_or_else(|| error::bad_field("question", "must be specified"))?;
        let revision = Revision(question.at_least_revision());
        call.snapshot = call.deadline.snapshot(&call.app.engine, revision).await?;
        check::answer(call, question)
    }
}

/// The status now, and whenever it changes.
///
/// # Errors
/// If the caller may not see it.
pub(super) fn statuses(
    call: Call,
    handling: Handling<Arc<Meter>>,
) -> Result<Answers<WatchStatusResponse>, Status> {
    if let Err(status) = call.needs(Privilege::GetStatus) {
        return handling.end(Err(status));
    }
    let changes = call.app.engine.subscribe();
    let first = (call, changes, handling, true);
    Ok(Box::pin(stream::unfold(Some(first), async |state| {
        let (mut call, mut changes, mut handling, is_first) = state?;
        let next = match is_first {
            true => Ok(()),
            false => next_change(&mut call, &mut changes).await,
        };
        Some(match next {
            Ok(()) => {
                let status = Some(call.app.engine.status().into());
                (Ok(WatchStatusResponse { status }), Some((call, changes, handling, false)))
            }
            Err(status) => {
                handling.count(status.code());
                (Err(status), None)
            }
        })
    })))
}

/// Waits for a change, and sees whether the caller may still see the status.
async fn next_change(call: &mut Call, changes: &mut Changes) -> Result<(), Status> {
    let mut stopping = call.app.stopping.clone();
    tokio::select! {
        _ = changes.changed() => {}
        _ = stopping.wait_for(|&stopping| stopping) => return Err(stops()),
        () = call.deadline.passed() => {}
    }
    call.deadline.check()?;
    call.snapshot = call.app.engine.snapshot();
    call.needs(Privilege::GetStatus)
}

fn stops() -> Status {
    Status::unavailable("the server stops")
}
