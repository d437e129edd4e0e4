//! The flags that say which tokens are accepted, under kube-apiserver's names.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueHint};
use verdikt::authn::CacheOptions;
use verdikt::{Builder, ServiceAccountOptions};

use crate::authorization_flags::duration as go_duration;
use crate::duration;

/// Service account and bootstrap tokens, and how long it is remembered what was said of tokens.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Tokens")]
pub(crate) struct TokenFlags {
    /// PEM file of keys that sign service account tokens: public or private keys, or certificates, of
    /// RSA or ECDSA; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    service_account_key_file: Vec<PathBuf>,
    /// Issuer of service account tokens; repeatable. With an https URL as the first, its discovery
    /// document and key set are published
    #[arg(long, value_name = "URL")]
    service_account_issuer: Vec<String>,
    /// Audiences that tokens must be meant for [default: the issuers of service account tokens]
    #[arg(long, value_name = "AUDIENCES", value_delimiter = ',')]
    api_audiences: Vec<String>,
    /// Whether the Secrets and ServiceAccounts of legacy tokens are looked up
    #[arg(long, value_name = "BOOL", default_value_t = true, default_missing_value = "true",
          num_args = 0..=1, require_equals = true, action = ArgAction::Set)]
    service_account_lookup: bool,
    /// Go by signature and claims alone, and look nothing up: for when the cluster's objects are not
    /// among the policy
    #[arg(long, value_name = "BOOL", default_value_t = false, default_missing_value = "true",
          num_args = 0..=1, require_equals = true, action = ArgAction::Set)]
    service_account_claims_only: bool,
    /// Where the discovery document says the key set is, with https
    /// [default: at this server]
    #[arg(long, value_name = "URL")]
    service_account_jwks_uri: Option<String>,
    /// Whether Secrets of type bootstrap.kubernetes.io/token in kube-system are tokens
    #[arg(long, value_name = "BOOL", default_value_t = false, default_missing_value = "true",
          num_args = 0..=1, require_equals = true, action = ArgAction::Set)]
    enable_bootstrap_token_auth: bool,
    /// For how long it is remembered whose a token is, at most until that expires; 0s for not at all
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    authentication_token_success_cache_ttl: Duration,
    /// For how long it is remembered that a token is no good
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    authentication_token_failure_cache_ttl: Duration,
    /// Kubeconfig that says where the webhook is that is asked, with a TokenReview, about tokens that
    /// nobody else knows
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    authentication_token_webhook_config_file: Option<PathBuf>,
    /// Version of TokenReview the webhook is asked with: v1 or v1beta1 [default: v1beta1]
    #[arg(long, value_name = "VERSION")]
    authentication_token_webhook_version: Option<String>,
    /// For how long it is remembered what the webhook said of a token; 0 is not at all [default: 2m]
    #[arg(long, value_name = "DURATION", value_parser = go_duration)]
    authentication_token_webhook_cache_ttl: Option<Duration>,
}

impl TokenFlags {
    /// The options with what the flags say. Others reach this server at `external_address`, if it is
    /// one.
    pub(crate) fn add_to(&self, builder: Builder, external_address: Option<String>) -> Builder {
        let mut options = ServiceAccountOptions {
            key_files: self.service_account_key_file.clone(),
            issuers: self.service_account_issuer.clone(),
            lookup: self.service_account_lookup,
            claims_only: self.service_account_claims_only,
            jwks_uri: self.service_account_jwks_uri.clone(),
            ..ServiceAccountOptions::default()
        };
        if let Some(address) = external_address {
            options.external_address = address;
        }
        self.add_webhook_to(builder)
            .service_accounts(options)
            .api_audiences(self.api_audiences.iter().cloned())
            .bootstrap_tokens(self.enable_bootstrap_token_auth)
            .token_cache(CacheOptions {
                success_ttl: self.authentication_token_success_cache_ttl,
                failure_ttl: self.authentication_token_failure_cache_ttl,
                ..CacheOptions::default()
            })
    }

    fn add_webhook_to(&self, mut builder: Builder) -> Builder {
        if let Some(file) = &self.authentication_token_webhook_config_file {
            builder = builder.authentication_token_webhook_config_file(file);
        }
        if let Some(version) = &self.authentication_token_webhook_version {
            builder = builder.authentication_token_webhook_version(version);
        }
        if let Some(ttl) = self.authentication_token_webhook_cache_ttl {
            builder = builder.authentication_token_webhook_cache_ttl(ttl);
        }
        builder
    }
}
