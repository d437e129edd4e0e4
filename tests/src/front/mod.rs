//! The fronts of verdikt behind one trait, so that a question can be put to each of them.

mod ext_authz;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use verdikt::Engine;
use verdikt_core::User;
use verdikt_server::proto::v1;
use verdikt_server::proto::v1::check_request::Request as Asked;
use verdikt_server::proto::v1::check_stream_response::Result as Answered;

use crate::binary;
use crate::grpc::Client;
use crate::http::Running;
use crate::wire::Request;

pub use ext_authz::{ExtAuthz, token_file, users};

/// What every front tells of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the request may go on.
    pub allowed: bool,
    /// Why, in Kubernetes' words.
    pub reason: String,
    /// Which policy decided, where the front tells.
    pub revision: Option<u64>,
}

/// One way in.
pub trait Front {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// May `request.user` do this? None if the question cannot be put this way.
    fn check(&self, request: &Request) -> Option<Answer>;

    /// The same of many questions, at once where that is possible.
    fn check_all(&self, requests: &[Request]) -> Vec<Option<Answer>> {
        requests.iter().map(|request| self.check(request)).collect()
    }
}

/// The embedded engine.
impl Front for Engine {
    fn name(&self) -> &'static str {
        "library"
    }

    fn check(&self, request: &Request) -> Option<Answer> {
        let attributes = request.attributes();
        let decision = self.authorize(&attributes);
        Some(Answer {
            allowed: decision.is_allowed(),
            reason: decision.reason_text(),
            revision: Some(decision.revision().0),
        })
    }
}

/// `POST /v1/check` of a running server.
#[derive(Debug)]
pub struct Check<'s>(pub &'s Running);

impl Front for Check<'_> {
    fn name(&self) -> &'static str {
        "/v1/check"
    }

    fn check(&self, request: &Request) -> Option<Answer> {
        let attributes = match request.is_resource {
            true if request.resource.is_empty() => return None,
            true => wire(request, ["group", "version"]),
            false if request.path.is_empty() => return None,
            false => json!({"verb": request.verb, "path": request.path}),
        };
        let body = json!({"user": wire_user(&request.user, "name"), "attributes": attributes});
        answer(&self.0.post("/v1/check", &body.to_string()).json(), "decision")
    }
}

/// `POST subjectaccessreviews` of a running server.
#[derive(Debug)]
pub struct Review<'s>(pub &'s Running);

impl Front for Review<'_> {
    fn name(&self) -> &'static str {
        "subjectaccessreviews"
    }

    fn check(&self, request: &Request) -> Option<Answer> {
        // A review without anyone to review is refused.
        if request.user.name.is_empty() && request.user.groups.is_empty() {
            return None;
        }
        let mut spec = wire_user(&request.user, "user");
        match request.is_resource {
            true => spec.insert("resourceAttributes".into(), wire(request, ["group", "version"])),
            false => spec.insert(
                "nonResourceAttributes".into(),
                json!({"verb": request.verb, "path": request.path}),
            ),
        };
        let body = json!({
            "kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": spec,
        });
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        answer(&self.0.post(path, &body.to_string()).json()["status"], "allowed")
    }
}

/// `Check` of a running gRPC server.
#[derive(Debug)]
pub struct Unary<'s>(pub &'s Client<'s>);

impl Front for Unary<'_> {
    fn name(&self) -> &'static str {
        "verdikt.v1 Check"
    }

    fn check(&self, request: &Request) -> Option<Answer> {
        Some(self.0.check(message(request)?).unwrap().into())
    }
}

/// `CheckStream` of a running gRPC server, with all questions under way at once.
#[derive(Debug)]
pub struct Stream<'s>(pub &'s Client<'s>);

impl Front for Stream<'_> {
    fn name(&self) -> &'static str {
        "verdikt.v1 CheckStream"
    }

    fn check(&self, request: &Request) -> Option<Answer> {
        self.check_all(std::slice::from_ref(request)).pop()?
    }

    fn check_all(&self, requests: &[Request]) -> Vec<Option<Answer>> {
        let mut found = vec![None; requests.len()];
        let questions = requests.iter().enumerate().filter_map(|(place, request)| {
            let question = Some(message(request)?);
            Some(v1::CheckStreamRequest { id: place as u64, question })
        });
        let questions: Vec<v1::CheckStreamRequest> = questions.collect();
        let expected = questions.len();
        let mut answered = 0;
        self.0.wait(async {
            let questions = self.0.request(tokio_stream::iter(questions));
            let mut answers = self.0.verdikt().check_stream(questions).await.unwrap().into_inner();
            while let Some(answer) = answers.message().await.unwrap() {
                let Some(Answered::Answer(response)) = answer.result else {
                    panic!("{answer:?}");
                };
                found[usize::try_from(answer.id).unwrap()] = Some(response.into());
                answered += 1;
            }
        });
        assert_eq!(answered, expected, "answers of the stream");
        found
    }
}

/// `CheckBatch` of a running gRPC server, all questions in one message.
#[derive(Debug)]
pub struct Batch<'s>(pub &'s Client<'s>);

impl Front for Batch<'_> {
    fn name(&self) -> &'static str {
        "verdikt.v1 CheckBatch"
    }

    fn check(&self, request: &Request) -> Option<Answer> {
        self.check_all(std::slice::from_ref(request)).pop()?
    }

    fn check_all(&self, requests: &[Request]) -> Vec<Option<Answer>> {
        let mut batch = v1::CheckBatchRequest { with_reasons: true, ..Default::default() };
        let mut strings = Strings::default();
        let can_ask = |request: &&Request| message(request).is_some();
        for request in requests.iter().filter(can_ask) {
            batch.users.push((&request.user).into());
            let mut question = v1::BatchQuestion {
                user: u32::try_from(batch.users.len()).unwrap(),
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
                }
            }
            batch.questions.push(question);
        }
        batch.strings = strings.texts;
        let response = self.0.batch(batch).unwrap();
        let mut answers = response.decisions().zip(&response.reason_numbers);
        let answers = requests.iter().map(|request| {
            can_ask(&request).then(|| {
                let (decision, &number) = answers.next().unwrap();
                let reason = number.checked_sub(1).map(|index| &response.reasons[index as usize]);
                Answer {
                    allowed: decision == v1::Decision::Allow,
                    reason: reason.cloned().unwrap_or_default(),
                    revision: Some(response.revision),
                }
            })
        });
        answers.collect()
    }
}

/// Strings, once each, with the numbers by which a batch has them.
#[derive(Default)]
struct Strings {
    texts: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Strings {
    fn number(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        *self.numbers.entry(text.to_owned()).or_insert_with(|| {
            self.texts.push(text.to_owned());
            u32::try_from(self.texts.len()).unwrap()
        })
    }
}

/// The question as a message; none if nobody could put it.
fn message(request: &Request) -> Option<v1::CheckRequest> {
    let Request { user, verb, group, version, resource, subresource, .. } = request;
    let asked = match request.is_resource {
        true if resource.is_empty() => return None,
        true => Asked::Resource(v1::ResourceAttributes {
            verb: verb.clone(),
            namespace: request.namespace.clone(),
            group: group.clone(),
            version: version.clone(),
            resource: resource.clone(),
            subresource: subresource.clone(),
            name: request.name.clone(),
            ..Default::default()
        }),
        false if request.path.is_empty() => return None,
        false => Asked::NonResource(v1::NonResourceAttributes {
            verb: verb.clone(),
            path: request.path.clone(),
        }),
    };
    Some(v1::CheckRequest { user: Some(user.into()), request: Some(asked), ..Default::default() })
}

impl From<v1::CheckResponse> for Answer {
    fn from(response: v1::CheckResponse) -> Self {
        let v1::CheckResponse { allowed, reason, revision, .. } = response;
        Self { allowed, reason, revision: Some(revision) }
    }
}

/// `verdikt check`, a process for each question.
#[derive(Debug)]
pub struct Cli {
    /// The program.
    pub binary: PathBuf,
    /// Where the policy lies.
    pub policy_dir: PathBuf,
}

impl Front for Cli {
    fn name(&self) -> &'static str {
        "verdikt check"
    }

    fn check(&self, request: &Request) -> Option<Answer> {
        let arguments = arguments(request, &self.policy_dir)?;
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = binary::run(&self.binary, &arguments, b"");
        let value: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
        let found = answer(&value, "decision")?;
        assert_eq!(ran.code, i32::from(!found.allowed), "exit code of {arguments:?}: {ran:?}");
        Some(found)
    }
}

/// The question as it is typed; none if `kubectl auth can-i` could not put it either.
fn arguments(request: &Request, policy_dir: &Path) -> Option<Vec<String>> {
    let Request { user, verb, group, resource, subresource, namespace, name, path, .. } = request;
    // Every user that is named is in one of these, unless it says so itself.
    let everyone = ["system:authenticated", "system:unauthenticated"];
    let is_in_everyone = user.groups.iter().any(|group| everyone.contains(&group.as_str()));
    let is_plain = |text: &str| !text.is_empty() && !text.starts_with('-');
    if !is_plain(&user.name) || !is_in_everyone || !is_plain(verb) {
        return None;
    }
    let what = match request.is_resource {
        false if path.starts_with('/') => path.clone(),
        true if is_a_type(resource) && is_a_type(group) && !group.is_empty() => {
            format!("{resource}.{group}/{name}")
        }
        true if is_a_type(resource) && group.is_empty() => format!("{resource}/{name}"),
        _ => return None,
    };
    let mut arguments = vec![
        format!("check"),
        verb.clone(),
        what,
        format!("--policy-dir={}", policy_dir.display()),
        format!("--as={}", user.name),
        format!("--subresource={subresource}"),
        "-o=json".to_owned(),
    ];
    match namespace.as_str() {
        "" => arguments.push("--all-namespaces".to_owned()),
        namespace => arguments.push(format!("--namespace={namespace}")),
    }
    arguments.extend(user.groups.iter().map(|group| format!("--as-group={group}")));
    Some(arguments)
}

/// Whether a word is taken for the name of a type or group as it is: nothing in it is folded or cut.
fn is_a_type(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_lowercase() || b == b'.')
        && !word.starts_with('v')
        && (word.contains('.') || word.ends_with('s') || word.is_empty())
}

fn wire(request: &Request, fields: [&str; 2]) -> Value {
    json!({
        "verb": request.verb,
        "namespace": request.namespace,
        fields[0]: request.group,
        fields[1]: request.version,
        "resource": request.resource,
        "subresource": request.subresource,
        "name": request.name,
    })
}

fn wire_user(user: &User, name: &str) -> Map<String, Value> {
    let user = json!({
        name: user.name, "uid": user.uid, "groups": user.groups, "extra": user.extra,
    });
    user.as_object().cloned().unwrap_or_default()
}

/// An answer that carries `field`; anything else is a refusal to answer.
fn answer(value: &Value, field: &str) -> Option<Answer> {
    value.get(field)?;
    let allowed = value["allowed"] == true;
    let reason = value["reason"].as_str().unwrap_or_default().to_owned();
    Some(Answer { allowed, reason, revision: value["revision"].as_u64() })
}
