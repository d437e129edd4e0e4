//! CheckBatch: many questions, read in place out of a table of strings, and answered by one policy.

mod message;

use std::collections::HashMap;

use prost::Message as _;
use tonic::{Code, Status};
use verdikt::{Attributes, HashKey, Identity, NumberedUsers, RequestInfo, Requester, Selectors};

pub(super) use self::message::Message;
use super::call::Call;
use super::check::{effect, others};
use super::codec::{CheckBatchRequest, unreadable};
use super::error::bad_field;
use super::proto::v1;
use crate::caller::Sender;

/// More questions than this are refused.
const MOST_QUESTIONS: usize = 100_000;
/// How many are answered between looks at the clock.
const QUESTIONS_A_LOOK: usize = 64;

pub(super) fn answer(
    call: &Call,
    message: CheckBatchRequest,
) -> Result<v1::CheckBatchResponse, Status> {
    if let Some(message) = Message::plain(message.bytes()) {
        return answer_to(call, message);
    }
    let message = v1::CheckBatchRequest::decode(message.bytes()).map_err(unreadable)?;
    answer_to(call, Message::of(&message))
}

fn answer_to(call: &Call, message: Message<'_>) -> Result<v1::CheckBatchResponse, Status> {
    if message.questions.len() > MOST_QUESTIONS {
        let text =
            format!("{} questions, and {MOST_QUESTIONS} are allowed", message.questions.len());
        return Err(Status::new(Code::ResourceExhausted, text));
    }
    let Message { strings, users, questions, with_reasons, numbered_users, groups, .. } = message;
    let named = Named::new(&strings, &numbered_users, &groups, call.app.engine.hash_key())?;
    let mut asked = Batch::new(call, &strings, users, named, &questions)?;
    let mut answers = Answers::with_capacity(questions.len(), with_reasons);
    for (place, question) in questions.iter().enumerate() {
        if place % QUESTIONS_A_LOOK == 0 {
            call.deadline.check()?;
        }
        let bad = |(field, problem)| bad_field(&format!("questions[{place}].{field}"), problem);
        asked.turn_to(question.user).map_err(bad)?;
        asked
            .put(question, |request| {
                let decision = call.snapshot.authorize(request);
                answers.add(&decision);
            })
            .map_err(bad)?;
    }
    Ok(answers.into_response(call.snapshot.revision().0))
}

/// What questions refer to.
struct Batch<'m> {
    strings: &'m [&'m str],
    users: Vec<Identity>,
    named: Named<'m>,
    caller: Option<Sender>,
}

type Problem = (&'static str, String);

/// Users by numbers of strings, one of them at a time.
struct Named<'m> {
    named: &'m [v1::BatchUser],
    groups: &'m [u32],
    /// Where the groups of each begin.
    begins: Vec<usize>,
    users: NumberedUsers<'m>,
    turn: Option<usize>,
}

impl<'m> Named<'m> {
    /// # Errors
    /// If the users are in more groups than there are, or in fewer.
    fn new(
        strings: &'m [&'m str],
        named: &'m [v1::BatchUser],
        groups: &'m [u32],
        key: &'m HashKey,
    ) -> Result<Self, Status> {
        let mut end = 0_usize;
        let begins = named.iter().map(|user| {
            let begin = end;
            end = end.saturating_add(user.groups as usize);
            begin
        });
        let begins: Vec<usize> = begins.collect();
        if end != groups.len() {
            let problem = format!("{} of them, and numbered_users are in {end}", groups.len());
            return Err(bad_field("groups", problem));
        }
        Ok(Self { named, groups, begins, users: NumberedUsers::new(strings, key), turn: None })
    }

    /// # Errors
    /// The number of the string that is missing; none if the user is.
    fn turn_to(&mut self, index: usize) -> Result<(), Option<u32>> {
        if self.turn == Some(index) {
            return Ok(());
        }
        let (user, &begin) = self.named.get(index).zip(self.begins.get(index)).ok_or(None)?;
        let groups = self.groups.get(begin..begin + user.groups as usize).ok_or(None)?;
        self.turn = None;
        self.users.set(user.name, user.uid, groups).map_err(Some)?;
        self.turn = Some(index);
        Ok(())
    }
}

impl<'m> Batch<'m> {
    /// # Errors
    /// If the caller may not ask about whom it asks.
    fn new(
        call: &Call,
        strings: &'m [&'m str],
        users: Vec<v1::User>,
        named: Named<'m>,
        questions: &[v1::BatchQuestion],
    ) -> Result<Self, Status> {
        if questions.iter().any(|question| question.user != 0) {
            others(call)?;
        }
        let about_caller = questions.iter().any(|question| question.user == 0);
        let caller = about_caller.then(|| call.sender()).transpose()?;
        let key = call.app.engine.hash_key();
        let users = users.into_iter().map(|user| Identity::new(user.into(), key)).collect();
        Ok(Self { strings, users, named, caller })
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
            (Some(index), _) => Ok(match self.users.get(index as usize) {
                Some(identity) => identity.into(),
                None => self.named.users.requester(),
            }),
        }
    }

    /// Makes the next question be about this user.
    ///
    /// # Errors
    /// If there is no such user.
    fn turn_to(&mut self, number: u32) -> Result<(), Problem> {
        let beyond = (number as usize).checked_sub(self.users.len() + 1);
        let Some(index) = beyond else { return Ok(()) };
        self.named.turn_to(index).map_err(|missing| match missing {
            None => ("user", format!("there is no user {number}")),
            Some(string) => ("user", format!("user {number}: there is no string {string}")),
        })
    }

    fn text(&self, number: u32, field: &'static str) -> Result<&'m str, Problem> {
        let Some(index) = number.checked_sub(1) else { return Ok("") };
        match self.strings.get(index as usize) {
            Some(&text) => Ok(text),
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
