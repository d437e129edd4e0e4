//! AuthZEN: the Authorization API 1.0 of the OpenID Foundation, asked by policy enforcement points.
//!
//! <https://openid.net/specs/authorization-api-1_0.html>: one evaluation, many in one message, and the
//! document that says where they are. A denial is an answer (200), never an error.

mod batch;
mod entity;
mod metadata;
mod page;
mod question;
mod search;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, Response, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::routing::{MethodRouter, get, post};
use serde::Serialize;
use serde_json::Value;
use verdikt::Snapshot;

use self::entity::Evaluation;
use self::question::Question;
use self::search::Search;
use super::{App, answer, body, request};
use crate::traces;
use crate::wire::{self, BodyError};

/// Where one question is asked.
pub(super) const EVALUATION: &str = "/access/v1/evaluation";
/// Where many are asked at once.
pub(super) const EVALUATIONS: &str = "/access/v1/evaluations";
/// Where it is asked who may do something.
pub(super) const SUBJECTS: &str = "/access/v1/search/subject";
/// Where it is asked to what somebody may do something.
pub(super) const RESOURCES: &str = "/access/v1/search/resource";
/// Where it is asked what somebody may do to something.
pub(super) const ACTIONS: &str = "/access/v1/search/action";
/// Where a client finds out about the others.
pub(super) const METADATA: &str = "/.well-known/authzen-configuration";

/// The addresses of this protocol.
pub(super) fn routes() -> Router<Arc<App>> {
    let with_id = |route: MethodRouter<Arc<App>>| {
        route.fallback(request::answer).layer(from_fn(repeat_request_id))
    };
    Router::new()
        .route(EVALUATION, with_id(post(evaluation)))
        .route(EVALUATIONS, with_id(post(evaluations)))
        .route(SUBJECTS, with_id(post(|app, asked| search(Search::Subject, app, asked))))
        .route(RESOURCES, with_id(post(|app, asked| search(Search::Resource, app, asked))))
        .route(ACTIONS, with_id(post(|app, asked| search(Search::Action, app, asked))))
        .route(METADATA, with_id(get(metadata::answer)))
}

/// A decision, and what a person may want to know about it.
#[derive(Debug, Serialize)]
struct Decision {
    decision: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context>,
}

#[derive(Debug, Default, Serialize)]
struct Context {
    /// Why, in Kubernetes' words.
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    /// The policy that decided.
    revision: u64,
    /// Why the question could not be asked, or what went wrong while it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

/// What is wrong, in the form of the specification's example.
#[derive(Debug, Serialize)]
struct Problem {
    status: u16,
    message: String,
}

async fn evaluation(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let answered = read(&app, &parts, body).await.and_then(|asked| one(&app, &parts, asked));
    answered.unwrap_or_else(|refused| refused)
}

async fn evaluations(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let answered = read(&app, &parts, body).await.and_then(|asked| match batch::of(asked) {
        Ok(batch::Asked::Many(batch)) => Ok(answer::object(
            &parts,
            StatusCode::OK,
            &batch.decide(&parts, &app.engine.snapshot()),
        )),
        Ok(batch::Asked::One(asked)) => one(&app, &parts, asked),
        Err(problem) => Err(bad_request(problem)),
    });
    answered.unwrap_or_else(|refused| refused)
}

async fn search(search: Search, State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let answered = read(&app, &parts, body).await.and_then(|asked| {
        let found = search.find(&app.engine.snapshot(), asked).map_err(bad_request)?;
        Ok(answer::object(&parts, StatusCode::OK, &found))
    });
    answered.unwrap_or_else(|refused| refused)
}

/// The body, of a client that may ask.
async fn read(app: &App, parts: &Parts, body: Body) -> Result<Value, Response<Body>> {
    request::admit_operator(app, parts)?;
    if !body::is(&parts.headers, "application/json") {
        return Err(bad_request("Content-Type: must be application/json".to_owned()));
    }
    let bytes = body::any(body, &app.limits).await;
    let bytes = bytes.map_err(|status| answer::status(parts, &status))?;
    match wire::value(&bytes) {
        Ok(asked @ Value::Object(_)) => Ok(asked),
        Ok(_) => Err(bad_request("the body must be an object".to_owned())),
        Err(error) => Err(bad_request(error.into_text())),
    }
}

fn one(app: &App, parts: &Parts, asked: Value) -> Result<Response<Body>, Response<Body>> {
    let evaluation = evaluation_of(asked).map_err(bad_request)?;
    Ok(answer::object(
        parts,
        StatusCode::OK,
        &decide(parts, &app.engine.snapshot(), &evaluation, Reasons::Given),
    ))
}

fn evaluation_of(asked: Value) -> Result<Evaluation, String> {
    wire::from_value(asked).map_err(BodyError::into_text)
}

/// Whether an answer says why, which costs more than the decision.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reasons {
    Given,
    LeftOut,
}

/// What has no meaning here is denied: it is a well-formed question about something that policy cannot
/// grant.
fn decide(
    parts: &Parts,
    snapshot: &Arc<Snapshot>,
    asked: &Evaluation,
    reasons: Reasons,
) -> Decision {
    let question = match Question::new(asked) {
        Ok(question) => question,
        Err(problem) => return Decision::impossible(snapshot, problem),
    };
    let attributes = question.attributes();
    let decision = traces::decided(&parts.extensions, || snapshot.authorize(&attributes));
    let is_allowed = decision.is_allowed();
    let error = decision.error().filter(|_| !is_allowed);
    let has_context = reasons == Reasons::Given || error.is_some();
    let context = has_context.then(|| Context {
        reason: decision.reason_text(),
        revision: decision.revision().0,
        error: error.map(|error| Problem { status: 500, message: error }),
    });
    Decision { decision: is_allowed, context }
}

impl Decision {
    /// No, since the question cannot be asked.
    fn impossible(snapshot: &Snapshot, message: String) -> Self {
        let error = Some(Problem { status: 400, message });
        let revision = snapshot.revision().0;
        Self { decision: false, context: Some(Context { reason: String::new(), revision, error }) }
    }
}

/// Everything between reading a message and deciding, for the fuzz targets: `tell` is told of each question whether it
/// can be asked, or why not.
pub(crate) fn understand(asked: Value, mut tell: impl FnMut(Result<(), &str>)) {
    let mut each = |evaluation: Result<Evaluation, String>| {
        let evaluation = match evaluation {
            Ok(evaluation) => evaluation,
            Err(problem) => return tell(Err(&problem)),
        };
        match Question::new(&evaluation) {
            Ok(question) => {
                let asked = question.attributes();
                assert!(asked.resource_request || asked.resource.is_empty(), "{asked:?}");
                tell(Ok(()));
            }
            Err(problem) => tell(Err(&problem)),
        }
    };
    if let Err(problem) = page::Page::of(&mut asked.clone()) {
        each(Err(problem));
    }
    match batch::of(asked) {
        Ok(batch::Asked::One(asked)) => each(evaluation_of(asked)),
        Ok(batch::Asked::Many(batch)) => batch.evaluations().for_each(each),
        Err(problem) => each(Err(problem)),
    }
}

/// Errors of this API are texts.
fn bad_request(message: String) -> Response<Body> {
    answer::text(StatusCode::BAD_REQUEST, message + "\n")
}

/// Says again in the answer what the client called its request.
async fn repeat_request_id(request: Request, next: Next) -> Response<Body> {
    let id = request.headers().get(&REQUEST_ID).cloned();
    let mut response = next.run(request).await;
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
