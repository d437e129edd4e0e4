//! `GET /`: which paths there are.
//!
//! Follows apiserver's `pkg/server/routes/index.go`, which prints them indented whoever asks.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, StatusCode, header};
use serde_json::json;
use verdikt::authn::service_account::Discovery;

use super::{App, PATHS, answer, request};

/// The paths that this server answers itself, for whoever may see them.
pub(super) async fn answer(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    if let Err(refused) = request::admit(&app, &parts) {
        return refused;
    }
    let mut paths = PATHS.to_vec();
    if app.engine.snapshot().discovery().is_some() {
        paths.extend([Discovery::CONFIGURATION_PATH, Discovery::JWKS_PATH]);
    }
    paths.sort_unstable();
    let text = serde_json::to_string_pretty(&json!({"paths": paths})).unwrap_or_default();
    let mut response = answer::text(StatusCode::OK, text);
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
