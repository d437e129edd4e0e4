//! Whether the server lives and is ready, which version it is, and what it has loaded.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, StatusCode};
use serde_json::json;

use super::{App, answer, request};

/// `/healthz` and `/livez`: an answer is all that is asked for.
pub(super) async fn ping() -> Response<Body> {
    answer::text(StatusCode::OK, "ok")
}

/// `/readyz`. A policy that was refused does not make the server unready, for the last good one
/// serves; `?verbose` tells.
pub(super) async fn readyz(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let is_verbose = request.uri().query().is_some_and(|query| {
        query.split('&').any(|pair| pair == "verbose" || pair.starts_with("verbose="))
    });
    if !is_verbose {
        return answer::text(StatusCode::OK, "ok");
    }
    let status = app.engine.status();
    let mut text = format!("[+]ping ok\n[+]policy ok: revision {}\n", status.revision);
    let (sign, outcome) = match &status.last_reload.error {
        None => ('+', "ok".to_owned()),
        Some(error) => {
            ('!', format!("refused, revision {} still serves: {error}", status.revision))
        }
    };
    // Writing to a String does not fail.
    let _ = writeln!(text, "[{sign}]reload {outcome}\nreadyz check passed");
    answer::text(StatusCode::OK, text)
}

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
