//! Connections: where they are accepted, how long they may take, and how they end.

mod accept;
mod address;
mod socket;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};
use verdikt::{Engine, Peer};

use accept::{Accepted, Acceptor};
pub use address::{Address, AddressError};

use crate::front::{Answering, Front};
use crate::grpc;
use crate::http;
use crate::http::audit::PeerAddress;
use crate::http::proxy::{Upstream, UpstreamError, UpstreamOptions};
use crate::inflight::Inflight;
use crate::tls::{Tls, TlsError, TlsOptions};
use crate::traces::Traces;

/// Who may ask about other users, and for the state of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever can connect: for a listener that only its operator reaches.
    Open,
    /// Whoever the policy allows it: `create subjectaccessreviews`, or the path itself for addresses
    /// that are not Kubernetes'.
    Authorized,
}

/// How a listener is set up.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Where to listen.
    pub address: Address,
    /// Who may connect to a Unix socket: the mode of its file.
    pub socket_mode: u32,
    /// Who may ask about others.
    pub access: Access,
    /// Whether other machines may connect without TLS; otherwise only loopback addresses are taken.
    pub allow_plain_text: bool,
    /// Whether a request that Envoy asks about goes on without the `Authorization` header that it came with.
    pub ext_authz_removes_credentials: bool,
    /// Bounds.
    pub limits: Limits,
    /// How many requests are answered at a time, over all listeners that share this; as many as come, without.
    pub inflight: Option<Inflight>,
    /// Where requests are traced to, if they are.
    pub traces: Option<Traces>,
    /// The flags in force, for `/configz`.
    pub configuration: Configuration,
}

/// Flags and their values.
pub type Configuration = Arc<serde_json::Map<String, serde_json::Value>>;

/// Bounds on what a client can make the server hold.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one body (as kube-apiserver: 3 MiB).
    pub body_bytes: usize,
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// How long the head of a request, and then its body, may take to arrive.
    pub read_timeout: Duration,
    /// How long the server goes on after it was told to stop, while `/readyz` says that it is not ready any more: time
    /// for others to stop sending it requests (kube-apiserver's `--shutdown-delay-duration`).
    pub shutdown_delay: Duration,
    /// How long answers may take to end once the server stops.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 3 << 20,
            connections: 16_384,
            read_timeout: Duration::from_secs(30),
            shutdown_delay: Duration::ZERO,
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

impl Options {
    /// A listener at `address`, open to whoever reaches it if that is only this machine. A Unix socket is its
    /// owner's alone.
    pub fn new(address: Address) -> Self {
        let access = if address.is_local() { Access::Open } else { Access::Authorized };
        Self {
            address,
            socket_mode: 0o600,
            access,
            allow_plain_text: false,
            ext_authz_removes_credentials: false,
            limits: Limits::default(),
            inflight: None,
            traces: None,
            configuration: Configuration::default(),
        }
    }
}

/// Why a server does not listen.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// Tokens would travel in plain text between machines.
    PlainText(Address),
    /// The address cannot be had.
    Address(Address, io::Error),
    /// TLS cannot be spoken.
    Tls(TlsError),
    /// The component that requests go on to cannot be one.
    Upstream(UpstreamError),
}

/// A server that listens, and serves once [`Server::run`] is called.
pub struct Server {
    acceptor: Acceptor,
    address: Address,
    front: Arc<Front>,
    limits: Limits,
    tls: Option<Arc<Tls>>,
    /// Tells streams that would go on for ever that the server is to end.
    stopping: watch::Sender<bool>,
}

impl Server {
    /// Takes the address: for HTTP, and on a Unix socket for gRPC as well.
    ///
    /// # Errors
    /// If the address is taken, or is not loopback and plain text was not allowed.
    pub async fn bind(engine: Engine, options: Options) -> Result<Self, BindError> {
        refuse_plain_text(&options)?;
        let stopping = watch::Sender::new(false);
        let front = match options.address {
            Address::Tcp(_) => {
                let (reviews, router) = http::routes(engine, &options, stopping.subscribe());
                Front { reviews: Some(reviews), ..Front::new(router) }
            }
            Address::Unix(_) => both(engine, &options, &stopping).await,
        };
        Self::listen(options, front, stopping, None).await
    }

    /// Takes the address, for gRPC in plain text alone.
    ///
    /// # Errors
    /// As [`Server::bind`].
    pub async fn bind_grpc(engine: Engine, options: Options) -> Result<Self, BindError> {
        refuse_plain_text(&options)?;
        let stopping = watch::Sender::new(false);
        let (calls, router) = grpc::routes(engine, &options, stopping.subscribe()).await;
        let router = router.fallback(grpc::unimplemented);
        let front = Front { calls: Some(calls), ..Front::new(router) };
        Self::listen(options, front, stopping, None).await
    }

    /// Takes the address, for HTTP and gRPC over TLS. Whoever asks about others must be allowed to, even on loopback and
    /// whatever the options say.
    ///
    /// # Errors
    /// If the address is taken, or TLS cannot be spoken as `tls` says.
    pub async fn bind_tls(
        engine: Engine,
        mut options: Options,
        tls: &TlsOptions,
    ) -> Result<Self, BindError> {
        options.access = Access::Authorized;
        let tls = Tls::new(engine.clone(), tls).map_err(BindError::Tls)?;
        let stopping = watch::Sender::new(false);
        let front = both(engine, &options, &stopping).await;
        Self::listen(options, front, stopping, Some(Arc::new(tls))).await
    }

    /// Takes the address, and hands what is allowed on to `upstream`; whoever comes must be allowed to, whatever the
    /// options say. In plain text without `tls`.
    ///
    /// # Errors
    /// As [`Server::bind`] and [`Server::bind_tls`], or if the upstream cannot be one.
    pub async fn bind_proxy(
        engine: Engine,
        mut options: Options,
        tls: Option<&TlsOptions>,
        upstream: &UpstreamOptions,
    ) -> Result<Self, BindError> {
        if tls.is_none() {
            refuse_plain_text(&options)?;
        }
        options.access = Access::Authorized;
        let upstream = Upstream::new(&engine, upstream).map_err(BindError::Upstream)?;
        let tls = tls.map(|tls| Tls::new(engine.clone(), tls).map(Arc::new));
        let tls = tls.transpose().map_err(BindError::Tls)?;
        let inflight = options.inflight.take();
        let router = http::proxy::router(engine, options.limits, inflight, Arc::new(upstream));
        Self::listen(options, Front::new(router), watch::Sender::new(false), tls).await
    }

    async fn listen(
        options: Options,
        front: Front,
        stopping: watch::Sender<bool>,
        tls: Option<Arc<Tls>>,
    ) -> Result<Self, BindError> {
        let Options { address, socket_mode, access, limits, inflight, traces, .. } = options;
        let traces = traces.map(|traces| (traces, access));
        let front = Arc::new(Front { inflight, traces, ..front });
        match Acceptor::listen(&address, socket_mode).await {
            Ok((acceptor, address)) => Ok(Self { acceptor, address, front, limits, tls, stopping }),
            Err(error) => Err(BindError::Address(address, error)),
        }
    }

    /// Where it listens, with the port it got.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Serves until `stop` is ready, then lets the answers under way end.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { acceptor, front, limits, tls, stopping, .. } = self;
        let connections = Arc::new(Semaphore::new(limits.connections));
        let under_way = GracefulShutdown::new();
        let mut stop = pin!(async {
            stop.await;
            stopping.send_replace(true);
            tokio::time::sleep(limits.shutdown_delay).await;
        });
        loop {
            let next = async {
                let permit = Arc::clone(&connections).acquire_owned().await;
                (permit, acceptor.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                next = next => next,
                () = &mut stop => break,
            };
            let accepted = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: trying again at once would spin.
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let peer = accepted.peer().map(tracing::field::display);
            let (front, tls, watcher) = (Arc::clone(&front), tls.clone(), under_way.watcher());
            tokio::spawn(async move {
                if let Err(error) = connection(accepted, front, tls, limits, watcher).await {
                    tracing::debug!(peer, "connection ended: {error}");
                }
                drop(permit);
            });
        }
        drop(acceptor);
        if tokio::time::timeout(limits.shutdown_timeout, under_way.shutdown()).await.is_err() {
            tracing::warn!("some connections did not end in time, and were cut");
        }
    }
}

/// HTTP and gRPC on one address.
async fn both(engine: Engine, options: &Options, stopping: &watch::Sender<bool>) -> Front {
    let (reviews, http) = http::routes(engine.clone(), options, stopping.subscribe());
    let (calls, grpc) = grpc::routes(engine, options, stopping.subscribe()).await;
    Front { reviews: Some(reviews), calls: Some(calls), ..Front::new(http.merge(grpc)) }
}

/// # Errors
/// If credentials would travel between machines in plain text, and nobody allowed that.
fn refuse_plain_text(options: &Options) -> Result<(), BindError> {
    match options.address.is_local() || options.allow_plain_text {
        true => Ok(()),
        false => Err(BindError::PlainText(options.address.clone())),
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// One connection, from its first byte to its last.
async fn connection(
    accepted: Accepted,
    front: Arc<Front>,
    tls: Option<Arc<Tls>>,
    limits: Limits,
    watcher: Watcher,
) -> Result<(), BoxError> {
    let address = accepted.peer();
    match accepted {
        Accepted::Tcp(stream, _) => shake_hands(stream, front, address, tls, limits, watcher).await,
        Accepted::Unix(stream) => shake_hands(stream, front, address, tls, limits, watcher).await,
    }
}

async fn shake_hands(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    front: Arc<Front>,
    address: Option<SocketAddr>,
    tls: Option<Arc<Tls>>,
    limits: Limits,
    watcher: Watcher,
) -> Result<(), BoxError> {
    match tls {
        Some(tls) => {
            let (stream, peer) = tls.accept(stream).await?;
            serve(stream, front, (address, Some(peer)), limits, watcher).await
        }
        None => serve(stream, front, (address, None), limits, watcher).await,
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    front: Arc<Front>,
    (address, peer): (Option<SocketAddr>, Option<Arc<Peer>>),
    limits: Limits,
    watcher: Watcher,
) -> Result<(), BoxError> {
    let service = WithPeer { front, address, peer };
    let builder = builder(&limits);
    watcher.watch(builder.serve_connection_with_upgrades(TokioIo::new(stream), service)).await
}

/// Hands every request of a connection on together with what the client presented.
struct WithPeer {
    front: Arc<Front>,
    address: Option<SocketAddr>,
    peer: Option<Arc<Peer>>,
}

impl Service<Request<Incoming>> for WithPeer {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, mut request: Request<Incoming>) -> Answering {
        if let Some(address) = self.address {
            request.extensions_mut().insert(PeerAddress(address));
        }
        if let Some(peer) = &self.peer {
            request.extensions_mut().insert(Arc::clone(peer));
        }
        Arc::clone(&self.front).answer(request)
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.read_timeout)
        .max_buf_size(64 << 10);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(250)
        .max_header_list_size(64 << 10);
    builder
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl std::fmt::Display for BindError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PlainText(address) => write!(
                f,
                "{address} is reached from other machines, and credentials would travel there in \
                 plain text; listen on 127.0.0.1, or allow it"
            ),
            Self::Address(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Self::Tls(error) => error.fmt(f),
            Self::Upstream(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BindError {}
