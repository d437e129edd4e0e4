//! What surrounds the answer to a request: its span, until the last byte of the answer.

use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;

use super::{Trace, Traces};
use crate::listener::Access;

impl Trace {
    /// Begins with a request, and is kept with it.
    pub(crate) fn of<B>(traces: &Traces, access: Access, request: &mut Request<B>) -> Self {
        let trace = Self::new(traces, request);
        if access == Access::Open {
            // Whoever reaches this listener is believed.
            trace.begin(true);
        }
        request.extensions_mut().insert(trace.clone());
        trace
    }

    /// Ends with the answer's body, read to its end or not.
    pub(crate) fn end(self, response: Response<Body>) -> Response<Body> {
        // Nobody may have asked who sent it.
        self.begin(false);
        if self.recording().is_none() {
            return response;
        }
        self.answered(&response);
        if response.body().is_end_stream() {
            return response;
        }
        let ending = Ending(self);
        response.map(|body| {
            Body::new(body.map_frame(move |frame| {
                if let Some(trailers) = frame.trailers_ref() {
                    ending.trailers(trailers);
                }
                frame
            }))
        })
    }
}

struct Ending(Trace);

impl Ending {
    fn trailers(&self, trailers: &HeaderMap) {
        self.0.grpc_status(trailers);
    }
}
