//! How to talk to a webhook: its client, made from a kubeconfig and the files that it names.
//!
//! The files are looked at again now and then, as client-go does: certificates and tokens are replaced
//! while the server runs. What cannot be used then is reported, and what was there before stays.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as PooledClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use sha2::{Digest as _, Sha256};
use verdikt_core::Secret;
use verdikt_parser::kubeconfig::{Kubeconfig, Login, Material};

use super::insecure::AnyCertificate;
use crate::remote::tls::{self, Trust};
use crate::source::read_file;

pub(super) type Client = PooledClient<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// What is needed to send a request.
#[derive(Clone)]
pub(super) struct Ready {
    pub(super) client: Client,
    pub(super) authorization: Option<HeaderValue>,
}

pub(super) struct Connection {
    kubeconfig: Kubeconfig,
    /// Credentials are for servers that prove who they are, and for no others.
    is_secure: bool,
    current: Mutex<Current>,
}

struct Current {
    ready: Ready,
    /// Of the files it was made from.
    digest: [u8; 32],
    looked: Instant,
}

/// The contents of the files, in the order of the kubeconfig.
struct Files {
    authority: Option<Secret>,
    client: Option<(Secret, Secret)>,
    token: Option<Secret>,
}

impl Connection {
    pub(super) fn new(kubeconfig: Kubeconfig, is_secure: bool) -> Result<Self, String> {
        let files = Files::read(&kubeconfig)?;
        let current = Current {
            ready: ready(&kubeconfig, &files, is_secure)?,
            digest: files.digest(),
            looked: Instant::now(),
        };
        Ok(Self { kubeconfig, is_secure, current: Mutex::new(current) })
    }

    /// How to send a request now.
    pub(super) fn ready(&self) -> Ready {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked.elapsed() >= LOOK_EVERY && self.kubeconfig.files().next().is_some() {
            current.looked = Instant::now();
            if let Err(problem) = self.look(&mut current) {
                tracing::error!("files of a webhook's kubeconfig cannot be used: {problem}");
            }
        }
        current.ready.clone()
    }

    /// Looks at the files now.
    pub(super) fn renew(&self) -> Result<(), String> {
        self.look(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn look(&self, current: &mut Current) -> Result<(), String> {
        let files = Files::read(&self.kubeconfig)?;
        let digest = files.digest();
        if digest != current.digest {
            current.ready = ready(&self.kubeconfig, &files, self.is_secure)?;
            current.digest = digest;
        }
        Ok(())
    }
}

impl Files {
    fn read(kubeconfig: &Kubeconfig) -> Result<Self, String> {
        let authority = kubeconfig.certificate_authority.as_ref().map(contents).transpose()?;
        let client = match &kubeconfig.client_certificate {
            Some((certificate, key)) => Some((contents(certificate)?, contents(key)?)),
            None => None,
        };
        let token = match &kubeconfig.login {
            Login::Token(token) => Some(token.clone()),
            Login::TokenFile(path, beside) => match (read(path), beside) {
                (Ok(token), _) => Some(Secret::new(token.expose().trim_ascii())),
                (Err(_), Some(beside)) => Some(beside.clone()),
                (Err(problem), None) => return Err(problem),
            },
            Login::None | Login::Password(..) => None,
        };
        Ok(Self { authority, client, token })
    }

    fn digest(&self) -> [u8; 32] {
        let (certificate, key) = match &self.client {
            Some((certificate, key)) => (Some(certificate), Some(key)),
            None => (None, None),
        };
        let mut hash = Sha256::new();
        for part in [self.authority.as_ref(), certificate, key, self.token.as_ref()] {
            let bytes = part.map(Secret::expose).unwrap_or_default();
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
        hash.finalize().into()
    }
}

fn contents(material: &Material) -> Result<Secret, String> {
    match material {
        Material::Inline(secret) => Ok(secret.clone()),
        Material::File(path) => read(path),
    }
}

fn read(path: &Path) -> Result<Secret, String> {
    let name = path.display().to_string();
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Err(format!("{name} is not a file")),
        _ => {}
    }
    read_file(path, &name, MOST_FILE_BYTES).map(Secret::new).map_err(|problem| problem.message)
}

fn ready(kubeconfig: &Kubeconfig, files: &Files, is_secure: bool) -> Result<Ready, String> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls_configuration(kubeconfig, files, is_secure)?)
        .https_or_http();
    let builder = match kubeconfig.tls_server_name.as_str() {
        "" => builder,
        name => {
            let name = ServerName::try_from(name.to_owned())
                .map_err(|_| format!("tls-server-name {name:?} is not a name"))?;
            builder.with_server_name_resolver(FixedServerNameResolver::new(name))
        }
    };
    let connector = builder.enable_http1().enable_http2().wrap_connector(connector);
    let client = PooledClient::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MOST_IDLE)
        .build(connector);
    let authorization = match is_secure {
        true => authorization(&kubeconfig.login, files)?,
        false => None,
    };
    Ok(Ready { client, authorization })
}

fn tls_configuration(
    kubeconfig: &Kubeconfig,
    files: &Files,
    is_secure: bool,
) -> Result<ClientConfig, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = if kubeconfig.insecure_skip_tls_verify || !is_secure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
    } else {
        let trust = match &files.authority {
            Some(pem) => Trust::Pem(pem.expose()),
            None => Trust::System,
        };
        builder.with_root_certificates(tls::root_certificates(&trust)?)
    };
    let Some((certificate, key)) = files.client.as_ref().filter(|_| is_secure) else {
        return Ok(builder.with_no_client_auth());
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.expose()).collect();
    let chain = chain.map_err(|error| format!("client certificate: {error}"))?;
    if chain.is_empty() {
        return Err("tls: failed to find any PEM data in certificate input".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key.expose())
        .map_err(|_| "tls: failed to find any PEM data in key input".to_owned())?;
    builder.with_client_auth_cert(chain, key).map_err(|error| format!("tls: {error}"))
}

fn authorization(login: &Login, files: &Files) -> Result<Option<HeaderValue>, String> {
    let value = match (login, &files.token) {
        (Login::Password(name, password), _) => {
            let pair = [name.as_bytes(), b":", password.expose()].concat();
            format!("Basic {}", STANDARD.encode(pair)).into_bytes()
        }
        (_, Some(token)) => [b"Bearer ", token.expose()].concat(),
        _ => return Ok(None),
    };
    let mut value = HeaderValue::from_maybe_shared(Bytes::from(value))
        .map_err(|_| "net/http: invalid header field value for \"Authorization\"".to_owned())?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// client-go takes a token file for good for a minute, and begins to look ten seconds before.
const LOOK_EVERY: Duration = Duration::from_secs(50);
const IDLE: Duration = Duration::from_secs(90);
const MOST_IDLE: usize = 32;
const MOST_FILE_BYTES: u64 = 1 << 20;
