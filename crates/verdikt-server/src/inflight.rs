//! How many requests are answered at a time: more get a 429 at once, and nothing waits.
//!
//! Follows `pkg/server/filters/maxinflight.go` of apiserver, with one bound: nothing is changed by a request here. It
//! counts before anybody is authenticated, so that passwords that are slow to compare are bounded, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use tonic_types::{ErrorDetails, StatusExt as _};
use verdikt::Engine;
use verdikt::metrics::{Counter, Family, Gauge};

use crate::grpc;

/// The bound, shared by all listeners that have a clone of it.
#[derive(Clone, Debug)]
pub struct Inflight(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    now: AtomicUsize,
    gauge: Arc<Gauge>,
    refused: Arc<Counter>,
}

/// A request that is being answered, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Shared>);

impl Inflight {
    /// At most so many at a time; 0 for any number.
    pub fn new(engine: &Engine, most: usize) -> Self {
        let metrics = engine.registry();
        let refused = [("code", "429"), ("component", "verdikt")];
        Self(Arc::new(Shared {
            most: if most == 0 { usize::MAX } else { most },
            now: AtomicUsize::new(0),
            gauge: metrics.gauge(&CURRENT, &[("request_kind", "readOnly")]),
            refused: metrics.counter(&TERMINATIONS, &refused),
        }))
    }

    /// A place for one more request, if there is any left.
    pub(crate) fn enter(&self) -> Option<Place> {
        let Shared { most, now, gauge, refused } = &*self.0;
        let one_more = |taken: usize| (taken < *most).then(|| taken + 1);
        match now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(before) => {
                gauge.set((before + 1) as f64);
                Some(Place(Arc::clone(&self.0)))
            }
            Err(_) => {
                refused.add(1);
                None
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let before = self.0.now.fetch_sub(1, Ordering::Relaxed);
        self.0.gauge.set(before.saturating_sub(1) as f64);
    }
}

/// Whether requests to this path are answered however many there are: whoever supervises the server must learn
/// that it lives. What is asked in a stream is counted question by question.
pub(crate) fn is_exempt(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    matches!(first, "healthz" | "livez" | "readyz" | "grpc.health.v1.Health")
        || matches!(path, "/verdikt.v1.Verdikt/CheckStream" | "/verdikt.v1.Verdikt/WatchStatus")
}

/// The answer to one request too many, in Kubernetes' words.
pub(crate) fn too_many(headers: &HeaderMap) -> Response<Body> {
    if grpc::is_call(headers) {
        return exhausted().into_http();
    }
    let mut response = Response::new(Body::from(format!("{TOO_MANY}\n")));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    for (name, value) in [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::RETRY_AFTER, "1"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The same for calls of gRPC.
pub(crate) fn exhausted() -> tonic::Status {
    let details = ErrorDetails::with_retry_info(Some(std::time::Duration::from_secs(1)));
    tonic::Status::with_error_details(tonic::Code::ResourceExhausted, TOO_MANY, details)
}

const TOO_MANY: &str = "Too many requests, please try again later.";

const CURRENT: Family = Family::gauge(
    "apiserver_current_inflight_requests",
    "[STABLE] Maximal number of currently used inflight request limit of this apiserver per request kind in last second.",
);
const TERMINATIONS: Family = Family::counter(
    "apiserver_request_terminations_total",
    "[ALPHA] Number of requests which apiserver terminated in self-defense.",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_left_can_be_taken_again() {
        let engine = Engine::builder().authorization_modes([verdikt::Mode::AlwaysAllow]);
        let engine = engine.build().unwrap();
        let inflight = Inflight::new(&engine, 2);
        let (first, second) = (inflight.enter().unwrap(), inflight.enter().unwrap());
        assert!(inflight.enter().is_none());
        assert!(inflight.enter().is_none());
        drop(first);
        let third = inflight.enter().unwrap();
        assert!(inflight.enter().is_none());
        drop((second, third));
        assert!(inflight.enter().is_some());
        let any = Inflight::new(&engine, 0);
        let many: Vec<_> = std::iter::repeat_with(|| any.enter().unwrap()).take(1000).collect();
        assert_eq!(many.len(), 1000);
    }

    #[test]
    fn whoever_supervises_is_answered() {
        for path in ["/healthz", "/readyz", "/livez/ping", "/grpc.health.v1.Health/Check"] {
            assert!(is_exempt(path), "{path}");
        }
        for path in ["/", "/healthzz", "/metrics", "/verdikt.v1.Verdikt/Check", "readyz", ""] {
            assert!(!is_exempt(path), "{path}");
        }
    }
}
