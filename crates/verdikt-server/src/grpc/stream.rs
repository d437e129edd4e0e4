//! Streams: questions as they come up, and the status as it changes. Nothing is queued here: a message is read
//! when the answer before it has been taken.

use std::pin::Pin;

use futures_util::stream;
use tokio_stream::Stream;
use tonic::{Status, Streaming};
use verdikt::{Changes, Revision};

use super::call::{Call, Privilege};
use super::proto::v1::check_stream_response::Result as Answered;
use super::proto::v1::{self, CheckStreamRequest, CheckStreamResponse, WatchStatusResponse};
use super::{check, error};
use crate::inflight;

/// What a stream sends.
pub(crate) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Answers questions in their order.
pub(super) fn answers(
    call: Call,
    questions: Streaming<CheckStreamRequest>,
) -> Answers<CheckStreamResponse> {
    Box::pin(stream::unfold(Some((call, questions)), async |state| {
        let (mut call, mut questions) = state?;
        let mut stopping = call.app.stopping.clone();
        let next = tokio::select! {
            biased;
            // What has come already is answered even if the server is to end.
            next = questions.message() => next,
            _ = stopping.wait_for(|&stopping| stopping) => Err(stops()),
        };
        let next = next.and_then(|next| call.deadline.check().map(|()| next));
        match next {
            Ok(None) => None,
            Ok(Some(CheckStreamRequest { id, question })) => {
                let result = Some(match one(&mut call, question).await {
                    Ok(answer) => Answered::Answer(answer),
                    Err(status) => Answered::Error(v1::StreamError {
                        code: status.code().into(),
                        message: status.message().to_owned(),
                    }),
                });
                Some((Ok(CheckStreamResponse { id, result }), Some((call, questions))))
            }
            Err(status) => Some((Err(status), None)),
        }
    }))
}

async fn one(
    call: &mut Call,
    question: Option<v1::CheckRequest>,
) -> Result<v1::CheckResponse, Status> {
    let inflight = call.app.inflight.clone();
    let _place = match &inflight {
        Some(inflight) => Some(inflight.enter().ok_or_else(inflight::exhausted)?),
        None => None,
    };
    let question = question.ok_or_else(|| error::bad_field("question", "must be specified"))?;
    let revision = Revision(question.at_least_revision);
    call.snapshot = call.deadline.snapshot(&call.app.engine, revision).await?;
    check::answer(call, question)
}

/// The status now, and whenever it changes.
///
/// # Errors
/// If the caller may not see it.
pub(super) fn statuses(call: Call) -> Result<Answers<WatchStatusResponse>, Status> {
    call.needs(Privilege::GetStatus)?;
    let changes = call.app.engine.subscribe();
    let first = (call, changes, true);
    Ok(Box::pin(stream::unfold(Some(first), async |state| {
        let (mut call, mut changes, is_first) = state?;
        let next = match is_first {
            true => Ok(()),
            false => next_change(&mut call, &mut changes).await,
        };
        Some(match next {
            Ok(()) => {
                let status = Some(call.app.engine.status().into());
                (Ok(WatchStatusResponse { status }), Some((call, changes, false)))
            }
            Err(status) => (Err(status), None),
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
