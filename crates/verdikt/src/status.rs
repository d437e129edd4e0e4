//! What is loaded, from where, and how the last attempt to load went.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Serialize;
use verdikt_parser::Diagnostic;

use crate::Engine;
use crate::audit::AuditStatus;

/// The state of an engine, for `verdikt status` and `/v1/status`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Status {
    /// Which policy serves.
    pub revision: u64,
    /// What serves, and where it came from.
    #[serde(flatten)]
    pub loaded: Loaded,
    /// What is wrong with issuers of tokens that cannot be used yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub issuer_problems: Vec<String>,
    /// How the last attempt to load went; of a failed one, [`Status::loaded`] is what still serves.
    pub last_reload: Attempt,
    /// The audit trail, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditStatus>,
}

/// What a snapshot was made from.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Loaded {
    /// SHA-256 of the manifests and ABAC lines that were read, in hex.
    pub digest: String,
    /// When it began to serve, RFC 3339 in UTC.
    pub loaded_at: String,
    /// The folders and files that were named, as they were named.
    pub sources: Vec<String>,
    /// The chain of authenticators, in order.
    pub authenticators: Vec<&'static str>,
    /// The chain of authorizers, in order.
    pub authorization_modes: Vec<&'static str>,
    /// How many of each there are.
    pub counts: Counts,
    /// Bytes that the compiled tables take on the heap.
    pub table_bytes: usize,
    /// What was found that does not keep the policy from serving.
    pub warnings: Vec<Diagnostic>,
}

/// How much was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Counts {
    /// Files of the policy folders.
    pub manifest_files: usize,
    /// Roles.
    pub roles: usize,
    /// ClusterRoles.
    pub cluster_roles: usize,
    /// RoleBindings.
    pub role_bindings: usize,
    /// ClusterRoleBindings.
    pub cluster_role_bindings: usize,
    /// ServiceAccounts.
    pub service_accounts: usize,
    /// Secrets.
    pub secrets: usize,
    /// Pods.
    pub pods: usize,
    /// PersistentVolumes, VolumeAttachments, ResourceSlices and PodCertificateRequests.
    pub bound_to_nodes: usize,
    /// Lines of the ABAC policy file.
    pub abac_policies: usize,
    /// Tokens of the static token file.
    pub tokens: usize,
    /// Users of the basic-auth file.
    pub basic_users: usize,
    /// Objects of other kinds, passed over, by `apiVersion/kind`.
    pub skipped: BTreeMap<String, usize>,
}

/// One attempt to load policy.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Attempt {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Whether what was read serves now (or served already).
    pub ok: bool,
    /// Why it was refused, in a line; none if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Everything that was found then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

impl Engine {
    /// What is loaded, and how the last attempt to load went.
    pub fn status(&self) -> Status {
        let snapshot = self.snapshot();
        let last_reload = self.0.last_attempt.lock().unwrap_or_else(|e| e.into_inner()).clone();
        Status {
            revision: snapshot.revision.0,
            issuer_problems: snapshot.authentication.issuers.problems(),
            loaded: Loaded::clone(&snapshot.loaded),
            last_reload,
            audit: self.audit_status(),
        }
    }
}

/// Now, to the second, as people and log collectors read it.
pub(crate) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
