//! HTTP: one module for each kind of question.

mod answer;
mod body;
mod check;
mod health;
mod request;
mod review;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use verdikt::Engine;

use crate::listener::{Access, Limits};

/// What every handler needs.
pub(crate) struct App {
    engine: Engine,
    access: Access,
    limits: Limits,
}

/// All addresses. What is none of them is a request like any other: authenticated, then authorized.
pub(crate) fn router(engine: Engine, access: Access, limits: Limits) -> Router {
    let ours = |route: axum::routing::MethodRouter<Arc<App>>| route.fallback(request::answer);
    Router::new()
        .route("/healthz", ours(get(health::ping)))
        .route("/livez", ours(get(health::ping)))
        .route("/readyz", ours(get(health::readyz)))
        .route("/version", ours(get(health::version)))
        .route("/v1/status", ours(get(health::status)))
        .route("/v1/check", ours(post(check::answer)))
        .route(
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            ours(post(review::subject_access_review)),
        )
        .fallback(request::answer)
        .with_state(Arc::new(App { engine, access, limits }))
}
