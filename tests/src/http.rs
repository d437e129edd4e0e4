//! A running server, and the plainest of clients for it: bytes out, bytes in.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::oneshot;
use verdikt::Engine;
use verdikt_server::{Options, Server, TlsOptions, UpstreamOptions};

/// A server on a loopback port of its own, stopped when dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    runtime: tokio::runtime::Runtime,
}

impl Running {
    /// Serves `engine`; `configure` may change the options.
    ///
    /// # Panics
    /// If no port can be had.
    pub fn start(engine: Engine, configure: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::new(([127, 0, 0, 1], 0).into());
        configure(&mut options);
        Self::run(Server::bind(engine, options))
    }

    /// The same over TLS.
    ///
    /// # Panics
    /// If no port can be had, or TLS cannot be spoken so.
    pub fn start_tls(engine: Engine, tls: &TlsOptions) -> Self {
        Self::run(Server::bind_tls(engine, Options::new(([127, 0, 0, 1], 0).into()), tls))
    }

    /// The same for gRPC.
    ///
    /// # Panics
    /// If no port can be had.
    pub fn start_grpc(engine: Engine, configure: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::new(([127, 0, 0, 1], 0).into());
        configure(&mut options);
        Self::run(Server::bind_grpc(engine, options))
    }

    /// The same as a proxy in front of `upstream`, over TLS if that is asked for.
    ///
    /// # Panics
    /// If no port can be had, or the upstream cannot be one.
    pub fn start_proxy(
        engine: Engine,
        tls: Option<&TlsOptions>,
        upstream: &UpstreamOptions,
        configure: impl FnOnce(&mut Options),
    ) -> Self {
        let mut options = Options::new(([127, 0, 0, 1], 0).into());
        configure(&mut options);
        Self::run(Server::bind_proxy(engine, options, tls, upstream))
    }

    fn run(bind: impl Future<Output = Result<Server, verdikt_server::BindError>>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(bind).unwrap();
        let address = server.address().tcp().unwrap();
        let (stop, stopped) = oneshot::channel();
        runtime.spawn(server.run(async {
            drop(stopped.await);
        }));
        Self { address, stop: Mutex::new(Some(stop)), runtime }
    }

    /// Tells it to stop, and lets it end what is under way.
    pub fn stop(&self) {
        if let Some(stop) = self.stop.lock().unwrap().take() {
            // An error means that it has ended already.
            let _ = stop.send(());
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The runtime it is served by, for clients that need one.
    pub fn runtime(&self) -> &tokio::runtime::Runtime {
        &self.runtime
    }

    /// Sends bytes as they are, and reads until the server closes the connection or goes silent.
    ///
    /// # Panics
    /// If it cannot be reached.
    pub fn raw(&self, bytes: &[u8]) -> Answer {
        raw(self.address, bytes)
    }

    /// One request on a connection of its own.
    pub fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request =
            format!("{method} {target} HTTP/1.1\r\nHost: verdikt\r\nConnection: close\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.raw(request.as_bytes())
    }

    /// A GET with a bearer token, if there is one.
    pub fn get(&self, target: &str, token: Option<&str>) -> Answer {
        let bearer = format!("Bearer {}", token.unwrap_or_default());
        let headers = [("Authorization", bearer.as_str())];
        self.send("GET", target, if token.is_some() { &headers } else { &[] }, "")
    }

    /// A POST of JSON.
    pub fn post(&self, target: &str, body: &str) -> Answer {
        self.send("POST", target, &[("Content-Type", "application/json")], body)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sends bytes to a server, and reads until it closes the connection or goes silent.
///
/// # Panics
/// If it cannot be reached.
pub fn raw(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may answer, and close, before it has read everything.
    drop(stream.write_all(bytes));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    Answer::parse(&answer)
}

/// A GET without credentials.
pub fn get(address: SocketAddr, target: &str) -> Answer {
    raw(
        address,
        format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes(),
    )
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status; 0 if there was no answer.
    pub code: u16,
    /// Head, with the names of headers in lower case.
    pub head: String,
    /// Body.
    pub body: String,
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
        Self { code, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// The value of a header; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default()
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}
