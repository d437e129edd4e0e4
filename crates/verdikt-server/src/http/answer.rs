//! Answers: JSON as Kubernetes prints it, pretty for people.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use super::audit;
use crate::kubernetes::status::Status;
use crate::wire;

/// An object.
pub(super) fn object(parts: &Parts, code: StatusCode, object: &impl Serialize) -> Response<Body> {
    let text = wire::to_text(object, wire::is_pretty(&parts.uri, &parts.headers));
    let mut response = with_type(code, "application/json", text);
    audit::response_object(parts, &mut response, object);
    response
}

/// A `Status`, under its own code.
pub(super) fn status(parts: &Parts, status: &Status) -> Response<Body> {
    let code = StatusCode::from_u16(status.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match wire::accepts_json(&parts.headers) {
        true => object(parts, code, status),
        // What went wrong is not hidden behind what cannot be agreed on.
        false => {
            let mut text = wire::to_text(status, true);
            text.truncate(text.trim_end().len());
            with_type(code, "application/json", text)
        }
    };
    if let Some(challenge) = status.challenge() {
        let challenge = HeaderValue::from_static(challenge);
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Text.
pub(super) fn text(code: StatusCode, text: impl Into<Body>) -> Response<Body> {
    let mut response = with_type(code, "text/plain; charset=utf-8", text);
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Any body of one type.
pub(super) fn with_type(
    code: StatusCode,
    content_type: &'static str,
    body: impl Into<Body>,
) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
