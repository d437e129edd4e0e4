//! Check: may they do it? A question is read, decided, and its decision written.

use tonic::Status;
use verdikt::{
    Attributes, Authenticated, Effect, Impersonated, Outcome, Refusal, RequestInfo, Requester,
    Selectors, User,
};

use super::authenticate::shown;
use super::call::{Call, Privilege};
use super::error::{self, bad_field};
use super::proto::v1;
use super::proto::v1::check_request::Request;
use crate::caller::Sender;
use crate::identity_headers;
use crate::traces;

pub(super) fn answer(call: &Call, question: v1::CheckRequest) -> Result<v1::CheckResponse, Status> {
    let v1::CheckRequest { user, credential, request, .. } = question;
    let asked = Asked::read(request.as_ref())?;
    let request = asked.attributes();
    Ok(match find(call, user, credential, &request)? {
        Found::User(about) => decide(call, &about, &request),
        Found::Nobody(answer) => *answer,
    })
}

/// Whom a question is about, or what is answered if that is nobody.
pub(super) enum Found {
    User(About),
    Nobody(Box<v1::CheckResponse>),
}

/// # Errors
/// If the caller may not ask, or its question makes no sense.
pub(super) fn find(
    call: &Call,
    user: Option<v1::User>,
    credential: Option<v1::Credential>,
    request: &Attributes<'_>,
) -> Result<Found, Status> {
    let Some(credential) = credential else {
        return Ok(Found::User(match user {
            None => About::Caller(call.sender()?),
            Some(user) => {
                others(call)?;
                About::Named(user.into())
            }
        }));
    };
    others(call)?;
    call.needs(Privilege::CreateTokenReviews)?;
    let Outcome::Authenticated(shown) = shown(call, &credential)? else {
        return Ok(nobody(call, v1::Decision::Unauthenticated, "Unauthorized", None));
    };
    let Some(user) = user else { return Ok(Found::User(About::Shown(shown))) };
    match acting_as(call, &shown, request, &user.into()) {
        Ok(impersonated) => Ok(Found::User(About::ActingAs(impersonated))),
        Err(Refusal::Forbidden(check)) => {
            let status = crate::Status::forbidden(&check.attributes(), check.reason());
            let shown = Some(shown.user().into());
            Ok(nobody(call, v1::Decision::NoOpinion, status.message(), shown))
        }
        Err(refusal) => Err(error::not_impersonated(&refusal)),
    }
}

fn nobody(call: &Call, decision: v1::Decision, reason: &str, user: Option<v1::User>) -> Found {
    Found::Nobody(Box::new(v1::CheckResponse {
        decision: decision.into(),
        reason: reason.to_owned(),
        revision: call.snapshot.revision().0,
        user,
        ..Default::default()
    }))
}

/// Whether the caller may ask about others.
///
/// # Errors
/// If not.
pub(super) fn others(call: &Call) -> Result<(), Status> {
    if call.has_idle_credential() {
        let problem = "may not be specified at the same time as an Authorization header";
        return Err(bad_field("user", problem));
    }
    call.needs(Privilege::CreateSubjectAccessReviews)
}

/// Whom a question is about.
pub(super) enum About {
    Caller(Sender),
    Named(User),
    Shown(Authenticated),
    ActingAs(Impersonated),
}

impl About {
    pub(super) fn requester(&self) -> Requester<'_> {
        match self {
            Self::Caller(sender) => sender.requester(),
            Self::Named(user) => user.into(),
            Self::Shown(authenticated) => authenticated.identity().into(),
            Self::ActingAs(impersonated) => (&impersonated.user).into(),
        }
    }

    /// The user, if the question does not name it.
    fn found(&self) -> Option<v1::User> {
        match self {
            Self::Named(_) => None,
            found => Some(found.requester().user().into()),
        }
    }
}

pub(super) fn decide(call: &Call, about: &About, request: &Attributes<'_>) -> v1::CheckResponse {
    let request = Attributes { user: Some(about.requester()), ..*request };
    let decision = traces::decided(&call.extensions, || call.snapshot.authorize(&request));
    v1::CheckResponse {
        allowed: decision.is_allowed(),
        decision: effect(decision.effect()).into(),
        reason: decision.reason_text(),
        revision: decision.revision().0,
        user: about.found(),
        evaluation_error: decision.error().unwrap_or_default(),
    }
}

pub(super) fn effect(effect: Effect) -> v1::Decision {
    match effect {
        Effect::Allow => v1::Decision::Allow,
        Effect::Deny => v1::Decision::Deny,
        Effect::NoOpinion => v1::Decision::NoOpinion,
    }
}

/// The user that `shown` acts as, as if their request had the headers that say so.
fn acting_as(
    call: &Call,
    shown: &Authenticated,
    request: &Attributes<'_>,
    user: &User,
) -> Result<Impersonated, Refusal> {
    let named = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut headers = vec![named("impersonate-user", &user.name)];
    if !user.uid.is_empty() {
        headers.push(named("impersonate-uid", &user.uid));
    }
    headers.extend(user.groups.iter().map(|group| named("impersonate-group", group)));
    for (key, values) in &user.extra {
        let name = format!("impersonate-extra-{}", identity_headers::escaped(key));
        headers.extend(values.iter().map(|value| named(&name, value)));
    }
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let request = Attributes { user: Some(shown.identity().into()), ..*request };
    call.snapshot.impersonate(&request, headers)?.ok_or(Refusal::NoUser)
}

/// What is to be done, as it was read.
#[expect(clippy::large_enum_variant, reason = "one at a time, and on the stack")]
pub(super) enum Asked<'q> {
    Resource(&'q v1::ResourceAttributes, Selectors),
    NonResource(&'q v1::NonResourceAttributes),
    Http(RequestInfo<'q>),
}

impl<'q> Asked<'q> {
    /// # Errors
    /// INVALID_ARGUMENT with the field that makes no sense.
    pub(super) fn read(request: Option<&'q Request>) -> Result<Self, Status> {
        let Some(request) = request else {
            let problem = "exactly one of resource, non_resource and http must be specified";
            return Err(bad_field("request", problem));
        };
        Ok(match request {
            Request::Resource(asked) => {
                if asked.resource.is_empty() {
                    return Err(bad_field("resource.resource", "must not be empty"));
                }
                let selectors = Selectors::parse(&asked.field_selector, &asked.label_selector);
                Self::Resource(asked, selectors)
            }
            Request::NonResource(asked) => {
                if asked.path.is_empty() {
                    return Err(bad_field("non_resource.path", "must not be empty"));
                }
                Self::NonResource(asked)
            }
            Request::Http(v1::HttpRequest { method, path }) => {
                let method = if method.is_empty() { "GET" } else { method };
                let info = RequestInfo::from_request(method, path)
                    .map_err(|error| bad_field("http.path", error.to_string()))?;
                Self::Http(info)
            }
        })
    }

    /// The question without the user it is about.
    pub(super) fn attributes(&self) -> Attributes<'_> {
        match self {
            Self::Resource(asked, selectors) => Attributes {
                user: None,
                verb: &asked.verb,
                namespace: &asked.namespace,
                api_group: &asked.group,
                api_version: &asked.version,
                resource: &asked.resource,
                subresource: &asked.subresource,
                name: &asked.name,
                path: "",
                resource_request: true,
                selectors: Some(selectors).filter(|selectors| !selectors.is_empty()),
            },
            Self::NonResource(asked) => {
                Attributes { verb: &asked.verb, path: &asked.path, ..Attributes::default() }
            }
            Self::Http(info) => Attributes::from_request(None, info),
        }
    }
}
