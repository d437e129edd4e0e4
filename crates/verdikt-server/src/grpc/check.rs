//! Check: may they do it? A question is read, decided, and its decision written.

use std::cell::Cell;
use std::collections::BTreeMap;

use prost::Message as _;
use tonic::Status;
use verdikt::{
    Attributes, Authenticated, Effect, IdentityBuffer, Impersonated, Outcome, Refusal, Requester,
};

use super::authenticate::shown;
use super::call::{Call, Privilege};
use super::codec::{CheckRequest, unreadable};
use super::error::{self, bad_field};
use super::proto::v1;
use super::question::{Asked, Named, Question};
use crate::caller::Sender;
use crate::identity_headers;
use crate::traces;

/// Answers a message.
pub(super) fn answer(call: &Call, message: CheckRequest) -> Result<v1::CheckResponse, Status> {
    thread_local! {
        /// Memory for whom messages are about.
        static BUFFER: Cell<Option<IdentityBuffer>> = const { Cell::new(None) };
    }
    // Taken out meanwhile: who waits for a webhook may leave the thread to others.
    let new = || IdentityBuffer::new(call.app.engine.hash_key());
    let mut buffer = BUFFER.take().unwrap_or_else(new);
    let bytes = message.bytes();
    let answered = match Question::plain(bytes) {
        Some(question) => answer_to(call, &question, &mut buffer),
        None => v1::CheckRequest::decode(bytes)
            .map_err(unreadable)
            .and_then(|message| answer_to(call, &Question::of(&message), &mut buffer)),
    };
    BUFFER.set(Some(buffer));
    answered
}

fn answer_to(
    call: &Call,
    question: &Question<'_>,
    buffer: &mut IdentityBuffer,
) -> Result<v1::CheckResponse, Status> {
    let asked = Asked::read(question.wanted.as_ref())?;
    let request = asked.attributes();
    Ok(match find(call, question, &request, buffer)? {
        Found::User(about) => decide(call, &about, &request),
        Found::Nobody(answer) => *answer,
    })
}

/// Whom a question is about, or what is answered if that is nobody.
pub(super) enum Found<'b> {
    User(About<'b>),
    Nobody(Box<v1::CheckResponse>),
}

/// # Errors
/// If the caller may not ask, or its question makes no sense.
pub(super) fn find<'b>(
    call: &Call,
    question: &Question<'_>,
    request: &Attributes<'_>,
    buffer: &'b mut IdentityBuffer,
) -> Result<Found<'b>, Status> {
    let Some(credential) = &question.credential else {
        return Ok(Found::User(match &question.user {
            None => About::Caller(call.sender()?),
            Some(user) => {
                others(call)?;
                let key = call.app.engine.hash_key();
                let groups = user.groups.iter().copied();
                buffer.set(key, (user.name, user.uid), groups, user.extra());
                About::Named(buffer)
            }
        }));
    };
    others(call)?;
    call.needs(Privilege::CreateTokenReviews)?;
    let Outcome::Authenticated(shown) = shown(call, credential)? else {
        return Ok(nobody(call, v1::Decision::Unauthenticated, "Unauthorized", None));
    };
    let Some(user) = &question.user else { return Ok(Found::User(About::Shown(shown))) };
    match acting_as(call, &shown, request, user) {
        Ok(impersonated) => Ok(Found::User(About::ActingAs(impersonated))),
        Err(Refusal::Forbidden(check)) => {
            let status = crate::Status::forbidden(&check.attributes(), check.reason());
            let shown = Some(shown.user().into());
            Ok(nobody(call, v1::Decision::NoOpinion, status.message(), shown))
        }
        Err(refusal) => Err(error::not_impersonated(&refusal)),
    }
}

fn nobody<'b>(
    call: &Call,
    decision: v1::Decision,
    reason: &str,
    user: Option<v1::User>,
) -> Found<'b> {
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
pub(super) enum About<'b> {
    Caller(Sender),
    Named(&'b IdentityBuffer),
    Shown(Authenticated),
    ActingAs(Impersonated),
}

impl About<'_> {
    pub(super) fn requester(&self) -> Requester<'_> {
        match self {
            Self::Caller(sender) => sender.requester(),
            Self::Named(buffer) => buffer.requester(),
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

pub(super) fn decide(
    call: &Call,
    about: &About<'_>,
    request: &Attributes<'_>,
) -> v1::CheckResponse {
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
    user: &Named<'_>,
) -> Result<Impersonated, Refusal> {
    let named = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut headers = vec![named("impersonate-user", user.name)];
    if !user.uid.is_empty() {
        headers.push(named("impersonate-uid", user.uid));
    }
    headers.extend(user.groups.iter().map(|group| named("impersonate-group", group)));
    let extra: BTreeMap<_, _> = user.extra.iter().copied().collect();
    for (key, values) in extra {
        let name = format!("impersonate-extra-{}", identity_headers::escaped(key));
        headers.extend(values.iter().map(|value| named(&name, value)));
    }
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let request = Attributes { user: Some(shown.identity().into()), ..*request };
    call.snapshot.impersonate(&request, headers)?.ok_or(Refusal::NoUser)
}
