//! Service account tokens, bound and legacy: whose each is, or what is said about it.

use std::sync::Arc;

use serde_json::Value;
use verdikt_authn::Clock;
use verdikt_authn::jwt::KeySet;
use verdikt_authn::service_account::{Config, Objects, ServiceAccounts};

use super::token::{answer, requested_audiences, texts};
use super::{questions, text, wanted};
use crate::policy::from_objects;
use crate::report::Report;

pub(super) fn check_bound(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    check(line, report, ServiceAccounts::bound)
}

pub(super) fn check_legacy(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    check(line, report, ServiceAccounts::legacy)
}

fn check(
    line: &Value,
    report: &mut Report,
    make: fn(Config) -> ServiceAccounts,
) -> Result<(), serde_json::Error> {
    let kinds = ["serviceAccounts", "pods", "secrets", "nodes"];
    let of_kind = |kind: &str| line.get("objects").and_then(|objects| objects.get(kind));
    let objects = kinds.into_iter().filter_map(of_kind).filter_map(Value::as_array).flatten();
    let policy = match from_objects(&objects.collect::<Vec<_>>()) {
        Ok(policy) => policy,
        Err(error) => {
            report.compare(line, &Value::Null, &Value::String(error));
            return Ok(());
        }
    };
    let keys = KeySet::from_pem(text(line, "public_keys_pem")?.as_bytes()).unwrap_or_default();
    let authenticator = make(Config {
        issuers: texts(line, "issuers")?,
        keys: Arc::new(keys),
        api_audiences: texts(line, "api_audiences")?,
        lookup: line.get("lookup").and_then(Value::as_bool).unwrap_or(true),
        objects: Some(Arc::new(Objects::from_policy(&policy))),
        clock: Clock::default(),
        ..Config::default()
    });
    for lookup in questions(line, "lookups") {
        let audiences = requested_audiences(lookup)?;
        let got = answer(&authenticator, text(lookup, "token")?, &audiences);
        report.compare(lookup, wanted(lookup), &got);
    }
    Ok(())
}
