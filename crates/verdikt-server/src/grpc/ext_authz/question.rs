//! What Envoy tells of a request, put together to that request.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use verdikt::{Peer, path_unescaped};

use crate::grpc::proto::envoy::config::core::v3::Address;
use crate::grpc::proto::envoy::service::auth::v3::CheckRequest;
use crate::grpc::proto::envoy::service::auth::v3::attribute_context::HttpRequest;
use crate::http::audit::PeerAddress;
use crate::original;

/// The request, with what its client has shown and where that is.
///
/// # Errors
/// Why there is none, or why it could be read in two ways; for status 400.
pub(crate) fn read(question: CheckRequest) -> Result<Parts, String> {
    let attributes = question.attributes.unwrap_or_default();
    let http = attributes.request.and_then(|request| request.http);
    let http = http.ok_or("attributes.request.http is missing")?;
    let method = Method::from_bytes(http.method.as_bytes()).map_err(|_| "no such method")?;
    let target = original::target(http.path.as_bytes(), false)
        .ok_or("attributes.request.http.path is not the target of a request")?;
    if !http.query.is_empty() || !http.fragment.is_empty() {
        return Err("query and fragment must be in the path, or not at all".to_owned());
    }
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.headers = headers(&http)?;
    parts.method = method;
    parts.uri = Uri::from(target);
    original::check(&parts)?;
    let source = attributes.source.unwrap_or_default();
    if !source.certificate.is_empty() {
        parts.extensions.insert(Arc::new(peer(&source.certificate)?));
    }
    if let Some(address) = source.address.and_then(socket_address) {
        parts.extensions.insert(PeerAddress(address));
    }
    Ok(parts)
}

/// The headers; what Envoy has of the request line among them must be what it says besides.
fn headers(http: &HttpRequest) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &[u8]| {
        match name {
            ":method" if value != http.method.as_bytes() => return Err("two methods".to_owned()),
            ":path" if value != http.path.as_bytes() => return Err("two paths".to_owned()),
            name if name.starts_with(':') => return Ok(()),
            _ => {}
        }
        let header = HeaderName::try_from(name).ok().zip(HeaderValue::from_bytes(value).ok());
        let (name, value) = header.ok_or("a header that is none")?;
        headers.try_append(name, value).map(drop).map_err(|_| "too many headers".to_owned())
    };
    for (name, value) in &http.headers {
        add(name, value.as_bytes())?;
    }
    for header in http.header_map.iter().flat_map(|map| &map.headers) {
        match header.raw_value.is_empty() {
            true => add(&header.key, header.value.as_bytes())?,
            false => add(&header.key, &header.raw_value)?,
        }
    }
    Ok(headers)
}

/// What the client presented to Envoy.
fn peer(certificate: &str) -> Result<Peer, String> {
    let no_certificate = || "attributes.source.certificate is not a certificate".to_owned();
    let pem = path_unescaped(certificate).ok_or_else(no_certificate)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = certificates.map_err(|_| no_certificate())?;
    if certificates.is_empty() || certificates.len() > MAX_CERTIFICATES {
        return Err(no_certificate());
    }
    Ok(Peer::new(certificates.iter().map(|certificate| certificate.to_vec())))
}

fn socket_address(address: Address) -> Option<SocketAddr> {
    let socket = address.socket_address?;
    let port = u16::try_from(socket.port_value).ok()?;
    Some(SocketAddr::new(socket.address.parse().ok()?, port))
}

/// As many as a TLS library takes from a client, roughly; Envoy sends one.
const MAX_CERTIFICATES: usize = 16;
