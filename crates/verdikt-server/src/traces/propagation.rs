//! The trace that a request is part of, as its headers say, and as the next component is told (W3C Trace Context).

use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;

use super::Trace;

/// What a client says that its request is part of, if it says anything that makes sense.
pub(super) fn remote(headers: &HeaderMap) -> Option<SpanContext> {
    headers.get(&TRACEPARENT)?;
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &In(headers));
    let remote = context.span().span_context().clone();
    remote.is_valid().then_some(remote)
}

/// Makes what goes on part of the trace that is made here, if there is any; otherwise of what it was part of.
pub(crate) fn hand_on(extensions: &Extensions, headers: &mut HeaderMap) {
    if let Some(context) = extensions.get::<Trace>().and_then(Trace::recording) {
        headers.remove(&TRACESTATE);
        TraceContextPropagator::new().inject_context(context, &mut Out(headers));
    }
}

struct In<'a>(&'a HeaderMap);

impl Extractor for In<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Out<'a>(&'a mut HeaderMap);

impl Injector for Out<'_> {
    fn set(&mut self, key: &str, value: String) {
        let header = HeaderName::try_from(key).ok().zip(HeaderValue::try_from(value).ok());
        if let Some((name, value)) = header.filter(|(_, value)| !value.is_empty()) {
            self.0.insert(name, value);
        }
    }
}

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
