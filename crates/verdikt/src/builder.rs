//! Says where an engine's policy comes from, and makes the engine.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use verdikt_authn::CacheOptions;
use verdikt_authn::front_proxy::HeaderNames;
use verdikt_authn::impersonation::Gate;
use verdikt_authn::oidc::Flags;
use verdikt_core::HashKey;
use verdikt_parser::{Diagnostic, Limits, PolicySet};

use crate::Mode;
use crate::audit::{Auditor, Ids, LogOptions};
use crate::authorization::{self, WebhookFlags};
use crate::certificates::CertificateOptions;
use crate::engine::{Engine, Shared};
use crate::metrics::{ConfigurationFamilies, Metrics, PolicyReloads, Requests};
use crate::oidc;
use crate::reload::{LoadError, Sources, first_snapshot};
use crate::service_accounts::ServiceAccountOptions;
use crate::source::{FileKind, FileSet, Text, WatchOptions, Watcher};
use crate::status::Attempt;
use crate::token_webhook;

/// Options of an [`Engine`]. What is not said is off, but for RBAC and anonymous access, which are
/// on as kube-apiserver has them.
#[derive(Clone, Debug)]
pub struct Builder {
    policy_dirs: Vec<PathBuf>,
    inline: Vec<Text>,
    objects: PolicySet,
    modes: Option<Vec<Mode>>,
    authorization_config: Option<PathBuf>,
    authorization_webhook: WebhookFlags,
    abac: Option<PathBuf>,
    tokens: Option<PathBuf>,
    basic: Option<PathBuf>,
    impersonation: Gate,
    audit_policy: Option<PathBuf>,
    audit_log: Option<LogOptions>,
    anonymous: Option<bool>,
    authentication_config: Option<PathBuf>,
    oidc: Option<Flags>,
    oidc_ca: Option<PathBuf>,
    certificates: CertificateOptions,
    service_accounts: ServiceAccountOptions,
    api_audiences: Vec<String>,
    bootstrap_tokens: bool,
    token_cache: CacheOptions,
    token_webhook: token_webhook::Options,
    limits: Limits,
    default_namespace: Option<String>,
    watch: Option<WatchOptions>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            policy_dirs: Vec::new(),
            inline: Vec::new(),
            objects: PolicySet::default(),
            modes: None,
            authorization_config: None,
            authorization_webhook: WebhookFlags::default(),
            abac: None,
            tokens: None,
            basic: None,
            impersonation: Gate::Constrained,
            audit_policy: None,
            audit_log: None,
            anonymous: None,
            authentication_config: None,
            oidc: None,
            oidc_ca: None,
            certificates: CertificateOptions::default(),
            service_accounts: ServiceAccountOptions::default(),
            api_audiences: Vec::new(),
            bootstrap_tokens: false,
            token_cache: CacheOptions::default(),
            token_webhook: token_webhook::Options::default(),
            limits: Limits::default(),
            default_namespace: Some("default".to_owned()),
            watch: None,
        }
    }
}

impl Builder {
    /// A folder of manifests, or one file, or `-` for standard input. May be called again.
    #[must_use]
    pub fn policy_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.policy_dirs.push(path.into());
        self
    }

    /// A manifest as text, under a name for messages. May be called again.
    #[must_use]
    pub fn manifest(mut self, name: impl Into<Arc<str>>, text: impl Into<Vec<u8>>) -> Self {
        self.inline.push(Text::new(name, text));
        self
    }

    /// Objects that a program made; they are taken as they are, without validation.
    #[must_use]
    pub fn objects(mut self, objects: PolicySet) -> Self {
        self.objects.extend(objects);
        self
    }

    /// The authorizers, in order (`--authorization-mode`). RBAC alone if not said, with ABAC before
    /// it if there is a policy file for it.
    #[must_use]
    pub fn authorization_modes(mut self, modes: impl IntoIterator<Item = Mode>) -> Self {
        self.modes = Some(modes.into_iter().collect());
        self
    }

    /// ABAC policy lines (`--authorization-policy-file`).
    #[must_use]
    pub fn authorization_policy_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.abac = Some(path.into());
        self
    }

    /// The authorizers, and how webhooks are asked (`--authorization-config`), instead of modes.
    #[must_use]
    pub fn authorization_config(mut self, path: impl Into<PathBuf>) -> Self {
        self.authorization_config = Some(path.into());
        self
    }

    /// Where the webhook of [`Mode::Webhook`] is (`--authorization-webhook-config-file`), as a kubeconfig.
    #[must_use]
    pub fn authorization_webhook_config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.authorization_webhook.config_file = Some(path.into());
        self
    }

    /// The version of SubjectAccessReview it is asked with (`--authorization-webhook-version`): `v1beta1`
    /// if not said, or `v1`.
    #[must_use]
    pub fn authorization_webhook_version(mut self, version: impl Into<String>) -> Self {
        self.authorization_webhook.version = Some(version.into());
        self
    }

    /// For how long it is remembered that something is allowed
    /// (`--authorization-webhook-cache-authorized-ttl`): five minutes if not said; not at all if zero.
    #[must_use]
    pub fn authorization_webhook_cache_authorized_ttl(mut self, ttl: Duration) -> Self {
        self.authorization_webhook.authorized_ttl = Some(ttl);
        self
    }

    /// The same for what is not allowed (`--authorization-webhook-cache-unauthorized-ttl`): 30 seconds if
    /// not said.
    #[must_use]
    pub fn authorization_webhook_cache_unauthorized_ttl(mut self, ttl: Duration) -> Self {
        self.authorization_webhook.unauthorized_ttl = Some(ttl);
        self
    }

    /// Static tokens (`--token-auth-file`).
    #[must_use]
    pub fn token_auth_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.tokens = Some(path.into());
        self
    }

    /// Users with passwords (`--basic-auth-file`, as Kubernetes had it up to 1.18).
    #[must_use]
    pub fn basic_auth_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.basic = Some(path.into());
        self
    }

    /// Authorities of client certificates (`--client-ca-file`).
    #[must_use]
    pub fn client_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificates.client_ca = Some(path.into());
        self
    }

    /// Revocation lists of those authorities (`--client-crl-file`, which Kubernetes does not have).
    #[must_use]
    pub fn client_crl_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificates.client_crl = Some(path.into());
        self
    }

    /// Authorities of authenticating proxies (`--requestheader-client-ca-file`); without them the
    /// other options about proxies do nothing.
    #[must_use]
    pub fn requestheader_client_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificates.proxy_ca = Some(path.into());
        self
    }

    /// Common names that proxies may have (`--requestheader-allowed-names`); any, if there are none.
    #[must_use]
    pub fn requestheader_allowed_names<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.certificates.proxy_names = names.into_iter().map(Into::into).collect();
        self
    }

    /// The headers through which proxies speak (`--requestheader-username-headers` and its like).
    #[must_use]
    pub fn requestheader_names(mut self, names: HeaderNames) -> Self {
        self.certificates.proxy_headers = names;
        self
    }

    /// Tokens of service accounts.
    #[must_use]
    pub fn service_accounts(mut self, options: ServiceAccountOptions) -> Self {
        self.service_accounts = options;
        self
    }

    /// The server's own audiences (`--api-audiences`); the issuers of service account tokens if not said.
    #[must_use]
    pub fn api_audiences<A: Into<String>>(
        mut self,
        audiences: impl IntoIterator<Item = A>,
    ) -> Self {
        self.api_audiences = audiences.into_iter().map(Into::into).collect();
        self
    }

    /// Whether bootstrap tokens are accepted (`--enable-bootstrap-token-auth`).
    #[must_use]
    pub fn bootstrap_tokens(mut self, accepted: bool) -> Self {
        self.bootstrap_tokens = accepted;
        self
    }

    /// For how long it is remembered what was said of a token.
    #[must_use]
    pub fn token_cache(mut self, options: CacheOptions) -> Self {
        self.token_cache = options;
        self
    }

    /// Where the webhook is that knows whose tokens are (`--authentication-token-webhook-config-file`), as a
    /// kubeconfig. It is asked last, about tokens that nobody else knows.
    #[must_use]
    pub fn authentication_token_webhook_config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.token_webhook.config_file = Some(path.into());
        self
    }

    /// The version of TokenReview it is asked with (`--authentication-token-webhook-version`): `v1beta1` if
    /// not said, or `v1`.
    #[must_use]
    pub fn authentication_token_webhook_version(mut self, version: impl Into<String>) -> Self {
        self.token_webhook.version = Some(version.into());
        self
    }

    /// For how long its answers are remembered (`--authentication-token-webhook-cache-ttl`): two minutes if
    /// not said; not at all if zero.
    #[must_use]
    pub fn authentication_token_webhook_cache_ttl(mut self, ttl: Duration) -> Self {
        self.token_webhook.cache_ttl = Some(ttl);
        self
    }

    /// Whether requests without credentials are `system:anonymous` (`--anonymous-auth`); they are
    /// refused otherwise. With mode AlwaysAllow it is off whatever is said here, as upstream. It must
    /// not be said if the file of [`Builder::authentication_config`] says it.
    #[must_use]
    pub fn anonymous_auth(mut self, anonymous: bool) -> Self {
        self.anonymous = Some(anonymous);
        self
    }

    /// Issuers of tokens, and who is anonymous (`--authentication-config`).
    #[must_use]
    pub fn authentication_config(mut self, path: impl Into<PathBuf>) -> Self {
        self.authentication_config = Some(path.into());
        self
    }

    /// An issuer of tokens (`--oidc-*`).
    #[must_use]
    pub fn oidc(mut self, flags: Flags) -> Self {
        self.oidc = Some(flags);
        self
    }

    /// Authorities to trust when talking to that issuer (`--oidc-ca-file`); those of the system if not
    /// said.
    #[must_use]
    pub fn oidc_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.oidc_ca = Some(path.into());
        self.oidc.get_or_insert_default();
        self
    }

    /// Whether the modes of constrained impersonation are tried before the plain verb `impersonate`
    /// (the gate `ConstrainedImpersonation`, on by default since Kubernetes 1.36).
    #[must_use]
    pub fn constrained_impersonation(mut self, constrained: bool) -> Self {
        self.impersonation = if constrained { Gate::Constrained } else { Gate::Legacy };
        self
    }

    /// Which requests are recorded, and how much of each (`--audit-policy-file`); none without it.
    #[must_use]
    pub fn audit_policy_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.audit_policy = Some(path.into());
        self
    }

    /// Where they are recorded (`--audit-log-path` and its companions).
    #[must_use]
    pub fn audit_log(mut self, options: LogOptions) -> Self {
        self.audit_log = Some(options);
        self
    }

    /// Bounds on what is read.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The namespace of objects that say none and need one; with none, such objects are errors.
    #[must_use]
    pub fn default_namespace(mut self, namespace: Option<String>) -> Self {
        self.default_namespace = namespace;
        self
    }

    /// Whether files are watched, and reloaded when they change.
    #[must_use]
    pub fn watch(self, watch: bool) -> Self {
        Self { watch: watch.then(WatchOptions::default), ..self }
    }

    /// How files are watched; implies that they are.
    #[must_use]
    pub fn watch_with(self, options: WatchOptions) -> Self {
        Self { watch: Some(options), ..self }
    }

    /// How often files are looked at even if nothing announced a change; implies watching.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.watch.get_or_insert_with(WatchOptions::default).poll_interval = interval;
        self
    }

    /// Reads and compiles the policy.
    ///
    /// # Errors
    /// If options contradict each other, or anything is wrong with any source.
    pub fn build(self) -> Result<Engine, LoadError> {
        let watch = self.watch.clone();
        let audit_log = self.audit_log.clone();
        let mut sources = self.sources()?;
        let key = HashKey::random();
        let snapshot = first_snapshot(&mut sources, &key)?;
        let auditor = auditor(audit_log, snapshot.audit_policy.is_some())?;
        let paths = sources.files.clone();
        let metrics = sources.authorization.metrics.clone();
        let attempt = Attempt::succeeded(snapshot.loaded.warnings.clone());
        let engine = Engine(Arc::new(Shared {
            current: ArcSwap::from_pointee(snapshot),
            key,
            reloading: Mutex::default(),
            sources: Mutex::new(sources),
            last_attempt: Mutex::new(attempt),
            changes: watch::Sender::default(),
            watcher: Mutex::new(None),
            audit_ids: Ids::default(),
            auditor,
            requests: Requests::new(&metrics),
            reloads: PolicyReloads::new(&metrics),
            metrics,
        }));
        if let Some(options) = watch {
            engine.start_watching(&paths, options);
        }
        Ok(engine)
    }

    pub(crate) fn sources(self) -> Result<Sources, LoadError> {
        let has_authorization_config = self.authorization_config.is_some();
        let mut authorization = authorization::Options {
            has_file: has_authorization_config,
            modes: self.modes,
            webhook: self.authorization_webhook,
            has_policy_file: self.abac.is_some(),
            metrics: Metrics::default(),
            observed: ConfigurationFamilies::authorization(),
            remote: oidc::RemoteCell::default(),
        };
        let webhook_file = authorization.webhook.config_file.clone();
        let oidc = oidc::Options {
            flags: self.oidc,
            has_file: self.authentication_config.is_some(),
            anonymous_flag: self.anonymous,
            disallowed: self.service_accounts.issuers.clone(),
            observed: ConfigurationFamilies::authentication(),
            remote: oidc::RemoteCell::default(),
        };
        authorization.remote = oidc.remote.clone();
        let mut found = authorization.contradictions();
        found.extend(self.service_accounts.problems());
        found.extend(oidc.contradictions());
        found.extend(self.token_webhook.problems(&self.token_cache));
        found.extend(self.certificates.validate());
        for odd in LoadError::unless_good(found)? {
            tracing::warn!("{odd}");
        }
        let mut anonymous = self.anonymous.unwrap_or(true);
        let always_allows =
            !has_authorization_config && authorization.modes().contains(&Mode::AlwaysAllow);
        if anonymous && always_allows {
            tracing::warn!(
                "AnonymousAuth is not allowed with the AlwaysAllow authorizer. Resetting \
                 AnonymousAuth to false. You should use a different authorizer"
            );
            anonymous = false;
        }
        let files = FileSet::new(self.policy_dirs, self.abac, self.tokens, self.basic, self.limits);
        let mut files = self.service_accounts.name_files(files);
        for (kind, path) in [
            (FileKind::AuthenticationConfig, self.authentication_config),
            (FileKind::OidcCa, self.oidc_ca),
            (FileKind::AuthorizationConfig, self.authorization_config),
            (FileKind::AuthorizationWebhook, webhook_file),
            (FileKind::TokenWebhook, self.token_webhook.config_file.clone()),
            (FileKind::AuditPolicy, self.audit_policy),
        ] {
            if let Some(path) = path {
                files = files.with_file(kind, path);
            }
        }
        let api_audiences = self.service_accounts.api_audiences(&self.api_audiences);
        Ok(Sources {
            files: self.certificates.add_files(files),
            certificates: self.certificates,
            inline: self.inline,
            objects: Arc::new(self.objects),
            authorization,
            nodes: None,
            rbac: None,
            service_accounts: self.service_accounts,
            api_audiences,
            bootstrap_tokens: self.bootstrap_tokens,
            token_cache: self.token_cache,
            token_webhook: self.token_webhook,
            anonymous,
            impersonation: self.impersonation,
            oidc,
            limits: self.limits,
            default_namespace: self.default_namespace,
        })
    }
}

/// Opens the audit log. Without a policy there is nothing to write to it.
fn auditor(
    options: Option<LogOptions>,
    has_policy: bool,
) -> Result<Option<Arc<Auditor>>, LoadError> {
    let Some(options) = options else { return Ok(None) };
    let error = |message| Diagnostic::error("options/audit-log", message);
    LoadError::unless_good(options.problems().into_iter().map(error).collect())?;
    if !has_policy {
        tracing::info!("No audit policy file provided, no events will be recorded for log backend");
        return Ok(None);
    }
    match Auditor::start(options) {
        Ok(auditor) => Ok(Some(Arc::new(auditor))),
        Err(message) => Err(LoadError::of(error(message))),
    }
}

impl Engine {
    /// The watcher must not keep the engine alive: it holds a weak reference, and goes with it.
    fn start_watching(&self, files: &FileSet, options: WatchOptions) {
        let shared = Arc::downgrade(&self.0);
        let watcher = Watcher::spawn(files, options, move || {
            if let Some(shared) = shared.upgrade() {
                // What is wrong is in the log and in the status.
                drop(Engine(shared).reload());
            }
        });
        match watcher {
            Ok(watcher) => {
                *self.0.watcher.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
                    Some(watcher);
            }
            Err(error) => tracing::error!("files are not watched: {error}"),
        }
    }
}
