//! HTTP: one module for each kind of question.

mod about;
mod answer;
mod around;
pub(crate) mod audit;
pub(crate) mod authzen;
mod body;
mod check;
mod discovery;
mod forward_auth;
mod groups;
mod health;
mod index;
pub(crate) mod judge;
mod meters;
mod metrics;
mod openapi;
pub(crate) mod proxy;
mod request;
mod review;
mod sender;
mod unread;
mod who_can;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Request, Response};
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::{any, get, post};
use tokio::sync::watch;
use verdikt::Engine;
use verdikt::authn::service_account::Discovery;

use self::meters::Meters;
use crate::listener::{Access, Configuration, Limits, Options};

/// What every handler needs.
pub(crate) struct App {
    engine: Engine,
    access: Access,
    limits: Limits,
    /// True once the server is to end.
    stopping: watch::Receiver<bool>,
    /// The flags in force.
    configuration: Configuration,
    meters: Meters,
}

impl App {
    pub(crate) fn new(engine: Engine, access: Access, limits: Limits) -> Self {
        let (stopping, configuration) = (watch::channel(false).1, Configuration::default());
        let meters = Meters::of_methods(&engine);
        Self { engine, access, limits, stopping, configuration, meters }
    }
}

/// The reviews that are asked most, by the address that they are posted to.
pub(crate) struct Reviews(Arc<App>);

impl Reviews {
    /// Whether a request is one of them.
    pub(crate) fn are_asked<B>(request: &Request<B>) -> bool {
        request.uri().path() == review::MOST_ASKED && request.method() == Method::POST
    }

    /// The answer to one.
    pub(crate) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let answer = |request| review::subject_access_review(State(Arc::clone(&self.0)), request);
        around::surrounded(&self.0, request, answer).await
    }
}

/// All addresses. What is none of them is a request like any other: authenticated, then authorized. What is asked most
/// can be answered without the router.
pub(crate) fn routes(
    engine: Engine,
    options: &Options,
    stopping: watch::Receiver<bool>,
) -> (Reviews, Router) {
    let app = App::new(engine, options.access, options.limits);
    let configuration = options.configuration.clone();
    let meters = Meters::new(&app.engine);
    let app = Arc::new(App { stopping, configuration, meters, ..app });
    let ours = |route: axum::routing::MethodRouter<Arc<App>>| route.fallback(request::answer);
    let anyones = |route: axum::routing::MethodRouter<Arc<App>>| {
        route
            .layer(from_fn_with_state(Arc::clone(&app), audit::record_anyone))
            .fallback(request::answer)
    };
    let mut router = Router::new()
        .route("/", ours(get(index::answer)))
        .route("/healthz", anyones(get(health::livez)))
        .route("/healthz/{check}", anyones(get(health::livez_of)))
        .route("/livez", anyones(get(health::livez)))
        .route("/livez/{check}", anyones(get(health::livez_of)))
        .route("/readyz", anyones(get(health::readyz)))
        .route("/readyz/{check}", anyones(get(health::readyz_of)))
        .route("/version", anyones(get(about::version)))
        .route("/configz", ours(get(about::configz)))
        .route(Discovery::CONFIGURATION_PATH, ours(get(discovery::configuration)))
        .route(Discovery::JWKS_PATH, ours(get(discovery::jwks)))
        .route("/openapi/v2", ours(get(openapi::v2)))
        .route("/openapi/v3", ours(get(openapi::v3)))
        .route("/openapi/v3/apis/{group}/{version}", ours(get(openapi::v3_of)))
        .route("/metrics", ours(get(metrics::answer)))
        .route(forward_auth::ADDRESS, any(forward_auth::answer))
        .route("/v1/status", ours(get(about::status)))
        .route("/v1/check", ours(post(check::answer)))
        .route("/v1/who-can", ours(post(who_can::answer)));
    for (address, route) in review::routes() {
        router = router.route(address, route.fallback(review::unposted));
    }
    for address in groups::ADDRESSES {
        router = router.route(address, ours(get(groups::answer)));
    }
    let router = router
        .merge(authzen::routes())
        .fallback(request::answer)
        .layer(from_fn_with_state(Arc::clone(&app), around))
        .with_state(Arc::clone(&app));
    (Reviews(app), router)
}

async fn around(State(app): State<Arc<App>>, request: Request<Body>, next: Next) -> Response<Body> {
    around::surrounded(&app, request, |request| next.run(request)).await
}

/// What `GET /` lists: the paths above, but for itself and those that are only there with an issuer.
const PATHS: [&str; 25] = [
    authzen::METADATA,
    authzen::EVALUATION,
    authzen::EVALUATIONS,
    authzen::SUBJECTS,
    authzen::RESOURCES,
    authzen::ACTIONS,
    "/api",
    "/apis",
    "/apis/",
    "/apis/authentication.k8s.io",
    "/apis/authentication.k8s.io/v1",
    "/apis/authorization.k8s.io",
    "/apis/authorization.k8s.io/v1",
    "/configz",
    "/healthz",
    "/livez",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/readyz",
    "/v1/check",
    forward_auth::ADDRESS,
    "/v1/status",
    "/v1/who-can",
    "/version",
];
