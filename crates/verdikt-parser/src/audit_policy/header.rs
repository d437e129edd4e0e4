//! Which of the documents is the policy, and whether it says that it is one.
//!
//! Follows the decoder of apimachinery's `pkg/runtime/serializer` with the kinds that
//! `audit.k8s.io/v1` knows.

use super::decode::{Decoder, Field};
use crate::Diagnostic;
use crate::document::{Node, Text, Value};

/// What was found while reading, as it counts for a policy: upstream looks at the first document of
/// YAML alone, where a key that comes twice is no error, and takes nothing behind a JSON object.
pub(super) fn readable(
    text: &Text<'_>,
    documents: &[Node],
    found: Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let is_json = text.as_str().trim_start().starts_with('{');
    let second = documents.get(1).map(|document| document.at);
    let mut counted = Vec::new();
    for mut diagnostic in found {
        let is_second = match (&diagnostic.primary, second) {
            (Some(label), Some(at)) => {
                (label.place.line, label.place.column) >= (at.line, at.column)
            }
            _ => false,
        };
        if is_second && !is_json {
            continue;
        }
        if diagnostic.id == "parse/duplicate-key" {
            diagnostic.severity = crate::Severity::Warning;
            "the later one counts; remove the other".clone_into(&mut diagnostic.help);
        }
        if diagnostic.is_error() {
            diagnostic.message = format!("failed decoding: {}", diagnostic.message);
        }
        counted.push(diagnostic);
    }
    if let Some(at) = second {
        let label = text.label(at, "");
        counted.push(match is_json {
            true => Diagnostic::error(
                "audit/decoding",
                "failed decoding: couldn't get version/kind; json parse error: invalid character \
                 after top-level value",
            )
            .help("a file holds one policy")
            .at(label),
            false => {
                Diagnostic::warning("audit/second-document", "only the first document is read")
                    .help("a file holds one policy; remove the other documents")
                    .at(label)
            }
        });
    }
    counted
}

/// The first document, if its `apiVersion` and `kind` say that it is a policy.
pub(super) fn policy<'n>(
    text: &Text<'_>,
    documents: &'n [Node],
    found: &mut Vec<Diagnostic>,
) -> Option<&'n Node> {
    let Some(document) = documents.first() else {
        let message = unknown_version("audit.k8s.io/__internal", "Policy");
        found.push(Diagnostic::error("audit/version", message).help(HELP));
        return None;
    };
    let mut decoder = Decoder::new(text, found);
    if !matches!(document.value, Value::Mapping(_)) {
        let kind = document.kind();
        let message = format!(
            "failed decoding: couldn't get version/kind; json parse error: json: cannot unmarshal \
             {kind} into Go value of type struct {{ APIVersion string \
             \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
        );
        decoder.error("audit/decoding", message, HELP, document.at);
        return None;
    }
    let mut word = |name: &str| {
        let node = decoder.last(document, name)?;
        let (word, at) = decoder.word(node, Field { of: "", path: name });
        (!word.is_empty()).then_some((word, at))
    };
    let (version, kind) = (word("apiVersion"), word("kind"));
    let at = version.as_ref().or(kind.as_ref()).map_or(document.at, |(_, at)| *at);
    let version = version.map(|(word, _)| word).unwrap_or_default();
    let kind = kind.map_or_else(|| "Policy".to_owned(), |(word, _)| word);
    if decoder.has_error() {
        return None;
    }
    match refusal(&version, &kind) {
        None => Some(document),
        Some(message) => {
            decoder.error("audit/version", message, HELP, at);
            None
        }
    }
}

/// Why this is no policy, in upstream's words.
fn refusal(version: &str, kind: &str) -> Option<String> {
    let (group, number) = match version.split_once('/') {
        Some((_, rest)) if rest.contains('/') => {
            return Some(format!("failed decoding: unexpected GroupVersion string: {version}"));
        }
        Some((group, number)) => (group, number),
        None => ("", version),
    };
    let shown = if group.is_empty() { number } else { version };
    // What says no version is taken for upstream's own form of it, which is not to be written.
    let (known, package): (&[&str], &str) = match (group, number) {
        ("", "") | ("audit.k8s.io", "" | "__internal") => (&KINDS, "audit"),
        ("audit.k8s.io", "v1") if kind == "Policy" => return None,
        ("audit.k8s.io", "v1") => (&KINDS, "v1"),
        ("", "v1") => (&UNVERSIONED, "v1"),
        _ => (&[], ""),
    };
    Some(if package == "audit" && kind == "Policy" {
        unknown_version("audit.k8s.io/__internal", kind)
    } else if known.contains(&kind) {
        format!(
            "failed decoding: converting ({package}.{kind}) to (audit.Policy): unknown conversion"
        )
    } else {
        format!(
            "failed decoding: no kind \"{kind}\" is registered for version \"{shown}\" in scheme \
             \"pkg/runtime/scheme.go:111\""
        )
    })
}

fn unknown_version(version: &str, kind: &str) -> String {
    format!("unknown group version field {version}, Kind={kind} in policy")
}

const HELP: &str = "write `apiVersion: audit.k8s.io/v1` and `kind: Policy`";

/// Kinds of `audit.k8s.io`, those of every group included.
const KINDS: [&str; 11] = [
    "Event",
    "EventList",
    "Policy",
    "PolicyList",
    "WatchEvent",
    "ListOptions",
    "GetOptions",
    "DeleteOptions",
    "CreateOptions",
    "UpdateOptions",
    "PatchOptions",
];

/// Kinds that are the same in every version, and are written in `v1`.
const UNVERSIONED: [&str; 5] =
    ["Status", "APIVersions", "APIGroupList", "APIGroup", "APIResourceList"];
