//! The authorizers: from `--authorization-mode` and the flags of a webhook, or from
//! `--authorization-config`, to a chain.
//!
//! Follows `pkg/kubeapiserver/options/authorization.go` and `pkg/kubeapiserver/authorizer/{config,reload}.go`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use verdikt_core::{Effect, Secret};
use verdikt_parser::authorization_config::{
    AuthorizationConfiguration, AuthorizerConfiguration, ConnectionInfo, WebhookConfiguration, read,
};
use verdikt_parser::go_duration::GoDuration;
use verdikt_parser::{Diagnostic, Limits};

use crate::Mode;
use crate::authorizer::config::{WEBHOOK, diagnostics, names_and_types, validate};
use crate::authorizer::match_conditions::MatchConditions;
use crate::authorizer::{ReviewVersion, WebhookAuthorizer, WebhookOptions};
use crate::kubeconfigs::{self, Place};
use crate::metrics::{ConfigurationFamilies, Metrics};
use crate::oidc::RemoteCell;
use crate::remote::webhook::Webhook;
use crate::source::{Contents, FileKind, read_file};

/// What was said on the command line, or by the embedding program.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Whether there is an `--authorization-config`.
    pub(crate) has_file: bool,
    /// `--authorization-mode`, if it is given.
    pub(crate) modes: Option<Vec<Mode>>,
    pub(crate) webhook: WebhookFlags,
    pub(crate) has_policy_file: bool,
    pub(crate) metrics: Metrics,
    pub(crate) observed: ConfigurationFamilies,
    pub(crate) remote: RemoteCell,
}

/// `--authorization-webhook-*`, as far as they are given.
#[derive(Clone, Debug, Default)]
pub(crate) struct WebhookFlags {
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) version: Option<String>,
    pub(crate) authorized_ttl: Option<Duration>,
    pub(crate) unauthorized_ttl: Option<Duration>,
}

/// What a configuration came to.
#[derive(Debug, Default)]
pub(crate) struct Authorization {
    /// The types of authorizers that were there at the start, webhooks aside.
    startup: BTreeSet<String>,
    webhooks: Vec<Known>,
}

/// A webhook, and what it was made of.
#[derive(Clone, Debug)]
struct Known {
    name: String,
    configuration: WebhookConfiguration,
    /// It may hold credentials.
    kubeconfig: Secret,
    webhook: Webhook,
    authorizer: Arc<WebhookAuthorizer>,
}

impl WebhookFlags {
    fn are_given(&self) -> bool {
        self.config_file.is_some()
            || self.version.is_some()
            || self.authorized_ttl.is_some()
            || self.unauthorized_ttl.is_some()
    }
}

impl Options {
    /// The modes, if no file says which authorizers there are.
    pub(crate) fn modes(&self) -> Vec<Mode> {
        match &self.modes {
            Some(modes) => modes.clone(),
            None if self.has_policy_file => vec![Mode::Abac, Mode::Rbac],
            None => vec![Mode::Rbac],
        }
    }

    /// Options that cannot both be meant, in kube-apiserver's words.
    pub(crate) fn contradictions(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let mut error = |message: String| found.push(Diagnostic::error("options/invalid", message));
        if self.has_file {
            if self.modes.is_some() || self.webhook.are_given() {
                error(
                    "--authorization-config can not be specified when --authorization-mode or \
                     --authorization-webhook-* flags are defined"
                        .to_owned(),
                );
            }
            return found;
        }
        let modes = self.modes();
        if modes.is_empty() {
            error("at least one authorization-mode must be passed".to_owned());
        }
        let has = |mode| modes.contains(&mode);
        if has(Mode::Abac) && !self.has_policy_file {
            error(NO_POLICY_FILE.to_owned());
        }
        let has_webhook_file = self.webhook.config_file.is_some();
        if has(Mode::Webhook) && !has_webhook_file {
            error("authorization-mode Webhook's authorization config file not passed".to_owned());
        }
        if !has(Mode::Abac) && self.has_policy_file {
            error("cannot specify --authorization-policy-file without mode ABAC".to_owned());
        }
        if !has(Mode::Webhook) && has_webhook_file {
            error(
                "cannot specify --authorization-webhook-config-file without mode Webhook"
                    .to_owned(),
            );
        }
        let repeated = |mode| modes.iter().filter(|other| *other == mode).count() > 1;
        if modes.iter().any(repeated) {
            let names: Vec<String> =
                modes.iter().map(|mode| format!("{:?}", mode.as_str())).collect();
            let names = names.join(" ");
            error(format!("authorization-mode [{names}] has mode specified more than once"));
        }
        found
    }

    /// The configuration that was read, or that the flags stand for; and what is wrong with it. Once an
    /// engine has started, its file must still name authorizers of the types `before` began with.
    pub(crate) fn parse(
        &self,
        contents: &Contents,
        before: Option<&Authorization>,
        limits: &Limits,
    ) -> (AuthorizationConfiguration, Vec<Diagnostic>) {
        let Some(text) = contents.file(FileKind::AuthorizationConfig) else {
            return (self.of_flags(), Vec::new());
        };
        let configuration = match read(&text.source(), limits) {
            Ok(configuration) => configuration,
            Err(mut found) => {
                for found in &mut found {
                    found.message = format!("{CANNOT_LOAD}{}", found.message);
                }
                return (AuthorizationConfiguration::default(), found);
            }
        };
        let mut found = diagnostics(&validate(&configuration), &configuration);
        if found.is_empty() {
            found = names_and_types(&configuration, before.map(|before| &before.startup));
        }
        let is_abac = |entry: &AuthorizerConfiguration| entry.authorizer_type == "ABAC";
        if !self.has_policy_file && configuration.authorizers.iter().any(is_abac) {
            found.push(Diagnostic::error("options/invalid", NO_POLICY_FILE));
        }
        (configuration, found)
    }

    /// What the flags stand for: `buildAuthorizationConfiguration`.
    fn of_flags(&self) -> AuthorizationConfiguration {
        let authorizers = self.modes().into_iter().map(|mode| AuthorizerConfiguration {
            authorizer_type: mode.as_str().to_owned(),
            name: mode.authorizer_name().to_owned(),
            webhook: (mode == Mode::Webhook).then(|| self.webhook.configuration()),
        });
        let authorizers = authorizers.collect();
        AuthorizationConfiguration { authorizers, ..AuthorizationConfiguration::default() }
    }

    /// The webhooks of a configuration. Those that are as before keep what they have learnt.
    ///
    /// # Errors
    /// All that is wrong with any of them.
    pub(crate) fn compile(
        &self,
        configuration: &AuthorizationConfiguration,
        before: Option<&Authorization>,
        contents: &Contents,
        limits: &Limits,
    ) -> Result<Authorization, Vec<Diagnostic>> {
        let mut found = Vec::new();
        let mut webhooks = Vec::new();
        for entry in &configuration.authorizers {
            let Some(webhook) = &entry.webhook else { continue };
            match self.webhook(&entry.name, webhook, before, contents, limits) {
                Ok(known) => webhooks.push(known),
                Err(wrong) => found.extend(wrong),
            }
        }
        if !found.is_empty() {
            return Err(found);
        }
        let startup = match before {
            Some(before) => before.startup.clone(),
            None => {
                let types = configuration.authorizers.iter().map(|entry| &entry.authorizer_type);
                types.filter(|name| *name != WEBHOOK).cloned().collect()
            }
        };
        Ok(Authorization { startup, webhooks })
    }

    fn webhook(
        &self,
        name: &str,
        configuration: &WebhookConfiguration,
        before: Option<&Authorization>,
        contents: &Contents,
        limits: &Limits,
    ) -> Result<Known, Vec<Diagnostic>> {
        let Some(path) = configuration.connection_info.kube_config_file.as_deref() else {
            return Err(one(format!(
                "webhook {name:?}: connectionInfo.type InClusterConfig is not supported; there is no \
                 cluster around this server"
            )));
        };
        let path = Path::new(path);
        let text = contents.file(FileKind::AuthorizationWebhook).or_else(|| contents.named(path));
        let bytes = match text {
            Some(text) => text.source().bytes.to_vec(),
            // It is not there, or cannot be read; the error says why.
            None => read_file(path, &path.display().to_string(), MOST_KUBECONFIG_BYTES)
                .map_err(|problem| vec![*problem])?,
        };
        let of_webhook = |problem: String| one(format!("webhook {name:?}: {problem}"));
        let known = before.and_then(|before| before.known(name, configuration, &bytes));
        if let Some(known) = known {
            known.webhook.renew().map_err(of_webhook)?;
            return Ok(known.clone());
        }
        let remote = self.remote.remote().map_err(of_webhook)?;
        let place = Place { path, bytes: &bytes, limits };
        let within = (configuration.timeout, ALL_ATTEMPTS);
        let webhook = kubeconfigs::webhook(&place, remote, within, of_webhook)?;
        let options = options(name, configuration)?;
        let authorizer = WebhookAuthorizer::new(options, webhook.clone(), self.metrics.clone());
        Ok(Known {
            name: name.to_owned(),
            configuration: configuration.clone(),
            kubeconfig: Secret::new(bytes),
            webhook,
            authorizer: Arc::new(authorizer),
        })
    }
}

impl WebhookFlags {
    fn configuration(&self) -> WebhookConfiguration {
        let file = self.config_file.as_ref().map(|path| path.display().to_string());
        let ttl = |given: Option<Duration>, default| given.map_or(default, GoDuration::from);
        let defaults = WebhookConfiguration::default();
        WebhookConfiguration {
            authorized_ttl: ttl(self.authorized_ttl, defaults.authorized_ttl),
            unauthorized_ttl: ttl(self.unauthorized_ttl, defaults.unauthorized_ttl),
            timeout: GoDuration::seconds(30),
            subject_access_review_version: match &self.version {
                Some(version) => version.clone(),
                None => "v1beta1".to_owned(),
            },
            failure_policy: "NoOpinion".to_owned(),
            connection_info: ConnectionInfo {
                connection_type: "KubeConfigFile".to_owned(),
                kube_config_file: file,
            },
            ..defaults
        }
    }
}

impl Authorization {
    /// The webhook of this name.
    pub(crate) fn webhook(&self, name: &str) -> Option<&Arc<WebhookAuthorizer>> {
        self.webhooks.iter().find(|known| known.name == name).map(|known| &known.authorizer)
    }

    fn known(&self, name: &str, of: &WebhookConfiguration, kubeconfig: &[u8]) -> Option<&Known> {
        self.webhooks.iter().find(|known| {
            known.name == name && known.configuration == *of && known.kubeconfig.matches(kubeconfig)
        })
    }
}

fn options(
    name: &str,
    configuration: &WebhookConfiguration,
) -> Result<WebhookOptions, Vec<Diagnostic>> {
    let version = &configuration.subject_access_review_version;
    let version = ReviewVersion::parse(version).ok_or_else(|| {
        one(format!(
            "unsupported webhook authorizer version {version:?}, supported versions are \"v1\", \
             \"v1beta1\""
        ))
    })?;
    let conditions =
        MatchConditions::compile(&configuration.match_conditions).map_err(|found| {
            found.iter().flat_map(|found| one(found.to_string())).collect::<Vec<_>>()
        })?;
    let ttl = |is_on: bool, ttl: GoDuration| if is_on { ttl.as_std() } else { Duration::ZERO };
    Ok(WebhookOptions {
        name: name.into(),
        version,
        authorized_ttl: ttl(configuration.cache_authorized_requests, configuration.authorized_ttl),
        unauthorized_ttl: ttl(
            configuration.cache_unauthorized_requests,
            configuration.unauthorized_ttl,
        ),
        on_error: match configuration.failure_policy.as_str() {
            "NoOpinion" => Effect::NoOpinion,
            _ => Effect::Deny,
        },
        conditions: Some(conditions).filter(|conditions| !conditions.is_empty()),
    })
}

fn one(message: String) -> Vec<Diagnostic> {
    vec![Diagnostic::error("authz-config/webhook", message)]
}

const CANNOT_LOAD: &str = "failed to load AuthorizationConfiguration from file: ";
pub(crate) const NO_POLICY_FILE: &str =
    "authorization-mode ABAC's authorization policy file not passed";
const MOST_KUBECONFIG_BYTES: u64 = 1 << 20;
/// As long as kube-apiserver gives a request.
const ALL_ATTEMPTS: Duration = Duration::from_secs(60);
