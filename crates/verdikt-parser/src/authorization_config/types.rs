//! What an AuthorizationConfiguration says, field by field.

use crate::Places;
use crate::go_duration::GoDuration;

/// Which authorizers there are, in order.
#[derive(Clone, Debug, Default)]
pub struct AuthorizationConfiguration {
    /// The authorizers.
    pub authorizers: Vec<AuthorizerConfiguration>,
    /// Where everything stands.
    pub places: Places,
}

/// An authorizer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizerConfiguration {
    /// Which one: `RBAC`, `Webhook` …
    pub authorizer_type: String,
    /// What it is called in reasons and metrics.
    pub name: String,
    /// How the webhook is asked, if it is one.
    pub webhook: Option<WebhookConfiguration>,
}

/// How a webhook is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookConfiguration {
    /// For how long it is remembered that something is allowed.
    pub authorized_ttl: GoDuration,
    /// Whether that is remembered at all.
    pub cache_authorized_requests: bool,
    /// For how long it is remembered that something is not allowed.
    pub unauthorized_ttl: GoDuration,
    /// Whether that is remembered at all.
    pub cache_unauthorized_requests: bool,
    /// The longest one attempt may take.
    pub timeout: GoDuration,
    /// The version of SubjectAccessReview to send.
    pub subject_access_review_version: String,
    /// The version that match conditions see.
    pub match_condition_subject_access_review_version: String,
    /// What it means if no answer is to be had: `NoOpinion` or `Deny`.
    pub failure_policy: String,
    /// Where the webhook is.
    pub connection_info: ConnectionInfo,
    /// Expressions that must all hold for the webhook to be asked.
    pub match_conditions: Vec<String>,
}

/// Where a webhook is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// `KubeConfigFile` or `InClusterConfig`.
    pub connection_type: String,
    /// Path of the kubeconfig.
    pub kube_config_file: Option<String>,
}

/// The defaults of the configuration file.
impl Default for WebhookConfiguration {
    fn default() -> Self {
        Self {
            authorized_ttl: GoDuration::seconds(300),
            cache_authorized_requests: true,
            unauthorized_ttl: GoDuration::seconds(30),
            cache_unauthorized_requests: true,
            timeout: GoDuration::default(),
            subject_access_review_version: String::new(),
            match_condition_subject_access_review_version: String::new(),
            failure_policy: String::new(),
            connection_info: ConnectionInfo::default(),
            match_conditions: Vec::new(),
        }
    }
}
