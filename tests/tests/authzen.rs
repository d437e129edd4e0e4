//! The AuthZEN front: the requests of AuthZEN's certification, and what their words mean here.

#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::path::Path;

use serde_json::{Value, json};
use verdikt::Engine;
use verdikt_server::Access;
use verdikt_tests::http::{Answer, Running};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";

fn serve(engine: Engine, access: Access) -> Running {
    Running::start(engine, |options| options.access = access)
}

fn example() -> Running {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/authzen/manifests");
    serve(Engine::builder().policy_dir(folder).build().unwrap(), Access::Open)
}

fn ask(server: &Running, target: &str, body: &Value) -> Answer {
    server.send("POST", target, &[JSON], &body.to_string())
}

fn user(name: &str) -> Value {
    json!({"type": "user", "id": name})
}

fn record(name: &str) -> Value {
    json!({"type": "record", "id": name})
}

fn of(subject: &Value, action: &str, resource: &Value) -> Value {
    json!({"subject": subject, "action": {"name": action}, "resource": resource})
}

#[test]
fn the_decisions_of_the_certification() {
    let server = example();
    let check = |question: Value, expected: bool| {
        let answer = ask(&server, EVALUATION, &question);
        assert_eq!(answer.code, 200, "{question}: {}", answer.body);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.json()["decision"], expected, "{question}: {}", answer.body);
        assert!(answer.json()["context"].is_object());
    };
    check(of(&user("alice"), "read", &record("record-1")), true);
    check(of(&user("alice"), "write", &record("record-1")), true);
    check(of(&user("bob"), "read", &record("record-1")), true);
    check(of(&user("bob"), "write", &record("record-1")), false);
    // Context, properties and whatever else comes along change nothing.
    let mut more = of(&user("alice"), "read", &record("record-1"));
    more["context"] = json!({"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"});
    more["subject"]["properties"] = json!({"department": "Sales", "role": "manager"});
    more["action"]["properties"] = json!({"method": "GET"});
    more["resource"]["properties"] = json!({"status": "active", "owner": "bob"});
    more["futureField"] = json!({"nested": true});
    check(more, true);
}

#[test]
fn what_is_no_question_is_refused_in_words() {
    let server = example();
    let question = of(&user("alice"), "read", &record("record-1"));
    let check = |path: &[&str], value: Option<Value>, expected: &str| {
        let mut question = question.clone();
        let (last, parents) = path.split_last().unwrap();
        let parent = parents.iter().fold(&mut question, |value, key| &mut value[*key]);
        match value {
            Some(value) => parent[*last] = value,
            None => drop(parent.as_object_mut().unwrap().remove(*last)),
        }
        for target in [EVALUATION, EVALUATIONS] {
            let answer = ask(&server, target, &question);
            assert_eq!((answer.code, answer.body.trim_end()), (400, expected), "{question}");
            assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        }
    };
    check(&["subject"], None, "missing field `subject`");
    check(&["action"], None, "missing field `action`");
    check(&["resource"], None, "missing field `resource`");
    check(&["subject", "type"], None, "subject: missing field `type`");
    check(&["subject", "id"], None, "subject: missing field `id`");
    check(&["action", "name"], None, "action: missing field `name`");
    check(&["resource", "type"], None, "resource: missing field `type`");
    check(&["resource", "id"], None, "resource: missing field `id`");
    let wrong = |value: Value| Some(value);
    check(
        &["subject"],
        wrong(json!("alice")),
        r#"subject: invalid type: string "alice", expected struct Subject"#,
    );
    check(
        &["action", "name"],
        wrong(json!(123)),
        "action.name: invalid type: integer `123`, expected a string",
    );
    check(&["context"], wrong(json!([])), "context: invalid type: sequence, expected a map");
    check(
        &["subject", "properties"],
        wrong(json!({"groups": "dev"})),
        r#"subject.properties.groups: invalid type: string "dev", expected a sequence"#,
    );

    let text = question.to_string();
    let check = |headers: &[(&str, &str)], body: &str, expected: &str| {
        let answer = server.send("POST", EVALUATION, headers, body);
        assert_eq!((answer.code, answer.body.trim_end()), (400, expected), "{body}");
    };
    check(&[], &text, "Content-Type: must be application/json");
    check(&[("Content-Type", "text/xml")], &text, "Content-Type: must be application/json");
    check(&[JSON], "", "EOF while parsing a value at line 1 column 0");
    check(&[JSON], "{\"subject\"", "EOF while parsing an object at line 1 column 10");
}

#[test]
fn a_request_id_comes_back_whatever_the_answer() {
    let server = example();
    let id = ("X-Request-ID", "bfe9eb29-ab87-4ca3-be83-a1d5d8305716");
    let question = of(&user("alice"), "read", &record("record-1")).to_string();
    for (target, body) in
        [(EVALUATION, question.as_str()), (EVALUATIONS, &question), (EVALUATION, "")]
    {
        let answer = server.send("POST", target, &[JSON, id], body);
        assert_eq!(answer.header("x-request-id"), id.1, "{target} {body}");
    }
    assert_eq!(server.post(EVALUATION, &question).header("x-request-id"), "");
}

#[test]
fn many_evaluations_share_what_the_message_says_for_all() {
    let server = example();
    let check = |message: Value, expected: Value| {
        let answer = ask(&server, EVALUATIONS, &message);
        assert_eq!((answer.code, &answer.json()["evaluations"]), (200, &expected), "{message}");
        assert!(answer.json()["context"]["revision"].is_u64(), "{}", answer.body);
    };
    let (yes, no) = (json!({"decision": true}), json!({"decision": false}));
    check(
        json!({"subject": user("bob"), "resource": record("record-1"),
               "evaluations": [{"action": {"name": "read"}}, {"action": {"name": "write"}}]}),
        json!([yes, no]),
    );
    check(
        json!({"evaluations": [of(&user("alice"), "read", &record("record-1")),
                               of(&user("bob"), "write", &record("record-1"))]}),
        json!([yes, no]),
    );
    // What an evaluation says itself takes the place of the whole of what the message says.
    check(
        json!({"subject": {"type": "user", "id": "bob", "properties": {"groups": ["x"]}},
               "action": {"name": "write"}, "resource": record("record-1"),
               "evaluations": [{}, {"subject": user("alice")}]}),
        json!([no, yes]),
    );
    // One that cannot be asked is denied, and the others are answered.
    let broken = |message: &str| {
        json!({"decision": false,
               "context": {"revision": 1, "error": {"status": 400, "message": message}}})
    };
    check(
        json!({"subject": user("alice"), "action": {"name": "read"},
               "evaluations": [{"resource": record("record-1")}, {}, 7]}),
        json!([yes, broken("missing field `resource`"), broken("an evaluation must be an object")]),
    );
}

#[test]
fn an_evaluation_may_be_the_last_one() {
    let server = example();
    let questions = json!([{"action": {"name": "read"}}, {"action": {"name": "write"}},
                           {"action": {"name": "read"}}]);
    let check = |semantic: &str, expected: &[bool]| {
        let message = json!({"subject": user("bob"), "resource": record("record-1"),
                             "options": {"evaluations_semantic": semantic, "another": 1},
                             "evaluations": questions});
        let answer = ask(&server, EVALUATIONS, &message).json();
        let decisions: Vec<bool> = answer["evaluations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|decision| decision["decision"].as_bool().unwrap())
            .collect();
        assert_eq!(decisions, expected, "{semantic}");
    };
    check("execute_all", &[true, false, true]);
    check("deny_on_first_deny", &[true, false]);
    check("permit_on_first_permit", &[true]);

    let wrong = json!({"options": {"evaluations_semantic": "some"}, "evaluations": questions});
    assert_eq!(ask(&server, EVALUATIONS, &wrong).code, 400);
    let too_many = json!({"evaluations": vec![json!({}); 10_001]});
    let answer = ask(&server, EVALUATIONS, &too_many);
    assert_eq!(
        (answer.code, answer.body.as_str()),
        (400, "evaluations: 10001 of them, the most is 10000\n")
    );
}

#[test]
fn a_message_without_evaluations_is_one_question() {
    let server = example();
    let mut question = of(&user("alice"), "read", &record("record-1"));
    assert_eq!(ask(&server, EVALUATIONS, &question).json()["decision"], true);
    question["evaluations"] = json!([]);
    assert_eq!(ask(&server, EVALUATIONS, &question).json()["decision"], true);
}

const SHOP: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: scaler}
rules:
- {apiGroups: [apps], resources: [deployments/scale], verbs: [update]}
- {apiGroups: [''], resources: [pods], resourceNames: [a/b], verbs: [get]}
- {apiGroups: [''], resources: [pods], verbs: [list]}
- {nonResourceURLs: [/metrics], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: scalers, namespace: shop}
subjects:
- {kind: Group, apiGroup: rbac.authorization.k8s.io, name: dev}
- {kind: ServiceAccount, namespace: tools, name: robot}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: scaler}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: accounts}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'system:serviceaccounts:tools'}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: scaler}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: asker}
rules: [{nonResourceURLs: [/access/*], verbs: [post]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: askers}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: gateway}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: asker}
";

fn shop(access: Access) -> (Running, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens.csv");
    std::fs::write(&tokens, "gateway-token,gateway,1\njane-token,jane,2\n").unwrap();
    let engine = Engine::builder().manifest("shop.yaml", SHOP).token_auth_file(tokens).build();
    (serve(engine.unwrap(), access), folder)
}

#[test]
fn types_and_ids_mean_groups_and_namespaces() {
    let (server, _folder) = &shop(Access::Open);
    let dev = json!({"type": "user", "id": "jane", "properties": {"groups": ["dev"]}});
    let check = |subject: &Value, action: &str, resource: Value, expected: bool| {
        let question = of(subject, action, &resource);
        let answer = ask(server, EVALUATION, &question).json();
        assert_eq!(answer["decision"], expected, "{question}: {answer}");
    };
    let scale = |id: &str| json!({"type": "deployments.apps/scale", "id": id});
    check(&dev, "update", scale("shop/web"), true);
    check(&dev, "update", scale("shop/"), true);
    check(&dev, "update", scale("web"), false);
    check(&user("jane"), "update", scale("shop/web"), false);
    check(&dev, "update", json!({"type": "deployments.apps", "id": "shop/web"}), false);
    check(&json!({"type": "group", "id": "dev"}), "update", scale("shop/web"), true);
    check(
        &json!({"type": "serviceaccount", "id": "tools/robot"}),
        "update",
        scale("shop/web"),
        true,
    );
    // By one of the groups that its tokens give it, in any namespace.
    check(&json!({"type": "serviceaccount", "id": "tools/other"}), "update", scale("web"), true);
    check(&json!({"type": "serviceaccount", "id": "other/other"}), "update", scale("web"), false);
    check(
        &dev,
        "update",
        json!({"type": "deployments", "id": "web",
               "properties": {"namespace": "shop", "apiGroup": "apps", "subresource": "scale"}}),
        true,
    );
    // With the namespace apart, the id is the name, slashes and all.
    let named = |id: &str| json!({"type": "pods", "id": id, "properties": {"namespace": "shop"}});
    check(&dev, "get", named("a/b"), true);
    check(&dev, "get", named("b"), false);
    let account = json!({"type": "serviceaccount", "id": "tools/robot"});
    check(&account, "get", json!({"type": "path", "id": "/metrics"}), true);
    check(&account, "get", json!({"type": "path", "id": "/metric"}), false);
    check(&account, "GET", json!({"type": "route", "id": "/metrics"}), true);
    check(&account, "GET", json!({"type": "route", "id": "/api/v1/namespaces/x/pods"}), true);
    check(&account, "POST", json!({"type": "route", "id": "/api/v1/namespaces/x/pods"}), false);
}

#[test]
fn what_no_policy_can_grant_is_denied_with_what_is_wrong() {
    let (server, _folder) = &shop(Access::Open);
    let check = |subject: Value, resource: Value, expected: &str| {
        let answer = ask(server, EVALUATION, &of(&subject, "get", &resource));
        assert_eq!(answer.code, 200, "{}", answer.body);
        let answer = answer.json();
        assert_eq!(answer["decision"], false, "{answer}");
        assert_eq!(answer["context"]["error"]["message"], expected, "{answer}");
    };
    let pods = || json!({"type": "pods", "id": "shop/a"});
    check(
        json!({"type": "robot", "id": "r2"}),
        pods(),
        r#"subject.type: "robot" is not known; it is one of user, serviceaccount, group"#,
    );
    check(
        json!({"type": "serviceaccount", "id": "robot"}),
        pods(),
        r#"subject.id: "robot" is not of the form NAMESPACE/NAME"#,
    );
    check(user("jane"), json!({"type": "", "id": "x"}), "resource.type: may not be empty");
}

#[test]
fn whoever_asks_must_be_allowed_to() {
    let (server, _folder) = &shop(Access::Authorized);
    let question = of(&user("jane"), "get", &record("1")).to_string();
    let check = |token: Option<&str>, expected: u16| {
        let bearer = format!("Bearer {}", token.unwrap_or_default());
        let mut headers = vec![JSON];
        headers.extend(token.map(|_| ("Authorization", bearer.as_str())));
        for target in [EVALUATION, EVALUATIONS] {
            let answer = server.send("POST", target, &headers, &question);
            assert_eq!(answer.code, expected, "{token:?}: {}", answer.body);
        }
    };
    check(Some("gateway-token"), 200);
    check(Some("jane-token"), 403);
    check(Some("nonsense"), 401);
    check(None, 403);
}

#[test]
fn a_client_finds_the_addresses_where_it_found_the_document() {
    let server = example();
    let answer = server.get("/.well-known/authzen-configuration", None);
    assert_eq!((answer.code, answer.header("content-type")), (200, "application/json"));
    assert_eq!(
        answer.json(),
        json!({
            "policy_decision_point": "http://verdikt",
            "access_evaluation_endpoint": "http://verdikt/access/v1/evaluation",
            "access_evaluations_endpoint": "http://verdikt/access/v1/evaluations",
        })
    );
    let (server, _folder) = &shop(Access::Authorized);
    assert_eq!(server.get("/.well-known/authzen-configuration", None).code, 403);
}
