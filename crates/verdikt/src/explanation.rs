//! Why a request is allowed or not, as data for people and programs.

use std::borrow::Cow;

use serde::Serialize;
use verdikt_compiler::rbac::MissKind;
use verdikt_core::{Effect, Revision};

/// Everything known about one decision.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Explanation {
    /// What was decided.
    pub decision: EffectName,
    /// Kubernetes' reason; may be empty.
    pub reason: String,
    /// The policy that was asked.
    pub revision: u64,
    /// What each authorizer of the chain says, in order.
    pub answers: Vec<Answer>,
    /// Every way in which the request is allowed; the one that decided is marked.
    pub paths: Vec<Path>,
    /// If it is not allowed: what comes near, the nearest first.
    pub misses: Vec<Miss>,
}

/// An effect under Kubernetes' name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum EffectName {
    /// [`Effect::Allow`].
    Allow,
    /// [`Effect::Deny`].
    Deny,
    /// [`Effect::NoOpinion`].
    NoOpinion,
}

impl From<Effect> for EffectName {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Allow => Self::Allow,
            Effect::Deny => Self::Deny,
            Effect::NoOpinion => Self::NoOpinion,
        }
    }
}

/// What one authorizer says.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Answer {
    /// Its name in the chain.
    pub authorizer: Cow<'static, str>,
    /// Its decision.
    pub effect: EffectName,
    /// Its reason; may be empty.
    pub reason: String,
}

/// One way in which a request is allowed. What an authorizer does not have is empty.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Path {
    /// Name of the authorizer.
    pub authorizer: Cow<'static, str>,
    /// The binding, such as `RoleBinding "name/namespace"`.
    pub binding: String,
    /// The role it refers to.
    pub role: String,
    /// The subject that is the user.
    pub subject: String,
    /// The rule on one line.
    pub rule: String,
    /// `file:line` of the binding or policy line.
    pub origin: String,
    /// `file:line` of the role.
    pub role_origin: String,
    /// Whether the decision's reason is this one.
    pub decides: bool,
}

/// Something that nearly allows a request.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Miss {
    /// Name of the authorizer.
    pub authorizer: Cow<'static, str>,
    /// What is different.
    pub kind: MissKind,
    /// In a sentence.
    pub text: String,
    /// `file:line`.
    pub origin: String,
}

impl Explanation {
    pub(crate) fn new(effect: Effect, reason: String) -> Self {
        Self {
            decision: effect.into(),
            reason,
            revision: 0,
            answers: Vec::new(),
            paths: Vec::new(),
            misses: Vec::new(),
        }
    }

    pub(crate) fn at(self, revision: Revision) -> Self {
        Self { revision: revision.0, ..self }
    }
}
