//! The review APIs over HTTP: what kube-apiserver's webhooks and kubectl send, and what they get back.

use serde_json::{Value, json};
use verdikt::Engine;
use verdikt_server::Access;
use verdikt_tests::http::{Answer, Running};
use verdikt_tests::policy::ANYONE;

const POLICY: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules:
- {apiGroups: [''], resources: [pods], verbs: [get, list], resourceNames: [a]}
- {nonResourceURLs: [/apis, /api], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: readers}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: dev}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gone, namespace: web}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: jane}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: gone}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: basic}
rules:
- apiGroups: [authorization.k8s.io]
  resources: [selfsubjectaccessreviews, selfsubjectrulesreviews]
  verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: basics}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: jane}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: basic}
";
const TOKENS: &str = "jane-token,jane,1,dev\nbob-token,bob,2\n";
const AUTHORIZATION: &str = "authorization.k8s.io/v1";
const AUTHENTICATION: &str = "authentication.k8s.io/v1";

struct World {
    server: Running,
    _folder: tempfile::TempDir,
}

fn world(access: Access, with_passwords: bool) -> World {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens.csv");
    std::fs::write(&tokens, TOKENS).unwrap();
    let mut builder = Engine::builder().manifest("policy.yaml", POLICY).token_auth_file(tokens);
    if with_passwords {
        let passwords = folder.path().join("passwords.csv");
        std::fs::write(&passwords, "secret,joe,3\n").unwrap();
        builder = builder.basic_auth_file(passwords);
    }
    let server = Running::start(builder.build().unwrap(), |options| options.access = access);
    World { server, _folder: folder }
}

impl World {
    /// Posts a review with a token, if there is one.
    fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", token.unwrap_or_default());
        let mut headers = vec![("Content-Type", "application/json")];
        if token.is_some() {
            headers.push(("Authorization", &bearer));
        }
        self.server.send("POST", &format!("/apis/{path}"), &headers, &body.to_string())
    }
}

fn review(version: &str, kind: &str, spec: Value) -> Value {
    // As client-go sends it.
    let metadata = json!({"creationTimestamp": null});
    json!({"kind": kind, "apiVersion": version, "metadata": metadata, "spec": spec, "status": {}})
}

#[test]
fn a_token_review_tells_whose_token_it_is() {
    let world = world(Access::Open, false);
    let check = |spec: Value, status: Value| {
        for version in [AUTHENTICATION, "authentication.k8s.io/v1beta1"] {
            let body = review(version, "TokenReview", spec.clone());
            let answer = world.post(&format!("{version}/tokenreviews"), None, &body);
            let found = answer.json();
            assert_eq!((answer.code, &found["apiVersion"]), (201, &json!(version)), "{found}");
            assert_eq!((&found["status"], &found["spec"]), (&status, &spec));
        }
    };
    let groups = ["dev", "system:authenticated"];
    let jane = json!({"username": "jane", "uid": "1", "groups": groups});
    check(json!({"token": "jane-token"}), json!({"authenticated": true, "user": jane}));
    check(json!({"token": "jane-token more"}), json!({"authenticated": true, "user": jane}));
    let refused = json!({"user": {}, "error": "invalid bearer token"});
    check(json!({"token": "wrong"}), refused.clone());
    // The server goes by no audience, so it knows no token that is meant for one.
    check(json!({"token": "jane-token", "audiences": ["api"]}), refused);
    // Nobody is anonymous with a token.
    check(json!({"token": " jane-token"}), json!({"user": {}}));

    let body = review(AUTHENTICATION, "TokenReview", json!({}));
    let answer = world.post("authentication.k8s.io/v1/tokenreviews", None, &body);
    let message = "token is required for TokenReview in authentication";
    assert_eq!((answer.code, &answer.json()["message"]), (400, &json!(message)));
}

#[test]
fn v1beta1_calls_groups_group() {
    let world = world(Access::Open, false);
    let resource = json!({"verb": "get", "resource": "pods", "name": "a"});
    let check = |path: &str, version: &str, field: &str, allowed: bool| {
        let spec = json!({"resourceAttributes": resource, "user": "x", field: ["dev"]});
        let body = review(version, "SubjectAccessReview", spec);
        let answer = world.post(&format!("{path}/subjectaccessreviews"), None, &body).json();
        assert_eq!(answer["apiVersion"], json!(version), "{answer}");
        assert_eq!(answer["status"]["allowed"], json!(allowed), "{answer}");
    };
    let beta = "authorization.k8s.io/v1beta1";
    check(beta, beta, "group", true);
    check(beta, beta, "groups", false);
    check(AUTHORIZATION, beta, "group", true);
    check(AUTHORIZATION, AUTHORIZATION, "groups", true);
    check(AUTHORIZATION, AUTHORIZATION, "group", false);
}

#[test]
fn a_local_review_stays_in_its_namespace() {
    let world = world(Access::Open, false);
    let ask = |metadata: Value, spec: Value| {
        let mut body = review(AUTHORIZATION, "LocalSubjectAccessReview", spec);
        body["metadata"] = metadata;
        let path = "authorization.k8s.io/v1/namespaces/web/localsubjectaccessreviews";
        world.post(path, None, &body)
    };
    let resource = |namespace: &str| json!({"verb": "get", "resource": "pods", "name": "a", "namespace": namespace});
    let spec = |namespace| json!({"user": "x", "groups": ["dev"], "resourceAttributes": resource(namespace)});
    let answer = ask(json!({}), spec("web"));
    assert_eq!((answer.code, &answer.json()["status"]["allowed"]), (201, &json!(true)));
    assert_eq!(answer.json()["metadata"], json!({"namespace": "web"}));
    let invalid = |metadata, spec, expected: &str| {
        let answer = ask(metadata, spec);
        assert_eq!((answer.code, answer.json()["message"].as_str()), (422, Some(expected)));
    };
    invalid(
        json!({"namespace": "web"}),
        spec("dev"),
        ".authorization.k8s.io \"\" is invalid: spec.resourceAttributes.namespace: Invalid value: \
         \"dev\": must match metadata.namespace",
    );
    invalid(
        json!({}),
        json!({"user": "u", "nonResourceAttributes": {"path": "/x", "verb": "get"}}),
        ".authorization.k8s.io \"\" is invalid: spec.nonResourceAttributes: Invalid value: \
         {\"Path\":\"/x\",\"Verb\":\"get\"}: disallowed on this kind of request",
    );
    invalid(
        json!({"name": "x", "finalizers": ["f"], "generation": 3, "uid": "u", "unknown": 1}),
        spec("web"),
        ".authorization.k8s.io \"\" is invalid: metadata: Invalid value: {\"name\":\"x\",\
         \"namespace\":\"web\",\"generation\":3,\"finalizers\":[\"f\"]}: must be empty except for \
         namespace",
    );
    let answer = ask(json!({"namespace": "dev"}), spec("web"));
    let message =
        "the namespace of the provided object does not match the namespace sent on the request";
    assert_eq!((answer.code, &answer.json()["message"]), (400, &json!(message)));
}

#[test]
fn everyone_may_ask_about_themselves_if_policy_says_so() {
    let path = "authorization.k8s.io/v1/selfsubjectaccessreviews";
    let spec = json!({"resourceAttributes": {"verb": "get", "resource": "pods", "name": "a"}});
    let body = review(AUTHORIZATION, "SelfSubjectAccessReview", spec.clone());
    let open = world(Access::Open, false);
    let answer = open.post(path, Some("jane-token"), &body);
    let reason =
        r#"RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to Group "dev""#;
    assert_eq!(answer.json()["status"], json!({"allowed": true, "reason": reason}));
    assert_eq!(answer.json()["spec"], spec);
    assert_eq!(
        open.post(path, Some("bob-token"), &body).json()["status"],
        json!({"allowed": false})
    );
    assert_eq!(open.post(path, Some("wrong"), &body).code, 401);
    let authorized = world(Access::Authorized, false);
    assert_eq!(authorized.post(path, Some("jane-token"), &body).code, 201);
    assert_eq!(authorized.post(path, Some("bob-token"), &body).code, 403);

    let body = review(AUTHORIZATION, "SelfSubjectAccessReview", json!({}));
    let answer = open.post(path, Some("jane-token"), &body);
    let message = ".authorization.k8s.io \"\" is invalid: spec: Invalid value: null: exactly one of \
                   nonResourceAttributes or resourceAttributes must be specified";
    assert_eq!((answer.code, &answer.json()["message"]), (422, &json!(message)));
}

#[test]
fn rules_are_listed_with_what_is_missing() {
    let world = world(Access::Open, false);
    let path = "authorization.k8s.io/v1/selfsubjectrulesreviews";
    let kind = "SelfSubjectRulesReview";
    let body = review(AUTHORIZATION, kind, json!({"namespace": "web"}));
    let answer = world.post(path, Some("jane-token"), &body);
    assert_eq!(
        answer.body,
        "{\"kind\":\"SelfSubjectRulesReview\",\"apiVersion\":\"authorization.k8s.io/v1\",\
         \"metadata\":{},\"spec\":{},\"status\":{\"resourceRules\":[{\"verbs\":[\"create\"],\
         \"apiGroups\":[\"authorization.k8s.io\"],\"resources\":[\"selfsubjectaccessreviews\",\
         \"selfsubjectrulesreviews\"]},{\"verbs\":[\"get\",\"list\"],\"apiGroups\":[\"\"],\
         \"resources\":[\"pods\"],\"resourceNames\":[\"a\"]}],\"nonResourceRules\":[{\"verbs\":\
         [\"get\"],\"nonResourceURLs\":[\"/apis\",\"/api\"]}],\"incomplete\":false,\
         \"evaluationError\":\"role.rbac.authorization.k8s.io \\\"gone\\\" not found\"}}\n"
    );
    let answer = world.post(path, Some("bob-token"), &body);
    let none = json!({"resourceRules": [], "nonResourceRules": [], "incomplete": false});
    assert_eq!(answer.json()["status"], none);
    let answer = world.post(path, None, &review(AUTHORIZATION, kind, json!({})));
    assert_eq!((answer.code, &answer.json()["message"]), (400, &json!("no namespace on request")));
}

#[test]
fn whoever_asks_who_they_are_is_told() {
    let world = world(Access::Open, false);
    let body = json!({"kind": "SelfSubjectReview", "apiVersion": AUTHENTICATION, "metadata": {}});
    let ask =
        |token| world.post("authentication.k8s.io/v1/selfsubjectreviews", token, &body).json();
    let jane = ask(Some("jane-token"));
    let groups = ["dev", "system:authenticated"];
    let user = json!({"username": "jane", "uid": "1", "groups": groups});
    assert_eq!(jane["status"], json!({"userInfo": user}));
    assert_eq!(jane["metadata"]["creationTimestamp"].as_str().unwrap().len(), 20);
    assert_eq!(ask(None)["status"]["userInfo"]["username"], json!("system:anonymous"));
}

#[test]
fn reviews_of_others_are_for_those_who_may() {
    let world = world(Access::Authorized, false);
    let body = review(AUTHENTICATION, "TokenReview", json!({"token": "bob-token"}));
    let code = |token| world.post("authentication.k8s.io/v1/tokenreviews", token, &body).code;
    assert_eq!((code(Some("jane-token")), code(None), code(Some("x"))), (403, 403, 401));
}

#[test]
fn discovery_is_for_whoever_may_read_its_paths() {
    let World { server, .. } = &world(Access::Open, false);
    let groups = server.get("/apis", Some("jane-token"));
    assert_eq!((groups.code, &groups.json()["kind"]), (200, &json!("APIGroupList")));
    assert_eq!(server.get("/api", Some("jane-token")).json()["versions"], json!([]));
    assert_eq!(server.get("/apis", Some("bob-token")).code, 403);
    assert_eq!(server.get("/apis/authorization.k8s.io/v1", Some("jane-token")).code, 403);
}

#[test]
fn a_websocket_brings_its_token_among_the_protocols() {
    let World { server, .. } = &world(Access::Open, false);
    let token = "base64url.bearer.authorization.k8s.io.amFuZS10b2tlbg";
    let ask = |upgrade: &str, protocols: &str| {
        let request = format!(
            "GET /api/v1/namespaces/web/pods/a HTTP/1.1\r\nHost: v\r\nConnection: close, \
             Upgrade\r\nUpgrade: {upgrade}\r\nSec-WebSocket-Protocol: {protocols}\r\n\r\n"
        );
        server.raw(request.as_bytes()).code
    };
    assert_eq!(ask("websocket", &format!("v5.channel.k8s.io,{token}")), 200);
    assert_eq!(ask("websocket", token), 401);
    assert_eq!(ask("websocket", "v5.channel.k8s.io"), 403);
    assert_eq!(ask("h2c", &format!("v5.channel.k8s.io,{token}")), 403);
}

#[test]
fn a_401_says_no_more_than_it_must() {
    let plain = world(Access::Open, false);
    let refused = plain.server.get("/x", Some("wrong"));
    assert_eq!((refused.code, refused.header("www-authenticate")), (401, ""));
    let basic = world(Access::Open, true);
    let refused = basic.server.get("/x", Some("wrong"));
    assert_eq!(refused.header("www-authenticate"), "basic realm=\"kubernetes-master\"");
    let headers = [("Authorization", "Bearer wrong"), ("Accept", "text/html")];
    let refused = plain.server.send("GET", "/x", &headers, "");
    assert!(refused.body.starts_with("{\n  \"kind\": \"Status\",") && refused.body.ends_with('}'));
    let spaced = plain.server.send("GET", "/x", &[("Authorization", "Bearer  jane-token")], "");
    assert_eq!(
        (spaced.code, spaced.header("warning")),
        (
            403,
            "299 - \"the provided authorization header contains extra space before the bearer \
             token, and is ignored\""
        )
    );
}

#[test]
fn reviews_are_posted_and_nothing_else() {
    let engine = Engine::builder().manifest("anyone.yaml", ANYONE).build().unwrap();
    let server = Running::start(engine, |options| options.access = Access::Authorized);
    for path in [
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        "/apis/authorization.k8s.io/v1/namespaces/web/localsubjectaccessreviews",
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        "/apis/authentication.k8s.io/v1/tokenreviews",
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = server.send(method, path, &[], "");
            assert_eq!((answer.code, answer.header("allow")), (405, "post"), "{method} {path}");
            let expected = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "the server does not allow this method on the requested resource",
                "reason": "MethodNotAllowed", "details": {}, "code": 405,
            });
            assert_eq!(answer.json(), expected, "{method} {path}");
        }
    }
}
