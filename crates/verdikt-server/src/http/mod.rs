//! HTTP: one module for each kind of question.

mod answer;
mod body;
mod check;
mod discovery;
mod health;
mod index;
mod request;
mod review;

use std::sync::Arc;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::{get, post};
use verdikt::authn::service_account::Discovery;
use verdikt::{Attributes, Decision, Engine};

use crate::credentials;
use crate::kubernetes::status::Status;
use crate::listener::{Access, Limits};

/// What every handler needs.
pub(crate) struct App {
    engine: Engine,
    access: Access,
    limits: Limits,
}

impl App {
    /// The engine's decision about whoever the headers' credentials belong to, or a 401. Why it is one is
    /// for the log alone.
    fn decide<'a>(
        &self,
        parts: &Parts,
        request: &'a Attributes<'a>,
    ) -> Result<Decision<'a>, Status> {
        let headers = credentials::AllHeaders(&parts.headers);
        let credentials = credentials::of(parts, &headers, request.path);
        // Other requests must not wait for it.
        let decided = match credentials::may_take_long(parts) {
            true => tokio::task::block_in_place(|| self.engine.decide(&credentials, request)),
            false => self.engine.decide(&credentials, request),
        };
        decided.map_err(|unauthenticated| {
            tracing::info!(path = request.path, "unauthenticated: {unauthenticated}");
            Status::unauthorized()
        })
    }
}

/// All addresses. What is none of them is a request like any other: authenticated, then authorized.
pub(crate) fn router(engine: Engine, access: Access, limits: Limits) -> Router {
    let ours = |route: axum::routing::MethodRouter<Arc<App>>| route.fallback(request::answer);
    Router::new()
        .route("/", ours(get(index::answer)))
        .route("/healthz", ours(get(health::ping)))
        .route("/livez", ours(get(health::ping)))
        .route("/readyz", ours(get(health::readyz)))
        .route("/version", ours(get(health::version)))
        .route(Discovery::CONFIGURATION_PATH, ours(get(discovery::configuration)))
        .route(Discovery::JWKS_PATH, ours(get(discovery::jwks)))
        .route("/v1/status", ours(get(health::status)))
        .route("/v1/check", ours(post(check::answer)))
        .route(
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            ours(post(review::subject_access_review)),
        )
        .fallback(request::answer)
        .with_state(Arc::new(App { engine, access, limits }))
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
