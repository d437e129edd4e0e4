//! What surrounds all handlers, in one layer, since each costs every request as much as a decision does: bodies that
//! are read to their end, the audit trail, warnings about credentials, and metrics.

use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Response, header};
use verdikt::Credentials;

use super::{App, audit, unread};

/// Does what is done for every request around whatever answers it.
pub(super) async fn surrounded<F: Future<Output = Response<Body>>>(
    app: &App,
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response<Body> {
    let since = Instant::now();
    let series = app.meters.of(request.method(), request.uri().path());
    let request = unread::read_later(request, app.limits);
    let warning = warning(app, &request);
    let mut response = audit::recorded(app, request, answer).await;
    if let Some(warning) = warning {
        response.headers_mut().append(header::WARNING, warning);
    }
    app.meters.answered(series, response.status(), since.elapsed());
    response
}

/// What is wrong with a client's credentials though they are not refused for it.
fn warning(app: &App, request: &Request) -> Option<HeaderValue> {
    let authorization = request.headers().get(header::AUTHORIZATION)?;
    let text = app.engine.warning(&Credentials::authorization(authorization.as_bytes()))?;
    HeaderValue::try_from(format!("299 - \"{text}\"")).ok()
}
