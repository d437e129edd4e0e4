//! The three searches: who may, to what, and what else. Each answer is one that an evaluation would permit.
//!
//! Policy names subjects, objects and verbs; only what it names is found. What it says of all objects, or of
//! everyone, is said in the context of the answer.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use verdikt::{Asked, Objects, Scope, Snapshot, SubjectKind};

use super::entity::{Action, Evaluation, Resource, Subject, is_object_or_null};
use super::page::Page;
use super::question::Question;
use crate::wire::{self, BodyError, Object};

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Search {
    Subject,
    Resource,
    Action,
}

/// What was found, or a page of it.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<NextPage>,
    results: Vec<Value>,
    context: Context,
}

/// What policy says beside the results; what a search has no use for is left out.
#[derive(Debug, Default, Serialize)]
struct Context {
    revision: u64,
    /// Whether anyone at all may.
    #[serde(skip_serializing_if = "Option::is_none")]
    everyone: Option<bool>,
    /// Groups whose members may: who they are is not known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
    /// Namespaces in which it may be done to every object; `*` is all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    all_in: Option<BTreeSet<Scope>>,
    /// Who cannot say what else there is, or why nothing can be found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    incomplete: Vec<String>,
}

/// How the search goes on; with an empty token it does not.
#[derive(Debug, Serialize)]
struct NextPage {
    next_token: String,
    count: usize,
    total: usize,
}

/// A subject or a resource that is searched for: its id, if there is one, says nothing.
#[derive(Debug, Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
    properties: Option<Map<String, Value>>,
}

impl Search {
    /// Searches, and gives the page that is asked for.
    ///
    /// # Errors
    /// What is wrong with the question.
    pub(super) fn find(self, snapshot: &Arc<Snapshot>, mut asked: Value) -> Result<Found, String> {
        let page = Page::of(&mut asked)?;
        if asked.get("context").is_some_and(|context| !is_object_or_null(context)) {
            return Err("context: must be an object".to_owned());
        }
        let everything = match self {
            Self::Subject => subjects(snapshot, asked),
            Self::Resource => resources(snapshot, asked),
            Self::Action => actions(snapshot, asked),
        };
        let (results, context) = match everything {
            Ok(everything) => everything,
            // It is well-formed, and policy has nothing to say about it.
            Err(Problem::Meaningless(why)) => {
                let revision = snapshot.revision().0;
                (Vec::new(), Context { revision, incomplete: vec![why], ..Context::default() })
            }
            Err(Problem::Wrong(what)) => return Err(what),
        };
        let total = results.len();
        let (results, next_token) = page.cut(results);
        let count = results.len();
        let page = (page.is_asked_for() || !next_token.is_empty()).then_some(NextPage {
            next_token,
            count,
            total,
        });
        Ok(Found { results, context, page })
    }
}

/// All pages in one.
type Everything = (Vec<Value>, Context);

/// Why nothing is found.
enum Problem {
    /// It is no search.
    Wrong(String),
    /// Policy cannot name what it is about, such as a type of subject that there is not.
    Meaningless(String),
}

impl From<String> for Problem {
    fn from(what: String) -> Self {
        Self::Wrong(what)
    }
}

fn subjects(snapshot: &Arc<Snapshot>, asked: Value) -> Result<Everything, Problem> {
    let kind: Kind = part(&asked, "subject")?;
    let wanted = match kind.kind.as_str() {
        "user" => SubjectKind::User,
        "group" => SubjectKind::Group,
        "serviceaccount" => SubjectKind::ServiceAccount,
        kind => return Err(Problem::Meaningless(super::question::unknown_subject(kind))),
    };
    // Whoever asks does not matter.
    let nobody = Subject { kind: "user".to_owned(), id: String::new(), properties: None };
    let evaluation = Evaluation::new(nobody, action(&asked)?, part(&asked, "resource")?);
    let question = Question::new(&evaluation).map_err(Problem::Meaningless)?;
    let found = snapshot.who_can(&question.attributes(), Asked::There);
    let of_kind = |holder: &&verdikt::Holder| {
        holder.subject.kind == wanted && holder.subject.group.is_empty()
    };
    let results = found.subjects.iter().filter(of_kind).map(|holder| {
        let subject = &holder.subject;
        let id = match wanted {
            SubjectKind::ServiceAccount => format!("{}/{}", subject.namespace, subject.name),
            _ => subject.name.clone(),
        };
        json!({"type": kind.kind, "id": id})
    });
    let everyone = found.subjects.iter().any(|holder| holder.subject.kind == SubjectKind::Everyone);
    let groups = found.subjects.iter().filter(|holder| holder.subject.kind == SubjectKind::Group);
    let groups = groups.map(|holder| holder.subject.name.clone()).collect();
    let context = Context {
        revision: found.revision,
        everyone: Some(everyone),
        groups: (wanted != SubjectKind::Group).then_some(groups),
        incomplete: found.notes.clone(),
        ..Context::default()
    };
    Ok((results.collect(), context))
}

fn resources(snapshot: &Arc<Snapshot>, asked: Value) -> Result<Everything, Problem> {
    let kind: Kind = part(&asked, "resource")?;
    if matches!(kind.kind.as_str(), "path" | "route") {
        let what = format!("resource.type: {:?} is not searched for", kind.kind);
        return Err(Problem::Wrong(what));
    }
    let written = json!({"type": kind.kind, "id": "", "properties": kind.properties});
    let resource: Resource = of_value(written).map_err(|error| format!("resource.{error}"))?;
    let evaluation = Evaluation::new(part(&asked, "subject")?, action(&asked)?, resource);
    let question = Question::new(&evaluation).map_err(Problem::Meaningless)?;
    let found: Objects = snapshot.objects(&question.attributes());
    let within = evaluation.resource.0.namespace();
    let named = found
        .named
        .iter()
        .filter(|(scope, _)| within.is_none_or(|namespace| scope.covers(namespace)));
    // One name may be granted both everywhere and in the one namespace that is asked about.
    let ids: BTreeSet<String> = named
        .map(|(scope, name)| match (scope, within) {
            (Scope::Namespace(namespace), None) => format!("{namespace}/{name}"),
            _ => name.clone(),
        })
        .collect();
    let results = ids.into_iter().map(|id| match &kind.properties {
        Some(properties) => json!({"type": kind.kind, "id": id, "properties": properties}),
        None => json!({"type": kind.kind, "id": id}),
    });
    let context = Context {
        revision: found.revision,
        all_in: Some(found.all),
        incomplete: found.notes,
        ..Context::default()
    };
    Ok((results.collect(), context))
}

fn actions(snapshot: &Arc<Snapshot>, asked: Value) -> Result<Everything, Problem> {
    let (subject, resource) = (part(&asked, "subject")?, part(&asked, "resource")?);
    let mut evaluation = Evaluation::new(subject, Action::new(""), resource);
    let names: BTreeSet<String> = match evaluation.resource.0.kind.as_str() {
        "route" => METHODS.iter().map(|method| method.to_ascii_uppercase()).collect(),
        "path" => METHODS.iter().map(|method| (*method).to_owned()).collect(),
        _ => {
            let known = snapshot.verbs().into_iter().chain(VERBS);
            known.map(str::to_owned).collect()
        }
    };
    let mut results = Vec::new();
    for name in names {
        evaluation.action = Object(Action::new(&name));
        let question = Question::new(&evaluation).map_err(Problem::Meaningless)?;
        if snapshot.is_allowed(&question.attributes()) {
            results.push(json!({"name": name}));
        }
    }
    Ok((results, Context { revision: snapshot.revision().0, ..Context::default() }))
}

fn action(asked: &Value) -> Result<Action, String> {
    part(asked, "action")
}

/// A part of a search, which must be there.
fn part<T: for<'de> Deserialize<'de>>(asked: &Value, name: &str) -> Result<T, String> {
    let value = asked.get(name).filter(|value| !value.is_null());
    let value = value.ok_or_else(|| format!("missing field `{name}`"))?;
    of_value(value.clone()).map_err(|error| match error.split_once(": ") {
        // The text begins with a path or not; either way it lies below this part.
        Some((path, _)) if !path.contains(' ') => format!("{name}.{error}"),
        _ => format!("{name}: {error}"),
    })
}

fn of_value<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, String> {
    let parsed = wire::from_value::<Object<T>>(value);
    parsed.map(|Object(parsed)| parsed).map_err(BodyError::into_text)
}

/// What may be asked of a path.
const METHODS: [&str; 7] = ["delete", "get", "head", "options", "patch", "post", "put"];
/// What may be asked of any resource.
const VERBS: [&str; 8] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
