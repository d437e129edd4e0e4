//! Whether the server lives and is ready: `/healthz`, `/livez` and `/readyz`, and each of their checks.
//!
//! Follows `pkg/server/healthz/healthz.go` of apiserver, words and codes included.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, Response, StatusCode};

use verdikt::Attributes;

use super::{App, answer};
use crate::listener::Access;
use crate::{caller, credentials};

/// What is looked at.
struct Check {
    name: &'static str,
    is_good: bool,
    /// What a person may want to know besides.
    remark: Option<Remark>,
}

enum Remark {
    /// For anybody.
    Open(String),
    /// For those who may see the status: it names files, and addresses of others.
    Withheld(String, String),
}

impl Check {
    fn new(name: &'static str, is_good: bool) -> Self {
        Self { name, is_good, remark: None }
    }

    fn line(&self, is_told_all: bool) -> String {
        match &self.remark {
            _ if !self.is_good => format!("[-]{} failed: reason withheld\n", self.name),
            Some(Remark::Open(remark)) => format!("[+]{} {remark}\n", self.name),
            Some(Remark::Withheld(start, _)) if !is_told_all => {
                format!("[!]{} {start}: reason withheld\n", self.name)
            }
            Some(Remark::Withheld(start, reason)) => {
                format!("[!]{} {start}: {reason}\n", self.name)
            }
            None => format!("[+]{} ok\n", self.name),
        }
    }
}

/// `/healthz` and `/livez`: an answer is all that is asked for.
pub(super) async fn livez(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    all(&app, &request, alive)
}

/// `/readyz`. A policy that was refused does not make the server unready, for the last good one serves, and neither
/// does an issuer whose keys are not to be had; `?verbose` tells.
pub(super) async fn readyz(State(app): State<Arc<App>>, request: Request<Body>) -> Response<Body> {
    all(&app, &request, ready)
}

/// One check of `/healthz` or `/livez`.
pub(super) async fn livez_of(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Response<Body> {
    one(&app, &name, alive)
}

/// One check of `/readyz`.
pub(super) async fn readyz_of(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Response<Body> {
    one(&app, &name, ready)
}

fn alive(_: &App) -> Vec<Check> {
    vec![Check::new("ping", true)]
}

fn ready(app: &App) -> Vec<Check> {
    let status = app.engine.status();
    let mut policy = Check::new("policy", true);
    policy.remark = Some(Remark::Open(format!("ok: revision {}", status.revision)));
    let mut reload = Check::new("reload", true);
    reload.remark = status.last_reload.error.as_ref().map(|error| {
        let start = format!("refused, revision {} still serves", status.revision);
        Remark::Withheld(start, error.clone())
    });
    let mut checks = vec![Check::new("ping", true), policy, reload];
    if !status.issuer_problems.is_empty() {
        let mut issuers = Check::new("issuers", true);
        let problems = status.issuer_problems.join("; ");
        issuers.remark = Some(Remark::Withheld("unusable".to_owned(), problems));
        checks.push(issuers);
    }
    checks.push(Check::new("shutdown", !*app.stopping.borrow()));
    checks
}

fn all(app: &App, request: &Request<Body>, checks: fn(&App) -> Vec<Check>) -> Response<Body> {
    let name = request.uri().path().trim_matches('/');
    let query = request.uri().query().unwrap_or_default();
    let mut excluded: Vec<&str> =
        values(query, "exclude").filter(|name| !name.is_empty()).collect();
    excluded.sort_unstable();
    excluded.dedup();
    let is_verbose = values(query, "verbose").next().is_some();
    let is_told_all = is_verbose && may_see_status(app, request);
    let (mut text, mut is_good) = (String::new(), true);
    for check in checks(app) {
        let known = excluded.len();
        excluded.retain(|name| *name != check.name);
        if excluded.len() < known {
            text += &format!("[+]{} excluded: ok\n", check.name);
            continue;
        }
        is_good &= check.is_good;
        text += &check.line(is_told_all);
    }
    if !excluded.is_empty() {
        let names: Vec<String> = excluded.iter().map(|name| format!("{name:?}")).collect();
        let names = names.join(", ");
        text += &format!("warn: some health checks cannot be excluded: no matches for {names}\n");
    }
    match (is_good, is_verbose) {
        (false, _) => {
            let text = format!("{text}{name} check failed\n");
            answer::text(StatusCode::INTERNAL_SERVER_ERROR, text)
        }
        (true, true) => answer::text(StatusCode::OK, format!("{text}{name} check passed\n")),
        (true, false) => answer::text(StatusCode::OK, "ok"),
    }
}

/// Whether whoever asks may see `/v1/status`, where all of it stands. Probes need no credentials, and show none.
fn may_see_status(app: &App, request: &Request<Body>) -> bool {
    const PATH: &str = "/v1/status";
    let (headers, extensions) = (request.headers(), request.extensions());
    if app.access == Access::Open {
        return true;
    }
    if !credentials::are_shown(headers, extensions) {
        return false;
    }
    let snapshot = app.engine.snapshot();
    let Ok(sender) = caller::identify(&app.engine, &snapshot, headers, extensions, PATH) else {
        return false;
    };
    let attributes = Attributes::non_resource(sender.identity(), "get", PATH);
    snapshot.authorize(&attributes).is_allowed()
}

/// The values of a parameter. Names of checks have nothing that would be escaped.
fn values<'q>(query: &'q str, name: &str) -> impl Iterator<Item = &'q str> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(move |(known, _)| *known == name).map(|(_, value)| value)
}

fn one(app: &App, name: &str, checks: fn(&App) -> Vec<Check>) -> Response<Body> {
    match checks(app).into_iter().find(|check| check.name == name) {
        Some(check) if check.is_good => answer::text(StatusCode::OK, "ok"),
        Some(_) => {
            let text = "internal server error: reason withheld\n";
            answer::text(StatusCode::INTERNAL_SERVER_ERROR, text)
        }
        None => answer::text(StatusCode::NOT_FOUND, "404 page not found\n"),
    }
}
