//! Impersonation: who a list of pods in ns1 is answered as, with RBAC deciding.

use serde::Deserialize;
use serde_json::{Value, json};
use verdikt_authn::impersonation::{Answer, Gate, Refusal, impersonate};
use verdikt_compiler::rbac::Table;
use verdikt_core::{Attributes, HashKey};
use verdikt_server::Status;

use super::{questions, text};
use crate::policy;
use crate::report::Report;
use crate::wire::Request;

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let kinds = ["roles", "clusterRoles", "roleBindings", "clusterRoleBindings"];
    let objects = line.get("objects").unwrap_or(&Value::Null);
    let objects: Vec<&Value> = kinds.iter().flat_map(|kind| questions(objects, kind)).collect();
    let table =
        policy::from_objects(&objects).map(|policy| Table::compile(&policy, &HashKey::random()).0);
    let gate = match line.get("constrained_impersonation") {
        Some(Value::Bool(false)) => Gate::Legacy,
        _ => Gate::Constrained,
    };
    for case in questions(line, "cases") {
        let got = match &table {
            Ok(table) => answer(table, gate, case)?,
            Err(error) => json!({"load_error": error}),
        };
        let of_field = |name: &str| (name.to_owned(), case.get(name).cloned().unwrap_or_default());
        let wanted = Value::Object(["status", "as", "message"].map(of_field).into_iter().collect());
        report.compare(case, &wanted, &got);
    }
    Ok(())
}

fn answer(table: &Table, gate: Gate, case: &Value) -> Result<Value, serde_json::Error> {
    let Request { user, verb, .. } = Request::deserialize(case)?;
    let mut headers = Vec::new();
    for header in questions(case, "headers") {
        headers.push((text(header, "name")?, text(header, "value")?.as_bytes()));
    }
    let (namespace, api_version) = ("ns1", "v1");
    let pods = Attributes::resource(&user, &verb, "pods");
    let request = Attributes { namespace, api_version, ..pods };
    Ok(match impersonate(gate, &request, headers, &|question| of_rbac(table, question)) {
        Ok(impersonated) => {
            let user = impersonated.map_or_else(|| user.clone(), |impersonated| impersonated.user);
            let mut wire = json!({"name": user.name, "uid": user.uid, "groups": user.groups});
            if !user.extra.is_empty() {
                wire["extra"] = json!(user.extra);
            }
            json!({"status": 200, "as": wire})
        }
        Err(Refusal::BadRequest(message)) => json!({"status": 400, "message": message}),
        Err(Refusal::Forbidden(forbidden)) => {
            let status = Status::forbidden(&forbidden.attributes(), forbidden.reason());
            json!({"status": status.code(), "message": serde_json::to_value(status)?["message"]})
        }
        Err(other) => json!({"status": 500, "message": other.to_string()}),
    })
}

/// RBAC alone, without what a chain of authorizers adds.
fn of_rbac(table: &Table, question: &Attributes<'_>) -> Answer {
    if table.lookup(question).is_some() {
        return Answer::allow();
    }
    let user = question.user.map(|user| user.user().clone()).unwrap_or_default();
    Answer::refuse(table.no_opinion_reason(&user, question.namespace))
}
