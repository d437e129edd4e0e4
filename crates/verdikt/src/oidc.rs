//! Issuers of tokens: from `--oidc-*` flags or `--authentication-config` to authenticators.
//!
//! Follows `ToAuthenticationConfig`, `validateOIDCOptions` and `ApplyTo` of
//! `pkg/kubeapiserver/options/authentication.go`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use verdikt_authn::oidc::config::{FieldError, diagnostics, validate};
use verdikt_authn::oidc::{Flags, Issuers, Keys, Tokens, signing_algorithms};
use verdikt_authn::remote::Network;
use verdikt_authn::{ChainBuilder, Clock};
use verdikt_parser::authentication_config::{
    AnonymousConfiguration, AuthenticationConfiguration, read,
};
use verdikt_parser::{Diagnostic, Limits};

use crate::engine::Engine;
use crate::metrics::{ConfigurationFamilies, Metrics};
use crate::reload::LoadError;
use crate::remote::Remote;
use crate::source::{Contents, FileKind, Text};

/// What was said on the command line, or by the embedding program.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The `--oidc-*` flags, if any is given.
    pub(crate) flags: Option<Flags>,
    /// Whether there is an `--authentication-config`.
    pub(crate) has_file: bool,
    /// `--anonymous-auth`, if it is given.
    pub(crate) anonymous_flag: Option<bool>,
    /// Issuers that no entry may have: those of service accounts.
    pub(crate) disallowed: Vec<String>,
    pub(crate) observed: ConfigurationFamilies,
    /// The network, once it is needed.
    pub(crate) remote: RemoteCell,
}

/// A network that is started by whoever needs it first.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemoteCell {
    remote: Arc<OnceLock<Arc<Remote>>>,
    /// Whether a reload is to be tried again.
    is_retrying: Arc<AtomicBool>,
}

/// What a configuration came to.
#[derive(Clone, Debug)]
pub(crate) struct Authentication {
    pub(crate) issuers: Arc<Issuers>,
    /// What the file said of anonymous requests when the engine started; it may not say anything else
    /// later.
    initially_anonymous: Option<AnonymousConfiguration>,
    /// Who is anonymous: none if nobody is, otherwise on which paths (on all, if there are none).
    pub(crate) anonymous: Option<Vec<String>>,
}

impl Options {
    /// Options that cannot both be meant, in kube-apiserver's words.
    pub(crate) fn contradictions(&self) -> Vec<Diagnostic> {
        let message = match (&self.flags, self.has_file) {
            (Some(_), true) => "authentication-config file and oidc-* flags are mutually exclusive",
            (Some(flags), false) if flags.issuer_url.is_empty() || flags.client_id.is_empty() => {
                "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* \
                 flags are set"
            }
            _ => return Vec::new(),
        };
        vec![Diagnostic::error("options/invalid", message)]
    }

    /// The configuration that was read, or that the flags stand for; and what is wrong with it.
    pub(crate) fn parse(
        &self,
        contents: &Contents,
        limits: &Limits,
    ) -> (AuthenticationConfiguration, Vec<Diagnostic>) {
        if let Some(flags) = &self.flags {
            let authority = contents.file(FileKind::OidcCa);
            let authority = authority.map(|text| String::from_utf8_lossy(text.source().bytes));
            let configuration = flags.configuration(&authority.unwrap_or_default());
            return (configuration, Vec::new());
        }
        let Some(text) = contents.file(FileKind::AuthenticationConfig) else {
            return Default::default();
        };
        if text.source().bytes.is_empty() {
            let message = format!(
                "failed to load authentication configuration from file {:?}: empty config data",
                text.name
            );
            let found = Diagnostic::error("config/empty", message);
            return (AuthenticationConfiguration::default(), vec![found]);
        }
        match read(&text.source(), limits) {
            Ok(configuration) => (configuration, Vec::new()),
            Err(found) => (AuthenticationConfiguration::default(), found),
        }
    }

    /// Configuration → authenticators. What `before` knows of issuers is kept; an issuer that is new
    /// must be there before it takes the place of others.
    ///
    /// # Errors
    /// All that is wrong.
    pub(crate) fn compile(
        &self,
        configuration: &AuthenticationConfiguration,
        before: Option<&Authentication>,
        anonymous_otherwise: bool,
        metrics: &Metrics,
    ) -> Result<Authentication, Vec<Diagnostic>> {
        let algorithms = match &self.flags {
            Some(flags) => flags.algorithms(),
            None => Ok(signing_algorithms()),
        };
        let algorithms = algorithms.map_err(|problem| one("options/invalid", problem))?;
        let (validated, mut found) = match validate(configuration, &self.disallowed) {
            Ok(validated) => (validated, Vec::new()),
            Err(found) => (Vec::new(), found),
        };
        found.extend(self.anonymous_error(configuration, before));
        if !found.is_empty() {
            return Err(diagnostics(&found, configuration));
        }
        let issuers = if validated.is_empty() {
            Issuers::default()
        } else {
            let network = self.remote.network().map_err(|error| one("oidc/network", error))?;
            let before = before.map(|before| &*before.issuers);
            Issuers::new(validated, &algorithms, &Keys::Remote(network), before, metrics)
                .map_err(|problem| one("oidc/issuer", problem))?
        };
        if before.is_some() {
            issuers.wait_until_usable(USABLE_WITHIN).map_err(|problems| {
                let found = problems.into_iter().flat_map(|problem| one(NOT_HEALTHY, problem));
                found.collect::<Vec<_>>()
            })?;
        }
        let anonymous = match &configuration.anonymous {
            Some(said) => said.enabled.then(|| said.paths.clone()),
            None => anonymous_otherwise.then(Vec::new),
        };
        let initially_anonymous = match before {
            Some(before) => before.initially_anonymous.clone(),
            None => configuration.anonymous.clone(),
        };
        Ok(Authentication { issuers: Arc::new(issuers), initially_anonymous, anonymous })
    }

    /// Counts how reading the file went, if there is one.
    pub(crate) fn observe(&self, metrics: &Metrics, text: Option<&Text>, is_good: bool) {
        if let Some(text) = text {
            self.observed.observe(metrics, text.source().bytes, is_good);
        }
    }

    /// Adds the issuers to a chain. A file without any is enough for a token to be nobody's, which is
    /// another thing than no token.
    pub(crate) fn add_to<'k>(
        &self,
        builder: ChainBuilder<'k>,
        authentication: &Authentication,
        api_audiences: &[String],
    ) -> ChainBuilder<'k> {
        if self.flags.is_none() && !self.has_file {
            return builder;
        }
        let issuers = Arc::clone(&authentication.issuers);
        builder.tokens(Tokens::new(issuers, api_audiences.to_vec(), Clock::default()))
    }

    fn anonymous_error(
        &self,
        configuration: &AuthenticationConfiguration,
        before: Option<&Authentication>,
    ) -> Option<FieldError> {
        if let Some(before) = before
            && before.initially_anonymous != configuration.anonymous
        {
            return Some(FieldError::forbidden(
                "anonymous",
                "changed from initial configuration file",
            ));
        }
        (configuration.anonymous.is_some() && self.anonymous_flag.is_some()).then(|| {
            FieldError::forbidden(
                "anonymous",
                "--anonymous-auth flag cannot be set when anonymous field is configured in \
                 authentication configuration file",
            )
        })
    }
}

impl RemoteCell {
    /// The network, which is started if it is not there yet.
    fn network(&self) -> Result<Arc<dyn Network>, String> {
        self.remote().map(|remote| remote as Arc<dyn Network>)
    }

    /// The same, for whoever asks webhooks.
    pub(crate) fn remote(&self) -> Result<Arc<Remote>, String> {
        if let Some(remote) = self.remote.get() {
            return Ok(Arc::clone(remote));
        }
        let started = Remote::start()
            .map_err(|error| format!("no thread can be started for requests: {error}"))?;
        Ok(Arc::clone(self.remote.get_or_init(|| started)))
    }
}

impl Engine {
    /// Tries again later what was refused because an issuer was not there, as long as files are watched:
    /// then nobody expects to have to ask for it.
    pub(crate) fn retry_later(&self, options: &Options, error: &LoadError) {
        let is_unhealthy = error.diagnostics().iter().any(|found| found.id == NOT_HEALTHY);
        let watcher = self.0.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = &options.remote;
        if !is_unhealthy || watcher.is_none() || cell.is_retrying.swap(true, Ordering::AcqRel) {
            return;
        }
        let Ok(network) = cell.network() else { return };
        let (shared, is_retrying) = (Arc::downgrade(&self.0), Arc::clone(&cell.is_retrying));
        let retry = move || {
            is_retrying.store(false, Ordering::Release);
            if let Some(shared) = shared.upgrade() {
                // What is wrong is in the log and in the status.
                drop(Engine(shared).reload());
            }
        };
        // Reading files is not for the thread that answers come in on.
        let start = move || drop(thread::Builder::new().name("verdikt-retry".into()).spawn(retry));
        network.after(RETRY_AFTER, Box::new(start));
    }
}

fn one(id: &'static str, message: String) -> Vec<Diagnostic> {
    vec![Diagnostic::error(id, message)]
}

const NOT_HEALTHY: &str = "oidc/not-healthy";
const RETRY_AFTER: Duration = Duration::from_secs(60);
/// How long a reload waits for issuers that are new.
const USABLE_WITHIN: Duration = Duration::from_secs(10);
