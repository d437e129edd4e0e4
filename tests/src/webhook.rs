//! A webhook on a loopback port, over mutual TLS, that answers what it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto, pki_types, server};

/// The webhook; stopped when dropped.
#[derive(Debug)]
pub struct Webhook {
    address: SocketAddr,
    authority: String,
    client: (String, String),
    state: Arc<Mutex<State>>,
    _runtime: tokio::runtime::Runtime,
}

/// An answer as it goes over the wire, after some time.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Such as 200.
    pub status: u16,
    /// Lines that end in `\r\n`.
    pub headers: String,
    /// The body.
    pub body: Vec<u8>,
    /// How long it takes.
    pub delay: Duration,
}

#[derive(Debug, Default)]
struct State {
    /// The last one stays.
    replies: Vec<Reply>,
    /// Whether answers wait.
    held: bool,
    /// Target and body of every request.
    asked: Vec<(String, String)>,
}

impl Reply {
    /// JSON, at once.
    pub fn json(status: u16, body: &str) -> Self {
        let headers = "Content-Type: application/json\r\n".to_owned();
        Self { status, headers, body: body.into(), delay: Duration::ZERO }
    }

    /// Text, at once.
    pub fn text(status: u16, body: &str) -> Self {
        Self { headers: "Content-Type: text/plain\r\n".to_owned(), ..Self::json(status, body) }
    }
}

impl Webhook {
    /// Starts one that knows no answer yet.
    ///
    /// # Panics
    /// If no port can be had.
    pub fn start() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let issue = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new([name.to_owned()]).unwrap();
            (params.signed_by(&key, &authority).unwrap(), key)
        };
        let (certificate, key) = issue("127.0.0.1");
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let acceptor = acceptor(roots, certificate.der().clone(), &key);
        let (client, client_key) = issue("client");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        runtime.spawn(serve(listener, acceptor, Arc::clone(&state)));
        let client = (client.pem(), client_key.serialize_pem());
        let authority = authority.pem();
        Self { address, authority, client, state, _runtime: runtime }
    }

    /// Has the requests answered one after the other, all others by the last reply.
    pub fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        self.lock().replies = replies.into_iter().collect();
    }

    /// Has all answers wait, until they need not any more.
    pub fn hold(&self, held: bool) {
        self.lock().held = held;
    }

    /// Targets and bodies of the requests so far.
    pub fn asked(&self) -> Vec<(String, String)> {
        self.lock().asked.clone()
    }

    /// Where it is.
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// Authority, client certificate and its key, as PEM.
    pub fn materials(&self) -> [(&'static str, &str); 3] {
        let (certificate, key) = &self.client;
        [("ca.pem", &self.authority), ("client.pem", certificate), ("client-key.pem", key)]
    }

    /// Writes a kubeconfig that leads to `path`, and the files it names, into a folder.
    ///
    /// # Panics
    /// If they cannot be written.
    pub fn write_kubeconfig(&self, folder: &std::path::Path, path: &str) -> std::path::PathBuf {
        for (name, text) in self.materials() {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let file = folder.join("kubeconfig.yaml");
        std::fs::write(&file, kubeconfig(&self.url(path))).unwrap();
        file
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A kubeconfig for a server, with the files of [`Webhook::write_kubeconfig`].
pub fn kubeconfig(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: hook\n  cluster: {{server: '{server}', \
         certificate-authority: ca.pem}}\nusers:\n- name: us\n  user: {{client-certificate: \
         client.pem, client-key: client-key.pem}}\ncontexts:\n- name: hook\n  context: {{cluster: \
         hook, user: us}}\ncurrent-context: hook\n"
    )
}

fn acceptor(
    roots: RootCertStore,
    certificate: pki_types::CertificateDer<'static>,
    key: &KeyPair,
) -> TlsAcceptor {
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let clients =
        server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let key = pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, state) = (acceptor.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            // Clients may hang up whenever they like.
            drop(answer(stream, acceptor, &state).await);
        });
    }
}

async fn answer(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    state: &Mutex<State>,
) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut request = Vec::new();
    let body_at = loop {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&request[..body_at]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().unwrap_or_default());
    while request.len() < body_at + length && stream.read_buf(&mut request).await? > 0 {}
    let text = String::from_utf8_lossy(&request).into_owned();
    let target = text.split(' ').nth(1).unwrap_or_default().to_owned();
    let body = text.get(body_at..).unwrap_or_default().to_owned();
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    let reply = {
        let mut state = lock();
        state.asked.push((target, body));
        match state.replies.len() {
            0 => Reply::text(404, "not here"),
            1 => state.replies[0].clone(),
            _ => state.replies.remove(0),
        }
    };
    tokio::time::sleep(reply.delay).await;
    while lock().held {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (status, headers, length) = (reply.status, reply.headers, reply.body.len());
    let head = format!(
        "HTTP/1.1 {status} Whatever\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&reply.body).await?;
    stream.shutdown().await
}
