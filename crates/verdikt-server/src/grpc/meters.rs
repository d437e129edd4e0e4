//! What is counted and timed of calls, under the names that gRPC's interceptors for Prometheus have made common.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tonic::{Code, Status};
use verdikt::Engine;
use verdikt::metrics::{Counter, DEFAULT_BUCKETS, Family, Histogram, Metrics};

/// Of one method.
pub(super) struct Meter {
    registry: Metrics,
    /// `/SERVICE/METHOD`.
    path: &'static str,
    /// Such as `unary`.
    kind: &'static str,
    codes: [OnceLock<Arc<Counter>>; CODES.len()],
    duration: OnceLock<Arc<Histogram>>,
}

/// A call that is being answered. One that nobody waits for any more is counted as such.
pub(super) struct Handling<M: Deref<Target = Meter>> {
    meter: M,
    since: Instant,
    is_counted: bool,
}

impl Meter {
    pub(super) fn new(engine: &Engine, path: &'static str, kind: &'static str) -> Arc<Self> {
        Arc::new(Self {
            registry: engine.registry().clone(),
            path,
            kind,
            codes: [const { OnceLock::new() }; CODES.len()],
            duration: OnceLock::new(),
        })
    }

    /// Its path, as HTTP has it.
    pub(super) fn path(&self) -> &'static str {
        self.path
    }

    fn labels(&self) -> [(&'static str, &'static str); 3] {
        let mut names = self.path.split('/').skip(1);
        let (service, name) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        [("grpc_method", name), ("grpc_service", service), ("grpc_type", self.kind)]
    }

    fn handled(&self, code: Code, since: Instant) {
        let number = usize::try_from(i32::from(code)).unwrap_or(UNKNOWN);
        if let (Some(kept), Some(word)) = (self.codes.get(number), CODES.get(number)) {
            let counter = || {
                let [method, service, kind] = self.labels();
                self.registry.counter(&HANDLED, &[("grpc_code", *word), method, service, kind])
            };
            kept.get_or_init(counter).add(1);
        }
        let duration = || self.registry.histogram(&HANDLING, &self.labels());
        self.duration.get_or_init(duration).observe(since.elapsed());
    }
}

impl<M: Deref<Target = Meter>> Handling<M> {
    pub(super) fn new(meter: M) -> Self {
        Self { meter, since: Instant::now(), is_counted: false }
    }

    /// It is answered, and ends so.
    pub(super) fn end<T>(mut self, answered: Result<T, Status>) -> Result<T, Status> {
        self.count(answered.as_ref().map_or_else(Status::code, |_| Code::Ok));
        answered
    }

    /// The same, of a stream.
    pub(super) fn count(&mut self, code: Code) {
        if !self.is_counted {
            self.is_counted = true;
            self.meter.handled(code, self.since);
        }
    }
}

impl<M: Deref<Target = Meter>> Drop for Handling<M> {
    fn drop(&mut self) {
        self.count(Code::Cancelled);
    }
}

/// As gRPC's library for Go calls them, by number.
const CODES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];
const UNKNOWN: usize = 2;

const HANDLED: Family = Family::counter(
    "grpc_server_handled_total",
    "Total number of RPCs completed on the server, regardless of success or failure.",
);
const HANDLING: Family = Family::histogram(
    "grpc_server_handling_seconds",
    "Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.",
    DEFAULT_BUCKETS,
);
