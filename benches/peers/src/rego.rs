//! The policy for engines of Rego: a program, and the model as data.

use serde_json::{Map, Value, json};
use verdikt_bench::world::Request;

use crate::model::{Model, Permission, of_any_resource, resource, subjects};

/// A program, what it reads, and what it is asked.
pub(crate) struct Rego {
    pub(crate) program: &'static str,
    pub(crate) data: Value,
    pub(crate) input: fn(&Request) -> Value,
}

/// Follows the words of rules: grants by subject and namespace, then rules of roles, lists as sets.
pub(crate) fn exact(model: &Model) -> Rego {
    let set =
        |list: &[String]| list.iter().map(|it| (it.clone(), json!(true))).collect::<Map<_, _>>();
    let roles = model.roles.iter().map(|rules| {
        let rules = rules.iter().map(|rule| {
            let mut object = json!({
                "verbs": set(&rule.verbs),
                "groups": set(&rule.api_groups),
                "resources": set(&rule.resources),
            });
            if !rule.resource_names.is_empty() {
                object["names"] = set(&rule.resource_names).into();
            }
            object
        });
        rules.collect::<Vec<_>>()
    });
    let data = json!({ "grants": grants(model), "roles": roles.collect::<Vec<_>>() });
    Rego { program: include_str!("exact.rego"), data, input: exact_input }
}

/// One look-up for each grant: whether its role has the permission.
pub(crate) fn fast(model: &Model) -> Rego {
    let permissions = (0..model.roles.len()).map(|role| {
        let permissions = model.permissions_of(role).map(|it| (key(it), json!(true)));
        permissions.collect::<Map<_, _>>()
    });
    let permissions = permissions.collect::<Vec<_>>();
    let data = json!({ "grants": grants(model), "permissions": permissions });
    Rego { program: include_str!("fast.rego"), data, input: fast_input }
}

/// `{subject: {namespace: [role]}}`
fn grants(model: &Model) -> Value {
    let mut all = Map::new();
    for grant in &model.grants {
        let of_subject = all.entry(grant.subject.to_string()).or_insert_with(|| json!({}));
        if of_subject.get(&grant.namespace).is_none() {
            of_subject[&grant.namespace] = json!([]);
        }
        if let Some(list) = of_subject[&grant.namespace].as_array_mut() {
            list.push(json!(grant.role));
        }
    }
    all.into()
}

fn exact_input(request: &Request) -> Value {
    let question = &request.question;
    json!({
        "subjects": subjects(request).collect::<Vec<_>>(),
        "namespace": question.namespace,
        "verb": question.verb,
        "group": question.group,
        "resource": resource(question),
        "of_any": of_any_resource(question),
        "name": question.name,
    })
}

fn fast_input(request: &Request) -> Value {
    json!({
        "subjects": subjects(request).collect::<Vec<_>>(),
        "namespace": request.question.namespace,
        "permission": key(&Permission::of(&request.question)),
    })
}

fn key(permission: &Permission) -> String {
    format!("{} {}", permission.verb, permission.kind())
}
