//! Bootstrap tokens: whose each is, if anybody's.

use serde_json::Value;
use verdikt_authn::Clock;
use verdikt_authn::bootstrap_token::BootstrapTokens;

use super::token::answer;
use super::{questions, text, wanted};
use crate::policy::from_objects;
use crate::report::Report;

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let secrets: Vec<&Value> = questions(line, "secrets").collect();
    let policy = match from_objects(&secrets) {
        Ok(policy) => policy,
        Err(error) => {
            report.compare(line, &Value::Null, &Value::String(error));
            return Ok(());
        }
    };
    let tokens = BootstrapTokens::new(&policy.secrets, &[], &Clock::default());
    for lookup in questions(line, "lookups") {
        report.compare(lookup, wanted(lookup), &answer(&tokens, text(lookup, "token")?, &[]));
    }
    Ok(())
}
