//! What is counted and timed of requests over HTTP: by address if it is one of verdikt's, otherwise by method alone, so
//! that no client can make new series.
//!
//! Follows `pkg/endpoints/metrics/metrics.go` of apiserver; but here what is refused is counted, too.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use hashbrown::HashMap;
use verdikt::Engine;
use verdikt::metrics::{Counter, Family, Histogram, Metrics};

use super::{PATHS, authzen, review};

/// The series of a listener.
pub(super) struct Meters {
    registry: Metrics,
    routes: HashMap<&'static str, Series>,
    local_reviews: Series,
    others: Vec<(Method, Series)>,
    unknown: Series,
}

impl Meters {
    /// For a listener whose addresses are verdikt's.
    pub(super) fn new(engine: &Engine) -> Self {
        let mut meters = Self::of_methods(engine);
        for path in PATHS.into_iter().chain(["/"]) {
            meters.routes.insert(path, Series::of_path(verb_of(path), path));
        }
        for (path, _) in review::routes() {
            meters.routes.insert(path, Series::of_review(path));
        }
        meters
    }

    /// For a listener whose addresses are an upstream's.
    pub(super) fn of_methods(engine: &Engine) -> Self {
        let methods = [
            (Method::GET, "GET"),
            (Method::POST, "POST"),
            (Method::PUT, "PUT"),
            (Method::PATCH, "PATCH"),
            (Method::DELETE, "DELETE"),
            (Method::HEAD, "HEAD"),
            (Method::OPTIONS, "OPTIONS"),
        ];
        let others = methods.map(|(method, verb)| (method, Series::of_path(verb, "")));
        Self {
            registry: engine.registry().clone(),
            routes: HashMap::new(),
            local_reviews: Series::of_review(LOCAL_REVIEWS),
            others: others.into(),
            unknown: Series::of_path("other", ""),
        }
    }

    /// The series that a request belongs to.
    pub(super) fn of(&self, method: &Method, path: &str) -> &Series {
        let known = self.routes.get(path).or_else(|| {
            let is_local = !self.routes.is_empty()
                && path.starts_with("/apis/authorization.k8s.io/v1/namespaces/")
                && path.ends_with("/localsubjectaccessreviews");
            is_local.then_some(&self.local_reviews)
        });
        known.filter(|series| series.verb == method.as_str()).unwrap_or_else(|| {
            let of_method = self.others.iter().find(|(known, _)| known == method);
            of_method.map_or(&self.unknown, |(_, series)| series)
        })
    }

    /// A request of `series` is answered, which took so long.
    pub(super) fn answered(&self, series: &Series, code: StatusCode, took: Duration) {
        let of_code = series.codes.iter().find(|(known, _)| *known == code.as_u16());
        let counter = || self.registry.counter(&REQUESTS, &series.labels(code.as_str()));
        match of_code {
            Some((_, kept)) => kept.get_or_init(counter).add(1),
            None => counter().add(1),
        }
        let duration = || {
            let [_, labels @ ..] = series.labels("");
            self.registry.histogram(&DURATION, &labels)
        };
        series.duration.get_or_init(duration).observe(took);
    }
}

/// Requests that are counted together.
pub(super) struct Series {
    verb: &'static str,
    group: &'static str,
    version: &'static str,
    resource: &'static str,
    subresource: &'static str,
    scope: &'static str,
    codes: [(u16, OnceLock<Arc<Counter>>); CODES.len()],
    duration: OnceLock<Arc<Histogram>>,
}

impl Series {
    fn of_path(verb: &'static str, path: &'static str) -> Self {
        Self {
            verb,
            group: "",
            version: "",
            resource: "",
            subresource: path,
            scope: "",
            codes: CODES.map(|code| (code, OnceLock::new())),
            duration: OnceLock::new(),
        }
    }

    /// Of reviews that are posted to `/apis/GROUP/VERSION/…/RESOURCE`.
    fn of_review(path: &'static str) -> Self {
        let mut parts = path.split('/').skip(2);
        let (group, version) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let resource = parts.last().unwrap_or_default();
        Self { group, version, resource, scope: "resource", ..Self::of_path("POST", "") }
    }

    fn labels<'a>(&self, code: &'a str) -> [(&'static str, &'a str); 9] {
        [
            ("code", code),
            ("component", "verdikt"),
            ("dry_run", ""),
            ("group", self.group),
            ("resource", self.resource),
            ("scope", self.scope),
            ("subresource", self.subresource),
            ("verb", self.verb),
            ("version", self.version),
        ]
    }
}

/// The method that an address is made for.
fn verb_of(path: &str) -> &'static str {
    let is_posted = [
        authzen::EVALUATION,
        authzen::EVALUATIONS,
        authzen::SUBJECTS,
        authzen::RESOURCES,
        authzen::ACTIONS,
        "/v1/check",
        "/v1/who-can",
    ];
    if is_posted.contains(&path) { "POST" } else { "GET" }
}

const LOCAL_REVIEWS: &str =
    "/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews";

/// What most requests are answered with; whatever else there is takes longer to count.
const CODES: [u16; 16] =
    [200, 201, 304, 400, 401, 403, 404, 405, 406, 413, 415, 422, 429, 500, 503, 504];

const REQUESTS: Family = Family::counter(
    "apiserver_request_total",
    "[STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.",
);
const DURATION: Family = Family::histogram(
    "apiserver_request_duration_seconds",
    "[STABLE] Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.",
    &[
        0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0,
        10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
    ],
);
