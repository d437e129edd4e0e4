//! What is loaded, in a few lines.

use std::fmt::Write as _;

use serde_json::Value;
use verdikt::Counts;

use crate::output::{BAD, GOOD, HEAD};
use crate::report::printable;

/// How much of each there is; what there is none of is left out.
pub(crate) fn counts(counts: &Counts) -> String {
    serde_json::to_value(counts).map_or_else(|_| String::new(), |value| of_counts(&value))
}

/// As [`counts`], of what a server sent.
fn of_counts(counts: &Value) -> String {
    let mut parts = Vec::new();
    for (field, one, many) in NAMES {
        match counts.get(field).and_then(Value::as_u64).unwrap_or_default() {
            0 => {}
            1 => parts.push(format!("1 {one}")),
            number => parts.push(format!("{number} {many}")),
        }
    }
    let skipped = counts.get("skipped").and_then(Value::as_object);
    let skipped: Vec<String> = skipped
        .into_iter()
        .flatten()
        .map(|(kind, number)| format!("{number} {}", printable(kind)))
        .collect();
    if !skipped.is_empty() {
        parts.push(format!("passed over: {}", skipped.join(", ")));
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// A server's status as it comes from `/v1/status`.
pub(crate) fn of_status(status: &Value) -> String {
    let text = |pointer: &str| match status.pointer(pointer) {
        Some(Value::String(text)) => printable(text),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Array(items)) => {
            let items: Vec<String> =
                items.iter().filter_map(Value::as_str).map(printable).collect();
            items.join(", ")
        }
        _ => String::new(),
    };
    let loaded = status.pointer("/counts").map(of_counts).unwrap_or_default();
    let digest: String = text("/digest").chars().take(12).collect();
    let lines = [
        (
            "revision",
            format!("{} since {} (digest {digest})", text("/revision"), text("/loadedAt")),
        ),
        ("from", text("/sources")),
        ("loaded", loaded),
        ("authenticators", text("/authenticators")),
        ("authorizers", text("/authorizationModes")),
    ];
    let mut table = String::new();
    // Writing to a string cannot fail.
    for (name, value) in lines {
        let _ = writeln!(table, "{HEAD}{name:<15}{HEAD:#} {value}");
    }
    let _ = writeln!(table, "{HEAD}{:<15}{HEAD:#} {}", "last reload", last_reload(status, &text));
    for pointer in ["/warnings", "/lastReload/diagnostics"] {
        let found = status.pointer(pointer).and_then(Value::as_array);
        let is_shown = pointer == "/warnings" || !is_ok(status);
        for finding in found.into_iter().flatten().filter(|_| is_shown) {
            let _ = writeln!(table, "{}", line_of(finding));
        }
    }
    table
}

fn is_ok(status: &Value) -> bool {
    status.pointer("/lastReload/ok") == Some(&Value::Bool(true))
}

fn last_reload(status: &Value, text: &dyn Fn(&str) -> String) -> String {
    let at = text("/lastReload/at");
    if is_ok(status) {
        return format!("{GOOD}ok{GOOD:#} at {at}");
    }
    let error = text("/lastReload/error");
    format!("{BAD}refused{BAD:#} at {at}, revision {} serves on: {error}", text("/revision"))
}

/// A finding as one line, as compilers print it.
fn line_of(finding: &Value) -> String {
    let field = |name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default();
    let primary = finding.get("primary");
    let place = primary.map_or_else(String::new, |primary| {
        let number = |name: &str| primary.get(name).and_then(Value::as_u64).unwrap_or_default();
        let file = primary.get("file").and_then(Value::as_str).unwrap_or_default();
        format!("{file}:{}:{}: ", number("line"), number("column"))
    });
    printable(&format!("{place}{}: {}", field("severity"), field("message")))
}

const NAMES: [(&str, &str, &str); 10] = [
    ("manifestFiles", "manifest file", "manifest files"),
    ("roles", "Role", "Roles"),
    ("clusterRoles", "ClusterRole", "ClusterRoles"),
    ("roleBindings", "RoleBinding", "RoleBindings"),
    ("clusterRoleBindings", "ClusterRoleBinding", "ClusterRoleBindings"),
    ("serviceAccounts", "ServiceAccount", "ServiceAccounts"),
    ("secrets", "Secret", "Secrets"),
    ("abacPolicies", "ABAC policy", "ABAC policies"),
    ("tokens", "token", "tokens"),
    ("basicUsers", "user with a password", "users with passwords"),
];
