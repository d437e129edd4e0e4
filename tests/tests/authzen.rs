//! The AuthZEN front: the requests of AuthZEN's certification, and what their words mean here.

#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use serde_json::{Value, json};
use verdikt::Engine;
use verdikt_server::Access;
use verdikt_tests::authzen::{
    ACTIONS, EVALUATION, EVALUATIONS, METADATA, RESOURCES, SUBJECTS, example, of, record, user,
};
use verdikt_tests::http::{Answer, Running};

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn serve(engine: Engine, access: Access) -> Running {
    Running::start(engine, |options| options.access = access)
}

fn ask(server: &Running, target: &str, body: &Value) -> Answer {
    server.send("POST", target, &[JSON], &body.to_string())
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
fn many_evaluations_say_why_if_that_is_asked_for() {
    let server = example();
    let ask = |reasons: Value| {
        let message = json!({"subject": user("bob"), "resource": record("record-1"),
                             "options": {"reasons": reasons},
                             "evaluations": [{"action": {"name": "read"}}]});
        ask(&server, EVALUATIONS, &message)
    };
    let expected = "RBAC: allowed by ClusterRoleBinding \"record-readers\" of ClusterRole \
                    \"record-reader\" to User \"bob\"";
    let told = ask(json!(true)).json();
    assert_eq!(told["evaluations"][0]["context"]["reason"], expected);
    assert_eq!(ask(json!(false)).json()["evaluations"], json!([{"decision": true}]));
    let refused = ask(json!("yes"));
    let expected = "options.reasons: must be true or false\n";
    assert_eq!((refused.code, refused.body.as_str()), (400, expected));
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

/// What a search finds, in a few words.
fn found(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.code, 200, "{}", answer.body);
    let answer = answer.json();
    let words = |found: &Value| {
        ["id", "name"].into_iter().find_map(|key| found[key].as_str().map(str::to_owned))
    };
    answer["results"].as_array().unwrap().iter().map(|found| words(found).unwrap()).collect()
}

#[test]
fn the_searches_of_the_certification() {
    let server = example();
    let search = |target: &str, question: Value| ask(&server, target, &question);
    let by_read = |subject: Value| {
        json!({"subject": subject, "action": {"name": "read"}, "resource": record("record-1"),
               "context": {"ip": "192.168.1.1"}})
    };
    let answer = search(SUBJECTS, by_read(json!({"type": "user"})));
    assert_eq!(found(&answer), ["alice", "bob"]);
    assert_eq!(answer.json()["results"][0], user("alice"));
    assert_eq!(answer.json()["context"]["groups"], json!(["system:masters"]));
    // An id that is there says nothing.
    assert_eq!(found(&search(SUBJECTS, by_read(user("alice")))), ["alice", "bob"]);

    let of = |resource: Value| json!({"subject": user("alice"), "action": {"name": "read"}, "resource": resource});
    let answer = search(RESOURCES, of(json!({"type": "record"})));
    assert_eq!(found(&answer), ["record-1", "record-2"]);
    assert_eq!(answer.json()["context"]["all_in"], json!([]));
    assert_eq!(found(&search(RESOURCES, of(record("record-2")))), ["record-1", "record-2"]);

    let question = json!({"subject": user("alice"), "resource": record("record-1")});
    assert_eq!(found(&search(ACTIONS, question)), ["read", "write"]);
}

#[test]
fn a_search_goes_on_where_its_page_ended() {
    let server = example();
    let mut question = json!({"subject": user("alice"), "action": {"name": "view"},
                              "resource": {"type": "record"}, "page": {"limit": 8}});
    let mut all = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let answer = ask(&server, RESOURCES, &question);
        let page = found(&answer);
        let next = answer.json()["page"]["next_token"].as_str().unwrap().to_owned();
        assert_eq!(answer.json()["page"]["total"], 20);
        sizes.push(page.len());
        all.extend(page);
        if next.is_empty() {
            break;
        }
        // How many are wanted need not be said again.
        question["page"] = match sizes.len() {
            1 => json!({"token": next}),
            _ => json!({"token": next, "limit": 8}),
        };
    }
    assert_eq!(sizes, [8, 8, 4]);
    let token = question["page"]["token"].clone();
    question["page"] = json!({"limit": 0});
    let none = ask(&server, RESOURCES, &question).json();
    assert_eq!(none["page"], json!({"next_token": "", "count": 0, "total": 20}));
    question["page"] = json!({"token": token});
    let wanted: Vec<String> = (101..=120).map(|id: u32| id.to_string()).collect();
    assert_eq!(all, wanted);

    let mut other = question.clone();
    other["action"]["name"] = json!("edit");
    let answer = ask(&server, RESOURCES, &other);
    let expected = "page.token: is not one that this search was given\n";
    assert_eq!((answer.code, answer.body.as_str()), (400, expected));
    for (page, expected) in [
        (json!({"limit": -1}), "page.limit: must be a whole number from 0 on\n"),
        (json!({"token": 7}), "page.token: must be a string\n"),
        (json!({"token": "8-x"}), expected),
        (json!({"token": token, "limit": 9}), expected),
        (json!({"token": "8-8-x"}), expected),
        (json!({"properties": 7}), "page.properties: must be an object\n"),
        (json!([]), "page: must be an object\n"),
    ] {
        question["page"] = page;
        let answer = ask(&server, RESOURCES, &question);
        assert_eq!((answer.code, answer.body.as_str()), (400, expected));
    }
}

#[test]
fn searches_know_groups_accounts_and_namespaces() {
    let (server, _folder) = &shop(Access::Open);
    let scale = json!({"type": "deployments.apps/scale", "id": "shop/web"});
    let who = |kind: &str| {
        let question =
            json!({"subject": {"type": kind}, "action": {"name": "update"}, "resource": scale});
        found(&ask(server, SUBJECTS, &question))
    };
    assert_eq!(who("group"), ["dev", "system:masters", "system:serviceaccounts:tools"]);
    assert_eq!(who("serviceaccount"), ["tools/robot"]);
    assert_eq!(who("user"), [""; 0]);

    let dev = json!({"type": "user", "id": "jane", "properties": {"groups": ["dev"]}});
    let what = |action: &str, resource: Value| {
        let question = json!({"subject": dev, "action": {"name": action}, "resource": resource});
        ask(server, RESOURCES, &question)
    };
    assert_eq!(found(&what("get", json!({"type": "pods"}))), ["shop/a/b"]);
    let within = |name: &str| json!({"type": "pods", "properties": {"namespace": name}});
    let answer = what("get", within("shop"));
    assert_eq!(
        answer.json()["results"],
        json!([{"type": "pods", "id": "a/b", "properties": {"namespace": "shop"}}])
    );
    assert_eq!(found(&what("get", within("other"))), [""; 0]);
    let answer = what("list", json!({"type": "pods"}));
    assert_eq!((found(&answer), &answer.json()["context"]["all_in"]), (vec![], &json!(["shop"])));
    assert_eq!(what("get", json!({"type": "path"})).code, 400);

    let robot = json!({"type": "serviceaccount", "id": "tools/robot"});
    let may = |resource: Value| {
        found(&ask(server, ACTIONS, &json!({"subject": robot, "resource": resource})))
    };
    assert_eq!(may(json!({"type": "path", "id": "/metrics"})), ["get"]);
    assert_eq!(may(json!({"type": "route", "id": "/metrics"})), ["GET"]);
    assert_eq!(may(json!({"type": "pods", "id": "shop/"})), ["list"]);
    assert_eq!(may(scale.clone()), ["update"]);
}

#[test]
fn what_cannot_be_searched_for_is_refused_in_words() {
    let server = example();
    let check = |target: &str, question: Value, expected: &str| {
        let answer = ask(&server, target, &question);
        assert_eq!((answer.code, answer.body.trim_end()), (400, expected), "{target} {question}");
    };
    let whole = of(&user("alice"), "read", &record("record-1"));
    for (target, part) in [
        (SUBJECTS, "subject"),
        (SUBJECTS, "action"),
        (SUBJECTS, "resource"),
        (RESOURCES, "subject"),
        (RESOURCES, "action"),
        (RESOURCES, "resource"),
        (ACTIONS, "subject"),
        (ACTIONS, "resource"),
    ] {
        let mut question = whole.clone();
        question.as_object_mut().unwrap().remove(part);
        check(target, question.clone(), &format!("missing field `{part}`"));
        question[part] = json!({});
        let answer = ask(&server, target, &question);
        assert_eq!(answer.code, 400, "{target} {question}");
        assert!(answer.body.starts_with(&format!("{part}: missing field")), "{}", answer.body);
    }
    for (target, place) in [(SUBJECTS, "context"), (RESOURCES, "context"), (ACTIONS, "context")] {
        let mut question = whole.clone();
        question[place] = json!("why");
        check(target, question, "context: must be an object");
    }
    check(RESOURCES, json!([]), "the body must be an object");
}

#[test]
fn nothing_is_found_of_what_policy_cannot_name() {
    let server = example();
    let unknown = r#"subject.type: "robot" is not known; it is one of user, serviceaccount, group"#;
    let check = |target: &str, subject: Value, why: &str| {
        let mut question = of(&subject, "read", &record("record-1"));
        question["page"] = json!({"limit": 1});
        let answer = ask(&server, target, &question);
        assert_eq!(answer.code, 200, "{target} {question}: {}", answer.body);
        let expected = json!({
            "page": {"next_token": "", "count": 0, "total": 0},
            "results": [],
            "context": {"revision": 1, "incomplete": [why]},
        });
        assert_eq!(answer.json(), expected, "{target} {question}");
    };
    for target in [SUBJECTS, RESOURCES, ACTIONS] {
        check(target, json!({"type": "robot", "id": "r2"}), unknown);
    }
    let shapeless = json!({"type": "serviceaccount", "id": "web"});
    for target in [RESOURCES, ACTIONS] {
        check(target, shapeless.clone(), "subject.id: \"web\" is not of the form NAMESPACE/NAME");
    }
}

#[test]
fn a_client_finds_the_addresses_where_it_found_the_document() {
    let server = example();
    let answer = server.get(METADATA, None);
    assert_eq!((answer.code, answer.header("content-type")), (200, "application/json"));
    assert_eq!(
        answer.json(),
        json!({
            "policy_decision_point": "http://verdikt",
            "access_evaluation_endpoint": "http://verdikt/access/v1/evaluation",
            "access_evaluations_endpoint": "http://verdikt/access/v1/evaluations",
            "search_subject_endpoint": "http://verdikt/access/v1/search/subject",
            "search_resource_endpoint": "http://verdikt/access/v1/search/resource",
            "search_action_endpoint": "http://verdikt/access/v1/search/action",
        })
    );
    let (server, _folder) = &shop(Access::Authorized);
    assert_eq!(server.get(METADATA, None).code, 403);
}
