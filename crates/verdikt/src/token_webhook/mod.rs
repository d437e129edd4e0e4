//! The webhook that is asked about tokens: from `--authentication-token-webhook-*` to an authenticator.
//!
//! Follows `newWebhookTokenAuthenticator` of `pkg/kubeapiserver/authenticator/config.go`, and the part about
//! the webhook in `ToAuthenticationConfig` of `pkg/kubeapiserver/options/authentication.go`.

mod review;

use std::path::PathBuf;
use std::time::Duration;

use verdikt_authn::CacheOptions;
use verdikt_authn::token_review::{Reviewer, Status, TokenReviews};
use verdikt_core::{HashKey, Secret};
use verdikt_parser::go_duration::GoDuration;
use verdikt_parser::{Diagnostic, Limits};

use crate::authorizer::ReviewVersion;
use crate::kubeconfigs::{self, Place};
use crate::metrics::Metrics;
use crate::oidc::RemoteCell;
use crate::remote::webhook::Webhook;
use crate::source::{Contents, FileKind};

/// What was said on the command line, or by the embedding program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// `--authentication-token-webhook-config-file`; no webhook is asked without it.
    pub(crate) config_file: Option<PathBuf>,
    /// `--authentication-token-webhook-version`, if it is given.
    pub(crate) version: Option<String>,
    /// `--authentication-token-webhook-cache-ttl`, if it is given.
    pub(crate) cache_ttl: Option<Duration>,
}

/// A webhook, and what it was made of.
#[derive(Clone, Debug)]
pub(crate) struct TokenWebhook {
    /// It may hold credentials.
    kubeconfig: Secret,
    webhook: Webhook,
    pub(crate) authenticator: TokenReviews,
}

/// Sends reviews to the webhook.
#[derive(Debug)]
struct Remote {
    webhook: Webhook,
    version: ReviewVersion,
}

impl Options {
    /// What cannot be meant, or is odd, in kube-apiserver's words.
    pub(crate) fn problems(&self, overall: &CacheOptions) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        if self.config_file.is_none() {
            return found;
        }
        if let Err(message) = self.version() {
            found.push(Diagnostic::error("options/invalid", message));
        }
        let ttl = self.cache_ttl();
        for (other, what) in [(overall.success_ttl, "successful"), (overall.failure_ttl, "failed")]
        {
            if !ttl.is_zero() && ttl < other {
                let (ttl, other) = (GoDuration::from(ttl), GoDuration::from(other));
                let message = format!(
                    "the webhook cache ttl of {ttl} is shorter than the overall cache ttl of {other} \
                     for {what} token authentication attempts."
                );
                found.push(Diagnostic::warning("options/short-ttl", message));
            }
        }
        found
    }

    /// The webhook that the kubeconfig leads to. One whose kubeconfig is as before keeps what it has learnt,
    /// and looks at the files that the kubeconfig names.
    ///
    /// # Errors
    /// All that is wrong with the kubeconfig or those files.
    pub(crate) fn compile(
        &self,
        contents: &Contents,
        before: Option<&TokenWebhook>,
        remote: &RemoteCell,
        with: &With<'_>,
    ) -> Result<Option<TokenWebhook>, Vec<Diagnostic>> {
        let Some(path) = &self.config_file else { return Ok(None) };
        // It could not be read, which has been reported.
        let Some(text) = contents.file(FileKind::TokenWebhook) else { return Ok(None) };
        let bytes = text.source().bytes;
        let one = |message: String| vec![Diagnostic::error("authn/webhook", message)];
        if let Some(before) = before.filter(|before| before.kubeconfig.matches(bytes)) {
            before.webhook.renew().map_err(one)?;
            return Ok(Some(before.clone()));
        }
        let version = self.version().map_err(one)?;
        let remote = remote.remote().map_err(one)?;
        let place = Place { path, bytes, limits: with.limits };
        let within = (GoDuration::seconds(TIMEOUT_SECONDS), ALL_ATTEMPTS);
        let webhook = kubeconfigs::webhook(&place, remote, within, one)?;
        let reviewer = Remote { webhook: webhook.clone(), version };
        let (audiences, ttl) = (with.api_audiences, self.cache_ttl());
        let authenticator = TokenReviews::new(reviewer, audiences, ttl, with.key, with.metrics);
        Ok(Some(TokenWebhook { kubeconfig: Secret::new(bytes), webhook, authenticator }))
    }

    fn version(&self) -> Result<ReviewVersion, String> {
        let version = self.version.as_deref().unwrap_or("v1beta1");
        ReviewVersion::parse(version).ok_or_else(|| {
            format!(
                "unsupported authentication webhook version {version:?}, supported versions are \
                 \"v1\", \"v1beta1\""
            )
        })
    }

    fn cache_ttl(&self) -> Duration {
        self.cache_ttl.unwrap_or(DEFAULT_TTL)
    }
}

/// What else an authenticator is made with.
pub(crate) struct With<'a> {
    pub(crate) api_audiences: &'a [String],
    pub(crate) key: &'a HashKey,
    pub(crate) metrics: &'a Metrics,
    pub(crate) limits: &'a Limits,
}

impl Reviewer for Remote {
    fn review(&self, token: &str, audiences: &[String]) -> Result<Status, String> {
        let version = self.version;
        let body = review::request(token, audiences, version).into_bytes();
        let decode = move |answer: &_| review::status(answer, version);
        self.webhook.post(body, decode, |_, _| {}).map_err(|failure| failure.to_string())
    }
}

const DEFAULT_TTL: Duration = Duration::from_secs(120);
const TIMEOUT_SECONDS: i64 = 30;
/// As long as kube-apiserver gives a look-up that several requests may wait for.
const ALL_ATTEMPTS: Duration = Duration::from_secs(30);
