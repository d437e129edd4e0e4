//! The events of one request, from its arrival to its answer.
//!
//! Follows apiserver's `pkg/audit/{context,request}.go` and `pkg/endpoints/filters/audit.go`.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;
use std::time::SystemTime;

use verdikt_core::{Attributes, User};

use super::render::{Head, members_of_user};
use super::{Arrival, Auditor, Config, Format, Level, NotStored, Stage, json, legacy, time};

/// The audit trail of one request, which is going on until it is answered. A trail that is dropped
/// before records that the connection was closed early, or that the server panicked.
#[derive(Debug)]
pub struct Trail {
    auditor: Arc<Auditor>,
    config: Config,
    kind: Kind,
    received: SystemTime,
    head: Head,
    impersonated: Vec<u8>,
    /// A few, by their keys.
    annotations: Vec<(&'static str, Cow<'static, str>)>,
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
        let format = auditor.format();
        let mut impersonated = Vec::new();
        if format == Format::Legacy {
            legacy::impersonated(None, &mut impersonated);
        }
        Self {
            kind: match arrival.request {
                request if is_long_running(request) => Kind::LongRunning,
                _ => Kind::Ordinary,
            },
            received: arrival.received,
            head: Head::new(format, config.level, arrival),
            impersonated,
            annotations: Vec::new(),
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
        let text = &mut self.impersonated;
        if self.auditor.format() == Format::Legacy {
            return legacy::impersonated(Some(user), text);
        }
        text.extend_from_slice(b",\"impersonatedUser\":{");
        members_of_user(user, text);
        text.push(b'}');
        if !constraint.is_empty() {
            text.extend_from_slice(b",\"authenticationMetadata\":{\"impersonationConstraint\":");
            json::string(constraint, text);
            text.push(b'}');
        }
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
                self.head.id()
            ),
            Some(_) => {}
        }
    }

    /// Keeps the object that was sent, as JSON in the version it was sent in, and what it says about
    /// itself. `request` and `uri` are those of the arrival.
    pub fn request_object(
        &mut self,
        request: &Attributes<'_>,
        uri: &str,
        meta: ObjectMeta<'_>,
        object: &str,
    ) {
        self.head.object(self.auditor.format(), request, uri, meta);
        if self.config.level >= Level::Request {
            self.request_object = Some(self.recorded(object));
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
        // Each thread keeps the memory of a line; trails are also dropped while threads end.
        let line = LINE.try_with(Cell::take);
        let mut line = line.unwrap_or_default();
        line.clear();
        let is_stored = self.store(stage, at, answer, &mut line);
        if line.capacity() <= MOST_KEPT {
            let _ = LINE.try_with(|kept| kept.set(line));
        }
        is_stored
    }

    fn store(
        &self,
        stage: Stage,
        at: SystemTime,
        answer: Option<&Answer<'_>>,
        line: &mut Vec<u8>,
    ) -> bool {
        self.line(stage, at, answer, false, line);
        let Some(most) = self.auditor.max_event_size().filter(|&most| line.len() as u64 > most)
        else {
            return self.auditor.store(line);
        };
        if self.config.level >= Level::Request {
            line.clear();
            self.line(stage, at, answer, true, line);
        }
        if line.len() as u64 > most {
            self.auditor.too_large(line.len());
            return true;
        }
        self.auditor.store(line)
    }

    fn line(
        &self,
        stage: Stage,
        at: SystemTime,
        answer: Option<&Answer<'_>>,
        truncated: bool,
        line: &mut Vec<u8>,
    ) {
        self.head.at(stage.as_str(), &self.impersonated, line);
        if self.auditor.format() == Format::Legacy {
            return legacy::response(answer.map(|answer| answer.code), line);
        }
        if let Some(answer) = answer {
            json::field("responseStatus", line);
            match answer.status {
                Some(status) => json::escaped(status, line),
                None => {
                    line.extend_from_slice(b"{\"metadata\":{},\"code\":");
                    json::number(answer.code, line);
                    line.push(b'}');
                }
            }
        }
        if !truncated {
            self.objects(answer, line);
        }
        self.head.received(line);
        match stage {
            Stage::RequestReceived => line.extend_from_slice(self.head.received_at()),
            _ => time::micros(at, line),
        }
        line.push(b'"');
        self.annotations(truncated, line);
        line.extend_from_slice(b"}\n");
    }

    fn objects(&self, answer: Option<&Answer<'_>>, line: &mut Vec<u8>) {
        if let Some(object) = &self.request_object {
            json::field("requestObject", line);
            json::escaped(object, line);
        }
        if let Some(object) = answer.and_then(|answer| answer.object)
            && self.config.level >= Level::RequestResponse
        {
            json::field("responseObject", line);
            json::escaped(&self.recorded(object), line);
        }
    }

    fn annotations(&self, truncated: bool, line: &mut Vec<u8>) {
        if self.annotations.is_empty() && !truncated {
            return;
        }
        json::field("annotations", line);
        line.push(b'{');
        let more = truncated.then_some(("audit.k8s.io/truncated", "true"));
        let before = |(key, _): &&(&str, _)| more.is_some_and(|(more, _)| *key < more);
        let before = self.annotations.iter().take_while(before).count();
        let said = || self.annotations.iter().map(|(key, value)| (*key, value.as_ref()));
        for (key, value) in said().take(before).chain(more).chain(said().skip(before)) {
            json::key(key, line);
            json::string(value, line);
        }
        line.push(b'}');
    }

    /// An object as it is to be recorded: on one line, without managed fields if the policy says so.
    fn recorded(&self, object: &str) -> String {
        let object = object.trim();
        if self.config.omit_managed_fields && object.contains("\"managedFields\"") {
            return without_managed_fields(object).unwrap_or_else(|| object.to_owned());
        }
        object.to_owned()
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
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

thread_local! {
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Bytes of memory that a thread keeps for lines.
const MOST_KEPT: usize = 16 << 10;

/// Whether the answer takes as long as its receiver wants (`BasicLongRunningRequestCheck`, as
/// kube-apiserver sets it up).
fn is_long_running(request: &Attributes<'_>) -> bool {
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
