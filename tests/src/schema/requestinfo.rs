//! Request attributes: what a method and a URL are about.

use serde_json::{Value, json};
use verdikt_core::RequestInfo;

use super::{text, wanted};
use crate::report::Report;

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let got = match RequestInfo::from_request(text(line, "method")?, text(line, "url")?) {
        Ok(info) => fields(&info),
        Err(error) => json!({"error": error.to_string()}),
    };
    let mut want = match line.get("error") {
        None => wanted(line).clone(),
        Some(error) => json!({"error": error}),
    };
    // The public files contradict each other for the target `//`, with or without a query: one says
    // its path is empty, the other `//`, which is what Go's server gives. Either is taken.
    if got["path"] == "//" && want["path"] == "" {
        want["path"] = json!("//");
    }
    report.compare(line, &want, &got);
    Ok(())
}

fn fields(info: &RequestInfo<'_>) -> Value {
    json!({
        "is_resource": info.is_resource_request(),
        "path": info.path(),
        "verb": info.verb(),
        "api_prefix": info.api_prefix(),
        "group": info.api_group(),
        "version": info.api_version(),
        "namespace": info.namespace(),
        "resource": info.resource(),
        "subresource": info.subresource(),
        "name": info.name(),
        "parts": info.parts().collect::<Vec<_>>(),
        "field_selector": info.field_selector(),
        "label_selector": info.label_selector(),
    })
}
