//! The certificate a server shows, read again while it serves: connections that are there go on with what
//! they began with, and what cannot be used is reported while the last good one stays.

use std::sync::{Arc, PoisonError, RwLock, Weak};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use verdikt::authn::x509::Certificate;
use verdikt::source::{Contents, Digests, FileKind, FileSet, Watcher};
use verdikt::{Limits, WatchOptions};
use webpki::EndEntityCert;

use super::options::{TlsError, TlsOptions};

/// The certificate of now.
pub(super) struct ServingCertificate {
    files: FileSet,
    provider: Arc<CryptoProvider>,
    current: RwLock<Current>,
    watcher: RwLock<Option<Watcher>>,
}

struct Current {
    key: Arc<CertifiedKey>,
    /// The names that the certificate is for, in small letters.
    names: Vec<String>,
    /// Of the files that were looked at last, whether they could be used or not.
    digests: Digests,
    complaint: Option<TlsError>,
}

impl Current {
    fn new(contents: &Contents, key: Arc<CertifiedKey>) -> Self {
        let certificate = key.cert.first().map(EndEntityCert::try_from);
        let names = match &certificate {
            Some(Ok(certificate)) => {
                certificate.valid_dns_names().map(str::to_ascii_lowercase).collect()
            }
            _ => Vec::new(),
        };
        Self { key, names, digests: contents.digests(), complaint: None }
    }
}

impl ServingCertificate {
    /// Reads the files, and watches them from then on.
    pub(super) fn start(
        options: &TlsOptions,
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<Self>, TlsError> {
        let none = FileSet::new(Vec::new(), None, None, None, Limits::default());
        let files = none
            .with_file(FileKind::ServingCertificate, &options.certificate_file)
            .with_file(FileKind::ServingKey, &options.key_file);
        let (contents, key) = load(&files, &provider)?;
        let current = Current::new(&contents, key);
        let certificate = Arc::new(Self {
            files,
            provider,
            current: RwLock::new(current),
            watcher: RwLock::new(None),
        });
        let mut watch = WatchOptions::default();
        watch.poll_interval = options.poll_interval;
        let weak: Weak<Self> = Arc::downgrade(&certificate);
        let on_change = move || {
            if let Some(certificate) = weak.upgrade() {
                certificate.reload();
            }
        };
        match Watcher::spawn(&certificate.files, watch, on_change) {
            Ok(watcher) => {
                *certificate.watcher.write().unwrap_or_else(PoisonError::into_inner) =
                    Some(watcher);
            }
            Err(error) => tracing::error!("the certificate is not watched: {error}"),
        }
        Ok(certificate)
    }

    pub(super) fn current(&self) -> Arc<CertifiedKey> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.key)
    }

    /// Whether the certificate is for a name, which may begin with `*.`.
    pub(super) fn is_for(&self, name: &str) -> bool {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.names.iter().any(|own| own == name)
    }

    fn reload(&self) {
        let loaded = load(&self.files, &self.provider);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        match loaded {
            Ok((contents, key)) => {
                if contents.digests() != current.digests {
                    tracing::info!(files = ?self.files.names(), "certificate loaded");
                    *current = Current::new(&contents, key);
                }
            }
            // The same complaint is made once.
            Err(error) if current.complaint.as_ref() == Some(&error) => {}
            Err(error) => {
                tracing::error!("certificate refused, the last one stays: {error}");
                current.complaint = Some(error);
            }
        }
    }
}

/// Both files, as they were at one time.
fn load(
    files: &FileSet,
    provider: &CryptoProvider,
) -> Result<(Contents, Arc<CertifiedKey>), TlsError> {
    let (contents, found) = files.read();
    if let Some(error) = found.iter().find(|found| found.is_error()) {
        return Err(TlsError::Certificate(error.message.clone()));
    }
    let key = certified_key(&contents, provider)?;
    Ok((contents, Arc::new(key)))
}

fn certified_key(contents: &Contents, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let failed = |message: String| TlsError::Certificate(message);
    let file = |kind| contents.file(kind).ok_or_else(|| failed("a file is missing".to_owned()));
    let certificates = file(FileKind::ServingCertificate)?;
    let key_file = file(FileKind::ServingKey)?;
    let unreadable = |name: &str, error: &dyn std::fmt::Display| failed(format!("{name}: {error}"));

    let chain = CertificateDer::pem_slice_iter(certificates.source().bytes);
    let chain: Vec<CertificateDer<'static>> =
        chain.collect::<Result<_, _>>().map_err(|error| unreadable(&certificates.name, &error))?;
    let Some(first) = chain.first() else {
        return Err(failed(format!("{}: no certificate in PEM", certificates.name)));
    };
    let shown =
        Certificate::parse(first).map_err(|error| unreadable(&certificates.name, &error))?;
    let key = PrivateKeyDer::from_pem_slice(key_file.source().bytes)
        .map_err(|_| failed(format!("{}: no private key in PEM", key_file.name)))?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| unreadable(&key_file.name, &error))?;
    if key.public_key().is_some_and(|public| public.as_ref() != shown.key_der()) {
        return Err(failed(format!(
            "{} is not the key of the certificate in {}",
            key_file.name, certificates.name
        )));
    }
    Ok(CertifiedKey::new(chain, key))
}

/// To a server that this one is a client of.
impl ResolvesClientCert for ServingCertificate {
    fn resolve(
        &self,
        _authorities: &[&[u8]],
        _schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl std::fmt::Debug for ServingCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServingCertificate").field("files", &self.files.names()).finish()
    }
}
