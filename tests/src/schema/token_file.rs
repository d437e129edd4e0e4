//! Static token files: which user each token belongs to.

use serde_json::{Value, json};
use verdikt_authn::token_file::TokenFile;
use verdikt_core::HashKey;
use verdikt_parser::{Limits, Source, token_file};

use super::authn::answer;
use super::{questions, text, wanted};
use crate::policy::first_error;
use crate::report::Report;

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let source = Source::new("tokens.csv", text(line, "csv")?.as_bytes());
    let (records, found) = token_file::parse(&source, &Limits::default());
    let error = first_error(&found);
    if line.get("load_error").is_some() || error.is_some() {
        let want = line.get("load_error").cloned().unwrap_or_default();
        report.compare(line, &want, &json!(error));
        return Ok(());
    }
    let (file, _) = TokenFile::new("tokens.csv", records, &HashKey::random());
    for lookup in questions(line, "lookups") {
        let outcome = file.authenticate(text(lookup, "token")?.as_bytes());
        report.compare(lookup, wanted(lookup), &answer(&outcome));
    }
    Ok(())
}
