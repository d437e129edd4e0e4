//! Bodies: bounded in size and in time.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;

use crate::kubernetes::status::Status;
use crate::listener::Limits;

/// All of the body, whatever it says it is.
///
/// # Errors
/// The answer to give instead.
pub(super) async fn any(body: Body, limits: &Limits) -> Result<Bytes, Status> {
    let limit = limits.body_bytes;
    if body.size_hint().lower() > limit as u64 {
        return Err(Status::too_large(limit));
    }
    let mut reading = pin!(whole(body, limit));
    // Most bodies are here already; a clock is for those that are not.
    let read = match poll_fn(|context| Poll::Ready(reading.as_mut().poll(context))).await {
        Poll::Ready(read) => Ok(read),
        Poll::Pending => tokio::time::timeout(limits.read_timeout, reading).await,
    };
    read.unwrap_or_else(|_| Err(Status::timeout()))
}

/// Nothing is copied of a body that comes in one piece, and nothing waited for behind the last one.
async fn whole(mut body: Body, limit: usize) -> Result<Bytes, Status> {
    let (mut only, mut all) = (Bytes::new(), Vec::new());
    while !body.is_end_stream()
        && let Some(frame) = body.frame().await
    {
        let frame = frame
            .map_err(|error| Status::bad_request(format!("the body cannot be read: {error}")))?;
        // Trailers say nothing here.
        let Ok(piece) = frame.into_data() else { continue };
        if only.len().max(all.len()) + piece.len() > limit {
            return Err(Status::too_large(limit));
        }
        if only.is_empty() && all.is_empty() {
            only = piece;
        } else {
            all.extend_from_slice(&std::mem::take(&mut only));
            all.extend_from_slice(&piece);
        }
    }
    Ok(if all.is_empty() { only } else { all.into() })
}

/// Whether the body says that it is of this media type.
pub(super) fn is(headers: &HeaderMap, wanted: &str) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return false };
    let media_type = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case(wanted)
}
