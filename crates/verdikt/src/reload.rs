//! The policy line: files to text to objects to tables to a snapshot that serves, in one function.

use std::fmt;
use std::sync::{Arc, PoisonError};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use verdikt_authn as authn;
use verdikt_authn::jwt::KeySet;
use verdikt_compiler::{abac, node, rbac};
use verdikt_core::{HashKey, Revision};
use verdikt_parser::audit_policy::{self, AuditPolicy};
use verdikt_parser::authentication_config::AuthenticationConfiguration;
use verdikt_parser::authorization_config::{AuthorizationConfiguration, AuthorizerConfiguration};
use verdikt_parser::{
    Diagnostic, Limits, Manifest, Options, PolicySet, basic_file, parse_manifest, token_file,
};

use crate::authorization::{self, Authorization};
use crate::authorizer::{AbacAuthorizer, Authorizer, Chain};
use crate::certificates::{CertificateOptions, Certificates};
use crate::engine::Engine;
use crate::kubeconfigs;
use crate::metrics::{Decisions, Metrics};
use crate::oidc::{self, Authentication};
use crate::service_accounts::{ServiceAccountOptions, add_bootstrap_tokens, read_keys};
use crate::snapshot::Snapshot;
use crate::source::{Contents, Digests, FileKind, FileSet, Text, excerpts};
use crate::status::{Attempt, Counts, Loaded, now};
use crate::token_webhook::{self, TokenWebhook};
use crate::{Mode, UnknownMode, audit};

/// Where policy comes from, and what is made of it.
pub(crate) struct Sources {
    pub(crate) files: FileSet,
    /// Manifests the embedding program gave, by name.
    pub(crate) inline: Vec<Text>,
    /// Objects the embedding program gave.
    pub(crate) objects: Arc<PolicySet>,
    pub(crate) authorization: authorization::Options,
    pub(crate) certificates: CertificateOptions,
    /// What is known of objects that are bound to nodes; none until mode Node asks for it.
    pub(crate) nodes: Option<node::Graph>,
    /// What changes the tables of RBAC; none until mode RBAC asks for it.
    pub(crate) rbac: Option<rbac::Compiler>,
    pub(crate) service_accounts: ServiceAccountOptions,
    pub(crate) api_audiences: Vec<String>,
    pub(crate) bootstrap_tokens: bool,
    pub(crate) token_cache: authn::CacheOptions,
    pub(crate) token_webhook: token_webhook::Options,
    /// Whether requests without credentials are anonymous, unless a file says who is.
    pub(crate) anonymous: bool,
    pub(crate) impersonation: authn::impersonation::Gate,
    pub(crate) oidc: oidc::Options,
    pub(crate) limits: Limits,
    pub(crate) default_namespace: Option<String>,
}

/// What a reload found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reload {
    /// Nothing differs from what serves.
    Unchanged(Revision),
    /// New policy serves from now on.
    Changed(Revision),
}

/// A policy that was refused as a whole.
#[derive(Clone, Debug)]
pub struct LoadError {
    diagnostics: Vec<Diagnostic>,
}

impl Engine {
    /// The policy line: reads every source again and, if all of it is good, makes it serve at once.
    /// Requests that are being answered finish with the policy they began with.
    ///
    /// # Errors
    /// If anything is wrong with any source, all of it is refused, and what served goes on serving.
    pub fn reload(&self) -> Result<Reload, LoadError> {
        let _alone = self.0.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let sources = || self.0.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let read_from = sources();
        let before = self.snapshot();
        let contents = read(&read_from);
        let digests = contents.digests();
        let is_whole = !contents.found.iter().any(Diagnostic::is_error);
        if is_whole && digests == before.digests {
            return self.finish_reload(Ok(None), before.revision);
        }
        let parsed = parse(contents, &read_from, &self.0.key, Some(&before));
        let (oidc, anonymous) = (read_from.oidc.clone(), read_from.anonymous);
        let metrics = read_from.authorization.metrics.clone();
        drop(read_from);
        // Issuers that are new are waited for; what serves may change meanwhile, by events.
        let parsed = parsed.and_then(|parsed| {
            let before = Some(&before.authentication);
            let authentication = authenticate(&parsed, &oidc, before, anonymous, &metrics)?;
            Ok((parsed, authentication))
        });
        let mut sources = sources();
        let current = self.snapshot();
        let revision = Revision(current.revision.0 + 1);
        let result = parsed.and_then(|(parsed, authentication)| {
            compile(parsed, authentication, digests, &mut sources, &self.0.key, revision)
        });
        if let Err(error) = &result {
            self.retry_later(&sources.oidc, error);
        }
        self.finish_reload(result.map(Some), current.revision)
    }

    /// Gives the manifests of [`crate::Builder::manifest`] new texts, and reloads.
    ///
    /// # Errors
    /// As [`Engine::reload`]; the texts before stay then.
    pub fn replace_manifests<N: Into<Arc<str>>, T: Into<Vec<u8>>>(
        &self,
        manifests: impl IntoIterator<Item = (N, T)>,
    ) -> Result<Reload, LoadError> {
        let new = manifests.into_iter().map(|(name, text)| Text::new(name, text)).collect();
        let swap = |texts| {
            let mut sources = self.0.sources.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut sources.inline, texts)
        };
        let old = swap(new);
        self.reload().inspect_err(|_| drop(swap(old)))
    }

    /// Swapped, or refused and reported.
    fn finish_reload(
        &self,
        result: Result<Option<Snapshot>, LoadError>,
        serving: Revision,
    ) -> Result<Reload, LoadError> {
        let mut last = self.0.last_attempt.lock().unwrap_or_else(PoisonError::into_inner);
        let tell = || self.0.changes.send_replace(());
        match result {
            Ok(None) => {
                if !last.ok {
                    self.0.reloads.count(true);
                    tell();
                }
                *last = Attempt::succeeded(Vec::new());
                Ok(Reload::Unchanged(serving))
            }
            Ok(Some(snapshot)) => {
                let revision = snapshot.revision;
                tracing::info!(%revision, digest = snapshot.digest(), "policy loaded");
                *last = Attempt::succeeded(snapshot.loaded.warnings.clone());
                self.0.current.store(Arc::new(snapshot));
                self.0.reloads.count(true);
                tell();
                Ok(Reload::Changed(revision))
            }
            Err(error) => {
                // The same broken files are reported once, not at every look.
                if last.ok || last.diagnostics != error.diagnostics {
                    tracing::error!(serving = %serving, "policy refused: {error}");
                    self.0.reloads.count(false);
                    tell();
                }
                *last = Attempt::failed(&error);
                Err(error)
            }
        }
    }
}

/// From a configuration to a kubeconfig to a certificate; and one more to see that it ends there.
const MOST_STEPS: usize = 3;

/// Objects of every kind, read and checked, with what was found on the way.
struct Parsed {
    policy: Arc<PolicySet>,
    abac: Option<(Arc<str>, Vec<verdikt_parser::abac::Policy>)>,
    tokens: Option<(Arc<str>, Vec<token_file::Record>)>,
    basic: Option<(Arc<str>, Vec<basic_file::Record>)>,
    audit: Option<AuditPolicy>,
    authentication: AuthenticationConfiguration,
    authentication_text: Option<Text>,
    authorizers: AuthorizationConfiguration,
    webhooks: Authorization,
    token_webhook: Option<TokenWebhook>,
    certificates: Certificates,
    service_account_keys: Option<Arc<KeySet>>,
    manifest_files: usize,
    diagnostics: Vec<Diagnostic>,
}

/// The first snapshot of an engine.
pub(crate) fn first_snapshot(sources: &mut Sources, key: &HashKey) -> Result<Snapshot, LoadError> {
    first_look(sources, key).map(|(snapshot, ..)| snapshot)
}

/// The same with what it was made from.
pub(crate) fn first_look(
    sources: &mut Sources,
    key: &HashKey,
) -> Result<(Snapshot, Arc<PolicySet>, Vec<Text>), LoadError> {
    let contents = read(sources);
    let digests = contents.digests();
    let manifests = contents.manifests.clone();
    let parsed = parse(contents, sources, key, None)?;
    let policy = Arc::clone(&parsed.policy);
    let metrics = &sources.authorization.metrics;
    let authentication = authenticate(&parsed, &sources.oidc, None, sources.anonymous, metrics)?;
    let snapshot = compile(parsed, authentication, digests, sources, key, Revision(1))?;
    Ok((snapshot, policy, manifests))
}

/// File → text. What is read may name further files, and these others again.
fn read(sources: &Sources) -> Contents {
    let (mut contents, mut found) = sources.files.read();
    for _ in 0..MOST_STEPS {
        if !sources.files.follow(kubeconfigs::named(&contents, &sources.limits)) {
            break;
        }
        (contents, found) = sources.files.read();
    }
    contents.found = found;
    contents.manifests.extend(sources.inline.iter().cloned());
    contents
}

/// Text → objects. Fails if a file could not be read, too, but not before the others have been looked
/// at: all mistakes are to be seen at once.
fn parse(
    contents: Contents,
    sources: &Sources,
    key: &HashKey,
    before: Option<&Snapshot>,
) -> Result<Parsed, LoadError> {
    let default_namespace = sources.default_namespace.clone();
    let options = Options { limits: sources.limits, default_namespace, ..Options::default() };
    let read: Vec<(Manifest, Vec<Diagnostic>)> = contents
        .manifests
        .par_iter()
        .map(|text| parse_manifest(&text.source(), &options))
        .collect();
    let manifest_files = read.len();
    let (authentication, found) = sources.oidc.parse(&contents, &sources.limits);
    let authentication_text = contents.file(FileKind::AuthenticationConfig).cloned();
    if found.iter().any(Diagnostic::is_error) {
        sources.oidc.observe(&sources.authorization.metrics, authentication_text.as_ref(), false);
    }
    let known = before.map(|before| &*before.authorization);
    let (authorizers, wrong) = sources.authorization.parse(&contents, known, &sources.limits);
    let webhooks = match wrong.is_empty() {
        true => sources.authorization.compile(&authorizers, known, &contents, &sources.limits),
        false => Err(wrong),
    };
    let metrics = &sources.authorization.metrics;
    if let Some(text) = contents.file(FileKind::AuthorizationConfig) {
        let families = &sources.authorization.observed;
        families.observe(metrics, text.source().bytes, webhooks.is_ok());
    }
    let (certificates, of_certificates) = Certificates::read(&contents, &sources.certificates);
    let token_webhook = sources.token_webhook(&contents, before, key);
    let mut diagnostics = contents.found;
    diagnostics.extend(of_certificates);
    let webhooks = webhooks.unwrap_or_else(|wrong| {
        diagnostics.extend(wrong);
        Authorization::default()
    });
    diagnostics.extend(found);
    let token_webhook = token_webhook.unwrap_or_else(|wrong| {
        diagnostics.extend(wrong);
        None
    });
    let mut manifests = Vec::with_capacity(read.len());
    for (manifest, found) in read {
        manifests.push(manifest);
        diagnostics.extend(found);
    }
    let (policy, mut found) = PolicySet::from_manifests(manifests);
    excerpts::fill(&mut found, &contents.manifests);
    diagnostics.extend(found);
    let policy = united(policy, &sources.objects);

    let limits = &sources.limits;
    let with = |text: Option<Text>| text.map(|text| (Arc::clone(&text.name), text));
    let abac = with(contents.abac).map(|(name, text)| {
        let (file, found) = verdikt_parser::abac::parse(&text.source(), limits);
        diagnostics.extend(found);
        (name, file.policies)
    });
    let tokens = with(contents.tokens).map(|(name, text)| {
        let (records, found) = token_file::parse(&text.source(), limits);
        diagnostics.extend(found);
        (name, records)
    });
    let basic = with(contents.basic).map(|(name, text)| {
        let (records, found) = basic_file::parse(&text.source(), limits);
        diagnostics.extend(found);
        (name, records)
    });
    let is_audit = |(kind, _): &&(FileKind, Text)| *kind == FileKind::AuditPolicy;
    let audit = contents.others.iter().find(is_audit).and_then(|(_, text)| {
        let (policy, found) = audit_policy::parse(&text.source(), limits);
        diagnostics.extend(found);
        policy
    });
    let service_account_keys = read_keys(&contents.others, &mut diagnostics);
    let diagnostics = LoadError::unless_good(diagnostics)?;
    Ok(Parsed {
        policy,
        abac,
        tokens,
        basic,
        audit,
        authentication,
        authentication_text,
        authorizers,
        webhooks,
        token_webhook,
        certificates,
        service_account_keys,
        manifest_files,
        diagnostics,
    })
}

impl Sources {
    /// The webhook that is asked about tokens, if there is one.
    fn token_webhook(
        &self,
        contents: &Contents,
        before: Option<&Snapshot>,
        key: &HashKey,
    ) -> Result<Option<TokenWebhook>, Vec<Diagnostic>> {
        let before = before.and_then(|before| before.token_webhook.as_ref());
        let with = token_webhook::With {
            api_audiences: &self.api_audiences,
            key,
            metrics: &self.authorization.metrics,
            limits: &self.limits,
        };
        self.token_webhook.compile(contents, before, &self.oidc.remote, &with)
    }
}

/// What was read and what the embedding program gave; the latter may be large, and is not copied
/// unless there is something to add to it.
fn united(read: PolicySet, given: &Arc<PolicySet>) -> Arc<PolicySet> {
    if read.is_empty() {
        return Arc::clone(given);
    }
    let mut all = read;
    if !given.is_empty() {
        all.extend(PolicySet::clone(given));
    }
    Arc::new(all)
}

/// Configuration of issuers → those who know their tokens. May ask the issuers, and wait.
fn authenticate(
    parsed: &Parsed,
    options: &oidc::Options,
    before: Option<&Authentication>,
    anonymous: bool,
    metrics: &Metrics,
) -> Result<Authentication, LoadError> {
    let compiled = options.compile(&parsed.authentication, before, anonymous, metrics);
    options.observe(metrics, parsed.authentication_text.as_ref(), compiled.is_ok());
    compiled.map_err(|found| LoadError { diagnostics: found })
}

/// Objects → tables → snapshot.
fn compile(
    parsed: Parsed,
    authentication: Authentication,
    digests: Digests,
    sources: &mut Sources,
    key: &HashKey,
    revision: Revision,
) -> Result<Snapshot, LoadError> {
    let counts = counts(&parsed);
    let keys = parsed.service_account_keys.as_ref().map(Arc::clone);
    let Parsed { policy, mut abac, tokens, basic, audit, certificates, .. } = parsed;
    let mut diagnostics = parsed.diagnostics;
    let authorization = Arc::new(parsed.webhooks);
    let modes = modes(&parsed.authorizers)?;
    let mut authorizers = Vec::new();
    let mut rbac = None;
    for (mode, name) in &modes {
        authorizers.push(match mode {
            Mode::Webhook => match authorization.webhook(name) {
                Some(webhook) => Authorizer::Webhook(Arc::clone(webhook)),
                None => continue,
            },
            // Last, when nothing can be refused any more: the graph outlives a reload.
            Mode::Node => continue,
            Mode::AlwaysAllow => Authorizer::AlwaysAllow,
            Mode::AlwaysDeny => Authorizer::AlwaysDeny,
            Mode::Abac => {
                let (file, policies) = abac.take().unwrap_or_default();
                let table = abac::Table::compile(&policies, key);
                Authorizer::Abac(Arc::new(AbacAuthorizer { table, file }))
            }
            Mode::Rbac => {
                let (compiler, found) = sources.read_rbac(&policy, key);
                diagnostics.extend(found);
                let table = compiler.table().clone();
                rbac = Some(compiler);
                Authorizer::Rbac(Arc::new(table))
            }
        });
    }
    let mut builder = authn::Chain::builder(key).anonymous_on(authentication.anonymous.clone());
    builder = sources.oidc.add_to(builder, &authentication, &sources.api_audiences);
    if let Some((name, records)) = tokens {
        builder = builder.token_file(&name, records);
    }
    if let Some((name, records)) = basic {
        builder = builder.basic_file(&name, records);
    }
    builder = builder.api_audiences(sources.api_audiences.clone()).cache(sources.token_cache);
    builder = builder.metrics(sources.authorization.metrics.clone());
    let accounts = &sources.service_accounts;
    let audiences = &sources.api_audiences;
    let metrics = &sources.authorization.metrics;
    builder =
        accounts.add_to(builder, keys.as_ref(), &policy, audiences, metrics, &mut diagnostics);
    if sources.bootstrap_tokens {
        builder = add_bootstrap_tokens(builder, &policy, audiences);
    }
    let token_webhook = parsed.token_webhook;
    if let Some(webhook) = &token_webhook {
        builder = builder.tokens(webhook.authenticator.clone());
    }
    let discovery = accounts.discovery(keys.as_ref(), &mut diagnostics);
    builder = certificates.add_to(builder, &sources.certificates, key);
    let (authenticators, found) = builder.build();
    diagnostics.extend(found);
    let warnings = LoadError::unless_good(diagnostics)?;
    sources.rbac = rbac;
    if let Some(place) = modes.iter().position(|(mode, _)| *mode == Mode::Node) {
        let index = Arc::new(sources.read_nodes(&policy, key));
        authorizers.insert(place, Authorizer::Node(index));
    }
    let metrics = &sources.authorization.metrics;
    let counts_of = modes.iter().map(|(mode, name)| Decisions::new(metrics, mode.as_str(), name));
    let authorizers = Chain::new(authorizers, counts_of.collect());
    let loaded = Loaded {
        digest: digests.policy.clone(),
        loaded_at: now(),
        sources: sources.files.names(),
        authenticators: authenticators.names(),
        authorization_modes: modes.iter().map(|(mode, _)| mode.as_str()).collect(),
        counts,
        table_bytes: authorizers.heap_bytes(),
        warnings,
    };
    let (authenticators, loaded) = (Arc::new(authenticators), Arc::new(loaded));
    Ok(Snapshot {
        revision,
        authenticators,
        authorizers,
        authentication,
        authorization,
        token_webhook,
        impersonation: sources.impersonation,
        metrics: metrics.clone(),
        audit_policy: audit.map(|policy| Arc::new(audit::Policy::new(policy))),
        loaded,
        digests,
        discovery,
    })
}

/// The authorizers of a configuration, with their names.
fn modes(configuration: &AuthorizationConfiguration) -> Result<Vec<(Mode, String)>, LoadError> {
    let mode = |entry: &AuthorizerConfiguration| match entry.authorizer_type.parse() {
        Ok(mode) => Ok((mode, entry.name.clone())),
        Err(unknown) => {
            let unknown: UnknownMode = unknown;
            let found = Diagnostic::error("options/invalid", unknown.to_string());
            Err(LoadError { diagnostics: vec![found] })
        }
    };
    configuration.authorizers.iter().map(mode).collect()
}

fn counts(parsed: &Parsed) -> Counts {
    let policy = &parsed.policy;
    Counts {
        manifest_files: parsed.manifest_files,
        roles: policy.roles.len(),
        cluster_roles: policy.cluster_roles.len(),
        role_bindings: policy.role_bindings.len(),
        cluster_role_bindings: policy.cluster_role_bindings.len(),
        service_accounts: policy.service_accounts.len(),
        secrets: policy.secrets.len(),
        pods: policy.pods.len(),
        bound_to_nodes: policy.persistent_volumes.len()
            + policy.volume_attachments.len()
            + policy.resource_slices.len()
            + policy.pod_certificate_requests.len(),
        abac_policies: parsed.abac.as_ref().map_or(0, |(_, policies)| policies.len()),
        tokens: parsed.tokens.as_ref().map_or(0, |(_, records)| records.len()),
        basic_users: parsed.basic.as_ref().map_or(0, |(_, records)| records.len()),
        skipped: policy.skipped.clone(),
    }
}

impl LoadError {
    /// A single error.
    pub(crate) fn of(error: Diagnostic) -> Self {
        Self { diagnostics: vec![error] }
    }

    /// Several, of which there is at least one error.
    pub(crate) fn all(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics }
    }

    /// The findings, if none of them is an error.
    pub(crate) fn unless_good(found: Vec<Diagnostic>) -> Result<Vec<Diagnostic>, Self> {
        if found.iter().any(Diagnostic::is_error) {
            return Err(Self { diagnostics: found });
        }
        Ok(found)
    }

    /// Everything that was found, warnings included.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

/// The first error, and how many more there are.
impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut errors = self.diagnostics.iter().filter(|found| found.is_error());
        if let Some(first) = errors.next() {
            write!(f, "{first}")?;
        }
        match errors.count() {
            0 => Ok(()),
            1 => f.write_str(" (and 1 more error)"),
            more => write!(f, " (and {more} more errors)"),
        }
    }
}

impl std::error::Error for LoadError {}

impl Attempt {
    pub(crate) fn succeeded(diagnostics: Vec<Diagnostic>) -> Self {
        Self { at: now(), ok: true, error: None, diagnostics }
    }

    fn failed(error: &LoadError) -> Self {
        let diagnostics = error.diagnostics.clone();
        Self { at: now(), ok: false, error: Some(error.to_string()), diagnostics }
    }
}
