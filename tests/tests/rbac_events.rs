//! Roles and bindings that come, change and go one by one while the engine serves, beside files.

use verdikt::parser::rbac::{Binding, ClusterRole, PolicyRule, RoleRef, Subject};
use verdikt::{Attributes, Engine, RbacEvent, RbacObject, Revision, User};

const ROLE: &str = "
kind: ClusterRole
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: reader}
rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]
";

const ALL_READERS: &str = "
---
kind: ClusterRole
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: all-readers}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {reads: 'yes'}}]}
rules: []
";

/// RoleBinding `b` in `web`, of user `jane` to a ClusterRole.
fn binding(role: &str) -> RbacObject {
    RbacObject::RoleBinding(Binding {
        name: "b".into(),
        namespace: "web".into(),
        subjects: vec![Subject { kind: "User".into(), name: "jane".into(), ..Subject::default() }],
        role_ref: RoleRef { kind: "ClusterRole".into(), name: role.into(), ..RoleRef::default() },
        ..Binding::default()
    })
}

/// A ClusterRole that lets read one resource, and is selected by `all-readers`.
fn role(resource: &str) -> RbacObject {
    RbacObject::ClusterRole(ClusterRole {
        name: "one".into(),
        labels: [("reads".into(), "yes".into())].into(),
        rules: vec![PolicyRule {
            verbs: vec!["get".into()],
            api_groups: vec![String::new()],
            resources: vec![resource.into()],
            ..PolicyRule::default()
        }],
        ..ClusterRole::default()
    })
}

fn engine(manifest: &str) -> Engine {
    Engine::builder().manifest("policy.yaml", manifest).build().unwrap()
}

/// Why jane may get these in `web`; empty if she may not.
fn why(engine: &Engine, resource: &str) -> String {
    let jane = User::new("jane", ["dev"]);
    let request = Attributes { namespace: "web", ..Attributes::resource(&jane, "get", resource) };
    let decision = engine.authorize(&request);
    let explained = engine.explain(&request);
    assert_eq!(decision.is_allowed(), !explained.paths.is_empty(), "{explained:?}");
    if decision.is_allowed() { decision.reason_text() } else { String::new() }
}

#[test]
fn a_binding_comes_changes_and_goes() {
    let engine = engine(&format!("{ROLE}{ALL_READERS}"));
    assert_eq!(engine.apply(RbacEvent::Put(binding("reader"))), Revision(2));
    let reason = r#"RBAC: allowed by RoleBinding "b/web" of ClusterRole "reader" to User "jane""#;
    assert_eq!(why(&engine, "pods"), reason);
    assert_eq!(
        engine.apply(RbacEvent::Put(binding("reader"))),
        Revision(2),
        "nothing is different"
    );
    let snapshot = engine.snapshot();
    engine.apply(RbacEvent::Put(binding("all-readers")));
    assert_eq!(why(&engine, "pods"), "");
    engine.apply(RbacEvent::Put(role("secrets")));
    assert!(why(&engine, "secrets").contains("all-readers"), "the role is aggregated");
    engine.apply(RbacEvent::Put(role("services")));
    assert_eq!(
        (why(&engine, "secrets"), why(&engine, "services").is_empty()),
        (String::new(), false)
    );
    engine.apply(RbacEvent::Deleted(role("")));
    assert_eq!(why(&engine, "services"), "");
    engine.apply_all([RbacEvent::Put(binding("reader")), RbacEvent::Deleted(binding(""))]);
    assert_eq!(why(&engine, "pods"), "");
    let jane = User::new("jane", ["dev"]);
    let request = Attributes { namespace: "web", ..Attributes::resource(&jane, "get", "pods") };
    assert!(snapshot.is_allowed(&request), "what was taken before stays as it was");
}

#[test]
fn a_reload_keeps_what_events_told_and_a_refused_one_keeps_all() {
    let engine = engine(ROLE);
    engine.apply(RbacEvent::Put(binding("reader")));
    engine.replace_manifests([("policy.yaml", ROLE.replace("pods", "services"))]).unwrap();
    assert!(!why(&engine, "services").is_empty() && why(&engine, "pods").is_empty());

    engine.replace_manifests([("policy.yaml", "kind: ClusterRole\nrules: 7\n")]).unwrap_err();
    assert!(!why(&engine, "services").is_empty());
    engine.apply(RbacEvent::Deleted(binding("")));
    assert!(why(&engine, "services").is_empty(), "events go on after a refused reload");
}

#[test]
fn of_an_object_that_both_bring_the_event_counts() {
    let file = format!(
        "{ROLE}---
kind: RoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {{name: b, namespace: web}}
subjects: [{{kind: User, apiGroup: rbac.authorization.k8s.io, name: jane}}]
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}}
"
    );
    let engine = engine(&file);
    assert!(!why(&engine, "pods").is_empty());
    engine.apply(RbacEvent::Put(binding("missing")));
    assert!(why(&engine, "pods").is_empty());
    engine.replace_manifests([("policy.yaml", format!("{file}# changed\n"))]).unwrap();
    assert!(why(&engine, "pods").is_empty(), "a reload does not undo an event");
    engine.apply(RbacEvent::Deleted(binding("")));
    engine.replace_manifests([("policy.yaml", file)]).unwrap();
    assert!(!why(&engine, "pods").is_empty(), "what changed files have is there again");
}
