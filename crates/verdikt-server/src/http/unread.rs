//! What is left of a body when its request is answered: read to its end, and forgotten.
//!
//! An answer may be known before the body is there: 401, 403, 406. Dropped at once, what is left of a body resets its
//! stream in HTTP/2, and clients that still write then lose the answer; in HTTP/1.1 the connection ends. As much as a
//! body may have, and as long as one may take, is read here, on the side.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};

use crate::listener::Limits;

/// Sees to it that the body of a request is read.
pub(super) fn read_later(request: Request, limits: Limits) -> Request {
    // Whoever waits to be asked for the body has not sent it.
    let is_there =
        !request.body().is_end_stream() && !request.headers().contains_key(header::EXPECT);
    match is_there {
        true => request.map(|body| Body::new(Read { body: Some(body), limits })),
        false => request,
    }
}

/// A body that is read on when it is dropped.
struct Read {
    /// None once it has ended.
    body: Option<Body>,
    limits: Limits,
}

impl HttpBody for Read {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Read {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) else { return };
        // Without a runtime the connection has ended.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let Limits { body_bytes, read_timeout, .. } = self.limits;
        runtime.spawn(tokio::time::timeout(read_timeout, read(body, body_bytes)));
    }
}

/// Reads to the end, or until there is more than anybody may send.
async fn read(mut body: Body, most: usize) {
    let mut left = most;
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
