//! The headers that go on with a request, and those that come back.
//!
//! What belongs to one connection ends there (RFC 9110, section 7.6.1), and so does whatever could say who sent a
//! request: the credential, the headers of proxies, and those of impersonation, which has been done.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use verdikt::authn::web_socket;
use verdikt::{Peer, Snapshot, is_impersonation_header};

use super::FORWARDED_HOST;
use crate::http::audit::PeerAddress;
use crate::identity_headers::{self, IdentityHeaders};

/// What the upstream gets.
pub(super) fn onward(parts: &Parts, snapshot: &Snapshot, identity: IdentityHeaders) -> HeaderMap {
    let listed = listed(&parts.headers);
    let mut headers = HeaderMap::with_capacity(parts.headers.len() + identity.len() + 3);
    for (name, value) in &parts.headers {
        if !is_of_connection(name, &listed) && !is_claim(name.as_str(), snapshot) {
            headers.append(name, value.clone());
        }
    }
    if has_trailers(&parts.headers) {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    if let Some(protocols) = protocols(&parts.headers) {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocols);
    }
    describe_client(parts, &mut headers);
    for (name, value) in identity {
        headers.append(name, value);
    }
    headers
}

/// Whether a trailer of a request may go on: some servers put trailers among the headers.
pub(super) fn may_trail(name: &HeaderName) -> bool {
    let is_framing = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::HOST];
    !is_framing.contains(name)
        && !is_of_connection(name, &[])
        && *name != header::AUTHORIZATION
        && !identity_headers::is_one(name.as_str())
        && !is_impersonation_header(&with_dashes(name.as_str()))
}

/// What the client gets.
pub(super) fn returned(mut response: Response<Body>) -> Response<Body> {
    let listed = listed(response.headers());
    let headers = response.headers_mut();
    for name in OF_CONNECTION.iter().chain(&listed) {
        headers.remove(name);
    }
    response
}

/// Where the client is, and what it asked for.
fn describe_client(parts: &Parts, headers: &mut HeaderMap) {
    if let Some(PeerAddress(address)) = parts.extensions.get() {
        let before = headers.get_all(FORWARDED_FOR).iter().map(HeaderValue::as_bytes);
        let address = address.ip().to_canonical().to_string();
        let all: Vec<&[u8]> = before.chain([address.as_bytes()]).collect();
        if let Ok(value) = HeaderValue::from_bytes(&all.join(b", ".as_slice())) {
            headers.insert(FORWARDED_FOR, value);
        }
    }
    let is_tls = parts.extensions.get::<Arc<Peer>>().is_some();
    let scheme = if is_tls { "https" } else { "http" };
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
    headers.remove(FORWARDED_HOST);
    let host = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    let host = host.or_else(|| parts.headers.get(header::HOST).map(HeaderValue::as_bytes));
    if let Some(Ok(host)) = host.map(HeaderValue::from_bytes) {
        headers.insert(FORWARDED_HOST, host);
    }
}

/// The headers that belong to the connection because `Connection` names them.
fn listed(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).into_iter();
    let names = values.flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok()).collect()
}

fn is_of_connection(name: &HeaderName, listed: &[HeaderName]) -> bool {
    OF_CONNECTION.contains(name) || listed.contains(name)
}

/// Whether it could say who sent the request, or where it is meant to go.
fn is_claim(name: &str, snapshot: &Snapshot) -> bool {
    let name = with_dashes(name);
    snapshot.removes_header(&name)
        || identity_headers::is_one(&name)
        || is_impersonation_header(&name)
        || CLAIMS.contains(&&*name)
}

/// Many programs cannot tell `_` from `-` in the names of headers.
fn with_dashes(name: &str) -> String {
    name.replace('_', "-")
}

fn has_trailers(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::TE).into_iter();
    values
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

/// The protocols of a WebSocket, among which there may have been a token.
fn protocols(headers: &HeaderMap) -> Option<HeaderValue> {
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
    let values: Vec<&[u8]> = values.map(HeaderValue::as_bytes).collect();
    HeaderValue::from_bytes(&web_socket::without_tokens(&values)?).ok()
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Of one connection alone. `Expect` is answered here, and how a body is framed is for each connection to say.
const OF_CONNECTION: [HeaderName; 10] = [
    header::CONNECTION,
    header::EXPECT,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Besides the headers that name a user: the certificate of a client as other proxies write it, the hosts and
/// protocols that are written anew, and `Forwarded`, which would contradict them.
const CLAIMS: [&str; 6] = [
    "forwarded",
    "host",
    "sec-websocket-protocol",
    "x-forwarded-client-cert",
    "x-forwarded-host",
    "x-forwarded-proto",
];

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn snapshot() -> Arc<Snapshot> {
        let engine = verdikt::Engine::builder().authorization_modes([verdikt::Mode::AlwaysAllow]);
        engine.build().unwrap().snapshot()
    }

    fn sent(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut request = Request::builder().uri("/a");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(PeerAddress(([10, 0, 0, 7], 4711).into()));
        let identity = vec![(HeaderName::from_static("x-remote-user"), "jane".parse().unwrap())];
        let headers = onward(&parts, &snapshot(), identity);
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let mut found: Vec<_> =
            headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        found.sort();
        found
    }

    /// `headers` go on as `expected`, with what is always said.
    fn check(headers: &[(&str, &str)], expected: &[(&str, &str)]) {
        let always = [
            ("x-forwarded-for", "10.0.0.7"),
            ("x-forwarded-proto", "http"),
            ("x-remote-user", "jane"),
        ];
        let known = |name: &str| expected.iter().any(|(there, _)| *there == name);
        let more = always.into_iter().filter(|(name, _)| !known(name));
        let mut all: Vec<(String, String)> = expected
            .iter()
            .copied()
            .chain(more)
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        all.sort();
        assert_eq!(sent(headers), all, "{headers:?}");
    }

    #[test]
    fn what_says_nothing_about_the_sender_goes_on() {
        check(&[], &[]);
        let kept =
            [("accept", "a"), ("content-length", "3"), ("cookie", "b"), ("x-a", "1"), ("x-a", "2")];
        check(&kept, &kept);
        check(&[("Host", "verdikt")], &[("x-forwarded-host", "verdikt")]);
        check(&[("TE", "gzip, Trailers")], &[("te", "trailers")]);
        check(&[("X-Forwarded-For", "192.0.2.1")], &[("x-forwarded-for", "192.0.2.1, 10.0.0.7")]);
        check(
            &[
                ("X-Forwarded-Host", "spoofed"),
                ("X-Forwarded-Proto", "https"),
                ("Forwarded", "for=a"),
            ],
            &[],
        );
    }

    #[test]
    fn claims_end_here_however_they_are_spelt() {
        for name in [
            "Authorization",
            "X-Remote-User",
            "x_remote_group",
            "X-Remote-Extra-a",
            "X-Remote_Uid",
            "X-Remote-Groups",
            "Impersonate-User",
            "Impersonate_Group",
            "Impersonate-Extra-a",
            "Impersonate-Uid",
            "X-Forwarded-Client-Cert",
            "x_forwarded_client_cert",
        ] {
            check(&[(name, "admin")], &[]);
        }
    }

    #[test]
    fn what_belongs_to_a_connection_ends_with_it() {
        for name in ["Keep-Alive", "Upgrade", "Transfer-Encoding", "HTTP2-Settings", "Expect"] {
            check(&[(name, "x")], &[]);
        }
        check(
            &[("Connection", "close, X-Secret"), ("X-Secret", "x"), ("X-Open", "x")],
            &[("x-open", "x")],
        );
        let token = "base64url.bearer.authorization.k8s.io.YWJj";
        check(&[("Sec-WebSocket-Protocol", token)], &[]);
        check(
            &[("Sec-WebSocket-Protocol", &format!("{token}, v5"))],
            &[("sec-websocket-protocol", "v5")],
        );
    }

    #[test]
    fn trailers_make_no_claims() {
        for name in ["x-remote-user", "authorization", "impersonate_user", "content-length", "host"]
        {
            assert!(!may_trail(&HeaderName::from_static(name)), "{name}");
        }
        assert!(may_trail(&HeaderName::from_static("grpc-status")));
    }
}
