//! TLS: which certificate is shown, what clients are asked for, and how long a handshake may take.
//!
//! As kube-apiserver's `--tls-*` flags. Clients are asked for a certificate if the policy knows any
//! authority of client certificates, and need not have one; who they are is for the authenticators to
//! say, so that a certificate nobody trusts is a 401 and not a broken handshake.

mod client;
mod options;
mod serving;
pub(crate) mod upstream;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use verdikt::{Engine, Peer, Revision};

pub use options::{TlsError, TlsOptions, TlsVersion};

use client::AnyClient;
use serving::ServingCertificate;

/// What a listener needs to speak TLS.
pub(crate) struct Tls {
    engine: Engine,
    provider: Arc<CryptoProvider>,
    versions: &'static [&'static SupportedProtocolVersion],
    certificate: Arc<ServingCertificate>,
    handshake_timeout: Duration,
    /// What connections are set up with, and for which policy it was made.
    current: Mutex<Option<(Revision, Arc<ServerConfig>)>>,
}

impl Tls {
    /// Reads the certificate, and again whenever its files change.
    pub(crate) fn new(engine: Engine, options: &TlsOptions) -> Result<Self, TlsError> {
        let provider = Arc::new(options.provider()?);
        let certificate = ServingCertificate::start(options, Arc::clone(&provider))?;
        let tls = Self {
            engine,
            provider,
            versions: options.min_version.and_later(),
            certificate,
            handshake_timeout: options.handshake_timeout,
            current: Mutex::new(None),
        };
        tls.config()?;
        Ok(tls)
    }

    /// Shakes hands, and says what the client presented.
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<(TlsStream<S>, Arc<Peer>)> {
        let config = self.config().map_err(io::Error::other)?;
        let accepting = TlsAcceptor::from(config).accept(stream);
        let stream = tokio::time::timeout(self.handshake_timeout, accepting)
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no handshake in time"))??;
        let (_, session) = stream.get_ref();
        let certificates = session.peer_certificates().unwrap_or_default();
        let peer = Peer::new(certificates.iter().map(|certificate| certificate.to_vec()));
        Ok((stream, Arc::new(peer)))
    }

    /// What a new connection is set up with. Which authorities clients are told of changes with the
    /// policy, and so it is made again when that has.
    fn config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let revision = self.engine.revision();
        if let Some((made_for, config)) = &*current
            && *made_for == revision
        {
            return Ok(Arc::clone(config));
        }
        let snapshot = self.engine.snapshot();
        let config = Arc::new(self.build(snapshot.certificate_authorities())?);
        *current = Some((snapshot.revision(), Arc::clone(&config)));
        Ok(config)
    }

    fn build(&self, authorities: Option<Vec<Vec<u8>>>) -> Result<ServerConfig, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(self.versions)
            .map_err(|error| TlsError::Options(error.to_string()))?;
        let builder = match authorities {
            Some(subjects) => {
                let algorithms = self.provider.signature_verification_algorithms;
                builder.with_client_cert_verifier(Arc::new(AnyClient::new(algorithms, subjects)))
            }
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::clone(&self.certificate) as _);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}
