//! Any request, as itself: who is this, and may they do it? 401, 403, or on to the next component.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Request, Response, StatusCode};
use verdikt::audit as audit_trail;
use verdikt::{Attributes, GoQuoted, RequestInfo, RequestInfoError, User};

use super::sender::Audit;
use super::{App, answer, audit, judge};
use crate::caller::Sender;
use crate::kubernetes::status::{Status, html_escaped};
use crate::traces;

/// The answer where there is no component to hand the request to: 200 with the reason.
pub(super) async fn answer(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    match admit(&app, &parts) {
        Ok(reason) => allowed(&parts, &reason),
        Err(refused) => refused,
    }
}

/// The answer to a request that may go on, where there is nothing to go on to.
pub(super) fn allowed(parts: &Parts, reason: &str) -> Response<Body> {
    answer::status(parts, &Status::allowed(reason))
}

/// A request that may go on.
pub(super) struct Admitted {
    /// Whom it goes on as.
    pub(super) sender: Sender,
    pub(super) reason: String,
    /// Whether its answer takes as long as its receiver wants, such as that of a watch.
    pub(super) is_long_running: bool,
}

/// Authenticates and authorizes; the reason if the request may go on.
///
/// # Errors
/// The answer to give instead.
pub(super) fn admit(app: &App, parts: &Parts) -> Result<String, Response<Body>> {
    ask(app, parts, false).map(|admitted| admitted.reason)
}

/// The same, with the user that the request goes on as.
///
/// # Errors
/// The answer to give instead.
pub(super) fn admit_sender(app: &App, parts: &Parts) -> Result<Admitted, Response<Body>> {
    ask(app, parts, false)
}

/// Who asks about themselves; on an open listener everyone may, as `system:basic-user` lets everyone who
/// is known.
///
/// # Errors
/// The answer to give instead.
pub(super) fn admit_self(app: &App, parts: &Parts) -> Result<User, Response<Body>> {
    let is_open = app.access == crate::Access::Open;
    ask(app, parts, is_open).map(|admitted| admitted.sender.requester().user().clone())
}

/// Who sent a request that may go on, and why it may; `is_open` if whoever sends it may.
fn ask(app: &App, parts: &Parts, is_open: bool) -> Result<Admitted, Response<Body>> {
    let target = parts.uri.to_string();
    let info = RequestInfo::from_request(parts.method.as_str(), &target)
        .map_err(|error| meaningless(&target, &error))?;
    let request = Attributes::from_request(None, &info);
    let sender = app.sender(parts, &request, Audit::Recorded)?;
    let request = Attributes { user: Some(sender.requester()), ..request };
    let start = Instant::now();
    let decision = traces::decided(&parts.extensions, || sender.snapshot.authorize(&request));
    app.engine.count_authorization(&decision, start.elapsed());
    let is_allowed = decision.is_allowed() || is_open;
    let reason = decision.reason_text();
    let error = decision.error().filter(|_| !is_allowed);
    judge::tell(parts, || decision.summary());
    drop(decision);
    audit::decided(parts, is_allowed, error.is_some(), &reason);
    if is_allowed {
        let is_long_running = audit_trail::is_long_running(&request);
        return Ok(Admitted { sender, reason, is_long_running });
    }
    if let Some(error) = error {
        // A refusal that may be due to what went wrong is not the client's fault.
        return Err(internal_error(parts, &error));
    }
    Err(answer::status(parts, &Status::forbidden(&request, &reason)))
}

/// What has no meaning is answered before anyone asks who sent it, as kube-apiserver does.
fn meaningless(target: &str, error: &RequestInfoError) -> Response<Body> {
    match error {
        RequestInfoError::Url(_) => answer::text(StatusCode::BAD_REQUEST, "400 Bad Request"),
        RequestInfoError::NoKind { .. } => {
            internal(target, &format!("failed to create RequestInfo: {error}"))
        }
    }
}

/// 500, in the words of kube-apiserver.
pub(super) fn internal_error(parts: &Parts, error: &str) -> Response<Body> {
    internal(&parts.uri.to_string(), error)
}

fn internal(target: &str, error: &str) -> Response<Body> {
    let text = format!("Internal Server Error: {}: {error}", GoQuoted(target));
    answer::text(StatusCode::INTERNAL_SERVER_ERROR, html_escaped(&text) + "\n")
}

/// Whether the sender may ask what only the operator may: on an open listener everyone is.
///
/// # Errors
/// The answer to give instead.
pub(super) fn admit_operator(app: &App, parts: &Parts) -> Result<(), Response<Body>> {
    match app.access {
        crate::Access::Open => audit::begin_anyone(app, parts),
        crate::Access::Authorized => admit(app, parts).map(drop),
    }
}
