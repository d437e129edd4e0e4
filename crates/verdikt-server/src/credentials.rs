//! What a request brings to say who it comes from; the only place that reads those headers.

use axum::http::{HeaderMap, header};
use verdikt::Credentials;

/// The credentials among `headers`, for a request to `path` (decoded).
pub(crate) fn of<'a>(headers: &'a HeaderMap, path: &'a str) -> Credentials<'a> {
    let credentials = match headers.get(header::AUTHORIZATION) {
        Some(value) => Credentials::authorization(value.as_bytes()),
        None => Credentials::none(),
    };
    credentials.with_path(path)
}

/// Whether there are any.
pub(crate) fn are_in(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
}
