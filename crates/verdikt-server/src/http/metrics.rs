//! `/metrics`: all that is counted, for Prometheus.
//!
//! Follows apiserver's `pkg/server/routes/metrics.go`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};

use super::{App, answer, request};
use crate::prometheus::Format;

pub(super) async fn answer(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    if let Err(refused) = request::admit_operator(&app, &parts) {
        return refused;
    }
    let accept = parts.headers.get_all(header::ACCEPT).iter();
    let accept: Vec<&str> = accept.filter_map(|value| value.to_str().ok()).collect();
    let format = Format::accepted(&accept.join(","));
    let mut response = answer::text(StatusCode::OK, format.render(&app.engine.metrics()));
    let content_type = HeaderValue::from_static(format.content_type());
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}
