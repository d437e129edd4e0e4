//! `/metrics` of a real server: what is counted of requests, reloads, tokens, webhooks and impersonation, and
//! who may read it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use verdikt::audit::LogOptions;
use verdikt::authn::jwt::SigningKey;
use verdikt::parser::node::Pod;
use verdikt::{Attributes, Builder, Engine, Mode, NodeEvent, ServiceAccountOptions, User};
use verdikt_server::Access;
use verdikt_server::proto::v1;
use verdikt_tests::exposition::Exposition;
use verdikt_tests::grpc::Client;
use verdikt_tests::http::Running;
use verdikt_tests::issuer::Issuer;
use verdikt_tests::webhook::{Reply, Webhook};

const MANIFESTS: &str = "
kind: ClusterRole
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: reader}
rules:
- {apiGroups: [''], resources: [pods], verbs: [get, list]}
- {apiGroups: [''], resources: [users], verbs: [impersonate], resourceNames: [bob]}
---
kind: ClusterRoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: readers}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: dev}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
---
kind: ClusterRole
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: scraper}
rules: [{nonResourceURLs: [/metrics, /v1/status], verbs: [get]}]
---
kind: ClusterRoleBinding
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: scrapers}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: prometheus}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: scraper}
";
const TOKENS: &str =
    "jane-token,jane,1,dev\nprom-token,prometheus,2\nmail-token,eve@example.com,3\n";
const PODS: &str = "/api/v1/namespaces/shop/pods";

struct World {
    server: Running,
    engine: Engine,
    folder: TempDir,
}

impl World {
    /// With manifests in a folder, tokens in a file, and whatever else.
    fn new(more: impl FnOnce(Builder, &Path) -> Builder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rbac.yaml"), MANIFESTS).unwrap();
        let tokens = folder.path().join("tokens.csv");
        fs::write(&tokens, TOKENS).unwrap();
        let builder = Engine::builder()
            .policy_dir(folder.path().join("rbac.yaml"))
            .token_auth_file(tokens)
            .anonymous_auth(false);
        let engine = more(builder, folder.path()).build().unwrap();
        let server = Running::start(engine.clone(), |options| options.access = Access::Authorized);
        Self { server, engine, folder }
    }

    fn scrape(&self) -> Exposition {
        let answer = self.server.get("/metrics", Some("prom-token"));
        assert_eq!(answer.code, 200, "{}", answer.body);
        let found =
            Exposition::parse(&answer.body, false).unwrap_or_else(|error| panic!("{error}"));
        for (name, _) in found.families() {
            assert!(is_in_guide(name), "GUIDE.md does not tell of {name}");
        }
        found
    }

    fn code(&self, target: &str, token: &str, headers: &[(&str, &str)]) -> u16 {
        let bearer = format!("Bearer {token}");
        let mut all = vec![("Authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        self.server.send("GET", target, &all, "").code
    }
}

/// Whether the table of the guide has the name, whole or as `…` and its end.
fn is_in_guide(name: &str) -> bool {
    const GUIDE: &str = include_str!("../../GUIDE.md");
    let written = |text: &str| GUIDE.contains(&format!("`{text}`"));
    let has_end = |(at, _)| name.get(at + 1..).is_some_and(|end| written(&format!("…_{end}")));
    let has_start = |(at, _)| name.get(..at).is_some_and(|start| written(&format!("{start}_…")));
    let parts = || name.match_indices('_');
    written(name) || parts().any(has_end) || parts().any(has_start)
}

fn check(found: &Exposition, expected: &[(&str, f64)]) {
    for (series, value) in expected {
        assert_eq!(found.get(series), Some(*value), "{series}\n{found:#?}");
    }
}

#[test]
fn requests_are_counted_by_what_came_of_them() {
    let world = World::new(|builder, _| builder);
    assert_eq!(world.code(PODS, "jane-token", &[]), 200);
    assert_eq!(world.code(PODS, "mail-token", &[]), 403);
    assert_eq!(world.code(PODS, "wrong", &[]), 401);
    assert_eq!(world.server.get(PODS, None).code, 401);
    let found = world.scrape();
    check(
        &found,
        &[
            // The scrape itself is among them.
            ("authentication_attempts{result=\"success\"}", 3.0),
            ("authentication_attempts{result=\"error\"}", 1.0),
            ("authentication_attempts{result=\"failure\"}", 1.0),
            ("authentication_duration_seconds_count{result=\"success\"}", 3.0),
            ("authentication_duration_seconds_bucket{result=\"success\",le=\"16.384\"}", 3.0),
            ("authenticated_user_requests{username=\"other\"}", 2.0),
            ("authenticated_user_requests{username=\"email_id\"}", 1.0),
            ("authorization_attempts_total{result=\"allowed\"}", 2.0),
            ("authorization_attempts_total{result=\"no-opinion\"}", 1.0),
            ("authorization_duration_seconds_count{result=\"no-opinion\"}", 1.0),
            (
                "apiserver_authorization_decisions_total{type=\"RBAC\",name=\"rbac\",decision=\"allowed\"}",
                2.0,
            ),
            ("apiserver_audit_event_total", 0.0),
            ("verdikt_policy_revision", 1.0),
            ("verdikt_policy_objects{kind=\"ClusterRole\"}", 2.0),
            ("verdikt_policy_objects{kind=\"Token\"}", 3.0),
            ("verdikt_policy_last_reload_successful", 1.0),
        ],
    );
    assert_eq!(found.get("authorization_attempts_total{result=\"error\"}"), None);
    let version = format!(
        "verdikt_build_info{{version=\"{}\",kubernetes=\"v1.37\"}}",
        env!("CARGO_PKG_VERSION")
    );
    check(&found, &[(&version, 1.0)]);
}

#[test]
fn answers_are_counted_by_address_and_calls_by_method() {
    let world = World::new(|builder, _| builder);
    assert_eq!(world.server.get("/healthz", None).code, 200);
    assert_eq!(world.code("/version", "wrong", &[]), 200);
    assert_eq!(world.code("/configz", "jane-token", &[]), 403);
    assert_eq!(world.code(PODS, "jane-token", &[]), 200);
    assert_eq!(world.code("/api/v1/namespaces/shop/secrets", "jane-token", &[]), 403);
    let bearer = [("Authorization", "Bearer jane-token"), ("Content-Type", "application/json")];
    let review =
        r#"{"spec":{"resourceAttributes":{"verb":"get","resource":"pods","namespace":"a"}}}"#;
    let own = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    assert_eq!(world.server.send("POST", own, &bearer, review).code, 403);
    let local = "/apis/authorization.k8s.io/v1/namespaces/a/localsubjectaccessreviews";
    assert_eq!(world.server.send("POST", local, &bearer, review).code, 403);
    assert_eq!(world.server.send("BREW", "/coffee", &bearer, "").code, 403);
    assert_eq!(world.server.send("DELETE", "/healthz", &bearer, "").code, 403);

    let grpc = Running::start_grpc(world.engine.clone(), |_| {});
    let client = Client::new(&grpc);
    client.check(v1::CheckRequest::default()).unwrap_err();
    let joe = Some(v1::User { name: "joe".to_owned(), ..Default::default() });
    let path = v1::NonResourceAttributes { verb: "get".to_owned(), path: "/".to_owned() };
    let request = Some(v1::check_request::Request::NonResource(path));
    client.check(v1::CheckRequest { user: joe, request, ..Default::default() }).unwrap();
    client.wait(async {
        let questions = tokio_stream::iter([v1::CheckStreamRequest::default()]);
        let mut answers = client.verdikt().check_stream(questions).await.unwrap().into_inner();
        while answers.message().await.unwrap().is_some() {}
        let watched = client.verdikt().watch_status(v1::WatchStatusRequest::default()).await;
        watched.unwrap().into_inner().message().await.unwrap().unwrap();
    });
    let ask = || client.wait(client.verdikt().status(v1::StatusRequest::default())).unwrap();
    ask();

    let found = world.scrape();
    let of = |code: u16, group: &str, resource: &str, path: &str, verb: &str| {
        let (scope, version) = if group.is_empty() { ("", "") } else { ("resource", "v1") };
        let labels = format!(
            "component=\"verdikt\",dry_run=\"\",group=\"{group}\",resource=\"{resource}\",scope=\"{scope}\",\
             subresource=\"{path}\",verb=\"{verb}\",version=\"{version}\""
        );
        let (total, times) = (
            format!("apiserver_request_total{{code=\"{code}\",{labels}}}"),
            format!("apiserver_request_duration_seconds_count{{{labels}}}"),
        );
        (found.get(&total), found.get(&times))
    };
    let reviews = "authorization.k8s.io";
    assert_eq!(of(200, "", "", "/healthz", "GET"), (Some(1.0), Some(1.0)));
    assert_eq!(of(200, "", "", "/version", "GET"), (Some(1.0), Some(1.0)));
    assert_eq!(of(403, "", "", "/configz", "GET"), (Some(1.0), Some(1.0)));
    assert_eq!(of(403, reviews, "selfsubjectaccessreviews", "", "POST"), (Some(1.0), Some(1.0)));
    assert_eq!(of(403, reviews, "localsubjectaccessreviews", "", "POST"), (Some(1.0), Some(1.0)));
    // What is none of verdikt's addresses makes no series of its own.
    assert_eq!(of(200, "", "", "", "GET"), (Some(1.0), Some(2.0)));
    assert_eq!(of(403, "", "", "", "GET"), (Some(1.0), Some(2.0)));
    assert_eq!(of(403, "", "", "", "other"), (Some(1.0), Some(1.0)));
    assert_eq!(of(403, "", "", "", "DELETE"), (Some(1.0), Some(1.0)));

    let call = |code: &str, method: &str, kind: &str| {
        found.get(&format!(
            "grpc_server_handled_total{{grpc_code=\"{code}\",grpc_method=\"{method}\",\
             grpc_service=\"verdikt.v1.Verdikt\",grpc_type=\"{kind}\"}}"
        ))
    };
    assert_eq!(call("OK", "Check", "unary"), Some(1.0));
    assert_eq!(call("InvalidArgument", "Check", "unary"), Some(1.0));
    assert_eq!(call("OK", "CheckStream", "bidi_stream"), Some(1.0));
    assert_eq!(call("OK", "Status", "unary"), Some(1.0));
    check(
        &found,
        &[(
            "grpc_server_handling_seconds_count{grpc_method=\"Check\",grpc_service=\"verdikt.v1.Verdikt\",grpc_type=\"unary\"}",
            2.0,
        )],
    );
}

#[test]
fn the_chain_says_who_may_read_metrics() {
    let world = World::new(|builder, _| builder);
    let refused = world.server.get("/metrics", Some("jane-token"));
    assert_eq!(refused.code, 403);
    assert_eq!(refused.json()["message"], "forbidden: User \"jane\" cannot get path \"/metrics\"");
    assert_eq!(world.server.get("/metrics", None).code, 401);
    let post = world.server.send("POST", "/metrics", &[("Authorization", "Bearer prom-token")], "");
    assert_eq!(post.code, 403);
    let open = Running::start(world.engine, |options| options.access = Access::Open);
    assert_eq!(open.get("/metrics", None).code, 200);
}

#[test]
fn whoever_asks_for_open_metrics_gets_them() {
    let world = World::new(|builder, _| builder);
    let bearer = ("Authorization", "Bearer prom-token");
    let accept = ("Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
    let answer = world.server.send("GET", "/metrics", &[bearer, accept], "");
    let content_type = answer.header("content-type");
    assert_eq!(content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let found = Exposition::parse(&answer.body, true).unwrap();
    let types: Vec<(&str, &str)> = found.families().collect();
    for expected in [
        ("apiserver_authorization_decisions", "counter"),
        ("authentication_attempts", "unknown"),
        ("authentication_duration_seconds", "histogram"),
        ("verdikt_policy_revision", "gauge"),
    ] {
        assert!(types.contains(&expected), "{expected:?} {types:?}");
    }
    let answer = world.server.get("/metrics", Some("prom-token"));
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
}

#[test]
fn a_reload_counts_if_it_changes_what_serves_or_what_is_wrong() {
    let world = World::new(|builder, _| builder);
    let file = world.folder.path().join("rbac.yaml");
    let reload = |text: &str| {
        fs::write(&file, text).unwrap();
        world.engine.reload().is_ok()
    };
    assert!(reload(MANIFESTS));
    assert!(reload(&format!("{MANIFESTS}# more\n")));
    for _ in 0..3 {
        assert!(!reload("kind: ["));
    }
    let reloads = |status: &str| format!("verdikt_policy_reloads_total{{status=\"{status}\"}}");
    let last = "verdikt_policy_last_reload_successful";
    let found = world.scrape();
    check(&found, &[(&reloads("success"), 1.0), (&reloads("failure"), 1.0), (last, 0.0)]);
    check(&found, &[("verdikt_policy_revision", 2.0)]);
    let time = "verdikt_policy_last_reload_timestamp_seconds{status=\"failure\"}";
    assert!(found.get(time).unwrap() > 1.7e9);
    // What is wrong is told to those who may see the status.
    let ready = |token| world.server.get("/readyz?verbose", token).body;
    let told = ready(Some("prom-token"));
    assert!(told.contains("[!]reload refused, revision 2 still serves: "), "{told}");
    assert!(told.contains("rbac.yaml"), "{told}");
    for token in [None, Some("jane-token"), Some("wrong")] {
        let told = ready(token);
        let line = "[!]reload refused, revision 2 still serves: reason withheld\n";
        assert!(told.contains(line), "{told}");
    }
    // What served before is there again.
    assert!(reload(&format!("{MANIFESTS}# more\n")));
    check(&world.scrape(), &[(&reloads("success"), 2.0), (last, 1.0)]);
}

#[test]
fn configuration_files_are_counted_apart() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    webhook.reply([Reply::json(200, r#"{"status":{"allowed":false,"reason":"guarded"}}"#)]);
    let kubeconfig = webhook.write_kubeconfig(folder.path(), "/guard");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/authz-config");
    let text = fs::read_to_string(example.join("authorization.yaml")).unwrap();
    let text = text.replace("/etc/verdikt/guard.kubeconfig", kubeconfig.to_str().unwrap());
    let authorization = folder.path().join("authorization.yaml");
    let authentication = folder.path().join("authentication.yaml");
    fs::write(&authorization, &text).unwrap();
    let anonymous = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n\
                     jwt: []\n";
    fs::write(&authentication, anonymous).unwrap();
    let world = World::new(|builder, _| {
        builder.authorization_config(&authorization).authentication_config(&authentication)
    });
    assert_eq!(world.code(PODS, "jane-token", &[]), 200);
    assert_eq!(world.code("/api/v1/namespaces/kube-system/pods", "jane-token", &[]), 200);
    let label = "type=\"Webhook\",name=\"guard\"";
    let of_guard =
        |name: &str| format!("apiserver_authorization_match_condition_{name}{{{label}}}");
    let found = world.scrape();
    check(
        &found,
        &[
            // Requests for anything but resources are excluded as well.
            (&of_guard("exclusions_total"), 2.0),
            (&of_guard("evaluation_seconds_count"), 3.0),
            (
                "apiserver_authorization_webhook_evaluations_total{name=\"guard\",result=\"success\"}",
                1.0,
            ),
            (
                "apiserver_authorization_webhook_duration_seconds_count{name=\"guard\",result=\"success\"}",
                1.0,
            ),
        ],
    );
    assert_eq!(found.get(&of_guard("evaluation_errors_total")), None);
    fs::write(&authorization, text.replace("timeout: 3s", "timeout: 3d")).unwrap();
    assert!(world.engine.reload().is_err());
    fs::write(&authorization, text.replace("timeout: 3s", "timeout: 2s")).unwrap();
    assert!(world.engine.reload().is_ok());
    fs::write(&authentication, anonymous.replace("jwt: []", "jwt: {}")).unwrap();
    assert!(world.engine.reload().is_err());
    let answer = world.server.get("/metrics", Some("prom-token")).body;
    let counted = |start: &str| {
        let line = answer.lines().find(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("{start}\n{answer}")).to_owned()
    };
    for (kind, status) in
        [("authorization", "failure"), ("authorization", "success"), ("authentication", "failure")]
    {
        let start = format!(
            "apiserver_{kind}_config_controller_automatic_reloads_total{{status=\"{status}\",\
             apiserver_id_hash=\"sha256:"
        );
        assert!(counted(&start).ends_with("\"} 1"), "{start}");
        counted(&format!(
            "apiserver_{kind}_config_controller_automatic_reload_last_timestamp_seconds\
             {{status=\"{status}\","
        ));
        let info = counted(&format!("apiserver_{kind}_config_controller_last_config_info{{"));
        assert!(info.contains(",hash=\"sha256:") && info.ends_with("\"} 1"), "{info}");
    }
}

#[test]
fn tokens_are_counted_by_whether_they_are_remembered() {
    let example =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/authn-bootstrap-token/manifests");
    let world = World::new(|builder, _| builder.policy_dir(example).bootstrap_tokens(true));
    for expected in [403, 403, 403] {
        assert_eq!(world.code(PODS, "07401b.f395accd246ae52d", &[]), expected);
    }
    assert_eq!(world.code(PODS, "nobodys", &[]), 401);
    check(
        &world.scrape(),
        &[
            ("authentication_token_cache_request_total{status=\"hit\"}", 2.0),
            ("authentication_token_cache_request_total{status=\"miss\"}", 2.0),
            ("authentication_token_cache_request_duration_seconds_count{status=\"hit\"}", 2.0),
            ("authentication_token_cache_request_duration_seconds_count{status=\"miss\"}", 2.0),
            ("authentication_token_cache_fetch_total{status=\"ok\"}", 2.0),
            ("authentication_token_cache_active_fetch_count{status=\"blocked\"}", 0.0),
            ("authentication_token_cache_active_fetch_count{status=\"in_flight\"}", 0.0),
        ],
    );
}

#[test]
fn tokens_of_service_accounts_are_counted_by_their_age() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/authn-service-account");
    let key = fs::read(example.join("keys/service-account.key")).unwrap();
    let key = SigningKey::from_pem(&key).unwrap();
    let name = "kubernetes.io/serviceaccount";
    let uid = "5d1e0f0a-0000-4000-8000-000000000001";
    let legacy = json!({
        "iss": "kubernetes/serviceaccount",
        "sub": "system:serviceaccount:ci:builder",
        format!("{name}/namespace"): "ci",
        format!("{name}/secret.name"): "old",
        format!("{name}/service-account.name"): "builder",
        format!("{name}/service-account.uid"): uid,
    });
    let legacy = key.sign(&legacy.to_string()).unwrap();
    let secret = json!({
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {
            "name": "old",
            "namespace": "ci",
            "labels": {"kubernetes.io/legacy-token-invalid-since": "2026-01-01"},
        },
        "type": "kubernetes.io/service-account-token",
        "stringData": {"token": legacy},
    });
    let world = World::new(|builder, folder| {
        let manifest = folder.join("secret.json");
        fs::write(&manifest, secret.to_string()).unwrap();
        let options = ServiceAccountOptions {
            key_files: vec![example.join("keys/service-account.pub")],
            issuers: vec!["https://issuer.example".to_owned()],
            ..ServiceAccountOptions::default()
        };
        let builder = builder.policy_dir(manifest).policy_dir(example.join("manifests"));
        builder.service_accounts(options)
    });
    let bound = |warn_after: Value| {
        let claims = json!({
            "iss": "https://issuer.example",
            "sub": "system:serviceaccount:ci:builder",
            "aud": ["https://issuer.example"],
            "exp": 4_000_000_000_u64,
            "kubernetes.io": {
                "namespace": "ci",
                "serviceaccount": {"name": "builder", "uid": uid},
                "warnafter": warn_after,
            },
        });
        key.sign(&claims.to_string()).unwrap()
    };
    let used = |token: String| world.code(PODS, &token, &[]);
    assert_eq!(used(legacy), 401);
    for warn_after in [json!(3_999_999_000_u64), json!(1_000_000_000), json!(1_000_000_001)] {
        assert_ne!(used(bound(warn_after)), 401);
    }
    // What says nothing of it is neither.
    assert_ne!(used(bound(Value::Null)), 401);
    assert_ne!(used(bound(json!(0))), 401);
    check(
        &world.scrape(),
        &[
            ("serviceaccount_legacy_tokens_total", 1.0),
            ("serviceaccount_invalid_legacy_auto_token_uses_total", 1.0),
            ("serviceaccount_valid_tokens_total", 1.0),
            ("serviceaccount_stale_tokens_total", 2.0),
        ],
    );
}

#[test]
fn fetches_of_keys_are_told_by_issuer() {
    let issuer = Issuer::start();
    let write = |path: &Path, entries: &str| {
        let head = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n";
        fs::write(path, format!("{head}jwt: {entries}")).unwrap();
    };
    let entry = json!([{
        "issuer": {
            "url": issuer.url(),
            "audiences": ["shop"],
            "certificateAuthority": issuer.authority(),
        },
        "claimMappings": {"username": {"claim": "sub", "prefix": "jwt:"}},
    }]);
    let world = World::new(|builder, folder| {
        let file = folder.join("authentication.yaml");
        write(&file, &entry.to_string());
        builder.authentication_config(file)
    });
    let family = "apiserver_authentication_jwt_authenticator_jwks_fetch_last";
    // The labels of a series of the family, and its value.
    let series = |name: &str, label: &str| -> Option<(String, f64)> {
        world.scrape();
        let text = world.server.get("/metrics", Some("prom-token")).body;
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("{family}_{name}{{")) && line.contains(label))?;
        let (labels, value) = line.rsplit_once(' ').unwrap();
        Some((labels.to_owned(), value.parse().unwrap()))
    };
    let fetched = || series("timestamp_seconds", "result=\"success\"");
    while fetched().is_none() {
        std::thread::yield_now();
    }
    let (labels, time) = fetched().unwrap();
    assert!(time > 1.7e9, "{time}");
    let hash = "\"sha256:";
    assert!(labels.contains(&format!("jwt_issuer_hash={hash}")), "{labels}");
    assert!(labels.contains(&format!("apiserver_id_hash={hash}")), "{labels}");
    let (first, value) = series("key_set_info", &format!("hash={hash}")).unwrap();
    assert!((value - 1.0).abs() < 1e-9, "{value}");
    // A token by a key that is new has the keys looked at again.
    issuer.add_key("second");
    let token = issuer.token(&issuer.claims(&json!({"aud": "shop", "sub": "ann"})));
    assert_eq!(world.code(PODS, &token, &[]), 403);
    let (second, _) = series("key_set_info", "hash=").unwrap();
    assert_ne!(first, second);
    assert!(series("timestamp_seconds", "failure").is_none());
    // An issuer that is gone is not told of.
    write(&world.folder.path().join("authentication.yaml"), "[]");
    world.engine.reload().unwrap();
    assert!(fetched().is_none());
    assert!(series("key_set_info", "hash=").is_none());
}

#[test]
fn impersonation_is_counted_by_mode() {
    let world = World::new(|builder, _| builder);
    assert_eq!(world.code(PODS, "jane-token", &[("Impersonate-User", "bob")]), 403);
    assert_eq!(world.code(PODS, "jane-token", &[("Impersonate-User", "eve")]), 403);
    assert_eq!(world.code(PODS, "jane-token", &[("Impersonate-Group", "dev")]), 400);
    let attempts = |mode: &str, decision: &str| {
        format!("apiserver_impersonation_attempts_total{{mode=\"{mode}\",decision=\"{decision}\"}}")
    };
    let checks =
        |mode: &str, decision: &str| attempts(mode, decision).replace("_a", "_authorization_a");
    check(
        &world.scrape(),
        &[
            (&attempts("legacy", "allowed"), 1.0),
            (&attempts("", "denied"), 1.0),
            (&checks("legacy", "allowed"), 1.0),
            (&checks("legacy", "denied"), 1.0),
            (&checks("user-info", "denied"), 2.0),
        ],
    );
}

#[test]
fn events_of_nodes_are_timed_and_audit_events_counted() {
    let world = World::new(|builder, folder| {
        let policy = folder.join("audit.yaml");
        let text = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n";
        fs::write(&policy, text).unwrap();
        builder
            .authorization_modes([Mode::Node, Mode::Rbac])
            .audit_policy_file(policy)
            .audit_log(LogOptions::new(folder.join("audit.log")))
    });
    let pod = Pod {
        namespace: "shop".into(),
        name: "cart".into(),
        node_name: "n1".into(),
        secrets: vec!["tls".into()],
        ..Pod::default()
    };
    world.engine.apply(NodeEvent::Added(pod.clone().into()));
    world.engine.apply(NodeEvent::Updated(pod.clone().into()));
    let kubelet = User::new("system:node:n1", ["system:nodes"]);
    let request = Attributes {
        namespace: "shop",
        name: "tls",
        ..Attributes::resource(&kubelet, "get", "secrets")
    };
    assert!(world.engine.authorize(&request).is_allowed());
    world.engine.apply(NodeEvent::Deleted(pod.into()));
    assert_eq!(world.code(PODS, "jane-token", &[]), 200);
    let actions = |operation: &str| {
        let name = "node_authorizer_graph_actions_duration_seconds_count";
        format!("{name}{{operation=\"{operation}\"}}")
    };
    check(
        &world.scrape(),
        &[
            (&actions("AddPod"), 1.0),
            (&actions("DeletePod"), 1.0),
            // Both stages of one request, and the first of the scrape.
            ("apiserver_audit_event_total", 3.0),
            ("apiserver_audit_level_total{level=\"Metadata\"}", 2.0),
            ("apiserver_audit_requests_rejected_total", 0.0),
            ("verdikt_audit_stored_total", 3.0),
            ("verdikt_audit_lost_total", 0.0),
        ],
    );
}
