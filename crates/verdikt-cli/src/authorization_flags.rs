//! The flags that say which authorizers there are and how webhooks are asked, as kube-apiserver has them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use verdikt::Builder;
use verdikt::parser::go_duration;

/// Authorizers beyond `--authorization-mode`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Authorization")]
pub(crate) struct AuthorizationFlags {
    /// AuthorizationConfiguration: authorizers in order, and how webhooks are asked; instead of
    /// --authorization-mode and --authorization-webhook-*
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) authorization_config: Option<PathBuf>,
    /// Kubeconfig that says where the webhook of mode Webhook is
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    authorization_webhook_config_file: Option<PathBuf>,
    /// Version of SubjectAccessReview the webhook is asked with: v1 or v1beta1 [default: v1beta1]
    #[arg(long, value_name = "VERSION")]
    authorization_webhook_version: Option<String>,
    /// For how long it is remembered what the webhook allowed; 0 is not at all [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    authorization_webhook_cache_authorized_ttl: Option<Duration>,
    /// For how long it is remembered what the webhook did not allow [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    authorization_webhook_cache_unauthorized_ttl: Option<Duration>,
}

impl AuthorizationFlags {
    pub(crate) fn add_to(&self, mut builder: Builder) -> Builder {
        if let Some(file) = &self.authorization_config {
            builder = builder.authorization_config(file);
        }
        if let Some(file) = &self.authorization_webhook_config_file {
            builder = builder.authorization_webhook_config_file(file);
        }
        if let Some(version) = &self.authorization_webhook_version {
            builder = builder.authorization_webhook_version(version);
        }
        if let Some(ttl) = self.authorization_webhook_cache_authorized_ttl {
            builder = builder.authorization_webhook_cache_authorized_ttl(ttl);
        }
        if let Some(ttl) = self.authorization_webhook_cache_unauthorized_ttl {
            builder = builder.authorization_webhook_cache_unauthorized_ttl(ttl);
        }
        builder
    }
}

/// A duration as Go writes it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    go_duration::parse(text).map(go_duration::GoDuration::as_std)
}
