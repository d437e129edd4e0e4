//! Explain: every way in which something is allowed, or what comes near.

use tonic::Status;
use verdikt::{Attributes, EffectName, Explanation, IdentityBuffer};

use super::call::{Call, Privilege};
use super::check::{Found, decide, find};
use super::error::bad_field;
use super::proto::v1;
use super::question::{Asked, Question};

pub(super) fn answer(
    call: &Call,
    question: v1::ExplainRequest,
) -> Result<v1::ExplainResponse, Status> {
    let question = question.question;
    let question = question.ok_or_else(|| bad_field("question", "must be specified"))?;
    call.needs(Privilege::CreateSubjectAccessReviews)?;
    let question = Question::of(&question);
    let asked = Asked::read(question.wanted.as_ref())?;
    let request = asked.attributes();
    let mut buffer = IdentityBuffer::new(call.app.engine.hash_key());
    let about = match find(call, &question, &request, &mut buffer)? {
        Found::User(about) => about,
        Found::Nobody(answer) => {
            return Ok(v1::ExplainResponse { answer: Some(*answer), ..Default::default() });
        }
    };
    let answer = Some(decide(call, &about, &request));
    let request = Attributes { user: Some(about.requester()), ..request };
    // All bindings are looked at.
    let explanation = tokio::task::block_in_place(|| call.snapshot.explain(&request));
    Ok(v1::ExplainResponse { answer, ..explanation.into() })
}

impl From<Explanation> for v1::ExplainResponse {
    fn from(explanation: Explanation) -> Self {
        let answers = explanation.answers.into_iter().map(|answer| v1::AuthorizerAnswer {
            authorizer: answer.authorizer.into_owned(),
            decision: named(answer.effect).into(),
            reason: answer.reason,
        });
        let paths = explanation.paths.into_iter().map(|path| v1::Path {
            authorizer: path.authorizer.into_owned(),
            binding: path.binding,
            role: path.role,
            subject: path.subject,
            rule: path.rule,
            origin: path.origin,
            role_origin: path.role_origin,
            decides: path.decides,
        });
        let misses = explanation.misses.into_iter().map(|miss| v1::Miss {
            authorizer: miss.authorizer.into_owned(),
            kind: name_of(&miss.kind),
            text: miss.text,
            origin: miss.origin,
        });
        Self {
            answer: None,
            authorizers: answers.collect(),
            paths: paths.collect(),
            misses: misses.collect(),
        }
    }
}

fn named(effect: EffectName) -> v1::Decision {
    match effect {
        EffectName::Allow => v1::Decision::Allow,
        EffectName::Deny => v1::Decision::Deny,
        EffectName::NoOpinion => v1::Decision::NoOpinion,
    }
}

/// The name under which JSON has it, too.
fn name_of(kind: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(kind).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
