//! One request: its span, which begins once it is known who sends it, and the spans of what is done about it.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use opentelemetry::trace::{
    Link, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;
use tonic::Code;
use verdikt::{Decision, Effect, Outcome, RequestInfo, groups};

use super::{Traces, propagation};
use crate::grpc;
use crate::http::audit::PeerAddress;

/// A request, kept with it while it is answered.
#[derive(Clone)]
pub(crate) struct Trace(Arc<Traced>);

struct Traced {
    tracer: SdkTracer,
    received: SystemTime,
    method: Method,
    target: Uri,
    is_call: bool,
    user_agent: Option<HeaderValue>,
    client: Option<PeerAddress>,
    /// What its client says that it is part of.
    remote: Option<SpanContext>,
    span: OnceLock<Context>,
}

impl Trace {
    pub(super) fn new<B>(traces: &Traces, request: &Request<B>) -> Self {
        let headers = request.headers();
        Self(Arc::new(Traced {
            tracer: traces.tracer.clone(),
            received: SystemTime::now(),
            method: request.method().clone(),
            target: request.uri().clone(),
            is_call: grpc::is_call(headers),
            user_agent: headers.get(header::USER_AGENT).cloned(),
            client: request.extensions().get().copied(),
            remote: propagation::remote(headers),
            span: OnceLock::new(),
        }))
    }

    /// Its span, which begins with the first to ask for it. Whoever sends it and is believed says what it is part
    /// of; otherwise it begins a trace, with a link to what they said.
    pub(super) fn begin(&self, is_believed: bool) -> &Context {
        self.0.span.get_or_init(|| {
            let Traced { tracer, received, method, remote, .. } = &*self.0;
            let mut span = SpanBuilder::from_name(method.as_str().to_owned())
                .with_kind(SpanKind::Server)
                .with_start_time(*received);
            let parent = match remote {
                Some(remote) if is_believed => {
                    Context::new().with_remote_span_context(remote.clone())
                }
                Some(remote) => {
                    span = span.with_links(vec![Link::with_context(remote.clone())]);
                    Context::new()
                }
                None => Context::new(),
            };
            let span = Context::new().with_span(tracer.build_with_context(span, &parent));
            if span.span().is_recording() {
                self.describe(&span);
            }
            span
        })
    }

    /// Its span, if it is sampled.
    pub(super) fn recording(&self) -> Option<&Context> {
        self.0.span.get().filter(|context| context.span().is_recording())
    }

    /// What it asks for, in the names of OpenTelemetry's conventions.
    fn describe(&self, context: &Context) {
        let Traced { method, target, is_call, user_agent, client, .. } = &*self.0;
        let span = context.span();
        if let Some(PeerAddress(address)) = client {
            let address = address.ip().to_canonical().to_string();
            span.set_attribute(KeyValue::new("client.address", address));
        }
        if let Some(Ok(user_agent)) = user_agent.as_ref().map(HeaderValue::to_str) {
            span.set_attribute(KeyValue::new("user_agent.original", clipped(user_agent)));
        }
        let path = target.path();
        if let (true, Some((service, method))) =
            (is_call, path.trim_start_matches('/').split_once('/'))
        {
            span.update_name(clipped(path.trim_start_matches('/')));
            span.set_attributes([
                KeyValue::new("rpc.system", "grpc"),
                KeyValue::new("rpc.service", clipped(service)),
                KeyValue::new("rpc.method", clipped(method)),
            ]);
            return;
        }
        span.set_attributes([
            KeyValue::new("http.request.method", method.as_str().to_owned()),
            KeyValue::new("url.path", clipped(path)),
        ]);
        let target = target.to_string();
        if let Ok(info) = RequestInfo::from_request(method.as_str(), &target)
            && info.is_resource_request()
        {
            span.update_name(clipped(&name(method, &info)));
        }
    }

    /// What is known once the answer begins.
    pub(super) fn answered(&self, response: &Response<Body>) {
        let Some(context) = self.recording() else { return };
        let code = response.status();
        let span = context.span();
        if self.0.is_call {
            self.grpc_status(response.headers());
            return;
        }
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(code.as_u16())));
        if code.is_server_error() {
            span.set_status(Status::error(""));
        }
    }

    /// How a call ended, if `headers` say so: those of the answer or, after it, its trailers.
    pub(super) fn grpc_status(&self, headers: &HeaderMap) {
        let (Some(context), Some(code)) = (self.recording(), headers.get("grpc-status")) else {
            return;
        };
        let code = Code::from_bytes(code.as_bytes());
        let span = context.span();
        span.set_attribute(KeyValue::new("rpc.grpc.status_code", i64::from(i32::from(code))));
        if matches!(
            code,
            Code::Unknown
                | Code::DeadlineExceeded
                | Code::Unimplemented
                | Code::Internal
                | Code::Unavailable
                | Code::DataLoss
        ) {
            span.set_status(Status::error(code.description()));
        }
    }

    fn child(&self, name: &'static str, begun: SystemTime) -> Option<Context> {
        let parent = self.recording()?;
        let child = SpanBuilder::from_name(name).with_start_time(begun);
        Some(Context::new().with_span(self.0.tracer.build_with_context(child, parent)))
    }
}

/// It is known who sends the request of `extensions`, or that nobody does; to find out took `took`.
pub(crate) fn authenticated(extensions: &Extensions, outcome: &Outcome, took: Duration) {
    let Some(trace) = extensions.get::<Trace>() else { return };
    let is_believed = match outcome {
        Outcome::Authenticated(authenticated) => {
            let groups = &authenticated.user().groups;
            groups.iter().any(|group| BELIEVED.contains(&&**group))
        }
        Outcome::NoOpinion | Outcome::Failed(_) => false,
    };
    trace.begin(is_believed);
    let now = SystemTime::now();
    let begun = now.checked_sub(took).unwrap_or(now);
    let Some(child) = trace.child("authentication", begun) else { return };
    let span = child.span();
    match outcome {
        Outcome::Authenticated(authenticated) => {
            let method = authenticated.method().name();
            span.set_attribute(KeyValue::new("verdikt.authenticator", method));
        }
        Outcome::Failed(_) => span.set_status(Status::error("Unauthorized")),
        Outcome::NoOpinion => {}
    }
    span.end_with_timestamp(now);
}

/// Decides as `decide` does, and traces that for the request of `extensions`.
pub(crate) fn decided<'a>(
    extensions: &Extensions,
    decide: impl FnOnce() -> Decision<'a>,
) -> Decision<'a> {
    let child = extensions.get::<Trace>().and_then(|trace| {
        trace.recording()?;
        trace.child("authorization", SystemTime::now())
    });
    let decision = decide();
    if let Some(child) = child {
        let span = child.span();
        let word = match decision.effect() {
            Effect::Allow => "allow",
            Effect::Deny | Effect::NoOpinion => "forbid",
        };
        // Under the names that audit annotations have.
        span.set_attributes([
            KeyValue::new("authorization.k8s.io/decision", word),
            KeyValue::new("authorization.k8s.io/reason", clipped(&decision.reason_text())),
            KeyValue::new(
                "verdikt.revision",
                i64::try_from(decision.revision().0).unwrap_or(i64::MAX),
            ),
        ]);
        if let Some(error) = decision.error() {
            span.set_status(Status::error(clipped(&error)));
        }
        span.end();
    }
    decision
}

/// As kube-apiserver names the spans of requests for resources: without what differs from one to the next.
fn name(method: &Method, info: &RequestInfo<'_>) -> String {
    let mut name = format!("{method} /{}", info.api_prefix());
    for part in [info.api_group(), info.api_version()] {
        if !part.is_empty() {
            name.push('/');
            name.push_str(part);
        }
    }
    if !info.namespace().is_empty() {
        name.push_str("/namespaces/{:namespace}");
    }
    name.push('/');
    name.push_str(info.resource());
    if !info.name().is_empty() {
        name.push_str("/{:name}");
    }
    if !info.subresource().is_empty() {
        name.push('/');
        name.push_str(info.subresource());
    }
    name
}

/// As much of a client's text as is kept.
fn clipped(text: &str) -> String {
    let end = text.floor_char_boundary(MOST_BYTES.min(text.len()));
    text.get(..end).unwrap_or_default().to_owned()
}

const MOST_BYTES: usize = 512;
/// Whose word is taken for what a request is part of, as upstream takes it.
const BELIEVED: [&str; 2] = [groups::MASTERS, "system:monitoring"];
