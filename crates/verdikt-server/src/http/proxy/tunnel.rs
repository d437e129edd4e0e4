//! Connections that turn into another protocol: WebSocket, and SPDY as older versions of kubectl speak it.
//!
//! Nothing that is said after that is looked at, so only protocols are let through in which no other request can be
//! asked. `Upgrade: h2c` above all would lead past every decision.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedSemaphorePermit;

use super::headers;
use super::meters::Open;
use crate::http::audit::Ending;

/// What a client wants its connection to become.
pub(super) struct Tunnel {
    protocol: &'static str,
    client: OnUpgrade,
}

/// A place among the tunnels, and the number of them.
pub(super) struct Place {
    pub(super) _permit: OwnedSemaphorePermit,
    pub(super) _open: Open,
}

/// What is asked for, if it is one of the protocols that are let through. A request for others is answered without.
pub(super) fn asked(parts: &mut Parts) -> Option<Tunnel> {
    if parts.version != Version::HTTP_11 || !has_upgrade(&parts.headers) {
        return None;
    }
    let protocol = protocol(&parts.headers)?;
    let client = parts.extensions.remove::<OnUpgrade>()?;
    Some(Tunnel { protocol, client })
}

impl Tunnel {
    /// Says to the upstream what the connection is to become.
    pub(super) fn ask(&self, headers: &mut HeaderMap) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static(self.protocol));
    }

    /// Whether the upstream switches to what it was asked for, and to nothing else.
    pub(super) fn is_answered_by(&self, headers: &HeaderMap) -> bool {
        protocol(headers) == Some(self.protocol)
    }

    /// The answer to the client; from then on both ends talk to each other.
    pub(super) fn connect(
        self,
        mut response: Response<Incoming>,
        place: Place,
        ending: Option<Ending>,
    ) -> Response<Body> {
        let upstream = hyper::upgrade::on(&mut response);
        let mut answer = headers::returned(response.map(|_| Body::empty()));
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        self.ask(answer.headers_mut());
        tokio::spawn(async move {
            let (client, upstream) = match tokio::try_join!(self.client, upstream) {
                Ok(both) => both,
                Err(error) => {
                    tracing::debug!("a connection was not upgraded: {error}");
                    return;
                }
            };
            let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
            if let Err(error) = tokio::io::copy_bidirectional(&mut client, &mut upstream).await {
                tracing::debug!("an upgraded connection ended: {error}");
            }
            if let Some(ending) = ending {
                ending.ended();
            }
            drop(place);
        });
        answer
    }
}

fn has_upgrade(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CONNECTION).into_iter();
    values
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

/// The one protocol that the headers name.
fn protocol(headers: &HeaderMap) -> Option<&'static str> {
    let mut values = headers.get_all(header::UPGRADE).into_iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    PROTOCOLS.into_iter().find(|known| value.as_bytes().eq_ignore_ascii_case(known.as_bytes()))
}

const PROTOCOLS: [&str; 2] = ["websocket", "SPDY/3.1"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_protocols_without_requests_are_let_through() {
        let check = |values: &[&str], expected: Option<&str>| {
            let values = values.iter().map(|value| (header::UPGRADE, value.parse().unwrap()));
            let mut headers = HeaderMap::new();
            for (name, value) in values {
                headers.append(name, value);
            }
            assert_eq!(protocol(&headers), expected, "{headers:?}");
        };
        check(&["websocket"], Some("websocket"));
        check(&["WebSocket"], Some("websocket"));
        check(&["spdy/3.1"], Some("SPDY/3.1"));
        for values in
            [&[][..], &["h2c"], &["websocket, h2c"], &["h2c", "websocket"], &["TLS/1.0"], &[""]]
        {
            check(values, None);
        }
    }
}
