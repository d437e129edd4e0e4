//! The fronts of verdikt behind one trait, so that a question can be put to each of them.

mod cli;
mod ext_authz;
mod grpc;
mod http;
mod sent;
mod tally;
mod target;
mod tokens;
mod world;

use std::borrow::Cow;

use serde_json::Value;
use verdikt::{Attributes, EffectName, Engine};

use crate::wire::Request;

pub use cli::Cli;
pub use ext_authz::ExtAuthz;
pub use grpc::{Batch, Stream, Unary};
pub use http::{Check, Review};
pub use sent::{Sent, SentFront};
pub use tally::Tally;
pub use tokens::Tokens;
pub use world::World;

/// What every front tells of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// How it was decided.
    pub decision: EffectName,
    /// Why, in Kubernetes' words.
    pub reason: String,
    /// Which policy decided, where the front tells.
    pub revision: Option<u64>,
}

/// What comes of a question that is put to a front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is answered.
    Answered(Answer),
    /// It was put, and refused in these words, as it must be: this front takes no such question.
    Refused(&'static str),
    /// It cannot be put in the terms of this front, for this reason.
    Unsayable(&'static str),
}

/// One way in.
pub trait Front {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// May `request.user` do this?
    ///
    /// # Panics
    /// If the front refuses what it should take, takes what it should refuse, or refuses it in other words.
    fn check(&self, request: &Request) -> Outcome;

    /// The same of many questions, at once where that is possible.
    fn check_all(&self, requests: &[Request]) -> Vec<Outcome> {
        requests.iter().map(|request| self.check(request)).collect()
    }

    /// The question that is answered when this one is put: the same, unless it has what the front does not carry
    /// or lacks what it cannot leave unsaid.
    fn carried<'r>(&self, request: &'r Request) -> Cow<'r, Request> {
        without_idle_namespace(request)
    }
}

/// The embedded engine.
impl Front for Engine {
    fn name(&self) -> &'static str {
        "library"
    }

    /// Everything.
    fn carried<'r>(&self, request: &'r Request) -> Cow<'r, Request> {
        Cow::Borrowed(request)
    }

    fn check(&self, request: &Request) -> Outcome {
        let selectors = request.selectors();
        let attributes = Attributes { selectors: selectors.as_ref(), ..request.attributes() };
        let decision = self.authorize(&attributes);
        Outcome::Answered(Answer {
            decision: decision.effect().into(),
            reason: decision.reason_text(),
            revision: Some(decision.revision().0),
        })
    }
}

/// The question without a namespace if it is about a path: only in a program can it have one, where RBAC looks at
/// the bindings in it all the same.
fn without_idle_namespace(request: &Request) -> Cow<'_, Request> {
    if request.is_resource || request.namespace.is_empty() {
        return Cow::Borrowed(request);
    }
    Cow::Owned(Request { namespace: String::new(), ..request.clone() })
}

/// One change of a question.
type Change = fn(&Request) -> Cow<'_, Request>;

/// The question with several changes.
fn all_of<const N: usize>(changes: [Change; N], request: &Request) -> Cow<'_, Request> {
    changes.into_iter().fold(Cow::Borrowed(request), |request, change| match request {
        Cow::Borrowed(request) => change(request),
        Cow::Owned(request) => Cow::Owned(change(&request).into_owned()),
    })
}

/// A decision under its name.
///
/// # Panics
/// If it is none.
fn effect(name: &str) -> EffectName {
    match name {
        "Allow" => EffectName::Allow,
        "Deny" => EffectName::Deny,
        "NoOpinion" => EffectName::NoOpinion,
        other => panic!("not a decision: {other:?}"),
    }
}

/// An answer in JSON: decision, reason and revision.
///
/// # Panics
/// If it is none.
fn answer(value: &Value) -> Answer {
    let decision = effect(value["decision"].as_str().unwrap_or_default());
    assert_eq!(value["allowed"], decision == EffectName::Allow, "{value}");
    let reason = value["reason"].as_str().unwrap_or_default().to_owned();
    Answer { decision, reason, revision: value["revision"].as_u64() }
}
