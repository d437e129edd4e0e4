//! Questions as HTTP requests, for fronts that take method and path as they are.

use axum::http::Method;
use axum::http::uri::PathAndQuery;
use serde_json::json;
use tonic::Code;
use verdikt::{Attributes, Engine, RequestInfo, User};
use verdikt_server::proto::v1;
use verdikt_server::proto::v1::check_request::Request as Asked;

use super::ext_authz::{AMBIGUOUS, Refusal};
use super::grpc::{Strings, outcome};
use super::target::is_ambiguous_path;
use super::{Answer, Batch, Check, ExtAuthz, Front, Outcome, Stream, Unary, answer};
use crate::wire::Request;

/// An HTTP request, and what it is about.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Who sends it.
    pub user: User,
    /// The method.
    pub method: String,
    /// The path with its query.
    pub target: String,
    /// What Kubernetes reads in it, or why that is nothing.
    pub means: Result<Request, String>,
}

/// A way in for requests.
pub trait SentFront: Front {
    /// May they go on?
    ///
    /// # Panics
    /// As [`Front::check`].
    fn check_sent(&self, sent: &[Sent]) -> Vec<Outcome>;
}

/// How whatever is about nothing is refused; Kubernetes' own words follow.
const ABOUT_NOTHING: &str = "unable to determine kind and namespace from url";

impl SentFront for Engine {
    fn check_sent(&self, sent: &[Sent]) -> Vec<Outcome> {
        let outcomes = sent.iter().map(|Sent { user, method, target, means }| {
            let info = match RequestInfo::from_request(method, target) {
                Ok(info) => info,
                Err(error) => {
                    assert_eq!(Some(&error.to_string()), means.as_ref().err(), "{method} {target}");
                    return Outcome::Refused(ABOUT_NOTHING);
                }
            };
            let decision =
                self.authorize(&Attributes::from_request(Some(user.into()), &info)).summary();
            Outcome::Answered(Answer {
                decision: decision.decision,
                reason: decision.reason,
                revision: Some(decision.revision),
            })
        });
        outcomes.collect()
    }
}

impl SentFront for Check<'_> {
    fn check_sent(&self, sent: &[Sent]) -> Vec<Outcome> {
        let outcomes = sent.iter().map(|Sent { user, method, target, means }| {
            let user = json!({"name": user.name, "groups": user.groups});
            let body = json!({"user": user, "method": method, "path": target});
            let found = self.0.post("/v1/check", &body.to_string());
            if let Err(error) = means {
                let message = json!(format!("path: {error}"));
                assert_eq!((found.code, &found.json()["message"]), (400, &message), "{found:?}");
                return Outcome::Refused(ABOUT_NOTHING);
            }
            assert_eq!(found.code, 200, "{found:?}");
            Outcome::Answered(answer(&found.json()))
        });
        outcomes.collect()
    }
}

impl SentFront for Unary<'_> {
    fn check_sent(&self, sent: &[Sent]) -> Vec<Outcome> {
        let outcomes = sent.iter().map(|sent| match sent.method.as_str() {
            "" => Outcome::Unsayable(NO_METHOD),
            _ => outcome(self.ask(sent.message()), sent.refusal()),
        });
        outcomes.collect()
    }
}

impl SentFront for Stream<'_> {
    fn check_sent(&self, sent: &[Sent]) -> Vec<Outcome> {
        let has_method = |sent: &&Sent| !sent.method.is_empty();
        let mut answers = self.ask(sent.iter().filter(has_method).map(Sent::message)).into_iter();
        let outcomes = sent.iter().map(|sent| match sent.method.as_str() {
            "" => Outcome::Unsayable(NO_METHOD),
            _ => outcome(answers.next().unwrap(), sent.refusal()),
        });
        outcomes.collect()
    }
}

/// What an empty method is taken for over gRPC.
const NO_METHOD: &str = "an empty method is not sent";

impl Sent {
    fn message(&self) -> v1::CheckRequest {
        let Self { user, method, target, .. } = self;
        let http = v1::HttpRequest { method: method.clone(), path: target.clone() };
        v1::CheckRequest {
            user: Some(user.into()),
            request: Some(Asked::Http(http)),
            ..Default::default()
        }
    }

    fn refusal(&self) -> Option<&'static str> {
        const REFUSAL: &str = "http.path: unable to determine kind and namespace from url";
        self.means.is_err().then_some(REFUSAL)
    }
}

/// All in one message but those that are refused, which are refused one by one.
impl SentFront for Batch<'_> {
    fn check_sent(&self, sent: &[Sent]) -> Vec<Outcome> {
        let is_asked = |sent: &&Sent| sent.means.is_ok() && !sent.method.is_empty();
        let mut answers = self.ask(batch(sent.iter().filter(is_asked))).into_iter();
        let outcomes = sent.iter().map(|sent| match &sent.means {
            _ if sent.method.is_empty() => Outcome::Unsayable(NO_METHOD),
            Ok(_) => Outcome::Answered(answers.next().unwrap()),
            Err(error) => {
                let refused = self.0.batch(batch([sent])).unwrap_err();
                let message = format!("questions[0].path: {error}");
                assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, &*message));
                Outcome::Refused(ABOUT_NOTHING)
            }
        });
        outcomes.collect()
    }
}

fn batch<'s>(sent: impl IntoIterator<Item = &'s Sent>) -> v1::CheckBatchRequest {
    let mut batch = v1::CheckBatchRequest { with_reasons: true, ..Default::default() };
    let mut strings = Strings::default();
    for Sent { user, method, target, .. } in sent {
        batch.users.push(user.into());
        batch.questions.push(v1::BatchQuestion {
            user: u32::try_from(batch.users.len()).unwrap(),
            method: strings.number(method),
            path: strings.number(target),
            ..Default::default()
        });
    }
    batch.strings = strings.texts;
    batch
}

impl SentFront for ExtAuthz<'_> {
    fn check_sent(&self, sent: &[Sent]) -> Vec<Outcome> {
        let outcomes = sent.iter().map(|sent| {
            let Sent { user, method, target, .. } = sent;
            self.put(user, method, target, envoy_refusal(sent))
        });
        outcomes.collect()
    }
}

/// How a request is refused that no proxy has, that others could take for another, or that is about nothing.
fn envoy_refusal(Sent { method, target, means, .. }: &Sent) -> Option<Refusal> {
    let is_target = target.starts_with('/')
        && PathAndQuery::try_from(target.as_str()).is_ok_and(|found| found.as_str() == target);
    if Method::from_bytes(method.as_bytes()).is_err() {
        return Some((Code::InvalidArgument, "no such method"));
    }
    if !is_target {
        return Some((Code::InvalidArgument, "path is not the target of a request"));
    }
    match means {
        Ok(request) => is_ambiguous_path(&request.path).then_some(AMBIGUOUS),
        Err(_) => Some((Code::Internal, "failed to create RequestInfo")),
    }
}
