//! The HTTP front: what clients of kube-apiserver send, and what they get back, byte for byte.

use serde_json::{Value, json};
use verdikt::Engine;
use verdikt_server::Access;
use verdikt_tests::http::Running;

const POLICY: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules:
- {apiGroups: [''], resources: [pods], verbs: [get, list]}
- {nonResourceURLs: [/metrics], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: readers}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: dev}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reviewer}
rules: [{apiGroups: [authorization.k8s.io], resources: [subjectaccessreviews], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reviewers}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: webhook}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reviewer}
";
const TOKENS: &str = "jane-token,jane,1,dev\nbob-token,bob,2\nhook-token,webhook,3\n";
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const BY_READERS: &str =
    r#"RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to Group "dev""#;

struct World {
    server: Running,
    _folder: tempfile::TempDir,
}

fn world(access: Access) -> World {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens.csv");
    std::fs::write(&tokens, TOKENS).unwrap();
    let engine =
        Engine::builder().manifest("policy.yaml", POLICY).token_auth_file(tokens).build().unwrap();
    let server = Running::start(engine, |options| {
        options.access = access;
        options.limits.body_bytes = 4_096;
        options.limits.read_timeout = std::time::Duration::from_millis(300);
    });
    World { server, _folder: folder }
}

fn review(spec: &Value) -> String {
    json!({"kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": spec})
        .to_string()
}

#[test]
fn a_request_is_allowed_forbidden_or_unauthenticated_as_itself() {
    let World { server, .. } = &world(Access::Open);
    let allowed = server.get("/api/v1/namespaces/web/pods/shop", Some("jane-token"));
    assert_eq!((allowed.code, &allowed.json()["message"]), (200, &json!(BY_READERS)));

    let denied = server.get("/api/v1/namespaces/web/secrets/a%26b", Some("jane-token"));
    assert_eq!(denied.code, 403);
    assert_eq!(denied.header("content-type"), "application/json");
    assert_eq!(denied.header("x-content-type-options"), "nosniff");
    assert_eq!(
        denied.body,
        "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\
         \"message\":\"secrets \\\"a\\u0026b\\\" is forbidden: User \\\"jane\\\" cannot get resource \
         \\\"secrets\\\" in API group \\\"\\\" in the namespace \\\"web\\\"\",\
         \"reason\":\"Forbidden\",\"details\":{\"name\":\"a\\u0026b\",\"kind\":\"secrets\"},\
         \"code\":403}\n"
    );

    let unknown = server.get("/api/v1/pods", Some("no-such-token"));
    assert_eq!(unknown.code, 401);
    assert_eq!(
        unknown.body,
        "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\
         \"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401}\n"
    );
}

#[test]
fn a_person_gets_an_indented_body() {
    let World { server, .. } = &world(Access::Open);
    let answer = server.send("GET", "/x", &[("User-Agent", "curl/8.5.0")], "");
    assert_eq!(answer.code, 403);
    assert!(answer.body.starts_with("{\n  \"kind\": \"Status\","), "{}", answer.body);
    assert!(answer.body.contains("\n  \"details\": {},\n"), "{}", answer.body);
}

#[test]
fn a_path_without_meaning_is_answered_as_upstream_does() {
    let World { server, .. } = &world(Access::Open);
    let answer = server.get("/api/v1/watch?a=1&b=2", None);
    assert_eq!(answer.code, 500);
    assert_eq!(
        answer.body,
        "Internal Server Error: \"/api/v1/watch?a=1&amp;b=2\": failed to create RequestInfo: unable \
         to determine kind and namespace from url, /api/v1/watch?a=1&amp;b=2\n"
    );
    assert_eq!(server.get("/a%zz", None).code, 400);
}

#[test]
fn a_review_is_answered_with_its_status_filled_in() {
    let World { server, .. } = &world(Access::Open);
    let spec = json!({
        "groups": ["dev"], "user": "jane", "uid": "1", "unknown": 1,
        "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "web", "name": "a<b"},
    });
    let answer = server.post(REVIEWS, &review(&spec));
    assert_eq!(answer.code, 201);
    let reason = BY_READERS.replace('"', "\\\"");
    assert_eq!(
        answer.body,
        format!(
            "{{\"kind\":\"SubjectAccessReview\",\"apiVersion\":\"authorization.k8s.io/v1\",\
             \"metadata\":{{}},\"spec\":{{\"resourceAttributes\":{{\"namespace\":\"web\",\
             \"verb\":\"get\",\"resource\":\"pods\",\"name\":\"a\\u003cb\"}},\"user\":\"jane\",\
             \"groups\":[\"dev\"],\"uid\":\"1\"}},\"status\":{{\"allowed\":true,\
             \"reason\":\"{reason}\"}}}}\n"
        )
    );
    let spec = json!({"user": "jane", "nonResourceAttributes": {"path": "/x", "verb": "get"}});
    let answer = server.post(REVIEWS, &review(&spec));
    assert_eq!((answer.code, &answer.json()["status"]), (201, &json!({"allowed": false})));
}

#[test]
fn selectors_that_cannot_be_used_are_said() {
    let World { server, .. } = &world(Access::Open);
    let check = |selectors: Value, expected: &str| {
        let mut resource = json!({"verb": "list", "resource": "pods"});
        resource.as_object_mut().unwrap().extend(selectors.as_object().unwrap().clone());
        let spec = json!({"user": "u", "resourceAttributes": resource});
        let answer = server.post(REVIEWS, &review(&spec));
        let status = &answer.json()["status"];
        assert_eq!(status["evaluationError"].as_str().unwrap_or_default(), expected, "{selectors}");
    };
    let requirement = |operator: &str| json!({"key": "k", "operator": operator, "values": ["v"]});
    check(json!({"fieldSelector": {"rawSelector": "a=b"}}), "");
    check(
        json!({"fieldSelector": {"rawSelector": "a"}, "labelSelector": {"rawSelector": "a=b=c"}}),
        "spec.resourceAttributes.fieldSelector ignored due to parse error; \
         spec.resourceAttributes.labelSelector ignored due to parse error",
    );
    check(
        json!({"labelSelector": {"requirements": [requirement("In"), requirement("Gt")]}}),
        "spec.resourceAttributes.labelSelector partially ignored due to parse error",
    );
}

#[test]
fn a_review_that_makes_no_sense_is_invalid() {
    let World { server, .. } = &world(Access::Open);
    let check = |spec: Value, message: &str, causes: usize| {
        let answer = server.post(REVIEWS, &review(&spec));
        let status = answer.json();
        let prefix = ".authorization.k8s.io \"\" is invalid: ";
        assert_eq!((answer.code, &status["reason"]), (422, &json!("Invalid")), "{status}");
        assert_eq!(status["message"], json!(format!("{prefix}{message}")));
        assert_eq!(status["details"]["causes"].as_array().unwrap().len(), causes);
    };
    let one = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    check(json!({"user": "u"}), &format!("spec: Invalid value: null: {one}"), 1);
    check(
        json!({"resourceAttributes": {}, "nonResourceAttributes": {"path": "/x"}}),
        &format!(
            "[spec: Invalid value: {{\"Path\":\"/x\",\"Verb\":\"\"}}: {one}, spec.user: Invalid \
             value: \"\": at least one of user or group must be specified]"
        ),
        2,
    );
    let selector = json!({"requirements": [{"key": "k", "operator": "In"}]});
    check(
        json!({"user": "u", "resourceAttributes": {"fieldSelector": selector}}),
        "spec.resourceAttributes.fieldSelector.requirements[0].values: Required value: must be \
         specified when `operator` is 'In' or 'NotIn'",
        1,
    );
}

#[test]
fn a_body_that_cannot_be_read_is_a_400_that_says_where() {
    let World { server, .. } = &world(Access::Open);
    let check = |target: &str, body: &str, place: &str| {
        let answer = server.post(target, body);
        let status = answer.json();
        assert_eq!((answer.code, &status["reason"]), (400, &json!("BadRequest")), "{body}");
        assert!(status["message"].as_str().unwrap().contains(place), "{status}");
    };
    check(REVIEWS, "", "line 1 column 0");
    check(REVIEWS, "{\n \"spec\": }", "line 2 column 10");
    check(REVIEWS, "[]", "cannot be handled as a SubjectAccessReview");
    check(REVIEWS, &review(&json!({"groups": [1]})), "spec.groups[0]: ");
    check(REVIEWS, r#"{"kind":"Pod","apiVersion":"v1"}"#, "kind in the data (Pod)");
    check(REVIEWS, &"[".repeat(4_000), "line 1 column 128");
    check("/v1/check", "{\"methud\":\"GET\"}", "methud");
    check("/v1/check", "{}", "exactly one of");
    check("/v1/check", r#"{"path":"/a%zz"}"#, "path: ");
    check("/v1/check", r#"{"attributes":{"verb":"get"}}"#, "exactly one of resource and path");
}

#[test]
fn bodies_are_bounded_in_size_and_in_time() {
    let World { server, .. } = &world(Access::Open);
    let large = review(&json!({"user": "u".repeat(5_000)}));
    assert_eq!(server.post(REVIEWS, &large).code, 413);
    let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", 5_000, "x".repeat(5_000));
    let head = format!("POST {REVIEWS} HTTP/1.1\r\nHost: v\r\nConnection: close\r\n");
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}");
    assert_eq!(server.raw(chunked.as_bytes()).code, 413);
    let never = format!("{head}Content-Length: 100\r\n\r\n{{");
    assert_eq!(server.raw(never.as_bytes()).code, 408);
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(server.send("POST", REVIEWS, &form, "{}").code, 415);
    let headers = "a: b\r\n".repeat(1_000);
    assert_eq!(server.raw(format!("GET / HTTP/1.1\r\n{headers}\r\n").as_bytes()).code, 431);
}

#[test]
fn a_check_answers_with_decision_reason_and_revision() {
    let World { server, .. } = &world(Access::Open);
    let jane = [("Authorization", "Bearer jane-token")];
    let body = r#"{"method":"GET","path":"/api/v1/namespaces/web/pods"}"#;
    let answer = server.send("POST", "/v1/check", &jane, body);
    let groups = json!(["dev", "system:authenticated"]);
    let user = json!({"name": "jane", "uid": "1", "groups": groups});
    assert_eq!(
        (answer.code, answer.json()),
        (
            200,
            json!({
                "allowed": true, "decision": "Allow", "reason": BY_READERS, "revision": 1,
                "user": user,
            })
        )
    );

    let body =
        r#"{"user":{"name":"x","groups":["dev"]},"attributes":{"verb":"get","path":"/metrics"}}"#;
    assert_eq!(server.post("/v1/check", body).json()["allowed"], json!(true));
    let body = r#"{"attributes":{"verb":"delete","resource":"pods","namespace":"web"}}"#;
    let answer = server.post("/v1/check", body);
    assert_eq!(answer.json()["decision"], json!("NoOpinion"));
    assert_eq!(answer.json()["user"]["name"], json!("system:anonymous"));
    let unknown = [("Authorization", "Bearer x")];
    assert_eq!(server.send("POST", "/v1/check", &unknown, body).code, 401);
}

#[test]
fn others_are_asked_about_only_by_those_who_may() {
    let World { server, .. } = &world(Access::Authorized);
    let spec = json!({"user": "jane", "nonResourceAttributes": {"path": "/x", "verb": "get"}});
    let ask = |token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        server.send("POST", REVIEWS, &headers, &review(&spec)).code
    };
    assert_eq!((ask("hook-token"), ask("jane-token"), ask("x")), (201, 403, 401));
    assert_eq!(server.get("/v1/status", Some("hook-token")).code, 403);
    let named = r#"{"user":{"name":"x"},"path":"/metrics"}"#;
    assert_eq!(server.post("/v1/check", named).code, 403);
    assert_eq!(server.get("/readyz", None).code, 200);
}

#[test]
fn probes_and_versions_are_open() {
    let World { server, .. } = &world(Access::Open);
    for probe in ["/healthz", "/livez", "/readyz"] {
        let answer = server.get(probe, None);
        assert_eq!((answer.code, answer.body.as_str()), (200, "ok"));
    }
    let verbose = server.get("/readyz?verbose", None);
    assert_eq!(
        verbose.body,
        "[+]ping ok\n[+]policy ok: revision 1\n[+]reload ok\n[+]shutdown ok\nreadyz check passed\n"
    );
    assert_eq!(server.get("/version", None).json()["minor"], json!("37"));
    let status = server.get("/v1/status", None).json();
    assert_eq!(status["counts"]["clusterRoles"], json!(2));
}

#[test]
fn everyone_who_may_is_told_to_those_who_may_ask() {
    let World { server, .. } = &world(Access::Open);
    let pods = json!({"attributes": {"verb": "get", "resource": "pods", "namespace": "web"}});
    let answer = server.post("/v1/who-can", &pods.to_string());
    assert_eq!(answer.code, 200, "{}", answer.body);
    let names: Vec<Value> = answer.json()["subjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|holder| json!([holder["kind"], holder["name"]]))
        .collect();
    assert_eq!(names, [json!(["Group", "dev"]), json!(["Group", "system:masters"])]);
    let path = json!({"path": "/metrics", "allNamespaces": true}).to_string();
    let answer = server.post("/v1/who-can", &path).json();
    assert_eq!(answer["subjects"][0]["grants"][0]["binding"], "ClusterRoleBinding \"readers\"");
    for (body, code) in [("{}", 400), ("{\"user\":{}}", 400), ("[]", 400), ("{", 400)] {
        assert_eq!(server.post("/v1/who-can", body).code, code, "{body}");
    }

    let World { server, .. } = &world(Access::Authorized);
    let asked = |token: &str| {
        let bearer = format!("Bearer {token}");
        server.send("POST", "/v1/who-can", &[("Authorization", &bearer)], &path).code
    };
    assert_eq!((asked("jane-token"), asked("nonsense")), (403, 401));
}

#[test]
fn other_machines_need_more_than_plain_text() {
    let engine = Engine::builder().manifest("policy.yaml", POLICY).build().unwrap();
    let options = verdikt_server::Options::new(([0, 0, 0, 0], 0).into());
    assert_eq!(options.access, Access::Authorized);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime.block_on(verdikt_server::Server::bind(engine, options)).unwrap_err();
    assert!(error.to_string().contains("plain text"), "{error}");
}
