//! What Kubernetes v1.37 itself has: verbs, subresources, names of default objects.

use verdikt_core::resource_types::ALL;

/// Verbs of requests for resources.
pub(super) const VERBS: &[&str] =
    &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// Verbs that stand for no request, but are asked about on the way to one.
pub(super) const SPECIAL_VERBS: &[&str] = &[
    "approve",
    "attest",
    "bind",
    "escalate",
    "impersonate",
    "request-serviceaccounts-token-audience",
    "sign",
    "use",
];

/// Verbs of requests for paths: HTTP's methods in lower case.
pub(super) const METHODS: &[&str] = &["get", "head", "post", "put", "patch", "delete", "options"];

/// Beginnings of further special verbs.
pub(super) const VERB_FAMILIES: &[&str] =
    &["impersonate:", "impersonate-on:", "associated-node:", "arbitrary-node:"];

/// Resources that no server lists, and policy names all the same: what is impersonated and signed.
pub(super) const VIRTUAL: &[(&str, &str)] = &[
    ("", "users"),
    ("", "groups"),
    ("authentication.k8s.io", "users"),
    ("authentication.k8s.io", "groups"),
    ("authentication.k8s.io", "serviceaccounts"),
    ("authentication.k8s.io", "uids"),
    ("authentication.k8s.io", "userextras"),
    ("authentication.k8s.io", "nodes"),
    ("certificates.k8s.io", "signers"),
];

/// Groups and resources that old manifests name, with the version that no longer served them. Where the
/// resource is empty, the whole group is meant.
pub(super) const REMOVED: &[(&str, &str, &str)] = &[
    ("extensions", "", "v1.22"),
    ("policy", "podsecuritypolicies", "v1.25"),
    ("auditregistration.k8s.io", "", "v1.19"),
    ("settings.k8s.io", "", "v1.20"),
];

/// Subresources of resources, separated by spaces; those of resources that are not here are not known.
pub(super) const SUBRESOURCES: &[(&str, &str, &str)] = &[
    ("", "configmaps", ""),
    ("", "endpoints", ""),
    ("", "events", ""),
    ("", "namespaces", "finalize status"),
    ("", "nodes", "checkpoint configz healthz log metrics pods proxy spec stats status"),
    ("", "persistentvolumeclaims", "status"),
    ("", "persistentvolumes", "status"),
    (
        "",
        "pods",
        "attach binding ephemeralcontainers eviction exec log portforward proxy resize status",
    ),
    ("", "replicationcontrollers", "scale status"),
    ("", "resourcequotas", "status"),
    ("", "secrets", ""),
    ("", "serviceaccounts", "token"),
    ("", "services", "proxy status"),
    ("apps", "daemonsets", "status"),
    ("apps", "deployments", "scale status"),
    ("apps", "replicasets", "scale status"),
    ("apps", "statefulsets", "scale status"),
    ("batch", "cronjobs", "status"),
    ("batch", "jobs", "status"),
    ("certificates.k8s.io", "certificatesigningrequests", "approval status"),
    ("networking.k8s.io", "ingresses", "status"),
    ("networking.k8s.io", "networkpolicies", "status"),
];

/// Whether an object of this name may be one that Kubernetes brings along.
pub(super) fn is_default_name(name: &str) -> bool {
    name.starts_with("system:") || DEFAULT_NAMES.contains(&name)
}

/// Default objects whose names do not begin with `system:`.
const DEFAULT_NAMES: &[&str] =
    &["admin", "cluster-admin", "edit", "extension-apiserver-authentication-reader", "view"];

/// Whether an API group is Kubernetes' own.
pub(super) fn is_group(group: &str) -> bool {
    ALL.iter().any(|known| known.api_group == group)
}
