//! What is asked of clients: to hold the key of the certificate they present, and nothing else unless a
//! certificate is required.
//!
//! As Go's `RequestClientCert`. A certificate that Go could not read ends the handshake there, and here.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use verdikt::authn::x509::Certificate;

use super::client_auth::Required;

/// Takes any certificate whose key the client holds, and which is vouched for if one is required.
#[derive(Debug)]
pub(super) struct AnyClient {
    algorithms: WebPkiSupportedAlgorithms,
    authorities: Vec<DistinguishedName>,
    required: Option<Required>,
}

impl AnyClient {
    /// `authorities` are the subjects of those whose certificates are known, for clients that choose
    /// among several by that.
    pub(super) fn new(
        algorithms: WebPkiSupportedAlgorithms,
        mut authorities: Vec<Vec<u8>>,
        required: Option<Required>,
    ) -> Self {
        authorities.dedup();
        // The list has to fit into one message. An empty one means any.
        if authorities.iter().map(|name| name.len() + 2).sum::<usize>() > MOST_BYTES {
            authorities.clear();
        }
        let authorities = authorities.into_iter().map(DistinguishedName::from).collect();
        Self { algorithms, authorities, required }
    }
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        self.required.is_some()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.authorities
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        for certificate in std::iter::once(end_entity).chain(intermediates) {
            parse(certificate)?;
        }
        if let Some(required) = &self.required {
            let all = std::iter::once(end_entity).chain(intermediates);
            required.check(all.map(|certificate| certificate.as_ref()))?;
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let bad = || Error::from(CertificateError::BadSignature);
        let certificate = parse(certificate)?;
        let (algorithm, key) = certificate.key_parts().ok_or_else(bad)?;
        // One scheme may be used with keys of several curves in TLS 1.2.
        let of_scheme = |(scheme, _): &&(SignatureScheme, _)| *scheme == signed.scheme;
        let candidates = self.algorithms.mapping.iter().find(of_scheme);
        let (_, candidates) = candidates.ok_or_else(bad)?;
        let is_valid = candidates.iter().any(|candidate| {
            candidate.public_key_alg_id().as_ref() == algorithm
                && candidate.verify_signature(&key, message, signed.signature()).is_ok()
        });
        if is_valid { Ok(HandshakeSignatureValid::assertion()) } else { Err(bad()) }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let certificate = parse(certificate)?;
        let key = SubjectPublicKeyInfoDer::from(certificate.key_der());
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn parse(certificate: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::parse(certificate).map_err(|error| {
        tracing::debug!("a client's certificate cannot be read: {error}");
        CertificateError::BadEncoding.into()
    })
}

const MOST_BYTES: usize = 32 << 10;
