//! RBAC: worlds of roles and bindings, what they decide and why, and which rules hold for whom.

use serde::Deserialize;
use serde_json::{Value, json};
use verdikt_compiler::Rules;
use verdikt_compiler::rbac::Table;
use verdikt_core::HashKey;

use super::{questions, rules_answer, wanted, wanted_rules};
use crate::policy;
use crate::report::Report;
use crate::wire::{Request, RulesQuestion};

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let kinds = ["roles", "clusterRoles", "roleBindings", "clusterRoleBindings"];
    let objects = line.get("objects").unwrap_or(&Value::Null);
    let objects: Vec<&Value> = kinds.iter().flat_map(|kind| questions(objects, kind)).collect();
    let table =
        policy::from_objects(&objects).map(|policy| Table::compile(&policy, &HashKey::random()).0);

    for question in questions(line, "requests") {
        let request = Request::deserialize(question)?;
        report.compare(question, wanted(question), &answer(&table, |t| decision(t, &request)));
    }
    for question in questions(line, "rules_for") {
        let RulesQuestion { user, namespace } = RulesQuestion::deserialize(question)?;
        let got = answer(&table, |table| {
            let mut rules = Rules::default();
            table.rules_for(&user, &namespace, &mut rules);
            rules_answer(&rules)
        });
        report.compare(question, &wanted_rules(question), &got);
    }
    Ok(())
}

/// What the table says, or that there is none because the policy was refused.
fn answer(table: &Result<Table, String>, ask: impl FnOnce(&Table) -> Value) -> Value {
    match table {
        Ok(table) => ask(table),
        Err(error) => json!({"load_error": error}),
    }
}

fn decision(table: &Table, request: &Request) -> Value {
    match table.lookup(&request.attributes()) {
        Some(binding) => {
            json!({"decision": "allow", "reason": table.reason(binding, &request.user)})
        }
        None => {
            let reason = table.no_opinion_reason(&request.user, &request.namespace);
            json!({"decision": "no_opinion", "reason": reason})
        }
    }
}
