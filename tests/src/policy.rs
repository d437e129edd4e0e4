//! Policy sets from manifests, and manifests from policy sets.

use serde_json::{Value, json};
use verdikt_parser::rbac::{Binding, LabelSelector, PolicyRule};
use verdikt_parser::{Diagnostic, Options, PolicySet, Source, abac, parse_manifest};

/// Objects as an API server would send them, in one set. Nothing is checked that the authorizers
/// themselves do not check.
///
/// # Errors
/// The first error of the parser, which the vectors never expect.
pub fn from_objects(objects: &[&Value]) -> Result<PolicySet, String> {
    let list = json!({"kind": "List", "apiVersion": "v1", "items": objects}).to_string();
    let (manifest, mut diagnostics) =
        parse_manifest(&Source::new("objects.json", list.as_bytes()), &Options::wire());
    let (policy, of_set) = PolicySet::from_manifests([manifest]);
    diagnostics.extend(of_set);
    first_error(&diagnostics).map_or(Ok(policy), |error| Err(error.to_owned()))
}

/// The message of the first error.
pub fn first_error(diagnostics: &[Diagnostic]) -> Option<&str> {
    let mut errors = diagnostics.iter().filter(|found| found.is_error());
    errors.next().map(|error| error.message.as_str())
}

/// The manifests of one file, which must hold no error.
///
/// # Panics
/// If it does.
pub fn from_manifest(name: &str, text: &[u8]) -> (PolicySet, Vec<Diagnostic>) {
    let (manifest, mut diagnostics) = parse_manifest(&Source::new(name, text), &Options::default());
    let (policy, of_set) = PolicySet::from_manifests([manifest]);
    diagnostics.extend(of_set);
    let errors: Vec<String> =
        diagnostics.iter().filter(|found| found.is_error()).map(Diagnostic::to_string).collect();
    assert_eq!(errors, [""; 0], "{name}");
    (policy, diagnostics)
}

/// The objects as one JSON manifest, as an API server would list them.
pub fn to_manifest(policy: &PolicySet) -> String {
    let PolicySet { roles, cluster_roles, role_bindings, cluster_role_bindings, .. } = policy;
    let roles = roles.iter().map(|role| {
        let metadata = json!({"name": role.name, "namespace": role.namespace});
        object("Role", metadata, json!({"rules": wire_rules(&role.rules)}))
    });
    let cluster_roles = cluster_roles.iter().map(|role| {
        let metadata = json!({"name": role.name, "labels": role.labels});
        let mut fields = json!({"rules": wire_rules(&role.rules)});
        if let Some(selectors) = &role.aggregation {
            let selectors: Vec<Value> = selectors.iter().map(wire_selector).collect();
            fields["aggregationRule"] = json!({"clusterRoleSelectors": selectors});
        }
        object("ClusterRole", metadata, fields)
    });
    let role_bindings = role_bindings.iter().map(|binding| {
        let metadata = json!({"name": binding.name, "namespace": binding.namespace});
        object("RoleBinding", metadata, wire_binding(binding))
    });
    let cluster_role_bindings = cluster_role_bindings.iter().map(|binding| {
        object("ClusterRoleBinding", json!({"name": binding.name}), wire_binding(binding))
    });
    let items: Vec<Value> =
        roles.chain(cluster_roles).chain(role_bindings).chain(cluster_role_bindings).collect();
    json!({"kind": "List", "apiVersion": "v1", "items": items}).to_string()
}

/// The policies as an ABAC file.
pub fn to_abac_lines(policies: &[abac::Policy]) -> String {
    let line = |policy: &abac::Policy| {
        let spec = json!({
            "user": policy.user,
            "group": policy.group,
            "readonly": policy.readonly,
            "apiGroup": policy.api_group,
            "resource": policy.resource,
            "namespace": policy.namespace,
            "nonResourcePath": policy.non_resource_path,
        });
        let version = "abac.authorization.kubernetes.io/v1beta1";
        json!({"apiVersion": version, "kind": "Policy", "spec": spec}).to_string() + "\n"
    };
    policies.iter().map(line).collect()
}

fn object(kind: &str, metadata: Value, fields: Value) -> Value {
    let mut object = json!({
        "kind": kind,
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": metadata,
    });
    if let (Some(object), Value::Object(fields)) = (object.as_object_mut(), fields) {
        object.extend(fields);
    }
    object
}

/// Rules in wire form.
pub fn wire_rules(rules: &[PolicyRule]) -> Vec<Value> {
    let wire_rule = |rule: &PolicyRule| {
        json!({
            "verbs": rule.verbs,
            "apiGroups": rule.api_groups,
            "resources": rule.resources,
            "resourceNames": rule.resource_names,
            "nonResourceURLs": rule.non_resource_urls,
        })
    };
    rules.iter().map(wire_rule).collect()
}

fn wire_selector(selector: &LabelSelector) -> Value {
    let expressions = selector.match_expressions.iter().map(|expression| {
        json!({
            "key": expression.key,
            "operator": expression.operator,
            "values": expression.values,
        })
    });
    json!({
        "matchLabels": selector.match_labels,
        "matchExpressions": expressions.collect::<Vec<_>>(),
    })
}

fn wire_binding(binding: &Binding) -> Value {
    let subjects = binding.subjects.iter().map(|subject| {
        // An API server takes a namespace of service accounts alone, and needs their group empty.
        match subject.kind.as_str() {
            "ServiceAccount" => json!({
                "kind": subject.kind,
                "name": subject.name,
                "namespace": subject.namespace,
            }),
            _ => json!({
                "kind": subject.kind,
                "apiGroup": "rbac.authorization.k8s.io",
                "name": subject.name,
            }),
        }
    });
    json!({
        "subjects": subjects.collect::<Vec<_>>(),
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": binding.role_ref.kind,
            "name": binding.role_ref.name,
        },
    })
}

/// Everyone may do everything, without credentials.
pub const ANYONE: &str = "
kind: ClusterRole
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: all}
rules:
- {apiGroups: ['*'], resources: ['*'], verbs: ['*']}
- {nonResourceURLs: ['*'], verbs: ['*']}
---
kind: ClusterRoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: anyone}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: 'system:anonymous'}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: all}
";
