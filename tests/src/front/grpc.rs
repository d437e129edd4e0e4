//! Questions over gRPC: one by one, in a stream, and in a batch.

use std::collections::HashMap;

use tonic::Code;
use verdikt::EffectName;
use verdikt_server::proto::v1;
use verdikt_server::proto::v1::check_request::Request as Asked;
use verdikt_server::proto::v1::check_stream_response::Result as Streamed;

use super::{Answer, Front, Outcome};
use crate::grpc::Client;
use crate::wire::Request;

/// `Check` of a running gRPC server.
#[derive(Debug)]
pub struct Unary<'s>(pub &'s Client<'s>);

impl Front for Unary<'_> {
    fn name(&self) -> &'static str {
        "verdikt.v1 Check"
    }

    fn check(&self, request: &Request) -> Outcome {
        outcome(self.ask(message(request)), refusal(request))
    }
}

impl Unary<'_> {
    /// The answer to one question, or why there is none.
    pub(super) fn ask(&self, question: v1::CheckRequest) -> Answered {
        let answered = self.0.check(question);
        answered.map_err(|status| (status.code(), status.message().to_owned()))
    }
}

/// `CheckStream` of a running gRPC server, with all questions under way at once.
#[derive(Debug)]
pub struct Stream<'s>(pub &'s Client<'s>);

impl Front for Stream<'_> {
    fn name(&self) -> &'static str {
        "verdikt.v1 CheckStream"
    }

    fn check(&self, request: &Request) -> Outcome {
        self.check_all(std::slice::from_ref(request)).remove(0)
    }

    fn check_all(&self, requests: &[Request]) -> Vec<Outcome> {
        let answers = self.ask(requests.iter().map(message));
        let outcomes = answers.into_iter().zip(requests);
        outcomes.map(|(answered, request)| outcome(answered, refusal(request))).collect()
    }
}

impl Stream<'_> {
    /// The answers to questions, in their order, or why there are none.
    pub(super) fn ask(&self, questions: impl Iterator<Item = v1::CheckRequest>) -> Vec<Answered> {
        let questions = questions.zip(0..);
        let questions =
            questions.map(|(question, id)| v1::CheckStreamRequest { id, question: Some(question) });
        let questions: Vec<v1::CheckStreamRequest> = questions.collect();
        let count = questions.len() as u64;
        let mut answers = Vec::new();
        self.0.wait(async {
            let questions = self.0.request(tokio_stream::iter(questions));
            let mut answered = self.0.verdikt().check_stream(questions).await.unwrap().into_inner();
            while let Some(answer) = answered.message().await.unwrap() {
                answers.push(answer);
            }
        });
        let ids: Vec<u64> = answers.iter().map(|answer| answer.id).collect();
        assert_eq!(ids, Vec::from_iter(0..count), "one answer each, in order");
        let answers = answers.into_iter().map(|answer| match answer.result.unwrap() {
            Streamed::Answer(response) => Ok(response),
            Streamed::Error(error) => Err((Code::from_i32(error.code), error.message)),
        });
        answers.collect()
    }
}

/// `CheckBatch` of a running gRPC server, all questions in one message but those that are refused, which are
/// refused one by one.
#[derive(Debug)]
pub struct Batch<'s>(pub &'s Client<'s>);

impl Front for Batch<'_> {
    fn name(&self) -> &'static str {
        "verdikt.v1 CheckBatch"
    }

    fn check(&self, request: &Request) -> Outcome {
        if !is_about_nothing(request) {
            return self.check_all(std::slice::from_ref(request)).remove(0);
        }
        const REFUSAL: &str = "a resource or a path must be specified";
        let refused = self.0.batch(batch([request])).unwrap_err();
        let message = format!("questions[0].resource: {REFUSAL}");
        assert_eq!((refused.code(), refused.message()), (Code::InvalidArgument, &*message));
        Outcome::Refused(REFUSAL)
    }

    fn check_all(&self, requests: &[Request]) -> Vec<Outcome> {
        let asked = requests.iter().filter(|request| !is_about_nothing(request));
        let mut answers = self.ask(batch(asked)).into_iter();
        let outcomes = requests.iter().map(|request| match is_about_nothing(request) {
            true => self.check(request),
            false => Outcome::Answered(answers.next().unwrap()),
        });
        outcomes.collect()
    }
}

impl Batch<'_> {
    /// The answers to the questions of a message.
    pub(super) fn ask(&self, batch: v1::CheckBatchRequest) -> Vec<Answer> {
        let count = batch.questions.len();
        let response = self.0.batch(batch).unwrap();
        let counts = (response.decisions.len(), response.reason_numbers.len());
        assert_eq!(counts, (count, count), "one answer each");
        let answers =
            response.decisions().zip(&response.reason_numbers).map(|(decision, &number)| {
                let reason =
                    number.checked_sub(1).map(|index| response.reasons[index as usize].clone());
                let revision = Some(response.revision);
                Answer { decision: effect(decision), reason: reason.unwrap_or_default(), revision }
            });
        answers.collect()
    }
}

/// The questions in one message. Every other user is whole, and so are those with extra; the others are numbers.
fn batch<'r>(requests: impl IntoIterator<Item = &'r Request>) -> v1::CheckBatchRequest {
    let mut batch = v1::CheckBatchRequest { with_reasons: true, ..Default::default() };
    let mut strings = Strings::default();
    let count = |count: usize| u32::try_from(count).unwrap();
    let requests: Vec<(bool, &Request)> = requests
        .into_iter()
        .enumerate()
        .map(|(place, request)| (place % 2 == 0 || !request.user.extra.is_empty(), request))
        .collect();
    let wholes = requests.iter().filter(|(is_whole, _)| *is_whole).count();
    for (is_whole, request) in requests {
        let user = &request.user;
        let number = if is_whole {
            batch.users.push(user.into());
            batch.users.len()
        } else {
            batch.groups.extend(user.groups.iter().map(|group| strings.number(group)));
            batch.numbered_users.push(v1::BatchUser {
                name: strings.number(&user.name),
                uid: strings.number(&user.uid),
                groups: count(user.groups.len()),
            });
            wholes + batch.numbered_users.len()
        };
        let mut question = v1::BatchQuestion {
            user: count(number),
            verb: strings.number(&request.verb),
            ..Default::default()
        };
        match request.is_resource {
            false => question.path = strings.number(&request.path),
            true => {
                question.namespace = strings.number(&request.namespace);
                question.group = strings.number(&request.group);
                question.version = strings.number(&request.version);
                question.resource = strings.number(&request.resource);
                question.subresource = strings.number(&request.subresource);
                question.name = strings.number(&request.name);
                question.field_selector = strings.number(&request.field_selector);
            }
        }
        batch.questions.push(question);
    }
    batch.strings = strings.texts;
    batch
}

/// Strings, once each, with the numbers by which a batch has them.
#[derive(Default)]
pub(super) struct Strings {
    pub(super) texts: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Strings {
    pub(super) fn number(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        *self.numbers.entry(text.to_owned()).or_insert_with(|| {
            self.texts.push(text.to_owned());
            u32::try_from(self.texts.len()).unwrap()
        })
    }
}

/// The question as a message.
fn message(request: &Request) -> v1::CheckRequest {
    let asked = match request.is_resource {
        true => Asked::Resource(v1::ResourceAttributes {
            verb: request.verb.clone(),
            namespace: request.namespace.clone(),
            group: request.group.clone(),
            version: request.version.clone(),
            resource: request.resource.clone(),
            subresource: request.subresource.clone(),
            name: request.name.clone(),
            field_selector: request.field_selector.clone(),
            ..Default::default()
        }),
        false => Asked::NonResource(v1::NonResourceAttributes {
            verb: request.verb.clone(),
            path: request.path.clone(),
        }),
    };
    v1::CheckRequest {
        user: Some((&request.user).into()),
        request: Some(asked),
        ..Default::default()
    }
}

/// Whether the question names neither a resource nor a path, and so is none.
fn is_about_nothing(request: &Request) -> bool {
    match request.is_resource {
        true => request.resource.is_empty(),
        false => request.path.is_empty(),
    }
}

/// In which words a question must be refused, if it is none.
fn refusal(request: &Request) -> Option<&'static str> {
    let refusal = match request.is_resource {
        true => "resource.resource: must not be empty",
        false => "non_resource.path: must not be empty",
    };
    is_about_nothing(request).then_some(refusal)
}

/// An answer, or the code and message instead of one.
pub(super) type Answered = Result<v1::CheckResponse, (Code, String)>;

/// What came of a question: an answer, unless it must be refused in words that begin so.
pub(super) fn outcome(answered: Answered, refusal: Option<&'static str>) -> Outcome {
    match (answered, refusal) {
        (Ok(response), None) => {
            let decision = effect(response.decision());
            assert_eq!(response.allowed, decision == EffectName::Allow, "{response:?}");
            let v1::CheckResponse { reason, revision, .. } = response;
            Outcome::Answered(Answer { decision, reason, revision: Some(revision) })
        }
        (Err((Code::InvalidArgument, message)), Some(words)) => {
            assert!(message.starts_with(words), "{message} does not start with {words}");
            Outcome::Refused(words)
        }
        other => panic!("{other:?}"),
    }
}

fn effect(decision: v1::Decision) -> EffectName {
    match decision {
        v1::Decision::Allow => EffectName::Allow,
        v1::Decision::Deny => EffectName::Deny,
        v1::Decision::NoOpinion => EffectName::NoOpinion,
        other => panic!("not a decision about a user that is named: {other:?}"),
    }
}
