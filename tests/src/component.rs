//! The component behind verdikt's own proxy: an HTTP server that says what it got, and misbehaves when asked to.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_stream::StreamExt as _;

use crate::tls::{Authority, Certified};

/// A server on a loopback port, for HTTP/1.1 and HTTP/2.
///
/// `/echo` gives back the body as it comes, `/count` its length, `/slow` one part and a second one when
/// [`Component::go_on`] is called, `/never` nothing, `/cut` one part of an answer and, after [`Component::go_on`], an
/// end that is none, `/api/v1/pods` an answer after a second; `/switch` switches protocols though nobody asked, and whatever asks for an upgrade is echoed. Everything
/// else is answered with the request's head.
#[derive(Debug)]
pub struct Component {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    seen: Mutex<Vec<String>>,
    go_on: tokio::sync::Notify,
}

impl Component {
    /// Starts one on `runtime`, in plain text.
    ///
    /// # Panics
    /// If no port can be had.
    pub fn start(runtime: &tokio::runtime::Runtime) -> Self {
        Self::serve(runtime, None)
    }

    /// The same over TLS, for clients that show a certificate of `clients`.
    ///
    /// # Panics
    /// If no port can be had, or the certificate cannot be used.
    pub fn start_tls(
        runtime: &tokio::runtime::Runtime,
        certified: &Certified,
        clients: &Authority,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(clients.pem.as_bytes()).unwrap()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let chain = vec![CertificateDer::from_pem_slice(certified.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(certified.key.as_bytes()).unwrap();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self::serve(runtime, Some(TlsAcceptor::from(Arc::new(config))))
    }

    fn serve(runtime: &tokio::runtime::Runtime, tls: Option<TlsAcceptor>) -> Self {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, state) = (tls.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let app = axum::Router::new().fallback(answer).with_state(state);
                    let service = TowerToHyperService::new(app);
                    let builder = Builder::new(TokioExecutor::new());
                    // How a connection ends is for the other end to say.
                    match tls {
                        Some(tls) => {
                            let Ok(stream) = tls.accept(stream).await else { return };
                            let io = TokioIo::new(stream);
                            drop(builder.serve_connection_with_upgrades(io, service).await);
                        }
                        None => {
                            let io = TokioIo::new(stream);
                            drop(builder.serve_connection_with_upgrades(io, service).await);
                        }
                    }
                });
            }
        });
        Self { address, state }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Method and target of each request that has come so far.
    ///
    /// # Panics
    /// If a test has panicked that asked.
    pub fn seen(&self) -> Vec<String> {
        self.state.seen.lock().unwrap().clone()
    }

    /// Lets `/slow` or `/cut` end.
    pub fn go_on(&self) {
        self.state.go_on.notify_one();
    }
}

type Shared = axum::extract::State<Arc<State>>;

async fn answer(axum::extract::State(state): Shared, mut request: Request<Body>) -> Response<Body> {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    state.seen.lock().unwrap().push(format!("{} {target}", request.method()));
    if let Some(protocol) = request.headers().get(header::UPGRADE).cloned() {
        return upgraded(protocol, &mut request);
    }
    match request.uri().path() {
        "/echo" => Response::new(request.into_body()),
        "/count" => {
            let mut body = request.into_body().into_data_stream();
            let mut count = 0;
            while let Some(Ok(part)) = body.next().await {
                count += part.len();
            }
            Response::new(Body::from(count.to_string()))
        }
        "/slow" => {
            let first = tokio_stream::once(Bytes::from("first,"));
            let second = async_once(state);
            Response::new(Body::from_stream(first.chain(second).map(Ok::<_, Infallible>)))
        }
        "/never" => std::future::pending().await,
        "/api/v1/pods" => {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Response::new(Body::from("late"))
        }
        "/cut" => {
            let first = tokio_stream::once(Ok(Bytes::from("part")));
            let cut = async_once(state).map(|_| Err(std::io::Error::other("cut")));
            Response::new(Body::from_stream(first.chain(cut)))
        }
        "/switch" => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            response
        }
        _ => described(&request),
    }
}

fn async_once(state: Arc<State>) -> impl tokio_stream::Stream<Item = Bytes> + Send {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        state.go_on.notified().await;
        // An error means that nobody waits any more.
        drop(sender.send(Bytes::from("second")).await);
    });
    tokio_stream::wrappers::ReceiverStream::new(receiver)
}

/// The request's head as it came, each header on a line.
fn described(request: &Request<Body>) -> Response<Body> {
    let mut text = format!("{} {} {:?}\n", request.method(), request.uri(), request.version());
    for (name, value) in request.headers() {
        text += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
    }
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert("x-component", HeaderValue::from_static("here"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("X-Hop"));
    headers.insert("x-hop", HeaderValue::from_static("ends"));
    headers.insert(header::SET_COOKIE, HeaderValue::from_static("a=b"));
    response
}

/// Switches to what is asked for (or to something else at `/elsewhere`), and gives back all that comes.
fn upgraded(protocol: HeaderValue, request: &mut Request<Body>) -> Response<Body> {
    let is_elsewhere = request.uri().path() == "/elsewhere";
    let upgrade = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let Ok(stream) = upgrade.await else { return };
        let mut stream = TokioIo::new(stream);
        let mut part = [0; 1024];
        while let Ok(length @ 1..) = stream.read(&mut part).await {
            if stream.write_all(&part[..length]).await.is_err() {
                return;
            }
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    let switched = if is_elsewhere { HeaderValue::from_static("h2c") } else { protocol };
    headers.insert(header::UPGRADE, switched);
    headers.insert("sec-websocket-accept", HeaderValue::from_static("yes"));
    response
}

/// Writes a certificate and its key to a folder; their paths.
///
/// # Panics
/// If they cannot be written.
pub fn write(
    folder: &Path,
    name: &str,
    certified: &Certified,
) -> (std::path::PathBuf, std::path::PathBuf) {
    let [certificate, key] = ["pem", "key"].map(|kind| folder.join(format!("{name}.{kind}")));
    std::fs::write(&certificate, &certified.certificate).unwrap();
    std::fs::write(&key, &certified.key).unwrap();
    (certificate, key)
}
