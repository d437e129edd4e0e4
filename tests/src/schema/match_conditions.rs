//! Match conditions: which requests a webhook authorizer is asked about.

use serde::Deserialize;
use serde_json::{Value, json};
use verdikt::{InvalidCondition, MatchConditions, ReviewSpec};

use super::questions;
use crate::report::Report;

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let spec = ReviewSpec::deserialize(line.get("spec").unwrap_or(&Value::Null))?;
    let expressions: Vec<&str> = questions(line, "expressions").filter_map(Value::as_str).collect();
    let want = json!({
        "compile_errors": questions(line, "compile_errors").map(compiler_says).collect::<Vec<_>>(),
        "match": line.get("match").and_then(Value::as_bool),
        "error": line.get("error"),
    });
    let (invalid, matches) = match MatchConditions::compile(&expressions) {
        Ok(conditions) => (Vec::new(), conditions.matches(&spec)),
        Err(invalid) => (invalid, Ok(false)),
    };
    let invalid = invalid.iter().map(InvalidCondition::to_string).map(Value::String);
    let got = json!({
        "compile_errors": invalid.map(|error| compiler_says(&error)).collect::<Vec<_>>(),
        "match": *matches.as_ref().unwrap_or(&false),
        "error": matches.err(),
    });
    report.compare(line, &want, &got);
    Ok(())
}

/// An error without what the parser expected where it failed: it need only fail.
fn compiler_says(error: &Value) -> Value {
    let text = error.as_str().unwrap_or_default();
    match text.split_once("Syntax error: ") {
        Some((before, _)) => match before.rsplit_once("ERROR: ") {
            Some((before, _)) => json!(before),
            None => json!(before),
        },
        None => json!(text),
    }
}
