//! AuthorizationConfigurations: whether each is read, and all that is wrong with it.

use serde_json::{Value, json};
use verdikt::validate_authorization_config;
use verdikt_parser::authorization_config::read;
use verdikt_parser::{Limits, Source};

use super::authn_config::{decode_error, loosened};
use super::{questions, text};
use crate::report::Report;

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let source = Source::new("authz.yaml", text(line, "config")?.as_bytes());
    let found = match read(&source, &Limits::default()) {
        Err(found) => vec![decode_error(&found)],
        Ok(configuration) => {
            let found = validate_authorization_config(&configuration);
            found.iter().map(|error| loosened(&error.to_string())).collect()
        }
    };
    let want: Vec<String> =
        questions(line, "errors").filter_map(Value::as_str).map(loosened).collect();
    report.compare_exactly(line, &json!(want), &json!(found));
    Ok(())
}
