//! What the server is, how it was started, and what it has loaded: `/version`, `/configz`, `/v1/status`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, StatusCode};
use serde_json::json;

use super::{App, answer, request};

/// `/version`.
pub(super) async fn version(request: Request<Body>) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    let version = env!("CARGO_PKG_VERSION");
    let (major, minor) = ("1", "37");
    let body = json!({
        "major": major,
        "minor": minor,
        "gitVersion": format!("v{major}.{minor}.0+verdikt-{version}"),
        // There are fields for these whoever asks; what was built by no Go compiler has no more to say.
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    });
    answer::object(&parts, StatusCode::OK, &body)
}

/// `/v1/status`: what is loaded, and how the last reload went.
pub(super) async fn status(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    match request::admit_operator(&app, &parts) {
        Ok(()) => answer::object(&parts, StatusCode::OK, &app.engine.status()),
        Err(refused) => refused,
    }
}

/// `/configz`: the flags as they are in force, under the name of the component, as Kubernetes' own components say
/// theirs. Flags name files; what is in those is not here.
pub(super) async fn configz(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    match request::admit_operator(&app, &parts) {
        Ok(()) => {
            answer::object(&parts, StatusCode::OK, &json!({ "verdikt": &*app.configuration }))
        }
        Err(refused) => refused,
    }
}
