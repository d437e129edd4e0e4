//! Audit policies: what is wrong with them, and how much of each request they record.

use serde::Deserialize;
use serde_json::{Value, json};
use verdikt::audit::Policy;
use verdikt_parser::audit_policy::{Stage, parse};
use verdikt_parser::{Diagnostic, Limits, Source};

use super::{questions, text};
use crate::report::Report;
use crate::wire::Request;

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let source = Source::new("policy.yaml", text(line, "policy")?.as_bytes());
    let (policy, found) = parse(&source, &Limits::default());
    let want = line.get("load_error").and_then(Value::as_str);
    let Some(policy) = policy.filter(|_| want.is_none()) else {
        let got = aggregate(&found);
        let comparable = |error: &str| json!({"load_error": without_parser_words(error)});
        report.compare(line, &comparable(want.unwrap_or_default()), &comparable(&got));
        return Ok(());
    };
    let policy = Policy::new(policy);
    for question in questions(line, "requests") {
        let request = Request::deserialize(question)?;
        let config = policy.evaluate(&request.attributes());
        let stages = Stage::ALL.into_iter().filter(|stage| config.omit_stages.contain(*stage));
        let mut stages: Vec<&str> = stages.map(Stage::as_str).collect();
        stages.sort_unstable();
        let got = json!({
            "level": config.level.as_str(),
            "omit_stages": stages,
            "omit_managed_fields": config.omit_managed_fields,
        });
        report.compare(question, &wanted(question), &got);
    }
    Ok(())
}

/// What was expected. Stages are a set: of those of the policy itself some are written twice.
fn wanted(question: &Value) -> Value {
    let mut stages: Vec<&Value> = questions(question, "omit_stages").collect();
    stages.dedup();
    json!({
        "level": question.get("level"),
        "omit_stages": stages,
        "omit_managed_fields": question.get("omit_managed_fields"),
    })
}

/// The errors as Kubernetes joins them: one alone as it is, several in brackets, the same once. Of
/// what cannot be decoded it names the first.
fn aggregate(found: &[Diagnostic]) -> String {
    let mut errors: Vec<&str> = Vec::new();
    for error in found.iter().filter(|found| found.is_error()) {
        if !errors.contains(&error.message.as_str()) {
            errors.push(&error.message);
        }
    }
    match errors.as_slice() {
        [] => String::new(),
        [error] => (*error).to_owned(),
        [first, ..] if first.starts_with("failed decoding") => (*first).to_owned(),
        errors => format!("[{}]", errors.join(", ")),
    }
}

/// The error without what Go's JSON and YAML parsers say.
fn without_parser_words(error: &str) -> &str {
    let of_parser =
        ["json:", "yaml:", "couldn't get version/kind;", "this is not YAML", "parsing time"];
    let head = "failed decoding: ";
    let is_parsers = |cause: &str| of_parser.iter().any(|start| cause.starts_with(start));
    if error.strip_prefix(head).is_some_and(is_parsers) { head } else { error }
}
