//! The schemas of conformance vectors, one module each; `tests/vectors/README.md` describes them.

mod abac;
mod aggregation;
mod audit_policy;
mod authn;
mod authn_config;
mod authz_config;
mod bootstrap_token;
mod forbidden;
mod front_proxy;
mod impersonation;
mod jwt;
mod match_conditions;
mod node;
mod rbac;
mod requestinfo;
mod service_account;
mod token;
mod token_file;
mod x509;

use serde::Deserialize;
use serde_json::{Value, json};
use verdikt_compiler::Rules;

use crate::report::Report;

pub use node::event as node_event;

/// One schema: how its lines are asked and compared.
#[derive(Debug)]
pub struct Schema {
    /// Name, as files of it are called.
    pub name: &'static str,
    /// Asks the questions of one line; none while the part it is about is not built.
    pub check: Option<Check>,
}

/// Asks the questions of one line and reports on the answers; an error if it is not of the schema.
pub type Check = fn(&Value, &mut Report) -> Result<(), serde_json::Error>;

/// All schemas, those whose part is not built yet included.
pub static SCHEMAS: [Schema; 20] = [
    built("requestinfo", requestinfo::check),
    built("rbac", rbac::check),
    built("rbac-bootstrap", rbac::check),
    built("aggregation", aggregation::check),
    built("abac", abac::check),
    built("token-file", token_file::check),
    built("forbidden", forbidden::check),
    built("node", node::check),
    built("bootstrap-token", bootstrap_token::check),
    built("service-account", service_account::check_bound),
    built("service-account-legacy", service_account::check_legacy),
    built("front-proxy", front_proxy::check),
    built("front-proxy-tls", front_proxy::check_tls),
    built("x509", x509::check),
    built("authz-config", authz_config::check),
    built("match-conditions", match_conditions::check),
    built("authn-config", authn_config::check),
    built("jwt", jwt::check),
    built("impersonation", impersonation::check),
    built("audit-policy", audit_policy::check),
];

/// The schema of this name.
pub fn find(name: &str) -> Option<&'static Schema> {
    SCHEMAS.iter().find(|schema| schema.name == name)
}

const fn built(name: &'static str, check: Check) -> Schema {
    Schema { name, check: Some(check) }
}

/// The questions under `name`; absent and null are none.
fn questions<'v>(line: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    line.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The text under `name`, which must be there.
fn text<'v>(line: &'v Value, name: &str) -> Result<&'v str, serde_json::Error> {
    <&str>::deserialize(line.get(name).unwrap_or(&Value::Null))
}

/// The answer that was expected of a question.
fn wanted(question: &Value) -> &Value {
    question.get("want").unwrap_or(&Value::Null)
}

/// What `rules_for` is expected to answer: the question without who and where.
fn wanted_rules(question: &Value) -> Value {
    let fields = ["resource_rules", "non_resource_rules", "incomplete", "error"];
    let of_field = |name: &str| (name.to_owned(), question.get(name).cloned().unwrap_or_default());
    Value::Object(fields.map(of_field).into_iter().collect())
}

/// What `rules_for` answered, in the vectors' form.
fn rules_answer(rules: &Rules) -> Value {
    let resource_rules = rules.resource_rules.iter().map(|rule| {
        json!({
            "verbs": rule.verbs,
            "apiGroups": rule.api_groups,
            "resources": rule.resources,
            "resourceNames": rule.resource_names,
        })
    });
    let non_resource_rules = rules
        .non_resource_rules
        .iter()
        .map(|rule| json!({"verbs": rule.verbs, "nonResourceURLs": rule.non_resource_urls}));
    json!({
        "resource_rules": resource_rules.collect::<Vec<_>>(),
        "non_resource_rules": non_resource_rules.collect::<Vec<_>>(),
        "incomplete": rules.incomplete,
        "error": rules.evaluation_error(),
    })
}
