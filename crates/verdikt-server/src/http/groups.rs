//! `/api`, `/apis` and what lies below them: for whoever may read that path.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};

use super::{App, answer, request};
use crate::kubernetes::discovery;
use crate::kubernetes::media_type::{Transform, Wanted};
use crate::wire;

/// Where discovery documents lie; whatever else is asked for below `/apis` is a request like any other.
pub(super) const ADDRESSES: [&str; 8] = [
    "/api",
    "/api/",
    "/apis",
    "/apis/",
    "/apis/{group}",
    "/apis/{group}/",
    "/apis/{group}/{version}",
    "/apis/{group}/{version}/",
];

pub(super) async fn answer(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    let (parts, _body) = request.into_parts();
    let reason = match request::admit(&app, &parts) {
        Ok(reason) => reason,
        Err(refused) => return refused,
    };
    if let Some(response) = aggregated(&parts) {
        return response;
    }
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(document) = discovery::document(parts.uri.path(), host.unwrap_or_default()) else {
        return request::allowed(&parts, &reason);
    };
    let path = parts.uri.path().trim_matches('/');
    let is_routed = path == "api" || path.split('/').count() == 3;
    let wanted = match is_routed {
        true => Wanted::routed(&parts.headers),
        false => Wanted::unrouted(&parts.headers),
    };
    match wanted {
        Ok(wanted) => answer::negotiated(&parts, StatusCode::OK, wanted, &document),
        Err(status) => answer::status(&parts, &status),
    }
}

/// All at once, if the client takes it so and asks at the right place. It says in its type what it is, and is
/// not sent again to whoever has it.
fn aggregated(parts: &Parts) -> Option<Response<Body>> {
    let wanted = Wanted::by(&parts.headers, Transform::Aggregated)?;
    let document = discovery::aggregated(parts.uri.path())?;
    let content = (document.to_string(), wanted.media_type.as_str());
    let hash = format!("{:016X}", wire::fingerprint(&content));
    let (mut head, body) =
        answer::negotiated(parts, StatusCode::OK, wanted, &document).into_parts();
    let media_type = format!("{}{AGGREGATED}", wanted.media_type.as_str());
    let mut response = answer::tagged(parts, &hash, "", body);
    let of_tag = response.headers_mut();
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::try_from(media_type).ok()?);
    of_tag.extend(head.headers);
    of_tag.insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
    Some(response)
}

const AGGREGATED: &str = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
