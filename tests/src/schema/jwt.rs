//! Tokens of issuers: who each is, or why it is refused.

use serde_json::{Value, json};
use verdikt_authn::Clock;
use verdikt_authn::jwt::KeySet;
use verdikt_authn::oidc::config::validate;
use verdikt_authn::oidc::{Issuers, Keys};
use verdikt_core::metrics::Metrics;
use verdikt_parser::authentication_config::read;
use verdikt_parser::{Limits, Source};

use super::token::wire_user;
use super::{questions, text, wanted};
use crate::report::Report;

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let issuers = match issuers(text(line, "config")?, text(line, "public_keys_pem")?) {
        Ok(issuers) => issuers,
        Err(error) => {
            report.compare(line, &Value::Null, &json!({"config_error": error}));
            return Ok(());
        }
    };
    for lookup in questions(line, "lookups") {
        let got = match issuers.authenticate(text(lookup, "token")?, Clock::default().now()) {
            Ok(None) => json!({}),
            Ok(Some(accepted)) => json!({"user": wire_user(&accepted.user)}),
            Err(error) => json!({"error": with_now(wanted(lookup), error)}),
        };
        report.compare(lookup, wanted(lookup), &got);
    }
    Ok(())
}

fn issuers(config: &str, keys: &str) -> Result<Issuers, String> {
    let source = Source::new("authn.yaml", config.as_bytes());
    let configuration = read(&source, &Limits::default()).map_err(|found| format!("{found:?}"))?;
    let validated = validate(&configuration, &[]).map_err(|found| format!("{found:?}"))?;
    let keys = KeySet::from_pem(keys.as_bytes()).map_err(|error| error.to_string())?;
    let algorithms = ["RS256".to_owned(), "ES256".to_owned()];
    Issuers::new(validated, &algorithms, &Keys::Fixed(keys), None, &Metrics::default())
}

/// The error with the time of the check as the expected one has it.
fn with_now(want: &Value, error: String) -> String {
    let expected = want.get("error").and_then(Value::as_str).unwrap_or_default();
    match expected.split_once("NOW") {
        Some((before, after)) if error.starts_with(before) && error.ends_with(after) => {
            expected.to_owned()
        }
        _ => error,
    }
}
