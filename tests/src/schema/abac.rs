//! ABAC: policy files, what they decide, and what is wrong with them.

use serde::Deserialize;
use serde_json::{Value, json};
use verdikt_compiler::Rules;
use verdikt_compiler::abac::{NO_POLICY_MATCHED, Table};
use verdikt_core::HashKey;
use verdikt_parser::{Limits, Source, abac};

use super::{questions, rules_answer, text, wanted, wanted_rules};
use crate::policy::first_error;
use crate::report::Report;
use crate::wire::{Request, RulesQuestion};

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let policy = text(line, "policy")?;
    let (file, diagnostics) =
        abac::parse(&Source::new("policy.jsonl", policy.as_bytes()), &Limits::default());
    let error = first_error(&diagnostics);
    if line.get("load_error").is_some() || error.is_some() {
        let comparable = |error: &str| json!({"load_error": without_parser_words(error, policy)});
        let want = line.get("load_error").and_then(Value::as_str).unwrap_or_default();
        let got = error.unwrap_or_default();
        report.compare(&json!({"policy": policy}), &comparable(want), &comparable(got));
        return Ok(());
    }

    let table = Table::compile(&file.policies, &HashKey::random());
    for question in questions(line, "requests") {
        let request = Request::deserialize(question)?;
        let got = match table.lookup(&request.attributes()) {
            Some(_) => json!({"decision": "allow"}),
            None => json!({"decision": "no_opinion", "reason": NO_POLICY_MATCHED}),
        };
        report.compare(question, wanted(question), &got);
    }
    for question in questions(line, "rules_for") {
        let RulesQuestion { user, namespace } = RulesQuestion::deserialize(question)?;
        let mut rules = Rules::default();
        table.rules_for(&user, &namespace, &mut rules);
        report.compare(question, &wanted_rules(question), &rules_answer(&rules));
    }
    Ok(())
}

/// The error without what Go's JSON and YAML parsers say: file, line and kind of cause must be the
/// same, the words of the parsers need not be.
fn without_parser_words<'e>(error: &'e str, policy: &str) -> &'e str {
    let Some(start) = start_of_cause(error, policy) else { return error };
    let kind = PARSERS.iter().find(|kind| error[start..].starts_with(**kind));
    kind.map_or(error, |kind| &error[..start + kind.len()])
}

/// Where the cause starts in `error reading policy file FILE, line N: LINE: CAUSE`.
fn start_of_cause(error: &str, policy: &str) -> Option<usize> {
    let (head, rest) = error.split_once(": ")?;
    let number: usize = head.rsplit(' ').next()?.parse().ok()?;
    let line = policy.split('\n').nth(number.checked_sub(1)?)?;
    let line = line.strip_suffix('\r').unwrap_or(line);
    let cause = rest.strip_prefix(line)?.strip_prefix(": ")?;
    Some(error.len() - cause.len())
}

/// How causes start whose words come out of a parser.
const PARSERS: [&str; 2] = ["couldn't get version/kind; json parse error:", "yaml:"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_parser_says_is_left_out() {
        let check = |error: &str, expected: &str| {
            assert_eq!(without_parser_words(error, "{}\nyaml: x: {\r\n"), expected, "{error}");
        };
        let head = "error reading policy file policy.jsonl, line 2: yaml: x: {: ";
        check(&format!("{head}yaml: whatever: it says"), &format!("{head}yaml:"));
        check(&format!("{head}json: cannot"), &format!("{head}json: cannot"));
        check(
            "error reading policy file policy.jsonl: x",
            "error reading policy file policy.jsonl: x",
        );
        check("", "");
    }
}
