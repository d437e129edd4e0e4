//! The review APIs of Kubernetes' groups authorization.k8s.io and authentication.k8s.io.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::routing::MethodRouter;
use serde::Serialize;
use verdikt::{GoQuoted, RequestInfo};

use super::{App, answer, audit, body, request};
use crate::kubernetes::create_options;
use crate::kubernetes::media_type::{MediaType, Wanted};
use crate::kubernetes::review::access::{
    self, Answer, SelfSubjectAccessReview, SubjectAccessReview,
};
use crate::kubernetes::review::rules::{self, SelfSubjectRulesReview};
use crate::kubernetes::review::subject::{self, SelfSubjectReview};
use crate::kubernetes::review::token::{self, TokenReview};
use crate::kubernetes::review::{self, Kind, Review, Spec};
use crate::kubernetes::status::Status;
use crate::traces;

/// The addresses to which reviews are posted.
pub(super) fn routes() -> Vec<(&'static str, MethodRouter<Arc<App>>)> {
    use axum::routing::post;
    vec![
        (MOST_ASKED, post(subject_access_review)),
        ("/apis/authorization.k8s.io/v1beta1/subjectaccessreviews", post(subject_access_review)),
        (
            "/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews",
            post(local_subject_access_review),
        ),
        ("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", post(self_access_review)),
        ("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", post(self_rules_review)),
        ("/apis/authentication.k8s.io/v1/tokenreviews", post(token_review)),
        ("/apis/authentication.k8s.io/v1beta1/tokenreviews", post(token_review)),
        ("/apis/authentication.k8s.io/v1/selfsubjectreviews", post(self_review)),
        ("/apis/authentication.k8s.io/v1beta1/selfsubjectreviews", post(self_review)),
    ]
}

/// Where others than kubectl ask.
pub(super) const MOST_ASKED: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/// The answer to a request that posts nothing to one of these addresses, as kube-apiserver's router gives it.
pub(super) async fn unposted(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    if let Err(refused) = request::admit(&app, &parts) {
        return refused;
    }
    let mut response = answer::status(&parts, &Status::method_not_allowed());
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

/// The answer, or the one to give instead.
type Answered = Result<Response<Body>, Response<Body>>;

pub(super) async fn subject_access_review(
    state: State<Arc<App>>,
    request: Request<Body>,
) -> Response<Body> {
    either(about_others(
        state.0,
        request,
        &access::SUBJECT,
        |app, parts, mut review: SubjectAccessReview| {
            review.settle_groups();
            review.validate()?;
            Ok(decided(app, parts, review))
        },
    ))
    .await
}

async fn local_subject_access_review(
    state: State<Arc<App>>,
    request: Request<Body>,
) -> Response<Body> {
    either(about_others(
        state.0,
        request,
        &access::LOCAL,
        |app, parts, mut review: SubjectAccessReview| {
            review.settle_groups();
            review.validate_local()?;
            Ok(decided(app, parts, review))
        },
    ))
    .await
}

async fn token_review(state: State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    either(about_others(state.0, request, &token::KIND, |app, _, review: TokenReview| {
        let credentials = review.credentials()?;
        let outcome = tokio::task::block_in_place(|| app.engine.authenticate(&credentials));
        let status = review.status(outcome)?;
        Ok(review.answered(status))
    }))
    .await
}

async fn self_access_review(state: State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let State(app) = state;
    let (parts, body) = request.into_parts();
    either(async {
        let user = request::admit_self(&app, &parts)?;
        let (review, reply): (SelfSubjectAccessReview, _) =
            read(&app, &parts, body, &access::SELF).await?;
        review.validate_self().map_err(|status| reply.refusal(&parts, &status))?;
        let question = review.question();
        let attributes = review.attributes(&user, &question);
        let decision = traces::decided(&parts.extensions, || app.engine.authorize(&attributes));
        let status = Answer::new(&decision, &question);
        drop(decision);
        Ok(created(&parts, &reply, &review.answered(status)))
    })
    .await
}

async fn self_rules_review(state: State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let State(app) = state;
    let (parts, body) = request.into_parts();
    either(async {
        let user = request::admit_self(&app, &parts)?;
        let (review, reply): (SelfSubjectRulesReview, _) =
            read(&app, &parts, body, &rules::KIND).await?;
        let namespace = review.asked().map_err(|status| reply.refusal(&parts, &status))?;
        let rules = app.engine.rules_for(&user, namespace);
        Ok(created(&parts, &reply, &review.listing(rules)))
    })
    .await
}

async fn self_review(state: State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let State(app) = state;
    let (parts, body) = request.into_parts();
    either(async {
        let user = request::admit_self(&app, &parts)?;
        let (review, reply): (SelfSubjectReview, _) =
            read(&app, &parts, body, &subject::KIND).await?;
        let now = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
        Ok(created(&parts, &reply, &review.about(user, now)))
    })
    .await
}

/// Answers a review that only those may post whom the listener takes for its operator, or who are allowed it.
async fn about_others<S, T>(
    app: Arc<App>,
    request: Request<Body>,
    kind: &Kind,
    answer: impl FnOnce(&App, &Parts, Review<S, T>) -> Result<Review<S, T>, Status>,
) -> Answered
where
    S: Spec + Serialize,
    T: Serialize + Default,
{
    let (parts, body) = request.into_parts();
    request::admit_operator(&app, &parts)?;
    let (review, reply) = read(&app, &parts, body, kind).await?;
    match answer(&app, &parts, review) {
        Ok(review) => Ok(created(&parts, &reply, &review)),
        Err(status) => Err(reply.refusal(&parts, &status)),
    }
}

fn decided(app: &App, parts: &Parts, mut review: SubjectAccessReview) -> SubjectAccessReview {
    let (user, question) = (review.take_user(), review.question());
    let attributes = review.attributes(&user, &question);
    let decision = traces::decided(&parts.extensions, || app.engine.authorize(&attributes));
    let status = Answer::new(&decision, &question);
    drop(decision);
    review.give_back(user);
    review.answered(status)
}

/// How a review is to be answered.
struct Reply {
    wanted: Wanted,
    /// What is wrong with it though it is answered.
    warnings: Vec<String>,
}

/// The review in a body.
///
/// # Errors
/// The answer to give instead.
async fn read<S, T>(
    app: &App,
    parts: &Parts,
    body: Body,
    kind: &Kind,
) -> Result<(Review<S, T>, Reply), Response<Body>>
where
    S: Spec + Serialize,
    T: Serialize + Default,
{
    let refuse = |status: Status| answer::status(parts, &status);
    let wanted = Wanted::routed(&parts.headers).map_err(refuse)?;
    let media_type = MediaType::of_body(&parts.headers).map_err(refuse)?;
    let bytes = body::any(body, &app.limits).await.map_err(refuse)?;
    let validation = create_options::field_validation(parts.uri.query()).map_err(refuse)?;
    let (mut review, warnings) =
        review::read::<S, T>(&bytes, media_type, validation, kind).map_err(refuse)?;
    review.check_type(kind, &namespace(parts)).map_err(refuse)?;
    audit::request_object(parts, &review);
    Ok((review, Reply { wanted, warnings }))
}

/// The namespace that an address is in; none for most.
fn namespace(parts: &Parts) -> String {
    if !parts.uri.path().contains("/namespaces/") {
        return String::new();
    }
    let target = parts.uri.to_string();
    let info = RequestInfo::from_request(parts.method.as_str(), &target);
    info.map_or_else(|_| String::new(), |info| info.namespace().to_owned())
}

fn created(parts: &Parts, reply: &Reply, review: &impl Serialize) -> Response<Body> {
    reply.with_warnings(answer::negotiated(parts, StatusCode::CREATED, reply.wanted, review))
}

impl Reply {
    fn refusal(&self, parts: &Parts, status: &Status) -> Response<Body> {
        self.with_warnings(answer::status(parts, status))
    }

    fn with_warnings(&self, mut response: Response<Body>) -> Response<Body> {
        for warning in &self.warnings {
            // What cannot stand in a header is left out, as upstream does.
            if let Ok(value) = HeaderValue::try_from(format!("299 - {}", GoQuoted(warning))) {
                response.headers_mut().append(header::WARNING, value);
            }
        }
        response
    }
}

async fn either(answered: impl Future<Output = Answered>) -> Response<Body> {
    answered.await.unwrap_or_else(|refused| refused)
}
