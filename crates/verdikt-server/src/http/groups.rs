//! `/api`, `/apis` and what lies below them: for whoever may read that path.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, StatusCode, header};

use super::{App, answer, request};
use crate::kubernetes::discovery;

/// Where discovery documents lie; whatever else is asked for below `/apis` is a request like any other.
pub(super) const ADDRESSES: [&str; 6] =
    ["/api", "/api/", "/apis", "/apis/", "/apis/{group}", "/apis/{group}/{version}"];

pub(super) async fn answer(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    let reason = match request::admit(&app, &parts) {
        Ok(reason) => reason,
        Err(refused) => return refused,
    };
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    match discovery::document(parts.uri.path(), host.unwrap_or_default()) {
        Some(document) => answer::object(&parts, StatusCode::OK, &document),
        None => request::allowed(&parts, &reason),
    }
}
