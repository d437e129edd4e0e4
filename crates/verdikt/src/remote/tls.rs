//! Whom to trust when talking to others.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Authorities of servers.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// Those of the operating system.
    System,
    /// Those in a PEM text.
    Pem(&'a [u8]),
}

/// TLS 1.2 and 1.3 with servers that an authority vouches for.
pub(crate) fn configuration(trust: &Trust<'_>) -> Result<ClientConfig, String> {
    let roots = root_certificates(trust)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The authorities themselves.
///
/// # Errors
/// If there are none, or one of them cannot be read.
pub fn root_certificates(trust: &Trust<'_>) -> Result<RootCertStore, String> {
    match trust {
        Trust::System => system_roots(),
        Trust::Pem(pem) => pem_roots(pem),
    }
}

fn system_roots() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let cause = found.errors.first().map_or_else(String::new, |error| format!(": {error}"));
        return Err(format!("the system has no certificates of authorities{cause}"));
    }
    Ok(roots)
}

fn pem_roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| format!("certificate of an authority: {error}"))?;
    }
    if roots.is_empty() {
        return Err("data does not contain any valid RSA or ECDSA certificates".to_owned());
    }
    Ok(roots)
}
