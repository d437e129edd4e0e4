//! What a request brings to say who it comes from; the only place that reads those headers.

use std::sync::Arc;

use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, header};
use verdikt::{Credentials, Headers, Peer};

/// The credentials of a request to `path` (decoded); `headers` are all of its headers, and `protocols`
/// those of the WebSocket it asks for.
pub(crate) fn of<'a>(
    map: &'a HeaderMap,
    extensions: &'a Extensions,
    headers: &'a AllHeaders<'a>,
    protocols: &'a [&'a [u8]],
    path: &'a str,
) -> Credentials<'a> {
    let credentials = match map.get(header::AUTHORIZATION) {
        Some(value) => Credentials::authorization(value.as_bytes()),
        None => Credentials::none(),
    };
    let credentials = credentials.with_path(path).with_web_socket_protocols(protocols);
    credentials.with_peer(peer(extensions)).with_headers(headers)
}

/// The values of `Sec-WebSocket-Protocol`, if a WebSocket is asked for. Follows `IsWebSocketRequest` of
/// `k8s.io/streaming/pkg/httpstream/wsstream`.
pub(crate) fn web_socket_protocols(headers: &HeaderMap) -> Vec<&[u8]> {
    let is_web_socket = all(headers, &header::UPGRADE)
        .next()
        .is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
        && all(headers, &header::CONNECTION)
            .any(|value| value.to_ascii_lowercase().windows(7).any(|part| part == b"upgrade"));
    if is_web_socket { all(headers, &header::SEC_WEBSOCKET_PROTOCOL).collect() } else { Vec::new() }
}

fn all<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).into_iter().map(HeaderValue::as_bytes)
}

/// Whether there are any in the headers.
pub(crate) fn are_in(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
}

/// Whether there are any, in the headers or with the connection.
pub(crate) fn are_shown(headers: &HeaderMap, extensions: &Extensions) -> bool {
    are_in(headers) || peer(extensions).is_some_and(|peer| !peer.is_empty())
}

/// Whether it may take long to say whose they are: a password that was hashed takes milliseconds, and
/// so can the certificates of a client when they are looked at for the first time.
pub(crate) fn may_take_long(headers: &HeaderMap, extensions: &Extensions) -> bool {
    let is_new = peer(extensions).is_some_and(|peer| !peer.is_empty() && !peer.is_known());
    are_in(headers) || headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) || is_new
}

/// What the client of the connection presented; the listener puts it there.
fn peer(extensions: &Extensions) -> Option<&Peer> {
    extensions.get::<Arc<Peer>>().map(Arc::as_ref)
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
