//! Certificates of clients and of authenticating proxies: what can be said about them, and the files read
//! for it.
//!
//! Follows apiserver's `pkg/server/options/authentication.go`, and has revocation lists besides.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use verdikt_authn::ChainBuilder;
use verdikt_authn::front_proxy::{self, FrontProxy, HeaderNames};
use verdikt_authn::x509::{Certificate, Now, Revocations, Trust, read_bundle, read_revocations};
use verdikt_core::HashKey;
use verdikt_parser::Diagnostic;

use crate::source::{Contents, FileKind, FileSet, Text};

/// What was said on the command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct CertificateOptions {
    pub(crate) client_ca: Option<PathBuf>,
    pub(crate) client_crl: Option<PathBuf>,
    pub(crate) proxy_ca: Option<PathBuf>,
    pub(crate) proxy_names: Vec<String>,
    pub(crate) proxy_headers: HeaderNames,
}

/// What the files of a policy say about certificates.
#[derive(Default)]
pub(crate) struct Certificates {
    clients: Option<Vec<Arc<Certificate>>>,
    proxies: Option<Vec<Arc<Certificate>>>,
    revocations: Option<Arc<Revocations>>,
}

impl CertificateOptions {
    /// What is wrong with them, or odd.
    pub(crate) fn validate(&self) -> Vec<Diagnostic> {
        let mut found = front_proxy::validate(&self.proxy_headers, &self.proxy_names);
        if self.client_crl.is_some() && self.client_ca.is_none() && self.proxy_ca.is_none() {
            let message = "--client-crl-file is of no use without --client-ca-file";
            found.push(Diagnostic::error("options/invalid", message));
        }
        found
    }

    /// The files they name, with others.
    pub(crate) fn add_files(&self, mut files: FileSet) -> FileSet {
        for (kind, path) in [
            (FileKind::ClientCa, &self.client_ca),
            (FileKind::ClientCrl, &self.client_crl),
            (FileKind::RequestHeaderCa, &self.proxy_ca),
        ] {
            if let Some(path) = path {
                files = files.with_file(kind, path);
            }
        }
        files
    }
}

impl Certificates {
    /// Text → certificates and lists, with what was found on the way.
    pub(crate) fn read(
        contents: &Contents,
        options: &CertificateOptions,
    ) -> (Self, Vec<Diagnostic>) {
        let mut found = Vec::new();
        let mut bundle = |kind, purpose| {
            let text = contents.file(kind)?;
            match read_bundle(purpose, &text.name, text.source().bytes) {
                Ok(certificates) => Some(certificates),
                Err(problem) => {
                    found.push(*problem);
                    None
                }
            }
        };
        let clients = bundle(FileKind::ClientCa, "client-ca-bundle");
        let proxies = bundle(FileKind::RequestHeaderCa, "request-header");
        if options.proxy_names.is_empty() && overlap(&clients, &proxies) {
            found.push(Diagnostic::error("options/invalid", OVERLAP));
        }
        let authorities: Vec<_> =
            [&clients, &proxies].into_iter().flatten().flatten().cloned().collect();
        let revocations = contents.file(FileKind::ClientCrl).map(|text: &Text| {
            let now = Now::of(SystemTime::now());
            let (lists, problems) =
                read_revocations(&text.name, text.source().bytes, &authorities, now);
            found.extend(problems);
            lists
        });
        (Self { clients, proxies, revocations }, found)
    }

    /// Puts the authenticators that follow from it into a chain.
    pub(crate) fn add_to<'k>(
        self,
        mut builder: ChainBuilder<'k>,
        options: &CertificateOptions,
        key: &HashKey,
    ) -> ChainBuilder<'k> {
        if let Some(roots) = self.proxies {
            let trust = Trust::new(roots, self.revocations.clone());
            let (names, headers) = (options.proxy_names.clone(), options.proxy_headers.clone());
            builder = builder.front_proxy(FrontProxy::new(trust, names, headers, key));
        }
        if let Some(roots) = self.clients {
            builder = builder.client_certificates(Trust::new(roots, self.revocations));
        }
        builder
    }
}

/// Whether a certificate is in both bundles.
fn overlap(left: &Option<Vec<Arc<Certificate>>>, right: &Option<Vec<Arc<Certificate>>>) -> bool {
    let (Some(left), Some(right)) = (left, right) else { return false };
    left.iter().any(|one| right.iter().any(|other| one.der() == other.der()))
}

const OVERLAP: &str = "--requestheader-client-ca-file and --client-ca-file contain overlapping \
                       certificates; --requestheader-allowed-names must be specified to ensure \
                       regular client certificates cannot set authenticating proxy headers for \
                       arbitrary users";
