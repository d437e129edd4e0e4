//! The next component: how to reach it, and what can go wrong with that.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::uri::PathAndQuery;
use axum::http::{Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::sync::Semaphore;
use verdikt::Engine;

use super::body::{Progress, Trouble};
use super::meters::Meters;
use super::options::{UpstreamError, UpstreamOptions};
use super::tunnel::{Place, Tunnel};
use crate::tls::{self, TlsError};

type Connections = Client<HttpsConnector<HttpConnector>, Body>;

/// Connections to the next component, kept for requests to come.
pub(crate) struct Upstream {
    url: Uri,
    connections: Connections,
    /// HTTP/1.1 alone: HTTP/2 knows no `Upgrade`.
    for_tunnels: Connections,
    tunnels: Arc<Semaphore>,
    timeout: Duration,
    meters: Meters,
}

/// What the upstream answered.
pub(super) enum Reply {
    /// An answer.
    Whole(Response<Incoming>),
    /// The connection has become what it was asked to become.
    Switched(Response<Incoming>, Place),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The client did not send all of its request.
    Client(Trouble),
    /// There are as many tunnels as there may be.
    Full,
    /// Nobody could be reached; why.
    Unreachable(String),
    /// What came is no answer, or the connection ended before there was one; why.
    Broken(String),
    /// Nothing came in time.
    Silent,
}

impl Upstream {
    /// Reads the certificates; connects to nobody yet.
    ///
    /// # Errors
    /// If the URL or the certificates cannot be used.
    pub(crate) fn new(engine: &Engine, options: &UpstreamOptions) -> Result<Self, UpstreamError> {
        let url = options.parsed()?;
        let is_plain = url.scheme_str() == Some("http");
        let tls = match is_plain {
            true => tls::upstream::unused()?,
            false => tls::upstream::configuration(options)?,
        };
        let connector = |tls: rustls::ClientConfig, h2: bool| connector(tls, options, h2);
        let for_tunnels = client(options).build(connector(tls.clone(), false)?);
        let connections = client(options)
            .http2_only(options.force_h2c)
            .build(connector(tls, options.force_h2c || !is_plain)?);
        Ok(Self {
            url,
            connections,
            for_tunnels,
            tunnels: Arc::new(Semaphore::new(options.tunnels.max(1))),
            timeout: options.timeout,
            meters: Meters::new(engine),
        })
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn meters(&self) -> &Meters {
        &self.meters
    }

    /// Sends a request on; the upstream may be silent for so long after the last part of it.
    pub(super) async fn send(
        &self,
        request: Request<Body>,
        path: Option<&PathAndQuery>,
        progress: &Progress,
        timeout: Option<Duration>,
    ) -> Result<Reply, Failure> {
        let asked = self.connections.request(self.addressed(request, path)?);
        let silent = async {
            let Some(timeout) = timeout else { return std::future::pending().await };
            loop {
                let due = progress.last() + timeout;
                tokio::time::sleep_until(due).await;
                if progress.last() + timeout <= tokio::time::Instant::now() {
                    return;
                }
            }
        };
        let response = tokio::select! {
            response = asked => response.map_err(|error| failure(&error, progress))?,
            () = silent => return Err(Failure::Silent),
        };
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => {
                Err(Failure::Broken("it switches protocols though nobody asked".to_owned()))
            }
            _ => Ok(Reply::Whole(response)),
        }
    }

    /// Sends a request on whose connection is to become something else.
    pub(super) async fn open(
        &self,
        tunnel: &Tunnel,
        mut request: Request<Body>,
        path: Option<&PathAndQuery>,
    ) -> Result<Reply, Failure> {
        let permit = Arc::clone(&self.tunnels).try_acquire_owned().map_err(|_| Failure::Full)?;
        tunnel.ask(request.headers_mut());
        let asked = self.for_tunnels.request(self.addressed(request, path)?);
        let response = match tokio::time::timeout(self.timeout, asked).await {
            Ok(response) => response.map_err(|error| unsent(&error))?,
            Err(_) => return Err(Failure::Silent),
        };
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Reply::Whole(response));
        }
        if !tunnel.is_answered_by(response.headers()) {
            return Err(Failure::Broken(
                "it switches to another protocol than was asked".to_owned(),
            ));
        }
        let place = Place { _permit: permit, _open: self.meters.open() };
        Ok(Reply::Switched(response, place))
    }

    /// The request under its own path, at the host of the upstream.
    fn addressed(
        &self,
        mut request: Request<Body>,
        path: Option<&PathAndQuery>,
    ) -> Result<Request<Body>, Failure> {
        let mut parts = self.url.clone().into_parts();
        parts.path_and_query = path.cloned();
        *request.uri_mut() =
            Uri::from_parts(parts).map_err(|error| Failure::Broken(error.to_string()))?;
        Ok(request)
    }
}

impl Reply {
    /// The status that the client gets.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Whole(response) | Self::Switched(response, _) => response.status(),
        }
    }
}

fn client(options: &UpstreamOptions) -> legacy::Builder {
    let mut client = Client::builder(TokioExecutor::new());
    client
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MOST_IDLE)
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(options.connect_timeout);
    client
}

fn connector(
    tls: rustls::ClientConfig,
    options: &UpstreamOptions,
    h2: bool,
) -> Result<HttpsConnector<HttpConnector>, UpstreamError> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(options.connect_timeout));
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    let builder = match &options.server_name {
        None => builder,
        Some(name) => {
            let name = ServerName::try_from(name.clone())
                .map_err(|_| TlsError::Options(format!("{name:?} is no name of a server")))?;
            builder.with_server_name_resolver(FixedServerNameResolver::new(name))
        }
    };
    Ok(match h2 {
        true => builder.enable_http1().enable_http2().wrap_connector(connector),
        false => builder.enable_http1().wrap_connector(connector),
    })
}

fn failure(error: &legacy::Error, progress: &Progress) -> Failure {
    progress.trouble().map_or_else(|| unsent(error), Failure::Client)
}

fn unsent(error: &legacy::Error) -> Failure {
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        why = format!("{why}: {error}");
        cause = error.source();
    }
    if error.is_connect() { Failure::Unreachable(why) } else { Failure::Broken(why) }
}

/// As the log names it.
impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

const IDLE: Duration = Duration::from_secs(90);
const MOST_IDLE: usize = 256;
