//! An issuer of tokens on a loopback port, over HTTPS with an authority of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, crypto, pki_types};

/// The issuer; stopped when dropped.
#[derive(Debug)]
pub struct Issuer {
    url: String,
    authority: String,
    state: Arc<Mutex<State>>,
    _runtime: tokio::runtime::Runtime,
}

/// What is answered on a path.
#[derive(Clone, Debug)]
pub struct Page {
    /// Such as 200.
    pub status: u16,
    /// Media type.
    pub content_type: &'static str,
    /// Where to go instead.
    pub location: Option<String>,
    /// How long it takes.
    pub delay: Duration,
    /// The content.
    pub body: Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    keys: Vec<(String, Arc<EcdsaKeyPair>)>,
    pages: HashMap<String, Page>,
    /// Requests by path, with the credential of the last.
    asked: HashMap<String, (usize, String)>,
    is_down: bool,
}

impl Page {
    /// JSON.
    pub fn json(body: &Value) -> Self {
        Self::of("application/json", body.to_string())
    }

    /// A page of any kind.
    pub fn of(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let (location, delay) = (None, Duration::ZERO);
        Self { status: 200, content_type, location, delay, body: body.into() }
    }

    /// A way elsewhere.
    pub fn redirect(location: impl Into<String>) -> Self {
        Self { status: 302, location: Some(location.into()), ..Self::of("text/plain", "") }
    }
}

impl Issuer {
    /// Starts with a key called `first`.
    ///
    /// # Panics
    /// If no port can be had.
    pub fn start() -> Self {
        let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        runtime.spawn(serve(listener, acceptor(&certified), Arc::clone(&state)));
        let authority = certified.cert.pem();
        let issuer = Self { url, authority, state, _runtime: runtime };
        issuer.put("/.well-known/openid-configuration", issuer.discovery());
        issuer.add_key("first");
        issuer
    }

    /// Its URL, as tokens say it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate to trust, as PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The discovery document as it should be.
    pub fn discovery(&self) -> Page {
        Page::json(&json!({"issuer": self.url, "jwks_uri": format!("{}/keys", self.url)}))
    }

    /// Makes a key, publishes it beside those that are there, and signs with it from now on.
    ///
    /// # Panics
    /// If there is no randomness.
    pub fn add_key(&self, id: &str) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        self.lock().keys.push((id.to_owned(), Arc::new(pair)));
        self.publish();
    }

    /// Withdraws every key but the last.
    pub fn drop_old_keys(&self) {
        let mut state = self.lock();
        let old = state.keys.len().saturating_sub(1);
        state.keys.drain(..old);
        drop(state);
        self.publish();
    }

    fn publish(&self) {
        let keys: Vec<Value> = self.lock().keys.iter().map(|(id, pair)| jwk(id, pair)).collect();
        self.put("/keys", Page::json(&json!({"keys": keys})));
    }

    /// Puts a page on a path.
    pub fn put(&self, path: &str, page: Page) {
        self.lock().pages.insert(path.to_owned(), page);
    }

    /// Whether connections are dropped from now on.
    pub fn take_down(&self, is_down: bool) {
        self.lock().is_down = is_down;
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.lock().asked.get(path).map_or(0, |(times, _)| *times)
    }

    /// The `Authorization` that came with the last request for a path.
    pub fn credential(&self, path: &str) -> String {
        self.lock().asked.get(path).map(|(_, credential)| credential.clone()).unwrap_or_default()
    }

    /// A token with these claims, signed with the newest key.
    ///
    /// # Panics
    /// If there is none.
    pub fn token(&self, claims: &Value) -> String {
        let (id, pair) = self.lock().keys.last().cloned().unwrap();
        sign(&id, &pair, claims)
    }

    /// A token with these claims, signed with a key that was never published.
    ///
    /// # Panics
    /// If there is no randomness.
    pub fn forged(&self, id: &str, claims: &Value) -> String {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        sign(id, &pair, claims)
    }

    /// Claims that are good for a hundred years: `sub`, `aud` `shop` and whatever is added.
    ///
    /// # Panics
    /// If `more` is no object.
    pub fn claims(&self, more: &Value) -> Value {
        let mut claims = json!({"iss": self.url, "aud": "shop", "sub": "ada", "iat": EXPIRY - 600, "exp": EXPIRY});
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sign(id: &str, pair: &EcdsaKeyPair, claims: &Value) -> String {
    let header = json!({"alg": "ES256", "kid": id}).to_string();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.to_string().as_bytes()));
    let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    format!("{signed}.{}", encode(signature.as_ref()))
}

fn jwk(id: &str, pair: &EcdsaKeyPair) -> Value {
    // 4, then both coordinates.
    let point = &pair.public_key().as_ref()[1..];
    let (x, y) = point.split_at(32);
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({"kty": "EC", "crv": "P-256", "kid": id, "x": encode(x), "y": encode(y)})
}

fn acceptor(certified: &rcgen::CertifiedKey<rcgen::KeyPair>) -> TlsAcceptor {
    let chain = vec![certified.cert.der().clone()];
    let key = pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
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
    if state.lock().unwrap_or_else(PoisonError::into_inner).is_down {
        return Ok(());
    }
    let mut stream = acceptor.accept(stream).await?;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let credential = request.lines().find_map(|line| line.strip_prefix("authorization: "));
    let page = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = state.asked.entry(path.clone()).or_default();
        *asked = (asked.0 + 1, credential.unwrap_or_default().to_owned());
        let missing = Page { status: 404, ..Page::of("text/plain", "not here") };
        state.pages.get(&path).cloned().unwrap_or(missing)
    };
    tokio::time::sleep(page.delay).await;
    let location = page.location.map(|url| format!("Location: {url}\r\n")).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {} Whatever\r\nContent-Type: {}\r\nContent-Length: {}\r\n{location}\
         Connection: close\r\n\r\n",
        page.status,
        page.content_type,
        page.body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&page.body).await?;
    stream.shutdown().await
}

/// In the year 2125.
const EXPIRY: u64 = 4_900_000_000;
