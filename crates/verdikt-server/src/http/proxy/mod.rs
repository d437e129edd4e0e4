//! A reverse proxy: what is allowed is handed to the next component, which learns who sent it from headers.
//!
//! The request that was authorized is the one that is sent: same method, path and query, to the host of the
//! upstream and no other. Bodies are streamed both ways. 401, 403 and 400 are verdikt's answers; 502 and 504 say
//! that the upstream gave none. Follows RFC 9110, section 7, and what Go's `httputil.ReverseProxy` does.

mod body;
mod grpc;
mod headers;
mod meters;
mod options;
mod target;
mod tunnel;
mod upstream;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::{Router, http::HeaderName};
use verdikt::Engine;

pub use options::{UpstreamError, UpstreamOptions};
pub(crate) use upstream::Upstream;

use self::body::{Returned, Sent, Trouble};
use self::upstream::{Failure, Reply};
use super::around::surrounded;
use super::{App, answer, audit, request};
use crate::identity_headers;
use crate::inflight::{self, Inflight, Place};
use crate::kubernetes::status::Status;
use crate::listener::{Access, Limits};
use crate::traces;

/// Every address is the upstream's. A request takes a place among those in flight until its answer begins; one whose
/// answer takes as long as its receiver wants, until it is admitted: to find out who sends it may be slow.
pub(crate) fn router(
    engine: Engine,
    limits: Limits,
    inflight: Option<Inflight>,
    upstream: Arc<Upstream>,
) -> Router {
    let app = Arc::new(App::new(engine, Access::Authorized, limits));
    let answer = move |State(app): State<Arc<App>>, request: Request<Body>| async move {
        let place = match inflight.as_ref().map(Inflight::enter) {
            Some(None) => return inflight::too_many(request.headers()),
            Some(place) => place,
            None => None,
        };
        answer(&app, &upstream, request, place).await.unwrap_or_else(|mut refused| {
            refused.extensions_mut().insert(Refused);
            refused
        })
    };
    Router::new()
        .fallback(answer)
        .layer(from_fn_with_state(Arc::clone(&app), around))
        .with_state(app)
}

/// Gives a request its id, which the upstream is told too, so that both trails can be put together; and a call of
/// gRPC an answer that it can read.
async fn around(
    State(app): State<Arc<App>>,
    mut request: Request<Body>,
    next: Next,
) -> Response<Body> {
    let id = request.headers().get(audit::AUDIT_ID).filter(|id| !id.is_empty());
    if id.is_none()
        && let Ok(id) = HeaderValue::try_from(app.engine.new_audit_id())
    {
        request.headers_mut().insert(audit::AUDIT_ID, id);
    }
    let is_call = crate::grpc::is_call(request.headers());
    let response = surrounded(&app, request, |request| next.run(request)).await;
    match is_call && response.extensions().get::<Refused>().is_some() {
        true => grpc::refusal(response).await,
        false => response,
    }
}

/// Marks answers that are not the upstream's.
#[derive(Clone, Copy)]
struct Refused;

/// What the upstream answers.
///
/// # Errors
/// The answer to give instead.
async fn answer(
    app: &Arc<App>,
    upstream: &Upstream,
    request: Request<Body>,
    place: Option<Place>,
) -> Result<Response<Body>, Response<Body>> {
    let (mut parts, body) = request.into_parts();
    if parts.method == Method::CONNECT {
        return Err(answer::text(StatusCode::METHOD_NOT_ALLOWED, "405 method not allowed\n"));
    }
    target::check(&parts)
        .map_err(|problem| answer::status(&parts, &Status::bad_request(problem)))?;
    let (headers, is_patient) = admitted(app, &parts)?;
    let _place = place.filter(|_| !is_patient);
    let tunnel = tunnel::asked(&mut parts);
    let (sent, progress) = Sent::new(body, app.limits.read_timeout);
    let mut onward = Request::new(Body::new(sent));
    onward.method_mut().clone_from(&parts.method);
    *onward.headers_mut() = headers;
    let timeout = (!is_patient).then_some(upstream.timeout());
    let start = Instant::now();
    let path = parts.uri.path_and_query();
    let reply = match &tunnel {
        Some(tunnel) => upstream.open(tunnel, onward, path).await,
        None => upstream.send(onward, path, &progress, timeout).await,
    };
    let reply = reply.map_err(|failure| refused(&parts, upstream, &failure))?;
    upstream.meters().answered(start.elapsed());
    let ending = audit::ending(app, &parts, reply.status());
    Ok(match (reply, tunnel) {
        (Reply::Switched(response, permit), Some(tunnel)) => {
            tunnel.connect(response, permit, ending)
        }
        (Reply::Switched(response, _) | Reply::Whole(response), _) => {
            let response = response.map(|body| Body::new(Returned::new(body, ending)));
            headers::returned(response)
        }
    })
}

/// Whether a request may go on; the headers with which it does, and whether its answer may take as long as it
/// likes.
///
/// # Errors
/// The answer to give instead.
fn admitted(app: &App, parts: &Parts) -> Result<(axum::http::HeaderMap, bool), Response<Body>> {
    let request::Admitted { sender, is_long_running, .. } = request::admit_sender(app, parts)?;
    let identity = identity_headers::of(sender.requester().user())
        .map_err(|error| request::internal_error(parts, &error.to_string()))?;
    let mut headers = headers::onward(parts, &sender.snapshot, identity);
    traces::hand_on(&parts.extensions, &mut headers);
    Ok((headers, is_long_running))
}

/// The answer where the upstream has none.
fn refused(parts: &Parts, upstream: &Upstream, failure: &Failure) -> Response<Body> {
    upstream.meters().failed(failure);
    let status = match failure {
        Failure::Client(Trouble::Slow) => Status::timeout(),
        Failure::Client(Trouble::Broken) => Status::bad_request("the body cannot be read"),
        Failure::Full => Status::unavailable("too many connections are handed on already"),
        Failure::Unreachable(why) => {
            tracing::warn!(upstream = %upstream, "the upstream cannot be reached: {why}");
            Status::bad_gateway("the upstream cannot be reached")
        }
        Failure::Broken(why) => {
            tracing::warn!(upstream = %upstream, "the upstream gave no answer: {why}");
            Status::bad_gateway("the upstream gave no answer that can be read")
        }
        Failure::Silent => {
            tracing::warn!(upstream = %upstream, path = parts.uri.path(), "the upstream does not answer in time");
            Status::gateway_timeout("the upstream did not answer in time")
        }
    };
    let mut response = answer::status(parts, &status);
    if matches!(failure, Failure::Full) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    // Whatever is left of a body that did not come in time is not waited for.
    if matches!(failure, Failure::Client(_)) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The host that a client asked for.
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
