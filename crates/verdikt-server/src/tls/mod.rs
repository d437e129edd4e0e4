//! TLS: which certificate is shown, what clients are asked for, and how long a handshake may take.
//!
//! As kube-apiserver's `--tls-*` flags. Clients are asked for a certificate if the policy knows any
//! authority of client certificates, and need not have one; who they are is for the authenticators to
//! say, so that a certificate nobody trusts is a 401 and not a broken handshake; unless a certificate is required.

mod client;
mod client_auth;
mod options;
mod self_signed;
mod serving;
mod sni;
pub(crate) mod upstream;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use verdikt::{Engine, Peer, Revision, Snapshot};

pub use client_auth::ClientAuth;
pub use options::{TlsError, TlsOptions, TlsVersion};

pub use self_signed::SelfSigned;
pub use sni::SniCertificate;

use client::AnyClient;
use client_auth::Required;
use sni::Certificates;

/// What a listener needs to speak TLS.
pub(crate) struct Tls {
    engine: Engine,
    provider: Arc<CryptoProvider>,
    versions: &'static [&'static SupportedProtocolVersion],
    certificates: Arc<Certificates>,
    client_auth: ClientAuth,
    handshake_timeout: Duration,
    /// What connections are set up with, and for which policy it was made.
    current: Mutex<Option<(Revision, Arc<ServerConfig>)>>,
}

impl Tls {
    /// Reads the certificate, and again whenever its files change.
    pub(crate) fn new(engine: Engine, options: &TlsOptions) -> Result<Self, TlsError> {
        let provider = Arc::new(options.provider()?);
        let certificates = Arc::new(Certificates::start(options, &provider)?);
        let tls = Self {
            engine,
            provider,
            versions: options.min_version.and_later(),
            certificates,
            client_auth: options.client_auth,
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
        let accepting = TlsAcceptor::from(config).accept(stream).into_fallible();
        let accepted = tokio::time::timeout(self.handshake_timeout, accepting).await;
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no handshake in time");
        let stream = match accepted.map_err(late)? {
            Ok(stream) => stream,
            Err((error, stream)) => {
                linger(stream).await;
                return Err(error);
            }
        };
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
        let config = Arc::new(self.build(&snapshot)?);
        *current = Some((snapshot.revision(), Arc::clone(&config)));
        Ok(config)
    }

    fn build(&self, snapshot: &Arc<Snapshot>) -> Result<ServerConfig, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(self.versions)
            .map_err(|error| TlsError::Options(error.to_string()))?;
        let required =
            (self.client_auth == ClientAuth::Require).then(|| Required(Arc::clone(snapshot)));
        let builder = match (self.client_auth, snapshot.certificate_authorities()) {
            (ClientAuth::Request | ClientAuth::Require, Some(subjects)) => {
                let algorithms = self.provider.signature_verification_algorithms;
                let verifier = AnyClient::new(algorithms, subjects, required);
                builder.with_client_cert_verifier(Arc::new(verifier))
            }
            (ClientAuth::Require, None) => {
                let message = "client certificates are required, and there is no authority of any: name it \
                               with --client-ca-file";
                return Err(TlsError::Options(message.to_owned()));
            }
            (ClientAuth::None, _) | (ClientAuth::Request, None) => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::clone(&self.certificates) as _);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Ends a connection so that its client learns why: in TLS 1.3 it may send a request before it reads the alert, and
/// what nobody reads would take the alert away.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let ending = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await
    };
    // Whether it ended well is all the same.
    drop(tokio::time::timeout(LINGER, ending).await);
}

const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 64 << 10;
