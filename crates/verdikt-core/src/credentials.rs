//! What a front took from the bytes of a request, before anyone has judged it.

use crate::{Headers, Peer};

/// The credentials of one request, borrowed from the front that received it.
///
/// A front fills in what the request carried and nothing else; which of it counts, and in what
/// order, is the business of the authenticator chain.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct Credentials<'a> {
    /// The first `Authorization` header value, as received (any bytes).
    pub authorization: Option<&'a [u8]>,
    /// A bearer token that did not come in a header, such as `spec.token` of a TokenReview.
    pub token: Option<&'a str>,
    /// The values of `Sec-WebSocket-Protocol`, one for each such header, if the request asks for an
    /// upgrade to a WebSocket: browsers can put a token nowhere else.
    pub web_socket_protocols: &'a [&'a [u8]],
    /// The decoded path of the request; anonymous access can be limited to some paths.
    pub path: &'a str,
    /// The audiences the credential must be meant for, such as `spec.audiences` of a TokenReview; the
    /// server's own if there are none.
    pub audiences: &'a [String],
    /// What the client of the request's connection presented, if it is a TLS connection.
    pub peer: Option<&'a Peer>,
    /// All headers, for an authenticating proxy to speak through; nobody looks at them unless one is
    /// configured.
    pub headers: Option<&'a dyn Headers>,
}

impl<'a> Credentials<'a> {
    /// A request that brings no credential at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// A bearer token, already taken out of whatever carried it. It is judged as a token alone: nobody is
    /// anonymous with one.
    pub fn bearer(token: &'a str) -> Self {
        Self { token: Some(token), ..Self::default() }
    }

    /// The value of an `Authorization` header, as received.
    pub fn authorization(value: &'a [u8]) -> Self {
        Self { authorization: Some(value), ..Self::default() }
    }

    /// The same credentials, which must be meant for one of these audiences.
    #[must_use]
    pub fn with_audiences(self, audiences: &'a [String]) -> Self {
        Self { audiences, ..self }
    }

    /// The same credentials with the sub-protocols that a WebSocket is to speak.
    #[must_use]
    pub fn with_web_socket_protocols(self, web_socket_protocols: &'a [&'a [u8]]) -> Self {
        Self { web_socket_protocols, ..self }
    }

    /// The same credentials on a request to `path` (decoded).
    #[must_use]
    pub fn with_path(self, path: &'a str) -> Self {
        Self { path, ..self }
    }

    /// The same credentials from a client that presented certificates.
    #[must_use]
    pub fn with_peer(self, peer: Option<&'a Peer>) -> Self {
        Self { peer, ..self }
    }

    /// The same credentials among these headers.
    #[must_use]
    pub fn with_headers(self, headers: &'a dyn Headers) -> Self {
        Self { headers: Some(headers), ..self }
    }
}

/// Says which credentials are present, never what they are.
impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("authorization", &self.authorization.is_some())
            .field("token", &self.token.is_some())
            .field("path", &self.path)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}
