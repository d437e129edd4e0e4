//! HTTP: one module for each kind of question.

mod answer;
pub(crate) mod audit;
mod body;
mod check;
mod discovery;
mod health;
mod index;
mod request;
mod review;
mod sender;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use verdikt::Engine;
use verdikt::authn::service_account::Discovery;

use crate::listener::{Access, Limits};

/// What every handler needs.
pub(crate) struct App {
    engine: Engine,
    access: Access,
    limits: Limits,
}

/// All addresses. What is none of them is a request like any other: authenticated, then authorized.
pub(crate) fn router(engine: Engine, access: Access, limits: Limits) -> Router {
    let app = Arc::new(App { engine, access, limits });
    let ours = |route: axum::routing::MethodRouter<Arc<App>>| route.fallback(request::answer);
    let anyones = |route: axum::routing::MethodRouter<Arc<App>>| {
        route
            .layer(from_fn_with_state(Arc::clone(&app), audit::record_anyone))
            .fallback(request::answer)
    };
    Router::new()
        .route("/", ours(get(index::answer)))
        .route("/healthz", anyones(get(health::ping)))
        .route("/livez", anyones(get(health::ping)))
        .route("/readyz", anyones(get(health::readyz)))
        .route("/version", anyones(get(health::version)))
        .route(Discovery::CONFIGURATION_PATH, ours(get(discovery::configuration)))
        .route(Discovery::JWKS_PATH, ours(get(discovery::jwks)))
        .route("/v1/status", ours(get(health::status)))
        .route("/v1/check", ours(post(check::answer)))
        .route(
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            ours(post(review::subject_access_review)),
        )
        .fallback(request::answer)
        .layer(from_fn_with_state(Arc::clone(&app), audit::record))
        .with_state(app)
}

/// What `GET /` lists: the paths above, but for itself and those that are only there with an issuer.
const PATHS: [&str; 7] = [
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    "/healthz",
    "/livez",
    "/readyz",
    "/v1/check",
    "/v1/status",
    "/version",
];
