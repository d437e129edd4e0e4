//! Whether clients show certificates: they may, they must, or they are not asked.

use std::sync::Arc;

use rustls::CertificateError;
use verdikt::authn::x509::{TrustError, VerifyError};
use verdikt::{Peer, Snapshot};

/// What clients are asked for when a connection begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// Nothing: whoever they are is said by their tokens.
    None,
    /// A certificate, which they need not have; who it makes them is for the authenticators to say. As kube-apiserver.
    #[default]
    Request,
    /// A certificate that an authority of the policy vouches for; no request is read without.
    Require,
}

/// Whom a certificate must be vouched for by, where one is required.
pub(super) struct Required(pub(super) Arc<Snapshot>);

impl Required {
    /// # Errors
    /// If no authority of clients or of proxies vouches for the certificates.
    pub(super) fn check<'c>(
        &self,
        certificates: impl Iterator<Item = &'c [u8]>,
    ) -> Result<(), CertificateError> {
        let peer = Peer::new(certificates.map(<[u8]>::to_vec));
        // Other connections must not wait for it.
        let checked = tokio::task::block_in_place(|| self.0.vouches_for(&peer));
        checked.map_err(|error| {
            tracing::info!("a client's certificate is refused: {error}");
            match error {
                TrustError::Parse(_) => CertificateError::BadEncoding,
                TrustError::Revoked(_) => CertificateError::Revoked,
                TrustError::Verify { error: VerifyError::Expired { .. }, .. } => {
                    CertificateError::Expired
                }
                TrustError::Verify { error: VerifyError::UnknownAuthority(_), .. } => {
                    CertificateError::UnknownIssuer
                }
                _ => CertificateError::ApplicationVerificationFailure,
            }
        })
    }
}

impl std::fmt::Debug for Required {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Required").field(&self.0.revision()).finish()
    }
}
