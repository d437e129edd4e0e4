//! TLS with the component behind a proxy: whom to trust, and which certificate to show.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use verdikt::{Trust, root_certificates};

use super::options::{TlsError, TlsOptions};
use super::serving::ServingCertificate;
use crate::http::proxy::UpstreamOptions;

/// TLS 1.2 and 1.3, with a server that an authority vouches for.
pub(crate) fn configuration(options: &UpstreamOptions) -> Result<ClientConfig, TlsError> {
    let pem = match &options.ca_file {
        Some(file) => Some(std::fs::read(file).map_err(|error| {
            TlsError::Certificate(format!("cannot read {}: {error}", file.display()))
        })?),
        None => None,
    };
    let trust = pem.as_deref().map_or(Trust::System, Trust::Pem);
    let roots = root_certificates(&trust).map_err(|problem| {
        let file = options.ca_file.as_ref().map(|file| format!("{}: ", file.display()));
        TlsError::Certificate(file.unwrap_or_default() + &problem)
    })?;
    with_roots(roots, options)
}

/// For a server that is not spoken to over TLS.
pub(crate) fn unused() -> Result<ClientConfig, TlsError> {
    with_roots(RootCertStore::empty(), &UpstreamOptions::new(""))
}

fn with_roots(roots: RootCertStore, options: &UpstreamOptions) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Options(error.to_string()))?
        .with_root_certificates(roots);
    let Some((certificate, key)) = &options.client_certificate else {
        return Ok(builder.with_no_client_auth());
    };
    let mut shown = TlsOptions::new(certificate, key);
    shown.poll_interval = options.poll_interval;
    let shown = ServingCertificate::start(&shown, provider)?;
    Ok(builder.with_client_cert_resolver(shown))
}
