//! `POST /v1/who-can`: everyone who may do something, with all that lets them. For whoever may ask about others.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, StatusCode};
use serde::Deserialize;
use verdikt::Asked as Place;

use super::check::{self, Asked};
use super::{App, answer, body, request};
use crate::kubernetes::status::Status;
use crate::wire::{self, Object};

/// The body: method and path, or attributes, as of `/v1/check`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Question {
    method: Option<String>,
    path: Option<String>,
    attributes: Option<Object<Asked>>,
    /// In every namespace at once, whatever the namespace of the question.
    #[serde(default)]
    all_namespaces: bool,
}

pub(super) async fn answer(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if let Err(refused) = request::admit_operator(&app, &parts) {
        return refused;
    }
    let found = body::any(body, &app.limits).await.and_then(|bytes| {
        let question: Question =
            wire::parse(&bytes).map_err(|error| Status::bad_request(error.into_text()))?;
        let Question { method, path, attributes, all_namespaces } = &question;
        let place = if *all_namespaces { Place::Everywhere } else { Place::There };
        check::about(attributes, method, path, |request| app.engine.who_can(request, place))
    });
    match found {
        Ok(found) => answer::object(&parts, StatusCode::OK, &found),
        Err(status) => answer::status(&parts, &status),
    }
}
