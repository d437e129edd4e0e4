//! The review APIs of Kubernetes' group authorization.k8s.io.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Request, Response, StatusCode};

use super::{App, answer, audit, body, request};
use crate::kubernetes::review::{API_VERSION, KIND, SubjectAccessReview};
use crate::kubernetes::status::Status;
use crate::wire::{self, BodyError};

/// `POST /apis/authorization.k8s.io/v1/subjectaccessreviews`.
pub(super) async fn subject_access_review(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if let Err(refused) = request::admit_operator(&app, &parts) {
        return refused;
    }
    let bytes = match body::json(&parts.headers, body, &app.limits).await {
        Ok(bytes) => bytes,
        Err(status) => return answer::status(&parts, &status),
    };
    match decide(&app, &parts, &bytes) {
        Ok(review) => answer::object(&parts, StatusCode::CREATED, &review),
        Err(status) => answer::status(&parts, &status),
    }
}

fn decide(app: &App, parts: &Parts, body: &[u8]) -> Result<SubjectAccessReview, Status> {
    let mut review: SubjectAccessReview = wire::parse(body).map_err(|error| unreadable(&error))?;
    audit::request_object(parts, &review);
    review.validate()?;
    let question = review.question();
    let attributes = review.attributes(&question);
    let decision = app.engine.authorize(&attributes);
    let (effect, reason) = (decision.effect(), decision.reason_text());
    drop(decision);
    Ok(review.answered(effect, reason, &question))
}

/// In kube-apiserver's words as far as they go; the place is ours.
fn unreadable(error: &BodyError) -> Status {
    Status::bad_request(match error {
        BodyError::Syntax(error) => format!(
            "the object provided is unrecognized (must be of type {KIND}): couldn't get \
             version/kind; json parse error: {error}"
        ),
        BodyError::Shape(error) => {
            let version = API_VERSION.rsplit('/').next().unwrap_or_default();
            format!("{KIND} in version \"{version}\" cannot be handled as a {KIND}: json: {error}")
        }
    })
}
