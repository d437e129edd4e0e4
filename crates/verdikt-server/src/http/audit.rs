//! The audit trail of what comes over HTTP, and the id that every answer bears.
//!
//! Follows `endpoints/filters/{audit_init,audit,authn_audit}.go` of apiserver. [`recorded`] surrounds all
//! handlers; what they learn of a request they tell here.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use axum::middleware::Next;
use serde::Serialize;
use serde_json::Value;
use verdikt::audit::{Answer, Arrival, Level, ObjectMeta, Trail, source_ips};
use verdikt::{Attributes, Impersonated, RequestInfo, Snapshot, User};

use super::App;

/// The other end of the connection a request came over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerAddress(pub(crate) SocketAddr);

/// What is kept of a request until it is answered.
#[derive(Clone)]
struct Recording(Arc<Ongoing>);

struct Ongoing {
    id: HeaderValue,
    received: SystemTime,
    trail: Mutex<Option<Trail>>,
}

/// What was answered, kept with the answer for whoever records it.
#[derive(Clone, Default)]
struct Answered {
    status: Option<String>,
    object: Option<String>,
}

/// Gives a request its id, and ends its trail with the answer.
pub(super) async fn recorded<F: Future<Output = Response<Body>>>(
    app: &App,
    mut request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response<Body> {
    let id = match request.headers().get(AUDIT_ID).filter(|id| !id.is_empty()) {
        Some(id) => id.clone(),
        None => {
            HeaderValue::try_from(app.engine.new_audit_id()).unwrap_or(HeaderValue::from_static(""))
        }
    };
    if !app.engine.is_audited() {
        let mut response = answer(request).await;
        response.headers_mut().entry(AUDIT_ID).or_insert(id);
        return response;
    }
    let received = SystemTime::now();
    let recording = Recording(Arc::new(Ongoing { id, received, trail: Mutex::new(None) }));
    request.extensions_mut().insert(recording.clone());
    let mut response = answer(request).await;
    if let Some(trail) = recording.trail().take() {
        let answered = response.extensions_mut().remove::<Answered>().unwrap_or_default();
        let answer = Answer {
            code: response.status().as_u16(),
            status: answered.status.as_deref(),
            object: answered.object.as_deref(),
        };
        off_the_runtime(app, || trail.answered(&answer));
    }
    response.headers_mut().entry(AUDIT_ID).or_insert(recording.0.id.clone());
    response
}

/// The end of a request whose answer goes on for longer than it takes to find it.
pub(super) struct Ending {
    app: Arc<App>,
    trail: Trail,
    code: StatusCode,
}

/// Records that an answer begins, if that is recorded; whoever gives it says when it ends.
pub(super) fn ending(app: &Arc<App>, parts: &Parts, code: StatusCode) -> Option<Ending> {
    let mut trail = Recording::of(parts)?.trail().take()?;
    off_the_runtime(app, || trail.started(&Answer { code: code.as_u16(), ..Answer::default() }));
    Some(Ending { app: Arc::clone(app), trail, code })
}

impl Ending {
    /// Records that all of it has been given.
    pub(super) fn ended(self) {
        let Self { app, trail, code } = self;
        let answer = Answer { code: code.as_u16(), ..Answer::default() };
        off_the_runtime(&app, || trail.answered(&answer));
    }
}

/// Records a request that is answered whoever sent it.
pub(super) async fn record_anyone(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match begin_anyone(&app, &parts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(refused) => refused,
    }
}

/// The same, for a handler to call.
///
/// # Errors
/// The answer to give instead.
pub(super) fn begin_anyone(app: &App, parts: &Parts) -> Result<(), Response<Body>> {
    if !app.engine.is_audited() {
        return Ok(());
    }
    let target = parts.uri.to_string();
    let Ok(info) = RequestInfo::from_request(parts.method.as_str(), &target) else { return Ok(()) };
    begin(app, &app.engine.snapshot(), parts, &Attributes::from_request(None, &info), None)
}

/// Records that a request is there, whose sender is known now.
///
/// # Errors
/// The answer to give instead, if it must be recorded and cannot be.
pub(super) fn begin(
    app: &App,
    snapshot: &Snapshot,
    parts: &Parts,
    request: &Attributes<'_>,
    user: Option<&User>,
) -> Result<(), Response<Body>> {
    let Some(recording) = Recording::of(parts) else { return Ok(()) };
    let begun = recording.with_arrival(parts, request, user, |arrival| {
        off_the_runtime(app, || app.engine.begin_audit(snapshot, arrival))
    });
    match begun {
        Ok(trail) => *recording.trail() = trail,
        Err(error) => return Err(super::request::internal_error(parts, &error.to_string())),
    }
    Ok(())
}

/// Records that nobody knows who sent a request.
pub(super) fn unidentified(
    app: &App,
    snapshot: &Snapshot,
    parts: &Parts,
    request: &Attributes<'_>,
) {
    if let Some(recording) = Recording::of(parts) {
        let trail = recording.with_arrival(parts, request, None, |arrival| {
            app.engine.audit_unidentified(snapshot, arrival)
        });
        *recording.trail() = trail;
    }
}

/// Keeps who the request is answered as.
pub(super) fn impersonated(parts: &Parts, impersonated: &Impersonated) {
    with_trail(parts, |trail| trail.impersonated(&impersonated.user, impersonated.constraint));
}

/// Keeps what was decided.
pub(super) fn decided(parts: &Parts, allowed: bool, failed: bool, reason: &str) {
    with_trail(parts, |trail| match failed {
        true => trail.failed_to_decide(),
        false => trail.decided(allowed, reason.to_owned()),
    });
}

/// Keeps the object that was sent.
pub(super) fn request_object(parts: &Parts, object: &impl Serialize) {
    with_trail(parts, |trail| {
        let value = serde_json::to_value(object).unwrap_or_default();
        let of = |name: &str| {
            value.get("metadata").and_then(|meta| meta.get(name)).and_then(Value::as_str)
        };
        let meta = ObjectMeta {
            namespace: of("namespace").unwrap_or_default(),
            name: of("name").unwrap_or_default(),
            uid: of("uid").unwrap_or_default(),
            resource_version: of("resourceVersion").unwrap_or_default(),
        };
        let object = serde_json::to_string(object).unwrap_or_default();
        trail.request_object(meta, &object);
    });
}

/// Keeps the object that is the answer, which may be a `Status`.
pub(super) fn response_object(
    parts: &Parts,
    response: &mut Response<Body>,
    object: &impl Serialize,
) {
    with_trail(parts, |trail| {
        let mut answered = Answered::default();
        if trail.level() >= Level::RequestResponse {
            answered.object = serde_json::to_string(object).ok();
        }
        let mut value = serde_json::to_value(object).unwrap_or_default();
        if value.get("kind").and_then(Value::as_str) == Some("Status")
            && let Some(members) = value.as_object_mut()
        {
            members.shift_remove("kind");
            members.shift_remove("apiVersion");
            answered.status = Some(value.to_string());
        }
        response.extensions_mut().insert(answered);
    });
}

fn with_trail(parts: &Parts, tell: impl FnOnce(&mut Trail)) {
    if let Some(recording) = Recording::of(parts)
        && let Some(trail) = recording.trail().as_mut()
    {
        tell(trail);
    }
}

impl Recording {
    /// None if nothing is recorded at all.
    fn of(parts: &Parts) -> Option<&Self> {
        parts.extensions.get()
    }

    fn trail(&self) -> MutexGuard<'_, Option<Trail>> {
        self.0.trail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_arrival<T>(
        &self,
        parts: &Parts,
        request: &Attributes<'_>,
        user: Option<&User>,
        tell: impl FnOnce(&Arrival<'_>) -> T,
    ) -> T {
        let headers = &parts.headers;
        let peer = parts.extensions.get::<PeerAddress>().map(|PeerAddress(address)| address.ip());
        let source_ips = source_ips(&text(headers, FORWARDED_FOR), &text(headers, REAL_IP), peer);
        tell(&Arrival {
            audit_id: &String::from_utf8_lossy(self.0.id.as_bytes()),
            received: self.0.received,
            uri: uri(parts),
            source_ips: &source_ips,
            user_agent: &text(headers, header::USER_AGENT),
            user,
            request,
        })
    }
}

/// Path and query, as they were sent.
fn uri(parts: &Parts) -> &str {
    parts.uri.path_and_query().map_or("/", |target| target.as_str())
}

/// The first value of a header; what is no text in it is replaced.
fn text(headers: &HeaderMap, name: HeaderName) -> std::borrow::Cow<'_, str> {
    let value = headers.get(name).map_or(b"".as_slice(), HeaderValue::as_bytes);
    String::from_utf8_lossy(value)
}

/// Does what may wait for a disk where nobody else waits for it.
fn off_the_runtime<T>(app: &App, work: impl FnOnce() -> T) -> T {
    if app.engine.audit_blocks() { tokio::task::block_in_place(work) } else { work() }
}

pub(super) const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
