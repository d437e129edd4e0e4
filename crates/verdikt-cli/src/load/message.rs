//! Questions as each kind of call asks them: encoded once, so that it is not done while time is taken.

use std::collections::HashMap;

use hyper::body::Bytes;
use prost::Message as _;
use serde_json::{Map, Value, json};
use verdikt_server::proto::envoy::config::core::v3::{HeaderMap, HeaderValue};
use verdikt_server::proto::envoy::service::auth::v3 as envoy;
use verdikt_server::proto::v1;

use super::asked::Asked;
use super::kind::Kind;
use crate::failure::Failure;

/// One call.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) bytes: Bytes,
    /// Which questions it asks, by their numbers from 0, and whether each is to be allowed.
    pub(super) asks: Vec<(usize, Option<bool>)>,
}

/// All calls, and how many questions no call of the kind can ask.
#[derive(Debug)]
pub(crate) struct Messages {
    pub(super) all: Vec<Message>,
    pub(super) left_out: usize,
}

impl Messages {
    /// `batch` questions are in one message of that kind; `client` is the token of whom Envoy asks about.
    pub(crate) fn new(
        kind: Kind,
        asked: &[Asked],
        batch: usize,
        client: Option<&str>,
    ) -> Result<Self, Failure> {
        let names_users = asked.iter().any(|asked| !asked.is_about_caller());
        if kind == Kind::ExtAuthz && client.is_none() && names_users {
            let message = "Envoy asks about requests, whose users are named by impersonation: add the \
                           --client-token of somebody who may impersonate them";
            return Err(Failure::message(message));
        }
        let all: Vec<Message> = match kind {
            Kind::Batch => batches(asked, batch),
            Kind::Review => each(asked, review),
            Kind::Check => each(asked, |asked| Some(check(asked).encode_to_vec().into())),
            Kind::Stream => each(asked, |asked| {
                let question = v1::CheckStreamRequest { id: 0, question: Some(check(asked)) };
                Some(question.encode_to_vec().into())
            }),
            Kind::ExtAuthz => each(asked, |asked| ext_authz(asked, client)),
        };
        if all.is_empty() {
            return Err(Failure::message(match kind {
                Kind::Review => "a SubjectAccessReview names a user: add --as USER",
                _ => {
                    "no HTTP request asks this, so Envoy cannot, either: a `get` names an object, and special \
                     verbs are for other kinds"
                }
            }));
        }
        let left_out = if kind == Kind::Batch { 0 } else { asked.len() - all.len() };
        Ok(Self { all, left_out })
    }
}

fn each(asked: &[Asked], encode: impl Fn(&Asked) -> Option<Bytes>) -> Vec<Message> {
    let message = |(number, asked): (usize, &Asked)| {
        Some(Message { bytes: encode(asked)?, asks: vec![(number, asked.allowed)] })
    };
    asked.iter().enumerate().filter_map(message).collect()
}

fn check(asked: &Asked) -> v1::CheckRequest {
    let asked = asked.clone();
    let extra = asked.extra.into_iter().map(|(key, values)| (key, v1::ExtraValues { values }));
    let user =
        v1::User { name: asked.user, uid: asked.uid, groups: asked.groups, extra: extra.collect() };
    let request = if asked.path.is_empty() {
        v1::check_request::Request::Resource(v1::ResourceAttributes {
            verb: asked.verb,
            namespace: asked.namespace,
            group: asked.api_group,
            version: asked.api_version,
            resource: asked.resource,
            subresource: asked.subresource,
            name: asked.name,
            field_selector: asked.field_selector,
            label_selector: asked.label_selector,
        })
    } else {
        let (verb, path) = (asked.verb, asked.path);
        v1::check_request::Request::NonResource(v1::NonResourceAttributes { verb, path })
    };
    let is_about_caller = user.name.is_empty() && user.groups.is_empty();
    v1::CheckRequest {
        user: (!is_about_caller).then_some(user),
        request: Some(request),
        ..Default::default()
    }
}

/// Batches of one size that go through all questions, and begin again at the end.
fn batches(asked: &[Asked], size: usize) -> Vec<Message> {
    let count = asked.len().div_ceil(size);
    let mut questions = asked.iter().enumerate().cycle();
    let batch = |_| {
        let part: Vec<(usize, &Asked)> = questions.by_ref().take(size).collect();
        let bytes = batch(part.iter().map(|(_, asked)| *asked)).encode_to_vec().into();
        Message { bytes, asks: part.iter().map(|(number, it)| (*number, it.allowed)).collect() }
    };
    (0..count).map(batch).collect()
}

fn batch<'a>(asked: impl Iterator<Item = &'a Asked>) -> v1::CheckBatchRequest {
    let mut batch = v1::CheckBatchRequest::default();
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    // Users with extra come first, by whatever number they have among the others.
    let mut users: Vec<(usize, bool)> = Vec::new();
    for asked in asked {
        let mut number = |text: &'a str| match text {
            "" => 0,
            text => *numbers.entry(text).or_insert_with(|| {
                batch.strings.push(text.to_owned());
                batch.strings.len() as u32
            }),
        };
        if asked.is_about_caller() {
            users.push((0, false));
        } else if asked.extra.is_empty() {
            let (name, uid) = (number(&asked.user), number(&asked.uid));
            batch.groups.extend(asked.groups.iter().map(|group| number(group)));
            let groups = asked.groups.len() as u32;
            batch.numbered_users.push(v1::BatchUser { name, uid, groups });
            users.push((batch.numbered_users.len(), true));
        } else {
            batch.users.extend(check(asked).user);
            users.push((batch.users.len(), false));
        }
        batch.questions.push(v1::BatchQuestion {
            user: 0,
            verb: number(&asked.verb),
            namespace: number(&asked.namespace),
            group: number(&asked.api_group),
            version: number(&asked.api_version),
            resource: number(&asked.resource),
            subresource: number(&asked.subresource),
            name: number(&asked.name),
            field_selector: number(&asked.field_selector),
            label_selector: number(&asked.label_selector),
            path: number(&asked.path),
            method: 0,
        });
    }
    for (question, (user, is_numbered)) in batch.questions.iter_mut().zip(users) {
        let before = if is_numbered { batch.users.len() } else { 0 };
        question.user = (before + user) as u32;
    }
    batch
}

fn review(asked: &Asked) -> Option<Bytes> {
    if asked.is_about_caller() {
        return None;
    }
    let texts = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().filter(|(_, text)| !text.is_empty());
        pairs.map(|(key, text)| ((*key).to_owned(), json!(text))).collect::<Map<String, Value>>()
    };
    let (kind, what) = if asked.path.is_empty() {
        let mut what = texts(&[
            ("namespace", &asked.namespace),
            ("verb", &asked.verb),
            ("group", &asked.api_group),
            ("version", &asked.api_version),
            ("resource", &asked.resource),
            ("subresource", &asked.subresource),
            ("name", &asked.name),
        ]);
        for (field, selector) in
            [("fieldSelector", &asked.field_selector), ("labelSelector", &asked.label_selector)]
        {
            if !selector.is_empty() {
                what.insert(field.to_owned(), json!({ "rawSelector": selector }));
            }
        }
        ("resourceAttributes", what)
    } else {
        ("nonResourceAttributes", texts(&[("verb", &asked.verb), ("path", &asked.path)]))
    };
    let mut spec = texts(&[("user", &asked.user), ("uid", &asked.uid)]);
    spec.insert(kind.to_owned(), Value::Object(what));
    if !asked.groups.is_empty() {
        spec.insert("groups".to_owned(), json!(asked.groups));
    }
    if !asked.extra.is_empty() {
        spec.insert("extra".to_owned(), json!(asked.extra));
    }
    let review = json!({
        "kind": "SubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {"creationTimestamp": null},
        "spec": spec,
        "status": {"allowed": false},
    });
    Some(Bytes::from(review.to_string()))
}

fn ext_authz(asked: &Asked, client: Option<&str>) -> Option<Bytes> {
    let (fields, labels) = (&asked.field_selector, &asked.label_selector);
    let (method, path) = verdikt::request_line(&asked.attributes(), fields, labels)?;
    let mut headers = Vec::new();
    let mut add = |key: &str, value: &str| {
        let (key, value) = (key.to_owned(), value.to_owned());
        headers.push(HeaderValue { key, value, raw_value: Vec::new() });
    };
    if let Some(token) = client {
        add("authorization", &format!("Bearer {token}"));
    }
    // Whoever the token belongs to acts as the user.
    if !asked.is_about_caller() {
        add("impersonate-user", &asked.user);
        if !asked.uid.is_empty() {
            add("impersonate-uid", &asked.uid);
        }
        asked.groups.iter().for_each(|group| add("impersonate-group", group));
        for (key, values) in &asked.extra {
            let header = format!("impersonate-extra-{}", key.replace('/', "%2f"));
            values.iter().for_each(|value| add(&header, value));
        }
    }
    let http = envoy::attribute_context::HttpRequest {
        method: method.to_owned(),
        path,
        header_map: Some(HeaderMap { headers }),
        ..Default::default()
    };
    let request = Some(envoy::attribute_context::Request { http: Some(http) });
    let attributes = Some(envoy::AttributeContext { request, ..Default::default() });
    Some(envoy::CheckRequest { attributes }.encode_to_vec().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Asked {
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn batches_go_through_all_questions_and_begin_again() {
        let all = ["a", "b", "c"].map(|verb| asked(&format!(r#"{{"verb":"{verb}","path":"/"}}"#)));
        let numbers = |size: usize| {
            let batches = batches(&all, size);
            let numbers = batches.iter().map(|it| it.asks.iter().map(|ask| ask.0).collect());
            numbers.collect::<Vec<Vec<usize>>>()
        };
        assert_eq!(numbers(2), [[0, 1], [2, 0]]);
        assert_eq!(numbers(7), [[0, 1, 2, 0, 1, 2, 0]]);
    }

    #[test]
    fn users_of_a_batch_are_found_by_number() {
        let all = [
            asked(r#"{"verb":"get","path":"/"}"#),
            asked(r#"{"user":"jane","groups":["dev"],"verb":"get","path":"/"}"#),
            asked(r#"{"user":"eve","extra":{"a":["b"]},"verb":"get","path":"/"}"#),
            asked(r#"{"user":"olga","verb":"get","path":"/"}"#),
        ];
        let batch = batch(all.iter());
        let users: Vec<u32> = batch.questions.iter().map(|question| question.user).collect();
        assert_eq!(users, [0, 2, 1, 3], "{batch:?}");
        assert_eq!(batch.users[0].name, "eve");
        let named = batch.numbered_users.iter().map(|user| &batch.strings[user.name as usize - 1]);
        assert_eq!(named.collect::<Vec<_>>(), ["jane", "olga"]);
    }
}
