//! What every node may do, whatever runs on it.
//!
//! Follows `NodeRules` of `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go` at the default
//! feature gates. Rows about resources that the authorizer looks at more closely are left out where they
//! can never be asked; those with a slash stay, because a SubjectAccessReview may spell a resource so.

use verdikt_core::Attributes;

/// Whether the rules permit the request. It is about a resource that has no check of its own.
pub(super) fn permit(request: &Attributes<'_>) -> bool {
    // No rule is about paths, and none about a subresource of what gets here.
    request.resource_request
        && request.subresource.is_empty()
        && verbs(request.api_group, request.resource).contains(&request.verb)
}

/// The verbs permitted on a resource.
fn verbs(group: &str, resource: &str) -> &'static [&'static str] {
    match (group, resource) {
        ("authentication.k8s.io", "tokenreviews")
        | ("authorization.k8s.io", "subjectaccessreviews" | "localsubjectaccessreviews")
        | ("", "serviceaccounts/token" | "pods/eviction") => &["create"],
        ("", "services")
        | ("storage.k8s.io", "csidrivers")
        | ("node.k8s.io", "runtimeclasses")
        | ("certificates.k8s.io", "clustertrustbundles") => &["get", "list", "watch"],
        ("" | "events.k8s.io", "events") => &["create", "update", "patch"],
        ("", "endpoints") => &["get"],
        ("", "nodes/status" | "pods/status") => &["update", "patch"],
        ("", "persistentvolumeclaims/status") => &["get", "update", "patch"],
        ("certificates.k8s.io", "certificatesigningrequests") => {
            &["create", "get", "list", "watch"]
        }
        _ => &[],
    }
}
