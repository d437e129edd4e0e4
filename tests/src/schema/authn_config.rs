//! AuthenticationConfigurations: whether each is read, and all that is wrong with it.

use serde_json::{Value, json};
use verdikt_authn::oidc::config::validate;
use verdikt_parser::authentication_config::read;
use verdikt_parser::{Diagnostic, Limits, Source};

use super::{questions, text};
use crate::report::Report;

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let source = Source::new("authn.yaml", text(line, "config")?.as_bytes());
    let found = match read(&source, &Limits::default()) {
        Err(found) => vec![decode_error(&found)],
        Ok(configuration) => match validate(&configuration, &["https://sa.example".to_owned()]) {
            Ok(_) => Vec::new(),
            Err(found) => found.iter().map(|error| loosened(&error.to_string())).collect(),
        },
    };
    let want: Vec<String> =
        questions(line, "errors").filter_map(Value::as_str).map(loosened).collect();
    report.compare_exactly(line, &json!(want), &json!(found));
    Ok(())
}

/// Upstream has one text for all fields that are unknown or come twice, and words of its own for what
/// is no YAML.
pub(super) fn decode_error(found: &[Diagnostic]) -> String {
    let is_unreadable = |found: &Diagnostic| found.id.starts_with("parse/");
    if found.iter().any(is_unreadable) {
        return UNREADABLE.to_owned();
    }
    let strict = "strict decoding error: ";
    let messages = found.iter().map(|found| found.message.as_str());
    match messages.clone().map(|message| message.strip_prefix(strict)).collect::<Option<Vec<_>>>() {
        Some(messages) => format!("{strict}{}", messages.join(", ")),
        None => messages.collect::<Vec<_>>().join(", "),
    }
}

/// A text without what the vectors leave open: the words of compilers and of other decoders.
pub(super) fn loosened(error: &str) -> String {
    if error.starts_with("yaml: ") || error.contains("json parse error: invalid character") {
        return UNREADABLE.to_owned();
    }
    for open in ["compilation failed: ", "\"<omitted>\": x509: ", "\"<omitted>\": asn1: "] {
        if let Some((before, _)) = error.split_once(open) {
            return format!("{before}…");
        }
    }
    error.to_owned()
}

const UNREADABLE: &str = "cannot be read";
