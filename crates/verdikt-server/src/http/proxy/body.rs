//! Bodies on their way: handed on part by part, so that no more of them is held than fits between two sockets.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use super::headers;
use crate::http::audit::Ending;

/// What went wrong with the body of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It stopped coming.
    Slow,
    /// It ended before its end, or is not framed as it says.
    Broken,
}

/// How far a request has got.
#[derive(Debug)]
pub(super) struct Progress {
    start: Instant,
    /// When something of the body came last, in milliseconds.
    last: AtomicU64,
    trouble: AtomicU8,
}

impl Progress {
    /// When something was sent last.
    pub(super) fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }

    /// What the client did wrong, if it did.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        match self.trouble.load(Ordering::Relaxed) {
            SLOW => Some(Trouble::Slow),
            BROKEN => Some(Trouble::Broken),
            _ => None,
        }
    }

    fn step(&self) {
        let passed = self.start.elapsed().as_millis();
        self.last.store(u64::try_from(passed).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

const SLOW: u8 = 1;
const BROKEN: u8 = 2;

/// The body of a request, which must not stop coming for too long.
pub(super) struct Sent {
    body: Body,
    progress: Arc<Progress>,
    patience: Duration,
    /// Runs while something is waited for.
    wait: Option<Pin<Box<Sleep>>>,
}

impl Sent {
    pub(super) fn new(body: Body, patience: Duration) -> (Self, Arc<Progress>) {
        let progress = Arc::new(Progress {
            start: Instant::now(),
            last: AtomicU64::new(0),
            trouble: AtomicU8::new(0),
        });
        (Self { body, progress: Arc::clone(&progress), patience, wait: None }, progress)
    }

    fn fail(
        &self,
        trouble: u8,
        error: axum::Error,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.progress.trouble.store(trouble, Ordering::Relaxed);
        Poll::Ready(Some(Err(error)))
    }
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.wait = None;
                self.progress.step();
                Poll::Ready(Some(Ok(without_claims(frame))))
            }
            Poll::Ready(Some(Err(error))) => self.fail(BROKEN, error),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let patience = self.patience;
                let wait = self.wait.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
                ready!(wait.as_mut().poll(context));
                self.fail(
                    SLOW,
                    axum::Error::new(std::io::Error::from(std::io::ErrorKind::TimedOut)),
                )
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Trailers must not say what headers may not.
fn without_claims(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(trailers) => {
            let mut kept = HeaderMap::with_capacity(trailers.len());
            for (name, value) in trailers.iter().filter(|(name, _)| headers::may_trail(name)) {
                kept.append(name, value.clone());
            }
            Frame::trailers(kept)
        }
        Err(frame) => frame,
    }
}

/// The body of an answer, with whose end the trail of its request ends.
pub(super) struct Returned {
    body: Incoming,
    ending: Option<Ending>,
}

impl Returned {
    pub(super) fn new(body: Incoming, ending: Option<Ending>) -> Self {
        let mut returned = Self { body, ending };
        returned.end_if_ended();
        returned
    }

    fn end_if_ended(&mut self) {
        if self.body.is_end_stream()
            && let Some(ending) = self.ending.take()
        {
            ending.ended();
        }
    }
}

impl HttpBody for Returned {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            None => {
                if let Some(ending) = self.ending.take() {
                    ending.ended();
                }
            }
            Some(Ok(_)) => self.end_if_ended(),
            Some(Err(error)) => tracing::warn!("an answer of the upstream was cut: {error}"),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
