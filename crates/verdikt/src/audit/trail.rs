//! The events of one request, from its arrival to its answer.
//!
//! Follows apiserver's `pkg/audit/{context,request}.go` and `pkg/endpoints/filters/audit.go`.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;
use std::time::SystemTime;

use smallvec::SmallVec;
use verdikt_core::{Attributes, User};

use super::record::{self, Header, Parts};
use super::{Arrival, Auditor, Config, Level, NotStored, Stage};

/// The audit trail of one request, which is going on until it is answered. A trail that is dropped
/// before records that the connection was closed early, or that the server panicked.
#[derive(Debug)]
pub struct Trail {
    auditor: Arc<Auditor>,
    config: Config,
    kind: Kind,
    received: SystemTime,
    /// What was known at the arrival, as records have it.
    arrival: Vec<u8>,
    /// The same of what the object that was sent says about itself, if there was one.
    meta: Vec<u8>,
    /// Who the request is answered as, if not as its sender.
    impersonated: Vec<u8>,
    /// A few, by their keys.
    annotations: SmallVec<[(&'static str, Cow<'static, str>); 3]>,
    request_object: Option<String>,
    /// Whether the last event has been recorded.
    ended: bool,
}

/// Which events a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// One when it is there, and one when it has been answered.
    Ordinary,
    /// One more when the answer begins.
    LongRunning,
    /// Nobody knows who sent it: one, when that is answered.
    Unidentified,
}

/// What was answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub code: u16,
    /// The `Status` that was the answer, as JSON without its kind and version; none if the answer was
    /// something else.
    pub status: Option<&'a str>,
    /// The object that was the answer, as JSON.
    pub object: Option<&'a str>,
}

/// What an object that was sent says about itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObjectMeta<'a> {
    /// `metadata.namespace`.
    pub namespace: &'a str,
    /// `metadata.name`.
    pub name: &'a str,
    /// `metadata.uid`.
    pub uid: &'a str,
    /// `metadata.resourceVersion`.
    pub resource_version: &'a str,
}

impl Trail {
    pub(super) fn new(auditor: Arc<Auditor>, config: Config, arrival: &Arrival<'_>) -> Self {
        let mut facts = ARRIVAL.try_with(Cell::take).unwrap_or_default();
        facts.clear();
        record::arrival(arrival, &mut facts);
        Self {
            kind: match arrival.request {
                request if is_long_running(request) => Kind::LongRunning,
                _ => Kind::Ordinary,
            },
            received: arrival.received,
            arrival: facts,
            meta: Vec::new(),
            impersonated: Vec::new(),
            annotations: SmallVec::new(),
            request_object: None,
            ended: false,
            auditor,
            config,
        }
    }

    /// The same trail for a request whose sender could not be identified.
    pub(super) fn unidentified(self) -> Self {
        // `..self` would take parts out of something that has a Drop.
        let mut trail = self;
        trail.kind = Kind::Unidentified;
        trail
    }

    /// Records that the request is there.
    pub(super) fn received(&mut self) -> Result<(), NotStored> {
        if self.record(Stage::RequestReceived, None) {
            return Ok(());
        }
        // There is no request for it to be about any more.
        self.ended = true;
        self.auditor.reject();
        Err(NotStored)
    }

    /// How much is recorded.
    pub fn level(&self) -> Level {
        self.config.level
    }

    /// Says who the request is answered as, and the verb of constrained impersonation that allowed it.
    pub fn impersonated(&mut self, user: &User, constraint: &str) {
        self.impersonated.clear();
        record::person(user, &mut self.impersonated);
        record::text(constraint, &mut self.impersonated);
    }

    /// Says what was decided, and why.
    pub fn decided(&mut self, allowed: bool, reason: impl Into<Cow<'static, str>>) {
        let decision = if allowed { "allow" } else { "forbid" };
        self.annotate("authorization.k8s.io/decision", decision);
        self.annotate("authorization.k8s.io/reason", reason);
    }

    /// Says that an error kept anything from being decided.
    pub fn failed_to_decide(&mut self) {
        self.annotate("authorization.k8s.io/reason", "internal error");
    }

    /// Says something more. What has been said once stays.
    pub fn annotate(&mut self, key: &'static str, value: impl Into<Cow<'static, str>>) {
        let value = value.into();
        match self.annotations.iter().find(|(known, _)| *known == key) {
            None => {
                let place = self.annotations.partition_point(|(known, _)| *known < key);
                self.annotations.insert(place, (key, value));
            }
            Some((_, old)) if *old != value => tracing::warn!(
                "Failed to set annotations[{key:?}] to {value:?} for audit:{}, it has already been \
                 set to {old:?}",
                record::audit_id(&self.arrival)
            ),
            Some(_) => {}
        }
    }

    /// Keeps the object that was sent, as JSON in the version it was sent in, and what it says about itself.
    pub fn request_object(&mut self, meta: ObjectMeta<'_>, object: &str) {
        self.meta.clear();
        record::object(meta, &mut self.meta);
        if self.config.level >= Level::Request {
            self.request_object = Some(self.recorded(object).into_owned());
        }
    }

    /// Records that the answer begins, where that is told apart from its end.
    pub fn started(&mut self, answer: &Answer<'_>) {
        if self.kind == Kind::LongRunning {
            self.record(Stage::ResponseStarted, Some(answer));
            self.kind = Kind::Ordinary;
        }
    }

    /// Records the answer, and ends the trail.
    pub fn answered(mut self, answer: &Answer<'_>) {
        self.ended = true;
        self.record_answer(answer);
    }

    fn record_answer(&self, answer: &Answer<'_>) {
        if self.kind != Kind::Ordinary {
            self.record(Stage::ResponseStarted, Some(answer));
        }
        if self.kind != Kind::Unidentified {
            self.record(Stage::ResponseComplete, Some(answer));
        }
    }

    /// Writes an event; false if it could not be stored where that counts.
    fn record(&self, stage: Stage, answer: Option<&Answer<'_>>) -> bool {
        if self.config.omit_stages.contain(stage) {
            return true;
        }
        let at = match stage {
            Stage::RequestReceived => self.received,
            _ => SystemTime::now(),
        };
        let response = answer.and_then(|answer| answer.object);
        let response = response.filter(|_| self.config.level >= Level::RequestResponse);
        let status = answer.and_then(|answer| answer.status);
        let header = Header {
            stage,
            level: self.config.level,
            received: self.received,
            at,
            code: answer.map(|answer| answer.code),
            has: Parts {
                meta: !self.meta.is_empty(),
                impersonated: !self.impersonated.is_empty(),
                status: status.is_some(),
                request_object: self.request_object.is_some(),
                response_object: response.is_some(),
            },
        };
        // Each thread keeps the memory of it; trails are also dropped while threads end.
        let mut rest = REST.try_with(Cell::take).unwrap_or_default();
        rest.clear();
        let said = self.annotations.iter().map(|(key, value)| (*key, value.as_ref()));
        record::annotations(said, &mut rest);
        let response = response.map(|object| self.recorded(object));
        let optional = [status, self.request_object.as_deref(), response.as_deref()];
        optional.into_iter().flatten().for_each(|part| record::text(part, &mut rest));
        let header = header.to_bytes();
        let is_stored =
            self.auditor.store(&[&header, &self.arrival, &self.meta, &self.impersonated, &rest]);
        keep(&REST, rest);
        is_stored
    }

    /// An object as it is to be recorded: on one line, without managed fields if the policy says so.
    fn recorded<'o>(&self, object: &'o str) -> Cow<'o, str> {
        let object = object.trim();
        let without = (self.config.omit_managed_fields && object.contains("\"managedFields\""))
            .then(|| without_managed_fields(object));
        without.flatten().map_or(Cow::Borrowed(object), Cow::Owned)
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.end();
        keep(&ARRIVAL, std::mem::take(&mut self.arrival));
    }
}

impl Trail {
    /// Records what a trail has that nobody ended.
    fn end(&self) {
        if self.ended || self.kind == Kind::Unidentified {
            return;
        }
        if std::thread::panicking() {
            let status = "{\"metadata\":{},\"status\":\"Failure\",\"message\":\"APIServer panic'd\",\
                          \"reason\":\"InternalError\",\"code\":500}";
            let answer = Answer { code: 500, status: Some(status), object: None };
            self.record(Stage::Panic, Some(&answer));
            return;
        }
        let status = "{\"metadata\":{},\"status\":\"Success\",\
                      \"message\":\"Connection closed early\",\"code\":200}";
        let answer = Answer { code: 200, status: Some(status), object: None };
        self.record_answer(&answer);
    }
}

type Kept = std::thread::LocalKey<Cell<Vec<u8>>>;

thread_local! {
    static ARRIVAL: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static REST: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Keeps memory for the next event of this thread.
fn keep(place: &'static Kept, memory: Vec<u8>) {
    if memory.capacity() <= MOST_KEPT {
        // Trails are also dropped while threads end.
        let _ = place.try_with(|kept| kept.set(memory));
    }
}

/// Bytes of memory that a thread keeps in each place.
const MOST_KEPT: usize = 16 << 10;

/// Whether the answer takes as long as its receiver wants (`BasicLongRunningRequestCheck`, as
/// kube-apiserver sets it up).
pub fn is_long_running(request: &Attributes<'_>) -> bool {
    matches!(request.verb, "watch" | "proxy")
        || matches!(request.subresource, "attach" | "exec" | "proxy" | "log" | "portforward")
        || (!request.resource_request && request.path.starts_with("/debug/pprof/"))
}

/// The object, and each item if it is a list, without `metadata.managedFields`.
fn without_managed_fields(object: &str) -> Option<String> {
    let mut value: serde_json::Value = serde_json::from_str(object).ok()?;
    let remove = |value: &mut serde_json::Value| {
        let metadata = value.get_mut("metadata").and_then(serde_json::Value::as_object_mut);
        metadata.and_then(|metadata| metadata.shift_remove("managedFields"));
    };
    remove(&mut value);
    let items = value.get_mut("items").and_then(serde_json::Value::as_array_mut);
    items.into_iter().flatten().for_each(remove);
    Some(value.to_string())
}
