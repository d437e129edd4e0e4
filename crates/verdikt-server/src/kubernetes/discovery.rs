//! Discovery: which groups, versions and resources there are, so that kubectl finds its way.
//!
//! Follows apiserver's `pkg/endpoints/discovery`, plain and aggregated. What is served for webhook clients of
//! older versions is not told, as Kubernetes no longer has it.

use serde_json::{Value, json};

/// The groups that are served, with their version.
pub(crate) static GROUPS: [Group; 2] = [
    Group {
        name: "authentication.k8s.io",
        version: "v1",
        resources: &[
            Resource {
                name: "selfsubjectreviews",
                singular: "selfsubjectreview",
                kind: "SelfSubjectReview",
                is_namespaced: false,
            },
            Resource {
                name: "tokenreviews",
                singular: "tokenreview",
                kind: "TokenReview",
                is_namespaced: false,
            },
        ],
    },
    Group {
        name: "authorization.k8s.io",
        version: "v1",
        resources: &[
            Resource {
                name: "localsubjectaccessreviews",
                singular: "localsubjectaccessreview",
                kind: "LocalSubjectAccessReview",
                is_namespaced: true,
            },
            Resource {
                name: "selfsubjectaccessreviews",
                singular: "selfsubjectaccessreview",
                kind: "SelfSubjectAccessReview",
                is_namespaced: false,
            },
            Resource {
                name: "selfsubjectrulesreviews",
                singular: "selfsubjectrulesreview",
                kind: "SelfSubjectRulesReview",
                is_namespaced: false,
            },
            Resource {
                name: "subjectaccessreviews",
                singular: "subjectaccessreview",
                kind: "SubjectAccessReview",
                is_namespaced: false,
            },
        ],
    },
];

/// A group.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) resources: &'static [Resource],
}

/// What can be posted.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) name: &'static str,
    singular: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) is_namespaced: bool,
}

impl Group {
    /// Group and version, as objects say them.
    pub(crate) fn api_version(&self) -> String {
        format!("{}/{}", self.name, self.version)
    }

    fn document(&self) -> Value {
        let version = json!({"groupVersion": self.api_version(), "version": self.version});
        json!({"name": self.name, "versions": [version], "preferredVersion": version})
    }

    fn aggregated(&self) -> Value {
        let resource = |resource: &Resource| {
            json!({
                "resource": resource.name,
                // Empty where they are those of the version around it.
                "responseKind": {"group": "", "version": "", "kind": resource.kind},
                "scope": if resource.is_namespaced { "Namespaced" } else { "Cluster" },
                "singularResource": resource.singular,
                "verbs": ["create"],
            })
        };
        json!({
            "metadata": {"name": self.name},
            "versions": [{
                "version": self.version,
                "resources": self.resources.iter().map(resource).collect::<Vec<_>>(),
                "freshness": "Current",
            }],
        })
    }
}

/// The document at `path`, such as `/apis/authorization.k8s.io/v1`; none if there is none. `host` is where
/// the client found this server.
pub(crate) fn document(path: &str, host: &str) -> Option<Value> {
    let mut segments = path.trim_end_matches('/').split('/').skip(1);
    match (segments.next()?, segments.next(), segments.next(), segments.next()) {
        ("api", None, ..) => Some(legacy(host)),
        ("apis", None, ..) => Some(groups()),
        ("apis", Some(name), None, _) => find(name).map(|group| typed(group.document())),
        ("apis", Some(name), Some(version), None) => {
            find(name).filter(|group| group.version == version).map(resources)
        }
        _ => None,
    }
}

/// The aggregated document at `path`, which is `/api` or `/apis`: all groups with all that is in them.
pub(crate) fn aggregated(path: &str) -> Option<Value> {
    let groups: Vec<Value> = match path.trim_end_matches('/') {
        "/api" => Vec::new(),
        "/apis" => GROUPS.iter().map(Group::aggregated).collect(),
        _ => return None,
    };
    Some(json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": groups,
    }))
}

fn find(name: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| group.name == name)
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
    let groups: Vec<Value> = GROUPS.iter().map(Group::document).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// A group that stands alone says what it is.
fn typed(group: Value) -> Value {
    let mut typed = json!({"kind": "APIGroup", "apiVersion": "v1"});
    if let (Value::Object(typed), Value::Object(group)) = (&mut typed, group) {
        typed.extend(group);
    }
    typed
}

fn resources(group: &Group) -> Value {
    let resource = |resource: &Resource| {
        json!({
            "name": resource.name,
            "singularName": resource.singular,
            "namespaced": resource.is_namespaced,
            "kind": resource.kind,
            "verbs": ["create"],
        })
    };
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group.api_version(),
        "resources": group.resources.iter().map(resource).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::protobuf;

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
        check("/apis/authorization.k8s.io/v1beta1", "/kind", None);
        check("/", "/kind", None);
    }

    #[test]
    fn every_document_has_a_form_in_protobuf() {
        for path in ["/api", "/apis", "/apis/authorization.k8s.io", "/apis/authorization.k8s.io/v1"]
        {
            let document = document(path, "h").unwrap();
            assert!(protobuf::write(&document).is_some_and(|bytes| bytes.len() > 40), "{path}");
        }
        for path in ["/api", "/apis/"] {
            assert!(protobuf::write(&aggregated(path).unwrap()).is_some(), "{path}");
        }
        assert_eq!(aggregated("/apis/authorization.k8s.io"), None);
    }
}
