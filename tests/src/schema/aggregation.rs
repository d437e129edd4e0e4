//! ClusterRole aggregation: the rules each aggregated role ends up with.

use std::borrow::Cow;

use serde_json::{Value, json};
use verdikt_compiler::rbac::aggregate;
use verdikt_parser::rbac::PolicyRule;

use super::questions;
use crate::policy;
use crate::report::Report;

pub(super) fn check(line: &Value, report: &mut Report) -> Result<(), serde_json::Error> {
    let objects: Vec<&Value> = questions(line, "clusterRoles").collect();
    let policy = policy::from_objects(&objects);
    let rules: Result<Vec<Cow<'_, [PolicyRule]>>, &String> =
        policy.as_ref().map(|policy| aggregate(&policy.cluster_roles).0);

    let wants = line.get("want").and_then(Value::as_object).into_iter().flatten();
    for (name, want) in wants {
        let got = match (&policy, &rules) {
            (Ok(policy), Ok(rules)) => {
                let mut roles = policy.cluster_roles.iter().zip(rules);
                let role = roles.find(|(role, _)| role.name == *name);
                json!(role.map(|(_, rules)| policy::wire_rules(rules)))
            }
            _ => json!({"load_error": rules.as_ref().err()}),
        };
        report.compare(&json!({"role": name, "clusterRoles": objects}), want, &got);
    }
    Ok(())
}
