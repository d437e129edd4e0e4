//! SubjectAccessReviews over HTTP: by version 1.1 one at a time on a connection, by version 2 several.

use std::sync::Arc;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::sync::Mutex;

use super::answer::{CallError, Decision, ErrorKind};
use super::kind::Kind;
use super::message::Message;
use crate::client;

/// A connection, made again when it breaks; its clones share it.
#[derive(Clone, Debug)]
pub(super) struct Review {
    server: String,
    is_shared: bool,
    authorization: Option<HeaderValue>,
    sender: Arc<Mutex<Option<Sender>>>,
}

#[derive(Debug)]
enum Sender {
    One { sender: http1::SendRequest<Full<Bytes>>, host: HeaderValue },
    Many { sender: http2::SendRequest<Full<Bytes>>, uri: Uri },
}

impl Review {
    /// Connects; so many calls are to be under way at a time.
    pub(super) async fn connect(
        server: &str,
        concurrency: usize,
        token: Option<&str>,
    ) -> Result<Self, CallError> {
        let authorization =
            token.map(|token| HeaderValue::try_from(format!("Bearer {token}"))).transpose();
        let authorization =
            authorization.map_err(|_| CallError::unreadable("the token has odd characters"))?;
        let (server, is_shared) = (server.to_owned(), concurrency > 1);
        let review = Self { server, is_shared, authorization, sender: Arc::default() };
        *review.sender.lock().await = Some(review.sender().await?);
        Ok(review)
    }

    async fn sender(&self) -> Result<Sender, CallError> {
        let failed = |error: hyper::Error| CallError::connection(&error);
        let (stream, host) =
            client::connect(&self.server).await.map_err(|error| CallError::connection(&*error))?;
        let stream = TokioIo::new(stream);
        if self.is_shared {
            let (sender, connection) =
                http2::handshake(TokioExecutor::new(), stream).await.map_err(failed)?;
            tokio::spawn(connection);
            let uri = format!("http://{host}{}", Kind::Review.path()).parse();
            let uri = uri.map_err(|error| CallError::connection(&error))?;
            return Ok(Sender::Many { sender, uri });
        }
        let (sender, connection) = http1::handshake(stream).await.map_err(failed)?;
        tokio::spawn(connection);
        let host = HeaderValue::try_from(host).map_err(|error| CallError::connection(&error))?;
        Ok(Sender::One { sender, host })
    }

    pub(super) async fn call(&mut self, message: &Message) -> Result<Vec<Decision>, CallError> {
        let body = Full::new(message.bytes.clone());
        let mut place = self.sender.lock().await;
        if place.as_ref().is_none_or(Sender::is_closed) {
            *place = Some(self.sender().await?);
        }
        let failed = |error: hyper::Error| CallError::connection(&error);
        match place.as_mut() {
            Some(Sender::One { sender, host }) => {
                sender.ready().await.map_err(failed)?;
                let mut request = self.request(Uri::from_static(Kind::Review.path()), body);
                request.headers_mut().insert(HOST, host.clone());
                // Nobody else waits for the lock.
                read(sender.send_request(request).await.map_err(failed)?).await
            }
            Some(Sender::Many { sender, uri }) => {
                let (mut sender, request) = (sender.clone(), self.request(uri.clone(), body));
                drop(place);
                sender.ready().await.map_err(failed)?;
                read(sender.send_request(request).await.map_err(failed)?).await
            }
            None => Err(CallError::unreadable("no connection")),
        }
    }

    fn request(&self, uri: Uri, body: Full<Bytes>) -> Request<Full<Bytes>> {
        let mut request = Request::new(body);
        *request.method_mut() = hyper::Method::POST;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        request
    }
}

impl Sender {
    fn is_closed(&self) -> bool {
        match self {
            Self::One { sender, .. } => sender.is_closed(),
            Self::Many { sender, .. } => sender.is_closed(),
        }
    }
}

async fn read(response: Response<Incoming>) -> Result<Vec<Decision>, CallError> {
    let status = response.status();
    let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
    let body = body.map_err(|error| CallError::connection(&*error))?.to_bytes();
    if status.is_success() {
        return Decision::of_review(&body).map(|decision| vec![decision]);
    }
    // A Kubernetes Status says why.
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = value.get("message").and_then(Value::as_str).unwrap_or_default();
    Err(CallError { kind: ErrorKind::Http(status), text: text.to_owned() })
}

const MOST_BYTES: usize = 1 << 20;
