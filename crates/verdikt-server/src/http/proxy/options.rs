//! Where requests are handed to, and how.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::Uri;

use crate::tls::TlsError;

/// The next component.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UpstreamOptions {
    /// `http://HOST[:PORT]` or `https://HOST[:PORT]`.
    pub url: String,
    /// Authorities of its certificate, in PEM; those of the system if there is none.
    pub ca_file: Option<PathBuf>,
    /// The certificate to show to it and its key, in PEM; read again when they change.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// The name that its certificate must have, if it is not the host of the URL.
    pub server_name: Option<String>,
    /// Whether to speak HTTP/2 without TLS, which gRPC needs.
    pub force_h2c: bool,
    /// How long it may take to connect.
    pub connect_timeout: Duration,
    /// How long the upstream may take to answer, counted from the last part of the request.
    pub timeout: Duration,
    /// Connections at a time that may become WebSockets and the like.
    pub tunnels: usize,
    /// How often the certificate is looked at even if nothing announced a change.
    pub poll_interval: Duration,
}

impl UpstreamOptions {
    /// The component at this URL, with the usual patience.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ca_file: None,
            client_certificate: None,
            server_name: None,
            force_h2c: false,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            tunnels: 4_096,
            poll_interval: Duration::from_secs(5),
        }
    }

    /// Scheme and authority.
    pub(super) fn parsed(&self) -> Result<Uri, UpstreamError> {
        let wrong = |what: &str| UpstreamError::Url(format!("{:?} {what}", self.url));
        let url: Uri = self.url.parse().map_err(|error| wrong(&format!("is no URL: {error}")))?;
        if !matches!(url.scheme_str(), Some("http" | "https")) {
            return Err(wrong("does not begin with http:// or https://"));
        }
        let authority = url.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err(wrong("has a user in it, and nobody would read that"));
        }
        // The path that was authorized is the path that is sent.
        if url.path_and_query().is_some_and(|path| path != "/") || self.url.contains('#') {
            return Err(wrong("has a path, but requests go on under their own"));
        }
        if self.force_h2c && url.scheme_str() == Some("https") {
            return Err(wrong("is spoken to over TLS, where HTTP/2 is agreed upon"));
        }
        Ok(url)
    }
}

/// Why there is no next component.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpstreamError {
    /// Its URL means nothing here.
    Url(String),
    /// TLS cannot be spoken with it.
    Tls(TlsError),
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(message) => write!(f, "the upstream {message}"),
            Self::Tls(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for UpstreamError {}

impl From<TlsError> for UpstreamError {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_host() {
        let check = |url: &str, h2c: bool, expected: Result<&str, &str>| {
            let options = UpstreamOptions { force_h2c: h2c, ..UpstreamOptions::new(url) };
            match (options.parsed(), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found.to_string(), expected),
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().contains(expected), "{error}");
                }
                (found, _) => panic!("{url}: {found:?}"),
            }
        };
        check("http://127.0.0.1:8080", false, Ok("http://127.0.0.1:8080/"));
        check("https://api.example/", false, Ok("https://api.example/"));
        check("http://[::1]:1", true, Ok("http://[::1]:1/"));
        check("https://a", true, Err("over TLS"));
        check("http://a/b", false, Err("has a path"));
        check("http://a?b", false, Err("has a path"));
        check("http://a#b", false, Err("has a path"));
        check("http://u@a", false, Err("has a user"));
        check("ftp://a", false, Err("does not begin with"));
        check("a:80", false, Err("does not begin with"));
        check("", false, Err("is no URL"));
    }
}
