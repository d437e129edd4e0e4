//! Connections: where they are accepted, how long they may take, and how they end.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::server::graceful::Watcher;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use verdikt::{Engine, Peer};

use crate::grpc;
use crate::http;
use crate::http::audit::PeerAddress;
use crate::http::proxy::{Upstream, UpstreamError, UpstreamOptions};
use crate::tls::{Tls, TlsError, TlsOptions};

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
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Who may ask about others.
    pub access: Access,
    /// Whether other machines may connect without TLS; otherwise only loopback addresses are taken.
    pub allow_plain_text: bool,
    /// Whether a request that Envoy asks about goes on without the `Authorization` header that it came with.
    pub ext_authz_removes_credentials: bool,
    /// Bounds.
    pub limits: Limits,
}

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
    /// How long answers may take to end once the server stops.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 3 << 20,
            connections: 4_096,
            read_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

impl Options {
    /// A listener at `address`, open to whoever reaches it if that is only this machine.
    pub fn new(address: SocketAddr) -> Self {
        let access = if address.ip().is_loopback() { Access::Open } else { Access::Authorized };
        Self {
            address,
            access,
            allow_plain_text: false,
            ext_authz_removes_credentials: false,
            limits: Limits::default(),
        }
    }
}

/// Why a server does not listen.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// Tokens would travel in plain text between machines.
    PlainText(SocketAddr),
    /// The address cannot be had.
    Address(SocketAddr, io::Error),
    /// TLS cannot be spoken.
    Tls(TlsError),
    /// The component that requests go on to cannot be one.
    Upstream(UpstreamError),
}

/// A server that listens, and serves once [`Server::run`] is called.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: axum::Router,
    limits: Limits,
    tls: Option<Arc<Tls>>,
    /// Tells streams that would go on for ever that the server is to end.
    stopping: watch::Sender<bool>,
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// If the address is taken, or is not loopback and plain text was not allowed.
    pub async fn bind(engine: Engine, options: Options) -> Result<Self, BindError> {
        let Options { address, access, allow_plain_text, limits, .. } = options;
        if !address.ip().is_loopback() && !allow_plain_text {
            return Err(BindError::PlainText(address));
        }
        Self::listen(address, http::router(engine, access, limits), limits, None).await
    }

    /// Takes the address, for gRPC in plain text alone.
    ///
    /// # Errors
    /// As [`Server::bind`].
    pub async fn bind_grpc(engine: Engine, options: Options) -> Result<Self, BindError> {
        let Options { address, access, allow_plain_text, limits, .. } = options;
        if !address.ip().is_loopback() && !allow_plain_text {
            return Err(BindError::PlainText(address));
        }
        let removes = options.ext_authz_removes_credentials;
        let stopping = watch::Sender::new(false);
        let app = grpc::routes(engine, access, limits, removes, stopping.subscribe()).await;
        let app = app.fallback(grpc::unimplemented);
        Ok(Self { stopping, ..Self::listen(address, app, limits, None).await? })
    }

    /// Takes the address, for HTTP and gRPC over TLS. Whoever asks about others must be allowed to, even on loopback and
    /// whatever the options say.
    ///
    /// # Errors
    /// If the address is taken, or TLS cannot be spoken as `tls` says.
    pub async fn bind_tls(
        engine: Engine,
        options: Options,
        tls: &TlsOptions,
    ) -> Result<Self, BindError> {
        let Options { address, limits, .. } = options;
        let tls = Tls::new(engine.clone(), tls).map_err(BindError::Tls)?;
        let access = Access::Authorized;
        let app = http::router(engine.clone(), access, limits);
        let removes = options.ext_authz_removes_credentials;
        let stopping = watch::Sender::new(false);
        let app =
            app.merge(grpc::routes(engine, access, limits, removes, stopping.subscribe()).await);
        Ok(Self { stopping, ..Self::listen(address, app, limits, Some(Arc::new(tls))).await? })
    }

    /// Takes the address, and hands what is allowed on to `upstream`; whoever comes must be allowed to, whatever the
    /// options say. In plain text without `tls`.
    ///
    /// # Errors
    /// As [`Server::bind`] and [`Server::bind_tls`], or if the upstream cannot be one.
    pub async fn bind_proxy(
        engine: Engine,
        options: Options,
        tls: Option<&TlsOptions>,
        upstream: &UpstreamOptions,
    ) -> Result<Self, BindError> {
        let Options { address, allow_plain_text, limits, .. } = options;
        if tls.is_none() && !address.ip().is_loopback() && !allow_plain_text {
            return Err(BindError::PlainText(address));
        }
        let upstream = Upstream::new(&engine, upstream).map_err(BindError::Upstream)?;
        let tls = tls.map(|tls| Tls::new(engine.clone(), tls).map(Arc::new));
        let tls = tls.transpose().map_err(BindError::Tls)?;
        let app = http::proxy::router(engine, limits, Arc::new(upstream));
        Self::listen(address, app, limits, tls).await
    }

    async fn listen(
        address: SocketAddr,
        app: axum::Router,
        limits: Limits,
        tls: Option<Arc<Tls>>,
    ) -> Result<Self, BindError> {
        let at = |error| BindError::Address(address, error);
        let listener = bind(address).map_err(at)?;
        let address = listener.local_addr().map_err(at)?;
        let stopping = watch::Sender::new(false);
        Ok(Self { listener, address, app, limits, tls, stopping })
    }

    /// Where it listens, with the port it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is ready, then lets the answers under way end.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { listener, app, limits, tls, stopping, .. } = self;
        let connections = Arc::new(Semaphore::new(limits.connections));
        let under_way = GracefulShutdown::new();
        let mut stop = pin!(stop);
        loop {
            let next = async {
                let permit = Arc::clone(&connections).acquire_owned().await;
                (permit, listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                next = next => next,
                () = &mut stop => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: trying again at once would spin.
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%peer, "TCP_NODELAY: {error}");
            }
            let (app, tls, watcher) = (app.clone(), tls.clone(), under_way.watcher());
            tokio::spawn(async move {
                if let Err(error) = connection((stream, peer), app, tls, limits, watcher).await {
                    tracing::debug!(%peer, "connection ended: {error}");
                }
                drop(permit);
            });
        }
        drop(listener);
        stopping.send_replace(true);
        if tokio::time::timeout(limits.shutdown_timeout, under_way.shutdown()).await.is_err() {
            tracing::warn!("some connections did not end in time, and were cut");
        }
    }
}

/// A socket that listens, with room for as many connections that wait as the system usually grants.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As usual for servers: one that ended a moment ago is in nobody's way.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(4096)
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// One connection, from its first byte to its last.
async fn connection(
    (stream, address): (TcpStream, SocketAddr),
    app: axum::Router,
    tls: Option<Arc<Tls>>,
    limits: Limits,
    watcher: Watcher,
) -> Result<(), BoxError> {
    match tls {
        Some(tls) => {
            let (stream, peer) = tls.accept(stream).await?;
            serve(stream, app, (address, Some(peer)), limits, watcher).await
        }
        None => serve(stream, app, (address, None), limits, watcher).await,
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    app: axum::Router,
    (address, peer): (SocketAddr, Option<Arc<Peer>>),
    limits: Limits,
    watcher: Watcher,
) -> Result<(), BoxError> {
    let service = WithPeer { app: TowerToHyperService::new(app), address, peer };
    let builder = builder(&limits);
    watcher.watch(builder.serve_connection_with_upgrades(TokioIo::new(stream), service)).await
}

/// Hands every request of a connection on together with what the client presented.
struct WithPeer {
    app: TowerToHyperService<axum::Router>,
    address: SocketAddr,
    peer: Option<Arc<Peer>>,
}

type Inner = TowerToHyperService<axum::Router>;
type Request = hyper::Request<Incoming>;

impl Service<Request> for WithPeer {
    type Response = <Inner as Service<Request>>::Response;
    type Error = <Inner as Service<Request>>::Error;
    type Future = <Inner as Service<Request>>::Future;

    fn call(&self, mut request: Request) -> Self::Future {
        request.extensions_mut().insert(PeerAddress(self.address));
        if let Some(peer) = &self.peer {
            request.extensions_mut().insert(Arc::clone(peer));
        }
        self.app.call(request)
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.read_timeout)
        .max_headers(100)
        .max_buf_size(64 << 10);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(250)
        .max_header_list_size(64 << 10)
        .keep_alive_interval(Some(limits.read_timeout));
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
