//! `/.well-known/authzen-configuration`: where a policy enforcement point asks.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use serde_json::json;
use verdikt::Peer;

use super::{ACTIONS, EVALUATION, EVALUATIONS, RESOURCES, SUBJECTS};
use crate::http::{App, answer, request};

/// The document, for whoever may ask. Its addresses are those under which the client came: the
/// specification wants the identifier to be what it put before `/.well-known`.
pub(super) async fn answer(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    if let Err(refused) = request::admit_operator(&app, &parts) {
        return refused;
    }
    let scheme = if parts.extensions.get::<Arc<Peer>>().is_some() { "https" } else { "http" };
    let named = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = named.or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    let base = format!("{scheme}://{}", host.unwrap_or("localhost"));
    let document = json!({
        "policy_decision_point": base,
        "access_evaluation_endpoint": format!("{base}{EVALUATION}"),
        "access_evaluations_endpoint": format!("{base}{EVALUATIONS}"),
        "search_subject_endpoint": format!("{base}{SUBJECTS}"),
        "search_resource_endpoint": format!("{base}{RESOURCES}"),
        "search_action_endpoint": format!("{base}{ACTIONS}"),
    });
    answer::object(&parts, StatusCode::OK, &document)
}
