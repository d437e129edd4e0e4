//! 403 bodies.

use serde::Deserialize;
use serde_json::Value;
use verdikt_server::Status;

use super::text;
use crate::report::Report;
use crate::wire::Request;

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let request = Request::deserialize(line.get("request").unwrap_or(&Value::Null))?;
    let status = Status::forbidden(&request.attributes(), text(line, "reason")?);
    let mut got = serde_json::to_value(status)?;
    // The vectors leave out what is the same for every Status.
    for name in ["kind", "apiVersion"] {
        got.as_object_mut().and_then(|fields| fields.remove(name));
    }
    report.compare(line, line.get("want_status").unwrap_or(&Value::Null), &got);
    Ok(())
}
