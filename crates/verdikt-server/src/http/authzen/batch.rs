//! Many evaluations in one message, each of which may leave out what the message says for all.

use std::sync::Arc;

use axum::http::request::Parts;
use serde::Serialize;
use serde_json::{Map, Value};
use verdikt::Snapshot;

use super::entity::Evaluation;
use super::{Decision, Reasons, decide, evaluation_of};

/// What a message asks.
pub(super) enum Asked {
    /// Without evaluations it is a single question, as that of the other address.
    One(Value),
    /// A list of them.
    Many(Batch),
}

/// Questions in the order in which they are answered.
pub(super) struct Batch {
    defaults: Map<String, Value>,
    evaluations: Vec<Value>,
    options: Options,
}

/// How they are to be answered.
#[derive(Clone, Copy)]
struct Options {
    semantic: Semantic,
    /// Whether each answer says why. Clients compare answers with `{"decision":true}` as a whole, the
    /// interoperability tests among them, so only those get more that ask for it.
    reasons: Reasons,
}

/// Which answer, if any, is the last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Semantic {
    All,
    UntilDenied,
    UntilPermitted,
}

/// The answers, in the order of the questions.
#[derive(Debug, Serialize)]
pub(super) struct Decisions {
    evaluations: Vec<Decision>,
    context: Policy,
}

/// Which policy gave all of the answers.
#[derive(Debug, Serialize)]
struct Policy {
    revision: u64,
}

/// Understands a message.
///
/// # Errors
/// What is wrong with it as a whole.
pub(super) fn of(asked: Value) -> Result<Asked, String> {
    let Value::Object(mut message) = asked else {
        return Err("the body must be an object".to_owned());
    };
    let evaluations = match message.remove("evaluations") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(evaluations)) => evaluations,
        Some(_) => return Err("evaluations: must be a list".to_owned()),
    };
    if evaluations.is_empty() {
        return Ok(Asked::One(Value::Object(message)));
    }
    if evaluations.len() > MOST {
        return Err(format!("evaluations: {} of them, the most is {MOST}", evaluations.len()));
    }
    let options = options(message.get("options"))?;
    message.retain(|key, value| DEFAULTS.contains(&key.as_str()) && !value.is_null());
    if let Some((key, _)) = message.iter().find(|(_, value)| !value.is_object()) {
        return Err(format!("{key}: must be an object"));
    }
    Ok(Asked::Many(Batch { defaults: message, evaluations, options }))
}

fn options(written: Option<&Value>) -> Result<Options, String> {
    let mut options = Options { semantic: Semantic::All, reasons: Reasons::LeftOut };
    let written = match written {
        None | Some(Value::Null) => return Ok(options),
        Some(Value::Object(written)) => written,
        Some(_) => return Err("options: must be an object".to_owned()),
    };
    if let Some(name) = written.get("evaluations_semantic") {
        options.semantic = match name.as_str() {
            Some("execute_all") => Semantic::All,
            Some("deny_on_first_deny") => Semantic::UntilDenied,
            Some("permit_on_first_permit") => Semantic::UntilPermitted,
            _ => {
                return Err("options.evaluations_semantic: must be execute_all, \
                            deny_on_first_deny or permit_on_first_permit"
                    .to_owned());
            }
        };
    }
    if let Some(wanted) = written.get("reasons") {
        options.reasons = match wanted.as_bool() {
            Some(true) => Reasons::Given,
            Some(false) => Reasons::LeftOut,
            None => return Err("options.reasons: must be true or false".to_owned()),
        };
    }
    Ok(options)
}

impl Batch {
    /// The questions, each with what the message says for all.
    pub(super) fn evaluations(self) -> impl Iterator<Item = Result<Evaluation, String>> {
        let Self { defaults, evaluations, .. } = self;
        evaluations
            .into_iter()
            .map(move |asked| with_defaults(asked, &defaults).and_then(evaluation_of))
    }

    /// Answers all of them, or as many as it takes, by one policy.
    pub(super) fn decide(self, parts: &Parts, snapshot: &Arc<Snapshot>) -> Decisions {
        let options = self.options;
        let last = match options.semantic {
            Semantic::All => None,
            Semantic::UntilDenied => Some(false),
            Semantic::UntilPermitted => Some(true),
        };
        let mut decisions = Vec::with_capacity(self.evaluations.len());
        for evaluation in self.evaluations() {
            let decision = match evaluation {
                Ok(evaluation) => decide(parts, snapshot, &evaluation, options.reasons),
                Err(problem) => Decision::impossible(snapshot, problem),
            };
            let is_last = Some(decision.decision) == last;
            decisions.push(decision);
            if is_last {
                break;
            }
        }
        let revision = snapshot.revision().0;
        Decisions { evaluations: decisions, context: Policy { revision } }
    }
}

/// What an evaluation does not say itself, it takes from the message, whole.
fn with_defaults(asked: Value, defaults: &Map<String, Value>) -> Result<Value, String> {
    let Value::Object(mut asked) = asked else {
        return Err("an evaluation must be an object".to_owned());
    };
    for (key, value) in defaults {
        if !asked.contains_key(key) {
            asked.insert(key.clone(), value.clone());
        }
    }
    Ok(Value::Object(asked))
}

/// What a message may say for all of its evaluations.
const DEFAULTS: [&str; 4] = ["subject", "action", "resource", "context"];
/// Evaluations in one message.
const MOST: usize = 10_000;
