//! The plainest of HTTP clients: one GET of JSON from a server of ours.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use verdikt_server::Address;

use crate::failure::Failure;

/// What `server` answers to a GET of `path`.
pub(crate) fn get(server: &str, path: &str, token: Option<&str>) -> Result<Value, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::message(error.to_string()))?;
    let answer = async { tokio::time::timeout(TIMEOUT, fetch(server, path, token)).await };
    match runtime.block_on(answer) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Failure::message(format!("{server}: {error}"))),
        Err(_) => Err(Failure::message(format!("{server}: no answer in {TIMEOUT:?}"))),
    }
}

async fn fetch(server: &str, path: &str, token: Option<&str>) -> Result<Value, BoxError> {
    let (stream, host) = connect(server).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = Request::get(path).header(HOST, host);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await?.to_bytes();
    let value: Value = serde_json::from_slice(&body)
        .map_err(|_| format!("{status}, and the answer is not verdikt's"))?;
    if status.is_success() {
        return Ok(value);
    }
    // A Kubernetes Status says why.
    let message = value.get("message").and_then(Value::as_str).unwrap_or_default();
    Err(format!("{status}: {message}").into())
}

/// A connection to a server, and what it is called there.
pub(crate) async fn connect(server: &str) -> Result<(Box<dyn Stream>, String), BoxError> {
    if server.starts_with("unix:") {
        let Address::Unix(path) = server.parse()? else { return Err("no Unix socket".into()) };
        return Ok((Box::new(UnixStream::connect(path).await?), "localhost".to_owned()));
    }
    let uri: Uri = server.parse()?;
    if uri.scheme_str() != Some("http") {
        return Err("a URL is expected that begins with http://, or unix:PATH".into());
    }
    let authority = uri.authority().ok_or("the URL has no host")?;
    let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(address).await?;
    // What is written in two parts would wait for 40 ms in between.
    stream.set_nodelay(true)?;
    Ok((Box::new(stream), authority.to_string()))
}

/// Either kind of connection.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

const TIMEOUT: Duration = Duration::from_secs(10);
const MOST_BYTES: usize = 64 << 20;
