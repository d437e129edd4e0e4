//! CheckBatch: many questions, read in place out of a table of strings, and answered by one policy.

use std::collections::HashMap;

use tonic::{Code, Status};
use verdikt::{Attributes, Identity, RequestInfo, Requester, Selectors};

use super::call::Call;
use super::check::{effect, others};
use super::error::bad_field;
use super::proto::v1;
use crate::caller::Sender;

/// More questions than this are refused.
const MOST_QUESTIONS: usize = 100_000;
/// How many are answered between looks at the clock.
const QUESTIONS_A_LOOK: usize = 64;

pub(super) fn answer(
    call: &Call,
    message: v1::CheckBatchRequest,
) -> Result<v1::CheckBatchResponse, Status> {
    if message.questions.len() > MOST_QUESTIONS {
        let text =
            format!("{} questions, and {MOST_QUESTIONS} are allowed", message.questions.len());
        return Err(Status::new(Code::ResourceExhausted, text));
    }
    let v1::CheckBatchRequest { strings, users, questions, with_reasons, .. } = message;
    let asked = Batch::new(call, &strings, users, &questions)?;
    let mut answers = Answers::with_capacity(questions.len(), with_reasons);
    for (place, question) in questions.iter().enumerate() {
        if place % QUESTIONS_A_LOOK == 0 {
            call.deadline.check()?;
        }
        asked
            .put(question, |request| {
                let decision = call.snapshot.authorize(request);
                answers.add(&decision);
            })
            .map_err(|(field, problem)| {
                bad_field(&format!("questions[{place}].{field}"), problem)
            })?;
    }
    Ok(answers.into_response(call.snapshot.revision().0))
}

/// What questions refer to.
struct Batch<'m> {
    strings: &'m [String],
    users: Vec<Identity>,
    caller: Option<Sender>,
}

type Problem = (&'static str, String);

impl<'m> Batch<'m> {
    /// # Errors
    /// If the caller may not ask about whom it asks.
    fn new(
        call: &Call,
        strings: &'m [String],
        users: Vec<v1::User>,
        questions: &[v1::BatchQuestion],
    ) -> Result<Self, Status> {
        if questions.iter().any(|question| question.user != 0) {
            others(call)?;
        }
        let about_caller = questions.iter().any(|question| question.user == 0);
        let caller = about_caller.then(|| call.sender()).transpose()?;
        let key = call.app.engine.hash_key();
        let users = users.into_iter().map(|user| Identity::new(user.into(), key)).collect();
        Ok(Self { strings, users, caller })
    }

    /// Puts one question to `ask`.
    ///
    /// # Errors
    /// The field that makes no sense.
    fn put(
        &self,
        question: &v1::BatchQuestion,
        ask: impl FnOnce(&Attributes<'_>),
    ) -> Result<(), Problem> {
        let user = Some(self.user(question.user)?);
        let path = self.text(question.path, "path")?;
        let verb = self.text(question.verb, "verb")?;
        if question.resource != 0 {
            let selectors = self.selectors(question)?;
            ask(&Attributes {
                user,
                verb,
                namespace: self.text(question.namespace, "namespace")?,
                api_group: self.text(question.group, "group")?,
                api_version: self.text(question.version, "version")?,
                resource: self.text(question.resource, "resource")?,
                subresource: self.text(question.subresource, "subresource")?,
                name: self.text(question.name, "name")?,
                path: "",
                resource_request: true,
                selectors: selectors.as_ref(),
            });
        } else if question.method != 0 {
            let method = self.text(question.method, "method")?;
            let info = RequestInfo::from_request(method, path)
                .map_err(|error| ("path", error.to_string()))?;
            ask(&Attributes::from_request(user, &info));
        } else if !path.is_empty() {
            ask(&Attributes { user, verb, path, ..Attributes::default() });
        } else {
            return Err(("resource", "a resource or a path must be specified".to_owned()));
        }
        Ok(())
    }

    fn user(&self, number: u32) -> Result<Requester<'_>, Problem> {
        match (number.checked_sub(1), &self.caller) {
            (None, Some(caller)) => Ok(caller.requester()),
            (None, None) => Err(("user", "must be specified".to_owned())),
            (Some(index), _) => match self.users.get(index as usize) {
                Some(identity) => Ok(identity.into()),
                None => Err(("user", format!("there is no user {number}"))),
            },
        }
    }

    fn text(&self, number: u32, field: &'static str) -> Result<&'m str, Problem> {
        let Some(index) = number.checked_sub(1) else { return Ok("") };
        match self.strings.get(index as usize) {
            Some(text) => Ok(text),
            None => Err((field, format!("there is no string {number}"))),
        }
    }

    fn selectors(&self, question: &v1::BatchQuestion) -> Result<Option<Selectors>, Problem> {
        if question.field_selector == 0 && question.label_selector == 0 {
            return Ok(None);
        }
        let fields = self.text(question.field_selector, "field_selector")?;
        let labels = self.text(question.label_selector, "label_selector")?;
        Ok(Some(Selectors::parse(fields, labels)).filter(|selectors| !selectors.is_empty()))
    }
}

/// Answers as they are made.
struct Answers {
    response: v1::CheckBatchResponse,
    /// The number of each reason, if reasons are asked for.
    numbers: Option<HashMap<String, u32>>,
}

impl Answers {
    fn with_capacity(questions: usize, with_reasons: bool) -> Self {
        let decisions = Vec::with_capacity(questions);
        let response = v1::CheckBatchResponse { decisions, ..Default::default() };
        Self { response, numbers: with_reasons.then(HashMap::new) }
    }

    fn add(&mut self, decision: &verdikt::Decision<'_>) {
        let response = &mut self.response;
        if let Some(error) = decision.error() {
            // There are far fewer questions than numbers.
            let question = u32::try_from(response.decisions.len()).unwrap_or(u32::MAX);
            response.evaluation_errors.push(v1::BatchError { question, error });
        }
        response.decisions.push(effect(decision.effect()).into());
        let Some(numbers) = &mut self.numbers else { return };
        let reason = decision.reason_text();
        response.reason_numbers.push(match numbers.get(&reason) {
            _ if reason.is_empty() => 0,
            Some(&number) => number,
            None => {
                response.reasons.push(reason.clone());
                let number = u32::try_from(response.reasons.len()).unwrap_or(u32::MAX);
                numbers.insert(reason, number);
                number
            }
        });
    }

    fn into_response(self, revision: u64) -> v1::CheckBatchResponse {
        v1::CheckBatchResponse { revision, ..self.response }
    }
}
