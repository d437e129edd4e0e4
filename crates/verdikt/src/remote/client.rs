//! A client for HTTP and HTTPS, bounded in time and size.
//!
//! Redirects are followed as Go's `net/http` follows them, ten at most, and credentials go only to the
//! host they are meant for; but from HTTPS never to HTTP, where anybody could answer.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use http::{Method, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use verdikt_core::{GoQuoted, Secret};

/// Keeps connections for requests to come.
#[derive(Clone)]
pub(crate) struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

/// What is to be got.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) url: String,
    pub(crate) bearer: Option<Secret>,
    /// The most bytes the answer may have.
    pub(crate) most_bytes: usize,
    /// The longest it may take, redirects and all.
    pub(crate) within: Duration,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Such as `404 Not Found`.
    pub(crate) fn status_line(&self) -> String {
        match self.status.canonical_reason() {
            Some(reason) => format!("{} {reason}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        }
    }
}

impl HttpClient {
    /// A client that trusts whom the configuration trusts.
    pub(crate) fn new(tls: ClientConfig) -> Self {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(2)
            .build(connector);
        Self { client }
    }

    /// Gets a document, within the bounds of the request.
    ///
    /// # Errors
    /// In a line that names the URL.
    pub(crate) async fn get(&self, request: &Request) -> Result<Answer, String> {
        let named = |problem: String| format!("Get {}: {problem}", GoQuoted(&request.url));
        match tokio::time::timeout(request.within, self.follow(request)).await {
            Ok(answer) => answer.map_err(named),
            Err(_) => Err(named(
                "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
                    .to_owned(),
            )),
        }
    }

    async fn follow(&self, request: &Request) -> Result<Answer, String> {
        let mut url: Uri = request.url.parse().map_err(|error| format!("{error}"))?;
        let mut bearer = request.bearer.as_ref();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.ask(&url, bearer).await?;
            let Some(next) = redirected(&response, &url)? else {
                return read(response, request.most_bytes).await;
            };
            if next.authority() != url.authority() {
                bearer = None;
            }
            url = next;
        }
        Err(format!("stopped after {MOST_REDIRECTS} redirects"))
    }

    async fn ask(
        &self,
        url: &Uri,
        bearer: Option<&Secret>,
    ) -> Result<http::Response<Incoming>, String> {
        if !matches!(url.scheme_str(), Some("http" | "https")) {
            let scheme = GoQuoted(url.scheme_str().unwrap_or_default());
            return Err(format!("unsupported protocol scheme {scheme}"));
        }
        let mut request = http::Request::new(Empty::new());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = url.clone();
        if let Some(token) = bearer {
            let value = [b"Bearer ", token.expose()].concat();
            let mut value = HeaderValue::from_maybe_shared(Bytes::from(value))
                .map_err(|_| "net/http: invalid header field value for \"Authorization\"")?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        self.client.request(request).await.map_err(|error| causes(&error))
    }
}

/// Where a response leads to, if it is a redirect.
fn redirected(response: &http::Response<Incoming>, from: &Uri) -> Result<Option<Uri>, String> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    // Go takes a 301 or 308 without a location for an answer, and the others for mistakes.
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    let location = location.to_str().map_err(|_| "the location of a redirect is no URL")?;
    let next = resolve(from, location)?;
    if from.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
        return Err(format!("redirected from https to {}, which is refused", GoQuoted(location)));
    }
    Ok(Some(next))
}

/// A location as seen from `from`: a whole URL, one without scheme, a path, or something beside it.
fn resolve(from: &Uri, location: &str) -> Result<Uri, String> {
    let location = location.split('#').next().unwrap_or_default();
    let scheme = from.scheme_str().unwrap_or_default();
    let authority = from.authority().map_or("", |authority| authority.as_str());
    let whole = if location.contains("://") {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    whole
        .parse()
        .map_err(|error| format!("failed to parse Location header {}: {error}", GoQuoted(location)))
}

async fn read(response: http::Response<Incoming>, most_bytes: usize) -> Result<Answer, String> {
    let status = response.status();
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = content_type.to_owned();
    let body = match Limited::new(response.into_body(), most_bytes).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(format!("the answer has more than the {most_bytes} bytes it may have"));
        }
        Err(error) => return Err(format!("unable to read response body: {error}")),
    };
    Ok(Answer { status, content_type, body })
}

/// An error and what caused it, on one line.
fn causes(error: &hyper_util::client::legacy::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let further = error.to_string();
        if !text.ends_with(&further) {
            text = format!("{text}: {further}");
        }
        cause = error.source();
    }
    text
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

const MOST_REDIRECTS: usize = 10;
const IDLE: Duration = Duration::from_secs(90);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_seen_from_where_they_are_given() {
        for (location, expected) in [
            ("https://other/x", "https://other/x"),
            ("//other/x", "https://other/x"),
            ("/x?y", "https://host:1/x?y"),
            ("x", "https://host:1/a/x"),
            ("/x#y", "https://host:1/x"),
        ] {
            let from = "https://host:1/a/b?c".parse().unwrap();
            assert_eq!(resolve(&from, location).unwrap().to_string(), expected, "{location}");
        }
    }
}
