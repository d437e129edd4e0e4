//! Node: objects that come and go, and what nodes may do in between; through the engine.

use serde::Deserialize;
use serde_json::{Value, json};
use verdikt::{Attributes, EffectName, Engine, Mode, NodeEvent, groups};
use verdikt_parser::node::NodeObject;

use super::{questions, text, wanted};
use crate::policy;
use crate::report::Report;
use crate::wire::Request;

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let engine = Engine::builder()
        .authorization_modes([Mode::Node])
        .build()
        .map_err(|error| serde::de::Error::custom(error.to_string()))?;
    for step in questions(line, "steps") {
        let events: Result<Vec<NodeEvent>, _> = questions(step, "events").map(event).collect();
        engine.apply_all(events?);
        for question in questions(step, "requests") {
            let request = Request::deserialize(question)?;
            let selectors = request.selectors();
            let request = Attributes { selectors: selectors.as_ref(), ..request.attributes() };
            report.compare(question, wanted(question), &decision(&engine, &request));
        }
    }
    Ok(())
}

/// One event as the engine takes it.
///
/// # Errors
/// If it is none.
pub fn event(event: &Value) -> Result<NodeEvent, serde_json::Error> {
    let object = object(event.get("object").unwrap_or(&Value::Null))?;
    match text(event, "type")? {
        "ADDED" => Ok(NodeEvent::Added(object)),
        "MODIFIED" => Ok(NodeEvent::Updated(object)),
        "DELETED" => Ok(NodeEvent::Deleted(object)),
        other => Err(serde::de::Error::custom(format!("unknown type of event {other}"))),
    }
}

/// The object as the parser reads it.
fn object(object: &Value) -> Result<NodeObject, serde_json::Error> {
    let set = policy::from_objects(&[object]).map_err(serde::de::Error::custom)?;
    let mut objects: Vec<NodeObject> = set.into_node_objects().collect();
    objects.pop().ok_or_else(|| serde::de::Error::custom("an object of no kind that is watched"))
}

/// What the authorizer says for itself. The engine lets members of `system:masters` do everything
/// before it asks any authorizer; what this one would have said is part of the explanation.
fn decision(engine: &Engine, request: &Attributes<'_>) -> Value {
    let is_privileged = request.user.is_some_and(|user| user.is_in(groups::MASTERS));
    let (is_allowed, reason) = if is_privileged {
        let explanation = engine.explain(request);
        let answer = explanation.answers.into_iter().next();
        answer.map_or((false, String::new()), |answer| {
            (answer.effect == EffectName::Allow, answer.reason)
        })
    } else {
        let decision = engine.authorize(request);
        // The chain says whose reason it is.
        let reason = decision.reason_text();
        let own = reason.strip_prefix("node: ").unwrap_or(&reason);
        (decision.is_allowed(), own.to_owned())
    };
    let effect = if is_allowed { "allow" } else { "no_opinion" };
    json!({"decision": effect, "reason": reason})
}
