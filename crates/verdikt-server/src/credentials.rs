//! What a request brings to say who it comes from; the only place that reads those headers.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use verdikt::{Credentials, Headers, Peer};

/// The credentials of a request to `path` (decoded); `headers` are all of its headers.
pub(crate) fn of<'a>(
    parts: &'a Parts,
    headers: &'a AllHeaders<'a>,
    path: &'a str,
) -> Credentials<'a> {
    let credentials = match parts.headers.get(header::AUTHORIZATION) {
        Some(value) => Credentials::authorization(value.as_bytes()),
        None => Credentials::none(),
    };
    credentials.with_path(path).with_peer(peer(parts)).with_headers(headers)
}

/// Whether there are any in the headers.
pub(crate) fn are_in(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
}

/// Whether it may take long to say whose they are: a password that was hashed takes milliseconds, and
/// so can the certificates of a client when they are looked at for the first time.
pub(crate) fn may_take_long(parts: &Parts) -> bool {
    let is_new = peer(parts).is_some_and(|peer| !peer.is_empty() && !peer.is_known());
    are_in(&parts.headers) || is_new
}

/// What the client of the connection presented; the listener puts it there.
fn peer(parts: &Parts) -> Option<&Peer> {
    parts.extensions.get::<Arc<Peer>>().map(Arc::as_ref)
}

/// Headers as authenticators look at them.
pub(crate) struct AllHeaders<'a>(pub(crate) &'a HeaderMap);

impl Headers for AllHeaders<'_> {
    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a str, &'a [u8])) {
        for (name, value) in self.0 {
            visitor(name.as_str(), value.as_bytes());
        }
    }
}
