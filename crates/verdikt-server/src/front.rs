//! What answers the requests of a listener, from the bound on how many there are to whoever knows the answer.
//!
//! What is asked most is known by its path alone: to find it in a router, and to be surrounded by layers that box what
//! they pass on, costs such a request as much as its decision. A router knows all other addresses.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use tonic::codegen::Service as _;

use crate::grpc::Calls;
use crate::http::Reviews;
use crate::inflight::{self, Inflight};
use crate::listener::Access;
use crate::traces::{Trace, Traces};

/// All that a listener answers.
pub(crate) struct Front {
    /// Access reviews, if they are answered here.
    pub(crate) reviews: Option<Reviews>,
    /// Calls of gRPC, if they are.
    pub(crate) calls: Option<Calls>,
    pub(crate) router: Router,
    pub(crate) inflight: Option<Inflight>,
    pub(crate) traces: Option<(Traces, Access)>,
}

/// An answer that is being found.
pub(crate) type Answering =
    Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl Front {
    /// One that finds everything in a router, without bounds and traces.
    pub(crate) fn new(router: Router) -> Self {
        Self { reviews: None, calls: None, router, inflight: None, traces: None }
    }

    /// The answer to a request.
    pub(crate) fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answering {
        Box::pin(async move { Ok(self.traced(request).await) })
    }

    async fn traced(&self, mut request: Request<Incoming>) -> Response<Body> {
        let Some((traces, access)) = &self.traces else { return self.bounded(request).await };
        let trace = Trace::of(traces, *access, &mut request);
        trace.end(self.bounded(request).await)
    }

    /// As many requests are let through as there are places, each until its answer begins, and all that are exempt.
    async fn bounded(&self, request: Request<Incoming>) -> Response<Body> {
        let _place = match &self.inflight {
            Some(inflight) if !inflight::is_exempt(request.uri().path()) => {
                match inflight.enter() {
                    Some(place) => Some(place),
                    None => return inflight::too_many(request.headers()),
                }
            }
            _ => None,
        };
        self.routed(request).await
    }

    async fn routed(&self, request: Request<Incoming>) -> Response<Body> {
        if let Some(reviews) = self.reviews.as_ref().filter(|_| Reviews::are_asked(&request)) {
            return reviews.answer(request.map(Body::new)).await;
        }
        let called = self.calls.as_ref().and_then(|calls| calls.called(request.uri().path()));
        if let Some(service) = called {
            return service.answer(request).await;
        }
        let Ok(response) = self.router.clone().call(request).await;
        response
    }
}
