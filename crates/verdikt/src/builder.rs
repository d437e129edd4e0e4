//! Says where an engine's policy comes from, and makes the engine.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use verdikt_authn::CacheOptions;
use verdikt_core::HashKey;
use verdikt_parser::{Diagnostic, Limits, PolicySet};

use crate::Mode;
use crate::engine::{Engine, Shared};
use crate::reload::{LoadError, Sources, first_snapshot};
use crate::service_accounts::ServiceAccountOptions;
use crate::source::{FileSet, Text, WatchOptions, Watcher};
use crate::status::Attempt;

/// Options of an [`Engine`]. What is not said is off, but for RBAC and anonymous access, which are
/// on as kube-apiserver has them.
#[derive(Clone, Debug)]
pub struct Builder {
    policy_dirs: Vec<PathBuf>,
    inline: Vec<Text>,
    objects: PolicySet,
    modes: Option<Vec<Mode>>,
    abac: Option<PathBuf>,
    tokens: Option<PathBuf>,
    basic: Option<PathBuf>,
    service_accounts: ServiceAccountOptions,
    api_audiences: Vec<String>,
    bootstrap_tokens: bool,
    token_cache: CacheOptions,
    anonymous: bool,
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
            abac: None,
            tokens: None,
            basic: None,
            service_accounts: ServiceAccountOptions::default(),
            api_audiences: Vec::new(),
            bootstrap_tokens: false,
            token_cache: CacheOptions::default(),
            anonymous: true,
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

    /// Whether requests without credentials are `system:anonymous` (`--anonymous-auth`); they are
    /// refused otherwise. With mode AlwaysAllow it is off whatever is said here, as upstream.
    #[must_use]
    pub fn anonymous_auth(mut self, anonymous: bool) -> Self {
        self.anonymous = anonymous;
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
        let mut sources = self.sources()?;
        let key = HashKey::random();
        let snapshot = first_snapshot(&mut sources, &key)?;
        let paths = sources.files.clone();
        let attempt = Attempt::succeeded(snapshot.loaded.warnings.clone());
        let engine = Engine(Arc::new(Shared {
            current: ArcSwap::from_pointee(snapshot),
            key,
            sources: Mutex::new(sources),
            last_attempt: Mutex::new(attempt),
            watcher: Mutex::new(None),
        }));
        if let Some(options) = watch {
            engine.start_watching(&paths, options);
        }
        Ok(engine)
    }

    fn sources(self) -> Result<Sources, LoadError> {
        let modes = self.modes.unwrap_or_else(|| match &self.abac {
            Some(_) => vec![Mode::Abac, Mode::Rbac],
            None => vec![Mode::Rbac],
        });
        let mut found = contradictions(&modes, self.abac.is_some());
        found.extend(self.service_accounts.problems());
        LoadError::unless_good(found)?;
        let mut anonymous = self.anonymous;
        if anonymous && modes.contains(&Mode::AlwaysAllow) {
            tracing::warn!(
                "AnonymousAuth is not allowed with the AlwaysAllow authorizer. Resetting \
                 AnonymousAuth to false. You should use a different authorizer"
            );
            anonymous = false;
        }
        let files = FileSet::new(self.policy_dirs, self.abac, self.tokens, self.basic, self.limits);
        let files = self.service_accounts.name_files(files);
        let api_audiences = self.service_accounts.api_audiences(&self.api_audiences);
        Ok(Sources {
            files,
            inline: self.inline,
            objects: Arc::new(self.objects),
            modes,
            nodes: None,
            service_accounts: self.service_accounts,
            api_audiences,
            bootstrap_tokens: self.bootstrap_tokens,
            token_cache: self.token_cache,
            anonymous,
            limits: self.limits,
            default_namespace: self.default_namespace,
        })
    }
}

/// Options that cannot both be meant, in kube-apiserver's words.
fn contradictions(modes: &[Mode], has_policy_file: bool) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut error = |message: String| found.push(Diagnostic::error("options/invalid", message));
    if modes.is_empty() {
        error("at least one authorization-mode must be passed".to_owned());
    }
    let has_abac = modes.contains(&Mode::Abac);
    if has_abac && !has_policy_file {
        error("authorization-mode ABAC's authorization policy file not passed".to_owned());
    }
    if !has_abac && has_policy_file {
        error("cannot specify --authorization-policy-file without mode ABAC".to_owned());
    }
    let repeated = |mode| modes.iter().filter(|other| *other == mode).count() > 1;
    if modes.iter().any(repeated) {
        let names: Vec<String> = modes.iter().map(|mode| format!("{:?}", mode.as_str())).collect();
        let names = names.join(" ");
        error(format!("authorization-mode [{names}] has mode specified more than once"));
    }
    found
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
