//! Findings in SARIF 2.1.0, as code scanners take them.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use verdikt::lint::{self, Rule};
use verdikt::{Diagnostic, Label, Severity, path_escaped};

use crate::commands::validate::Found;

/// The log of one run.
pub(crate) fn log(found: &Found) -> Value {
    let mut rules = Rules::default();
    let mut seen = HashMap::new();
    let mut results = Vec::new();
    for finding in &found.diagnostics {
        results.push(result(finding, None, &mut rules, &mut seen));
    }
    for suppressed in &found.suppressed {
        let justification = Some(suppressed.justification.as_str());
        results.push(result(&suppressed.finding, justification, &mut rules, &mut seen));
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "verdikt",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.described,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// All rules of the linter, as a log describes them.
pub(crate) fn rules() -> Vec<Value> {
    lint::rules().map(described).collect()
}

/// The rules that were broken, in the order in which they were met.
#[derive(Default)]
struct Rules {
    described: Vec<Value>,
    index: HashMap<&'static str, usize>,
}

impl Rules {
    fn index(&mut self, id: &'static str) -> usize {
        if let Some(&index) = self.index.get(id) {
            return index;
        }
        let index = self.described.len();
        // What is found in reading has a name that says what it is, and a message that says the rest.
        let described = lint::find(id).map_or_else(
            || json!({ "id": id, "shortDescription": { "text": id.replace(['/', '-'], " ") } }),
            described,
        );
        self.described.push(described);
        self.index.insert(id, index);
        index
    }
}

fn described(rule: &Rule) -> Value {
    let Rule { id, severity, why, advice, reference, .. } = *rule;
    json!({
        "id": id,
        "name": rule.name(),
        "shortDescription": { "text": why },
        "fullDescription": { "text": why },
        "help": {
            "text": format!("{why}. What to do: {advice}. See {reference}"),
            "markdown": format!("{why}.\n\nWhat to do: {advice}.\n\n[Kubernetes documentation]({reference})"),
        },
        "helpUri": reference,
        "defaultConfiguration": { "level": severity.as_str() },
        "properties": {
            "tags": ["security", "kubernetes", "rbac"],
            "precision": "high",
            "problem.severity": match severity {
                Severity::Note => "recommendation",
                severity => severity.as_str(),
            },
            "security-severity": match severity {
                Severity::Note => "2.0",
                Severity::Warning => "6.0",
                Severity::Error => "9.0",
            },
        },
    })
}

fn result(
    finding: &Diagnostic,
    justification: Option<&str>,
    rules: &mut Rules,
    seen: &mut HashMap<String, usize>,
) -> Value {
    let mut result = Map::new();
    result.insert("ruleId".to_owned(), finding.id.into());
    result.insert("ruleIndex".to_owned(), rules.index(finding.id).into());
    result.insert("level".to_owned(), finding.severity.as_str().into());
    let mark = finding.primary.as_ref().map_or("", |label| &label.text);
    let mut text = finding.message.clone();
    for more in [mark, &finding.help].into_iter().filter(|more| !more.is_empty()) {
        let _ = write!(text, "; {more}");
    }
    result.insert("message".to_owned(), json!({ "text": text }));
    let locations: Vec<Value> = finding.primary.iter().map(location).collect();
    result.insert("locations".to_owned(), locations.into());
    if !finding.related.is_empty() {
        let related: Vec<Value> = finding
            .related
            .iter()
            .map(|label| {
                let mut place = location(label);
                if let Some(place) = place.as_object_mut() {
                    place.insert("message".to_owned(), json!({ "text": label.text }));
                }
                place
            })
            .collect();
        result.insert("relatedLocations".to_owned(), related.into());
    }
    result.insert(
        "partialFingerprints".to_owned(),
        json!({ FINGERPRINT: fingerprint(finding, seen) }),
    );
    if let Some(justification) = justification {
        let suppression = json!([{ "kind": "inSource", "justification": justification }]);
        result.insert("suppressions".to_owned(), suppression);
    }
    result.into()
}

fn location(label: &Label) -> Value {
    let place = &label.place;
    let mut region = json!({ "startLine": place.line.max(1) });
    if let Some(region) = region.as_object_mut() {
        region.insert("startColumn".to_owned(), place.column.max(1).into());
        region.insert("endColumn".to_owned(), (place.column.max(1) + label.length).into());
    }
    json!({ "physicalLocation": {
        "artifactLocation": artifact(&place.file),
        "region": region,
    }})
}

/// Where a file is, relative to the root of the sources if it lies below where the command was run.
fn artifact(file: &str) -> Value {
    let path = Path::new(file);
    let here = std::env::current_dir().ok();
    let below = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    let (path, is_relative) = match below {
        Some(path) => (path, true),
        None => (path, path.is_relative()),
    };
    let path = path.strip_prefix(".").unwrap_or(path).display().to_string();
    let path = if path == "<stdin>" { "stdin".to_owned() } else { path };
    let uri = path_escaped(&path);
    if is_relative {
        json!({ "uri": uri, "uriBaseId": "%SRCROOT%" })
    } else {
        json!({ "uri": format!("file://{uri}") })
    }
}

/// Stays the same when lines move: it is made of what was found, in which file, and of how many alike come
/// before it.
fn fingerprint(finding: &Diagnostic, seen: &mut HashMap<String, usize>) -> String {
    let file = finding.primary.as_ref().map_or("", |label| &*label.place.file);
    let key = format!("{}\n{file}\n{}", finding.id, finding.message);
    let number = seen.entry(key.clone()).or_default();
    *number += 1;
    let digest = Sha256::digest(format!("{key}\n{number}"));
    digest.iter().take(16).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

const FINGERPRINT: &str = "verdiktFinding/v1";
