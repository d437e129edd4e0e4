//! Surrounds all that answers requests with their spans, each until the last byte of its answer.

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use axum::middleware::{Next, from_fn_with_state};
use http_body_util::BodyExt as _;

use super::{Trace, Traces};
use crate::listener::Access;

/// `app`, with its requests traced.
pub(crate) fn traced(app: Router, traces: Traces, access: Access) -> Router {
    app.layer(from_fn_with_state((traces, access), around))
}

async fn around(
    State((traces, access)): State<(Traces, Access)>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    let trace = Trace::of(&traces, &request);
    if access == Access::Open {
        // Whoever reaches this listener is believed.
        trace.begin(true);
    }
    request.extensions_mut().insert(trace.clone());
    let response = next.run(request).await;
    // Nobody may have asked who sent it.
    trace.begin(false);
    if trace.recording().is_none() {
        return response;
    }
    trace.answered(&response);
    if response.body().is_end_stream() {
        return response;
    }
    // Ends with the body, read to its end or not.
    let ending = Ending(trace);
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            if let Some(trailers) = frame.trailers_ref() {
                ending.trailers(trailers);
            }
            frame
        }))
    })
}

struct Ending(Trace);

impl Ending {
    fn trailers(&self, trailers: &HeaderMap) {
        self.0.grpc_status(trailers);
    }
}
