//! Service account and bootstrap tokens as an engine has them: what kube-apiserver's flags say, the keys
//! of the files they name, and the documents others verify tokens with.
//!
//! Follows `pkg/kubeapiserver/options/authentication.go` and `pkg/controlplane/apiserver/server.go`.

use std::path::PathBuf;
use std::sync::Arc;

use verdikt_authn::bootstrap_token::BootstrapTokens;
use verdikt_authn::jwt::KeySet;
use verdikt_authn::service_account::{
    Config, Discovery, Objects, ServiceAccounts, check_issuers, check_jwks_uri,
};
use verdikt_authn::{ChainBuilder, Clock};
use verdikt_parser::{Diagnostic, PolicySet};

use crate::metrics::Metrics;
use crate::source::{FileKind, FileSet, Text};

/// How tokens of service accounts are accepted. Without issuers and key files, none is.
#[derive(Clone, Debug)]
pub struct ServiceAccountOptions {
    /// PEM files of public keys, private keys and certificates (`--service-account-key-file`).
    pub key_files: Vec<PathBuf>,
    /// Issuers of tokens (`--service-account-issuer`); the first also signs and is published.
    pub issuers: Vec<String>,
    /// Whether legacy tokens are looked up (`--service-account-lookup`).
    pub lookup: bool,
    /// Whether nothing is looked up for any token: the objects of the cluster are not here
    /// (`--service-account-claims-only`).
    pub claims_only: bool,
    /// Where the key set is said to be (`--service-account-jwks-uri`); at
    /// [`ServiceAccountOptions::external_address`] if not said.
    pub jwks_uri: Option<String>,
    /// Host and port under which others reach this server.
    pub external_address: String,
}

impl Default for ServiceAccountOptions {
    fn default() -> Self {
        Self {
            key_files: Vec::new(),
            issuers: Vec::new(),
            lookup: true,
            claims_only: false,
            jwks_uri: None,
            external_address: "localhost:443".to_owned(),
        }
    }
}

impl ServiceAccountOptions {
    fn is_on(&self) -> bool {
        !self.issuers.is_empty() || !self.key_files.is_empty()
    }

    /// What contradicts itself, in kube-apiserver's words.
    pub(crate) fn problems(&self) -> Vec<Diagnostic> {
        let error = |message: String| Diagnostic::error("options/invalid", message);
        let mut found: Vec<Diagnostic> =
            check_issuers(&self.issuers).into_iter().map(error).collect();
        if self.is_on() && self.issuers.is_empty() {
            found.push(error("service-account-issuer is a required flag".to_owned()));
        }
        if self.is_on() && self.key_files.is_empty() {
            let message = "either `--service-account-key-file` or \
                           `--service-account-signing-endpoint` must be set";
            found.push(
                error(message.to_owned()).help("there is no signing endpoint here: name a file"),
            );
        }
        found.extend(self.jwks_uri.as_deref().and_then(check_jwks_uri).map(error));
        found
    }

    /// The same files with those of the keys.
    pub(crate) fn name_files(&self, files: FileSet) -> FileSet {
        let add =
            |files: FileSet, path: &PathBuf| files.with_file(FileKind::ServiceAccountKeys, path);
        self.key_files.iter().fold(files, add)
    }

    /// The audiences of the server if it is told none: all issuers.
    pub(crate) fn api_audiences(&self, said: &[String]) -> Vec<String> {
        if said.is_empty() { self.issuers.clone() } else { said.to_vec() }
    }

    /// Adds the authenticators to a chain.
    pub(crate) fn add_to<'k>(
        &self,
        chain: ChainBuilder<'k>,
        keys: Option<&Arc<KeySet>>,
        policy: &PolicySet,
        api_audiences: &[String],
        metrics: &Metrics,
        found: &mut Vec<Diagnostic>,
    ) -> ChainBuilder<'k> {
        let Some(keys) = keys else { return chain };
        let objects = (!self.claims_only).then(|| Arc::new(Objects::from_policy(policy)));
        found.extend(remark(objects.as_deref()));
        let config = Config {
            issuers: self.issuers.clone(),
            keys: Arc::clone(keys),
            api_audiences: api_audiences.to_vec(),
            lookup: self.lookup,
            objects,
            clock: Clock::default(),
            metrics: metrics.clone(),
        };
        chain.tokens(ServiceAccounts::legacy(config.clone())).tokens(ServiceAccounts::bound(config))
    }

    /// The documents that others verify tokens with. As in kube-apiserver, without them the server goes
    /// on, and says why.
    pub(crate) fn discovery(
        &self,
        keys: Option<&Arc<KeySet>>,
        found: &mut Vec<Diagnostic>,
    ) -> Option<Arc<Discovery>> {
        let issuer = self.issuers.first()?;
        let (uri, address) = (self.jwks_uri.as_deref(), &self.external_address);
        match Discovery::new(issuer, uri, address, keys?) {
            Ok(discovery) => Some(Arc::new(discovery)),
            Err(error) => {
                let message = format!(
                    "Could not construct pre-rendered responses for ServiceAccountIssuerDiscovery \
                     endpoints. Endpoints will not be enabled. Error: {error}"
                );
                found.push(Diagnostic::warning("authn/no-discovery", message));
                None
            }
        }
    }
}

/// What an operator must know about what tokens are held against.
fn remark(objects: Option<&Objects>) -> Option<Diagnostic> {
    let Some(objects) = objects else {
        let message = "service account tokens are accepted by signature and claims alone: nothing is \
                       looked up, and a token stays good until it expires whatever is deleted";
        return Some(
            Diagnostic::warning("authn/claims-only", message)
                .help("load the cluster's objects, and leave out `--service-account-claims-only`"),
        );
    };
    objects.has_no_service_accounts().then(|| {
        let message = "no ServiceAccount is loaded, so no bound service account token is accepted";
        Diagnostic::warning("authn/no-service-accounts", message).help(
            "load the cluster's ServiceAccounts, and what tokens are bound to: Pods, Secrets, \
             Nodes; or pass `--service-account-claims-only`",
        )
    })
}

/// The keys of all files together, in order; none if no file was named.
pub(crate) fn read_keys(
    texts: &[(FileKind, Text)],
    found: &mut Vec<Diagnostic>,
) -> Option<Arc<KeySet>> {
    let mut keys = KeySet::default();
    let files = texts.iter().filter(|(kind, _)| *kind == FileKind::ServiceAccountKeys);
    let mut has_files = false;
    for (_, text) in files {
        has_files = true;
        match KeySet::from_pem(text.source().bytes) {
            Ok(of_file) => keys.extend(of_file),
            Err(error) => {
                let message = format!("error reading public key file {}: {error}", text.name);
                found.push(Diagnostic::error("authn/no-public-key", message).help(
                    "a key file holds PEM blocks of public keys, private keys or certificates, of \
                     RSA or ECDSA",
                ));
            }
        }
    }
    has_files.then(|| Arc::new(keys))
}

/// Adds the authenticator of bootstrap tokens to a chain.
pub(crate) fn add_bootstrap_tokens<'k>(
    chain: ChainBuilder<'k>,
    policy: &PolicySet,
    api_audiences: &[String],
) -> ChainBuilder<'k> {
    chain.tokens(BootstrapTokens::new(&policy.secrets, api_audiences, &Clock::default()))
}
