//! Deciding allocates nothing: not to allow, not to deny, not for a token that is known.
//!
//! `allocation_counter` counts what the measuring thread allocates, and nothing of other threads.

use allocation_counter::measure;
use verdikt::authn::Clock;
use verdikt::authn::jwt::SigningKey;
use verdikt::authn::service_account::{Bound, ObjectRef, TokenRequest};
use verdikt::{
    Attributes, Credentials, Effect, Engine, Identity, Mode, Outcome, Peer, Selectors,
    ServiceAccountOptions, User,
};
use verdikt_tests::tls::Authority;

const MANIFEST: &str = r"
kind: ClusterRole
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: reader}
rules:
- {apiGroups: ['', apps], resources: [pods, '*/log', deployments], verbs: [get, list]}
- {apiGroups: [''], resources: [secrets], resourceNames: [web-tls], verbs: [get]}
- {nonResourceURLs: [/metrics, /api/*], verbs: [get]}
---
kind: ClusterRoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: readers}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: dev}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
---
kind: RoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: readers, namespace: web}
subjects: [{kind: ServiceAccount, name: ci, namespace: build}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
";

const ABAC: &str = r#"{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"alice","namespace":"web","resource":"*","apiGroup":"*"}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"group":"probes","nonResourcePath":"/health*","readonly":true}}
"#;

const TOKENS: &str = "t0ken,jane,1,\"dev,ops\"\n";

fn engine() -> Engine {
    let folder = tempfile::tempdir().unwrap();
    let (abac, tokens) = (folder.path().join("policy.jsonl"), folder.path().join("tokens.csv"));
    std::fs::write(&abac, ABAC).unwrap();
    std::fs::write(&tokens, TOKENS).unwrap();
    Engine::builder()
        .manifest("policy.yaml", MANIFEST)
        .authorization_policy_file(abac)
        .authorization_modes([Mode::Abac, Mode::Rbac])
        .token_auth_file(tokens)
        .build()
        .unwrap()
}

/// How often `run` allocates, once what a thread needs only once is there.
fn allocations(mut run: impl FnMut()) -> u64 {
    run();
    measure(run).count_total
}

fn check(engine: &Engine, user: &User, request: Attributes<'_>, effect: Effect) {
    let identity = Identity::new(user.clone(), engine.hash_key());
    let raw = Attributes { user: Some(user.into()), ..request };
    let resolved = Attributes { user: Some((&identity).into()), ..request };
    for (name, request) in [("raw", raw), ("resolved", resolved)] {
        assert_eq!(engine.authorize(&request).effect(), effect, "{name} {request:?}");
        let count = allocations(|| drop(engine.authorize(&request)));
        assert_eq!(count, 0, "{name} {request:?}");
    }
}

fn resource<'a>(verb: &'a str, namespace: &'a str, resource: &'a str) -> Attributes<'a> {
    Attributes { verb, namespace, resource, resource_request: true, ..Attributes::default() }
}

fn path<'a>(verb: &'a str, path: &'a str) -> Attributes<'a> {
    Attributes { verb, path, ..Attributes::default() }
}

#[test]
fn allocations_are_counted_at_all() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1_u8]))), 1);
}

#[test]
fn rbac_decisions_allocate_nothing() {
    let engine = engine();
    let jane = User::new("jane", ["dev", "ops"]);
    let ci = User::new("system:serviceaccount:build:ci", ["system:serviceaccounts"]);
    check(&engine, &jane, resource("get", "web", "pods"), Effect::Allow);
    check(&engine, &jane, resource("delete", "web", "pods"), Effect::NoOpinion);
    check(&engine, &jane, resource("frobnicate", "", "never-heard-of"), Effect::NoOpinion);
    let log = Attributes { subresource: "log", ..resource("get", "web", "pods") };
    check(&engine, &jane, log, Effect::Allow);
    let named = Attributes { name: "web-tls", ..resource("get", "web", "secrets") };
    check(&engine, &jane, named, Effect::Allow);
    check(&engine, &jane, Attributes { name: "other", ..named }, Effect::NoOpinion);
    check(&engine, &jane, path("get", "/api/v1"), Effect::Allow);
    check(&engine, &jane, path("get", "/apis"), Effect::NoOpinion);
    check(&engine, &ci, resource("list", "web", "pods"), Effect::Allow);
    check(&engine, &ci, resource("list", "", "pods"), Effect::NoOpinion);
    check(&engine, &User::new("root", ["system:masters"]), path("get", "/x"), Effect::Allow);
}

#[test]
fn abac_decisions_allocate_nothing() {
    let engine = engine();
    let alice = User::new("alice", ["probes"]);
    check(&engine, &alice, resource("update", "web", "pods"), Effect::Allow);
    check(&engine, &alice, resource("update", "other", "pods"), Effect::NoOpinion);
    check(&engine, &alice, path("get", "/healthz"), Effect::Allow);
    check(&engine, &alice, path("post", "/healthz"), Effect::NoOpinion);
}

#[test]
fn node_decisions_allocate_nothing() {
    let pods = "
kind: Pod
apiVersion: v1
metadata: {name: front, namespace: web}
spec:
  nodeName: n1
  serviceAccountName: app
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
kind: PersistentVolume
apiVersion: v1
metadata: {name: pv}
spec:
  claimRef: {namespace: web, name: data}
  csi: {nodeStageSecretRef: {namespace: storage, name: a-secret-with-a-name-that-is-quite-a-bit-longer-than-most}}
";
    let engine = Engine::builder()
        .manifest("pods.yaml", pods)
        .authorization_modes([Mode::Node, Mode::Rbac])
        .build()
        .unwrap();
    let node = User::new("system:node:n1", ["system:nodes", "system:authenticated"]);
    let named = |verb, namespace, of, name| Attributes { name, ..resource(verb, namespace, of) };
    let secret = "a-secret-with-a-name-that-is-quite-a-bit-longer-than-most";
    check(&engine, &node, named("get", "storage", "secrets", secret), Effect::Allow);
    check(&engine, &node, named("get", "storage", "secrets", "other"), Effect::NoOpinion);
    check(&engine, &node, named("get", "web", "pods", "front"), Effect::Allow);
    check(&engine, &node, named("list", "", "nodes", "n2"), Effect::NoOpinion);
    check(&engine, &node, resource("list", "", "services"), Effect::Allow);
    let selectors = Selectors::parse("spec.nodeName=n1", "");
    let selected = Attributes { selectors: Some(&selectors), ..resource("watch", "", "pods") };
    check(&engine, &node, selected, Effect::Allow);
    check(
        &engine,
        &User::new("jane", ["dev"]),
        named("get", "web", "pods", "front"),
        Effect::NoOpinion,
    );
}

#[test]
fn a_known_token_is_authenticated_without_allocating() {
    let engine = engine();
    let check = |credentials: Credentials<'_>, known: bool| {
        let is_known = |outcome: &Outcome| matches!(outcome, Outcome::Authenticated(_));
        assert_eq!(is_known(&engine.authenticate(&credentials)), known, "{credentials:?}");
        let count = allocations(|| drop(engine.authenticate(&credentials)));
        assert_eq!(count, 0, "{credentials:?}");
    };
    check(Credentials::bearer("t0ken"), true);
    check(Credentials::authorization(b"Bearer t0ken"), true);
    check(Credentials::none(), true);
}

#[test]
fn a_connections_certificate_is_looked_at_once() {
    let clients = Authority::new("clients");
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("clients.pem");
    std::fs::write(&bundle, &clients.pem).unwrap();
    let engine = Engine::builder().client_ca_file(bundle).build().unwrap();
    let peer = Peer::new([clients.client("jane", "dev", 1).der()]);
    let credentials = Credentials::none().with_peer(Some(&peer));
    let is_jane = |outcome: Outcome| matches!(outcome, Outcome::Authenticated(who) if who.user().name == "jane");
    assert!(!peer.is_known() && is_jane(engine.authenticate(&credentials)) && peer.is_known());
    assert_eq!(allocations(|| drop(engine.authenticate(&credentials))), 0);
    assert!(is_jane(engine.authenticate(&credentials)));
}

#[test]
fn a_service_account_token_that_is_remembered_is_authenticated_without_allocating() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/authn-service-account/");
    let key = std::fs::read([folder, "keys/service-account.key"].concat()).unwrap();
    let key = SigningKey::from_pem(&key).unwrap();
    let request = TokenRequest {
        issuer: "https://verdikt.example",
        namespace: "ci",
        account: ObjectRef { name: "builder", uid: "5d1e0f0a-0000-4000-8000-000000000001" },
        audiences: &["https://verdikt.example".to_owned()],
        seconds: 600,
        bound: Bound::Nothing,
    };
    let token = request.issue(&key, Clock::default().now()).unwrap();
    let options = ServiceAccountOptions {
        key_files: vec![[folder, "keys/service-account.pub"].concat().into()],
        issuers: vec!["https://verdikt.example".to_owned()],
        ..ServiceAccountOptions::default()
    };
    let engine = Engine::builder()
        .policy_dir([folder, "manifests"].concat())
        .service_accounts(options)
        .build()
        .unwrap();
    let header = format!("Bearer {token}");
    let credentials = Credentials::authorization(header.as_bytes());
    let outcome = engine.authenticate(&credentials);
    assert!(matches!(outcome, Outcome::Authenticated(_)), "{outcome:?}");
    assert_eq!(allocations(|| drop(engine.authenticate(&credentials))), 0);
}

#[test]
fn the_whole_request_line_allocates_nothing() {
    let engine = engine();
    let credentials = Credentials::authorization(b"Bearer t0ken");
    for verb in ["get", "delete"] {
        let request = resource(verb, "web", "pods");
        let decision = engine.decide(&credentials, &request).unwrap();
        assert_eq!(decision.is_allowed(), verb == "get");
        assert_eq!(allocations(|| drop(engine.decide(&credentials, &request))), 0, "{verb}");
    }
}
