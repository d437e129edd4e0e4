//! Bodies: bounded in size and in time.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::http::{HeaderMap, header};
use http_body_util::LengthLimitError;

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
    let mut reading = pin!(to_bytes(body, limit));
    // Most bodies are here already; a clock is for those that are not.
    let read = match poll_fn(|context| Poll::Ready(reading.as_mut().poll(context))).await {
        Poll::Ready(read) => Ok(read),
        Poll::Pending => tokio::time::timeout(limits.read_timeout, reading).await,
    };
    match read {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_about_size(&error) => Err(Status::too_large(limit)),
        Ok(Err(error)) => Err(Status::bad_request(format!("the body cannot be read: {error}"))),
        Err(_) => Err(Status::timeout()),
    }
}

fn is_about_size(error: &axum::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<LengthLimitError>())
}

/// Whether the body says that it is of this media type.
pub(super) fn is(headers: &HeaderMap, wanted: &str) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return false };
    let media_type = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case(wanted)
}
