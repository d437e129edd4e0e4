//! Discovery: which groups, versions and resources there are, so that kubectl finds its way.
//!
//! Follows apiserver's `pkg/endpoints/discovery`, without the aggregated form: a client that asks for it
//! gets, and understands, the plain one.

use serde_json::{Value, json};

/// The groups that are served, with their versions, the preferred one first.
const GROUPS: [(&str, &[&str]); 2] =
    [("authentication.k8s.io", &["v1", "v1beta1"]), ("authorization.k8s.io", &["v1", "v1beta1"])];

/// What can be posted: group, version, resource, singular, kind, and whether it lies in namespaces.
const RESOURCES: [(&str, &str, &str, &str, &str, bool); 9] = [
    (
        "authentication.k8s.io",
        "v1",
        "selfsubjectreviews",
        "selfsubjectreview",
        "SelfSubjectReview",
        false,
    ),
    ("authentication.k8s.io", "v1", "tokenreviews", "tokenreview", "TokenReview", false),
    (
        "authentication.k8s.io",
        "v1beta1",
        "selfsubjectreviews",
        "selfsubjectreview",
        "SelfSubjectReview",
        false,
    ),
    ("authentication.k8s.io", "v1beta1", "tokenreviews", "tokenreview", "TokenReview", false),
    (
        "authorization.k8s.io",
        "v1",
        "localsubjectaccessreviews",
        "localsubjectaccessreview",
        "LocalSubjectAccessReview",
        true,
    ),
    (
        "authorization.k8s.io",
        "v1",
        "selfsubjectaccessreviews",
        "selfsubjectaccessreview",
        "SelfSubjectAccessReview",
        false,
    ),
    (
        "authorization.k8s.io",
        "v1",
        "selfsubjectrulesreviews",
        "selfsubjectrulesreview",
        "SelfSubjectRulesReview",
        false,
    ),
    (
        "authorization.k8s.io",
        "v1",
        "subjectaccessreviews",
        "subjectaccessreview",
        "SubjectAccessReview",
        false,
    ),
    (
        "authorization.k8s.io",
        "v1beta1",
        "subjectaccessreviews",
        "subjectaccessreview",
        "SubjectAccessReview",
        false,
    ),
];

/// The document at `path`, such as `/apis/authorization.k8s.io/v1`; none if there is none. `host` is where
/// the client found this server.
pub(crate) fn document(path: &str, host: &str) -> Option<Value> {
    let mut segments = path.trim_end_matches('/').split('/').skip(1);
    match (segments.next()?, segments.next(), segments.next(), segments.next()) {
        ("api", None, ..) => Some(legacy(host)),
        ("apis", None, ..) => Some(groups()),
        ("apis", Some(name), None, _) => {
            let known = GROUPS.iter().find(|(group, _)| *group == name);
            known.map(|(name, versions)| typed(group(name, versions)))
        }
        ("apis", Some(name), Some(version), None) => {
            let known = GROUPS
                .iter()
                .any(|(group, versions)| *group == name && versions.contains(&version));
            known.then(|| resources(&format!("{name}/{version}"), of_version(name, version)))
        }
        _ => None,
    }
}

/// The core group, of which nothing is served.
fn legacy(host: &str) -> Value {
    json!({
        "kind": "APIVersions",
        "versions": [],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": host}],
    })
}

fn groups() -> Value {
    let groups: Vec<Value> = GROUPS.iter().map(|(name, versions)| group(name, versions)).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

fn group(name: &str, versions: &[&str]) -> Value {
    let version =
        |version: &&str| json!({"groupVersion": format!("{name}/{version}"), "version": version});
    let all: Vec<Value> = versions.iter().map(version).collect();
    let preferred = all.first().cloned().unwrap_or_default();
    json!({"name": name, "versions": all, "preferredVersion": preferred})
}

/// A group that stands alone says what it is.
fn typed(group: Value) -> Value {
    let mut typed = json!({"kind": "APIGroup", "apiVersion": "v1"});
    if let (Value::Object(typed), Value::Object(group)) = (&mut typed, group) {
        typed.extend(group);
    }
    typed
}

fn of_version(group: &str, version: &str) -> Vec<Value> {
    let of = RESOURCES.iter().filter(|known| known.0 == group && known.1 == version);
    of.map(|(_, _, name, singular, kind, namespaced)| {
        json!({
            "name": name,
            "singularName": singular,
            "namespaced": namespaced,
            "kind": kind,
            "verbs": ["create"],
        })
    })
    .collect()
}

fn resources(group_version: &str, resources: Vec<Value>) -> Value {
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_is_discovered() {
        let check = |path: &str, pointer: &str, expected: Option<&str>| {
            let found = document(path, "h");
            let found = found.as_ref().and_then(|found| found.pointer(pointer));
            assert_eq!(found.and_then(Value::as_str), expected, "{path}");
        };
        check("/api", "/kind", Some("APIVersions"));
        check("/apis", "/groups/1/preferredVersion/version", Some("v1"));
        check("/apis/", "/groups/0/name", Some("authentication.k8s.io"));
        check("/apis/authorization.k8s.io", "/kind", Some("APIGroup"));
        check(
            "/apis/authorization.k8s.io/v1",
            "/resources/0/kind",
            Some("LocalSubjectAccessReview"),
        );
        check("/apis/authorization.k8s.io/v2", "/kind", None);
        check("/apis/apps/v1", "/kind", None);
        check("/apis/authorization.k8s.io/v1/x", "/kind", None);
        check("/", "/kind", None);
    }
}
