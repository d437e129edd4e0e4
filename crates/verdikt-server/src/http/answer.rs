//! Answers: JSON as Kubernetes prints it, pretty for people.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use super::audit;
use crate::kubernetes::media_type::{MediaType, Transform, Wanted};
use crate::kubernetes::status::Status;
use crate::kubernetes::{protobuf, yaml};
use crate::wire;

/// An object.
pub(super) fn object(parts: &Parts, code: StatusCode, object: &impl Serialize) -> Response<Body> {
    let text = wire::to_text(object, wire::is_pretty(&parts.uri, &parts.headers));
    let mut response = with_type(code, "application/json", text);
    audit::response_object(parts, &mut response, object);
    response
}

/// An object of Kubernetes in the format in which it is wanted.
pub(super) fn negotiated(
    parts: &Parts,
    code: StatusCode,
    wanted: Wanted,
    object: &impl Serialize,
) -> Response<Body> {
    let is_pretty = || wanted.is_pretty || wire::is_pretty(&parts.uri, &parts.headers);
    let value = || serde_json::to_value(object).unwrap_or_default();
    let body = match wanted.media_type {
        MediaType::Json => Body::from(wire::to_text(object, is_pretty())),
        MediaType::Yaml => yaml::write(&value()).into(),
        // All that is negotiated has a form in protobuf, which a test holds.
        MediaType::Protobuf => protobuf::write(&value()).unwrap_or_default().into(),
    };
    let mut response = with_type(code, wanted.media_type.as_str(), body);
    audit::response_object(parts, &mut response, object);
    response
}

/// A `Status`, under its own code.
pub(super) fn status(parts: &Parts, status: &Status) -> Response<Body> {
    let code = StatusCode::from_u16(status.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match Wanted::by(&parts.headers, Transform::Never) {
        Some(wanted) => negotiated(parts, code, wanted, status),
        // What went wrong is not hidden behind what cannot be agreed on.
        None => {
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

/// A document that is told from others by its hash, and not sent again to whoever has it.
pub(super) fn tagged(
    parts: &Parts,
    hash: &str,
    content_type: &'static str,
    body: Body,
) -> Response<Body> {
    let tag = HeaderValue::try_from(format!("\"{hash}\"")).ok();
    let is_known = tag.is_some() && parts.headers.get(header::IF_NONE_MATCH) == tag.as_ref();
    let mut response = match is_known {
        true => with_type(StatusCode::NOT_MODIFIED, content_type, Body::empty()),
        false => with_type(StatusCode::OK, content_type, body),
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    headers.extend(tag.map(|tag| (header::ETAG, tag)));
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
