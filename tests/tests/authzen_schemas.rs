//! AuthZEN's messages against JSON schemas: what verdikt answers, what is asked here, and what it must refuse.
//!
//! The schemas say in our words what the specification's text says; the working group publishes schemas for the single
//! evaluation alone.

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::{Value, json};
use verdikt::Engine;
use verdikt_server::TlsOptions;
use verdikt_tests::authzen::{
    ACTIONS, EVALUATION, EVALUATIONS, METADATA, RESOURCES, SUBJECTS, example, of, record, user,
};
use verdikt_tests::http::{Answer, Running};
use verdikt_tests::policy::ANYONE;
use verdikt_tests::tls::{Authority, connect};

/// What each address is asked and what it answers, by the names of their definitions.
const MESSAGES: [(&str, &str, &str); 5] = [
    (EVALUATION, "evaluation-request", "decision"),
    (EVALUATIONS, "evaluations-request", "evaluations-response"),
    (SUBJECTS, "subject-search-request", "entity-search-response"),
    (RESOURCES, "resource-search-request", "entity-search-response"),
    (ACTIONS, "action-search-request", "action-search-response"),
];

fn document() -> Value {
    serde_json::from_str(include_str!("authzen_schemas.json")).unwrap()
}

/// The schema of a message, by the name of its definition.
fn schema(name: &str) -> Validator {
    let mut document = document();
    assert!(document["$defs"][name].is_object(), "{name} is not defined");
    document["$ref"] = json!(format!("#/$defs/{name}"));
    jsonschema::options().should_validate_formats(true).build(&document).unwrap()
}

/// What is wrong with a message, each with its place.
fn problems(name: &str, message: &Value) -> Vec<String> {
    let schema = schema(name);
    let errors = schema.iter_errors(message);
    errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn assert_is(name: &str, message: &Value) {
    let problems = problems(name, message);
    assert!(problems.is_empty(), "{message} is no {name}: {problems:#?}");
}

fn messages_of(target: &str) -> (&'static str, &'static str) {
    let of = MESSAGES.iter().find(|(address, ..)| *address == target);
    of.map(|&(_, request, response)| (request, response)).unwrap()
}

/// The body of a success.
fn success(answer: &Answer) -> Value {
    assert_eq!(answer.code, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    answer.json()
}

/// The answer to a request that need not be one by the schemas.
fn answered(server: &Running, target: &str, request: &Value) -> Value {
    let answer = success(&server.post(target, &request.to_string()));
    assert_is(messages_of(target).1, &answer);
    answer
}

/// The answer to a request, both as the schemas want them.
fn exchanged(server: &Running, target: &str, request: &Value) -> Value {
    assert_is(messages_of(target).0, request);
    answered(server, target, request)
}

/// A copy with another value at a place, or without it.
fn altered(message: &Value, pointer: &str, value: Option<Value>) -> Value {
    let mut message = message.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = message.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Array(list), Some(value)) => list[key.parse::<usize>().unwrap()] = value,
        (parent, Some(value)) => parent[key] = value,
        (parent, None) => drop(parent.as_object_mut().unwrap().remove(key).unwrap()),
    }
    message
}

#[test]
fn every_definition_is_a_schema_that_says_where_it_is_from() {
    let document = document();
    for (name, definition) in document["$defs"].as_object().unwrap() {
        assert!(definition["$comment"].is_string(), "{name}");
        // A reference that leads nowhere is no schema.
        drop(schema(name));
    }
}

#[test]
fn decisions_are_what_the_schema_says() {
    let server = example();
    let check = |request: Value, expected: bool| {
        for target in [EVALUATION, EVALUATIONS] {
            let answer = exchanged(&server, target, &request);
            assert_eq!(answer["decision"], expected, "{target} {request}");
        }
    };
    check(of(&user("alice"), "read", &record("record-1")), true);
    check(of(&user("bob"), "write", &record("record-1")), false);
    // What has no meaning here, and what has another.
    check(of(&json!({"type": "robot", "id": "r2"}), "read", &record("record-1")), false);
    check(of(&user("alice"), "get", &json!({"type": "path", "id": "/metrics"})), false);
    check(of(&user("alice"), "GET", &json!({"type": "route", "id": "/api/v1/pods"})), false);
    let mut more = of(&user("alice"), "read", &record("record-1"));
    for part in ["subject", "action", "resource"] {
        more[part]["properties"] = json!({"status": "active"});
    }
    more["context"] = json!({"ip": "192.168.1.1"});
    more["of_tomorrow"] = json!({"nested": true});
    check(more, true);
}

#[test]
fn batches_are_what_the_schema_says_with_each_semantic() {
    let server = example();
    let mut message = json!({
        "subject": user("bob"),
        "resource": record("record-1"),
        "context": {"ip": "192.168.1.1"},
        "evaluations": [{"action": {"name": "read"}}, {"action": {"name": "write"}},
                        {"action": {"name": "read"}, "context": {}}],
    });
    let check = |message: &Value, expected: &[bool]| {
        let answer = exchanged(&server, EVALUATIONS, message);
        let decisions: Vec<&Value> =
            answer["evaluations"].as_array().unwrap().iter().map(|one| &one["decision"]).collect();
        assert_eq!(decisions, expected, "{message}");
    };
    check(&message, &[true, false, true]);
    for reasons in [false, true] {
        for (semantic, expected) in [
            ("execute_all", &[true, false, true][..]),
            ("deny_on_first_deny", &[true, false]),
            ("permit_on_first_permit", &[true]),
        ] {
            message["options"] = json!({"evaluations_semantic": semantic, "reasons": reasons});
            check(&message, expected);
        }
    }
    // Nothing for all, and an empty list, which makes it a single evaluation.
    let question = of(&user("alice"), "read", &record("record-1"));
    check(&json!({"evaluations": [question, question]}), &[true, true]);
    let single = altered(&question, "/evaluations", Some(json!([])));
    assert_eq!(exchanged(&server, EVALUATIONS, &single)["decision"], true);
    // One that lacks something is no request by the schema, and yet is answered as one of many.
    let lacking = altered(&message, "/evaluations/1", Some(json!({})));
    let lacking = altered(&lacking, "/options/evaluations_semantic", Some(json!("execute_all")));
    assert_ne!(problems("evaluations-request", &lacking), [""; 0]);
    let answer = answered(&server, EVALUATIONS, &lacking);
    assert_eq!(answer["evaluations"][1]["decision"], false);
    assert_eq!(answer["evaluations"].as_array().unwrap().len(), 3);
}

#[test]
fn searches_are_what_the_schema_says_page_by_page() {
    let server = example();
    let check = |target: &str, request: Value, part: &str, limit: usize, expected: &[usize]| {
        // As a whole, where nothing is said of pages.
        let whole = exchanged(&server, target, &request);
        assert!(whole.get("page").is_none(), "{whole}");
        let mut asked = altered(&request, "/page", Some(json!({"limit": limit})));
        let (mut results, mut sizes) = (Vec::new(), Vec::new());
        loop {
            let answer = exchanged(&server, target, &asked);
            let page = answer["results"].as_array().unwrap();
            assert_eq!(answer["page"]["count"], page.len(), "{answer}");
            assert_eq!(answer["page"]["total"], expected.iter().sum::<usize>(), "{answer}");
            results.extend(page.clone());
            sizes.push(page.len());
            let next = &answer["page"]["next_token"];
            if next == "" {
                break;
            }
            asked["page"]["token"] = next.clone();
        }
        assert_eq!(sizes, expected, "{target} {request}");
        assert_eq!(Value::Array(results), whole["results"]);
        // Only what is searched for.
        for found in whole["results"].as_array().unwrap() {
            assert_eq!(found.get("type"), request[part].get("type"), "{found}");
        }
    };
    let kind = |kind: &str| json!({"type": kind});
    check(SUBJECTS, of(&kind("user"), "read", &record("record-1")), "subject", 1, &[1, 1]);
    check(SUBJECTS, of(&user("alice"), "read", &record("record-1")), "subject", 5, &[2]);
    check(RESOURCES, of(&user("alice"), "view", &kind("record")), "resource", 8, &[8, 8, 4]);
    let mut within = kind("record");
    within["properties"] = json!({"namespace": "shop"});
    check(RESOURCES, of(&user("alice"), "read", &within), "resource", 5, &[2]);
    let actions = |name: &str| json!({"subject": user(name), "resource": record("record-1")});
    check(ACTIONS, actions("alice"), "action", 1, &[1, 1]);
    // Nobody, and nothing.
    check(SUBJECTS, of(&kind("user"), "paint", &record("record-1")), "subject", 1, &[0]);
    check(RESOURCES, of(&user("nobody"), "read", &kind("record")), "resource", 1, &[0]);
    check(ACTIONS, actions("nobody"), "action", 1, &[0]);
}

#[test]
fn the_metadata_are_what_the_schema_says_and_lead_to_what_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let own = Authority::new("servers");
    let shown = own.server();
    let [certificate, key] = ["server.pem", "server-key.pem"].map(|name| folder.path().join(name));
    std::fs::write(&certificate, &shown.certificate).unwrap();
    std::fs::write(&key, &shown.key).unwrap();
    let engine = Engine::builder().manifest("anyone.yaml", ANYONE).build().unwrap();
    let server = Running::start_tls(engine, &TlsOptions::new(certificate, key));
    let mut connection = connect(server.address(), &own.pem, None).unwrap();
    let metadata = success(&connection.get(METADATA, &[]).unwrap());
    assert_is("metadata", &metadata);

    let base = metadata["policy_decision_point"].as_str().unwrap();
    for (name, target, request) in [
        ("access_evaluation_endpoint", EVALUATION, evaluation()),
        ("access_evaluations_endpoint", EVALUATIONS, batch()),
        ("search_subject_endpoint", SUBJECTS, search()),
        ("search_resource_endpoint", RESOURCES, search()),
        ("search_action_endpoint", ACTIONS, search()),
    ] {
        let path = metadata[name].as_str().unwrap().strip_prefix(base).unwrap();
        let headers = [("Content-Type", "application/json")];
        let answer = connection.send("POST", path, &headers, &request.to_string()).unwrap();
        assert_is(messages_of(target).1, &success(&answer));
    }

    // In plain text all that is missing is the "s" of every address.
    let plain = success(&example().get(METADATA, None));
    let places: BTreeSet<String> = problems("metadata", &plain)
        .iter()
        .map(|problem| problem.split_once(": ").unwrap().0.to_owned())
        .collect();
    let every: BTreeSet<String> =
        plain.as_object().unwrap().keys().map(|key| format!("/{key}")).collect();
    assert_eq!(places, every);
    let text = plain.to_string().replace("\"http:", "\"https:");
    assert_is("metadata", &serde_json::from_str(&text).unwrap());
}

fn evaluation() -> Value {
    let mut request = of(&user("alice"), "read", &record("record-1"));
    for part in ["subject", "action", "resource"] {
        request[part]["properties"] = json!({});
    }
    request["context"] = json!({});
    request
}

fn batch() -> Value {
    let mut request = evaluation();
    request["evaluations"] = json!([{}, {}]);
    request["options"] = json!({"evaluations_semantic": "execute_all"});
    request
}

fn search() -> Value {
    let mut request = evaluation();
    request["page"] = json!({"token": "", "limit": 1, "properties": {}});
    request
}

/// The places of a message, and those right below them.
fn places(message: &Value) -> Vec<String> {
    let mut places = Vec::new();
    for (key, value) in message.as_object().unwrap() {
        places.push(format!("/{key}"));
        let below = value.as_object().into_iter().flatten();
        places.extend(below.map(|(inner, _)| format!("/{key}/{inner}")));
    }
    places
}

#[test]
fn what_the_schemas_refuse_is_refused() {
    let server = example();
    let mut taken = Vec::new();
    let mut refused = 0;
    let mut check = |target: &'static str, request: &Value, place: &str| {
        let schema = schema(messages_of(target).0);
        assert!(schema.is_valid(request), "{target} {request}");
        let mut is_taken = false;
        for value in [None, Some(json!(7)), Some(json!([])), Some(json!("x"))] {
            let wrong = altered(request, place, value);
            if schema.is_valid(&wrong) {
                continue;
            }
            let answer = server.post(target, &wrong.to_string());
            if answer.code == 200 {
                is_taken = true;
                continue;
            }
            assert_eq!(answer.code, 400, "{target} {wrong}: {}", answer.body);
            assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
            assert_is("error", &json!(answer.body));
            refused += 1;
        }
        if is_taken {
            taken.push((target, place.to_owned()));
        }
    };
    for (target, request) in [
        (EVALUATION, evaluation()),
        (EVALUATIONS, evaluation()),
        (SUBJECTS, search()),
        (RESOURCES, search()),
        (ACTIONS, altered(&search(), "/action", None)),
    ] {
        for place in places(&request) {
            check(target, &request, &place);
        }
    }
    // What is wrong with one of many, or with what they share, is said in their answers.
    for place in ["/evaluations", "/options", "/options/evaluations_semantic"] {
        check(EVALUATIONS, &batch(), place);
    }
    assert_eq!(taken, []);
    assert!(refused > 100, "{refused}");
}

#[test]
fn a_wrong_answer_is_found_out() {
    let server = example();
    // Each answer is right as it is, and wrong with any of these.
    let check = |name: &str, answer: &Value, wrong: &[(&str, Option<Value>)]| {
        assert_is(name, answer);
        for (place, value) in wrong {
            let wrong = altered(answer, place, value.clone());
            assert_ne!(problems(name, &wrong), [""; 0], "{name} {wrong}");
        }
    };
    check(
        "decision",
        &exchanged(&server, EVALUATION, &evaluation()),
        &[
            ("/decision", None),
            ("/decision", Some(json!("true"))),
            ("/decision", Some(json!(null))),
            ("/context", Some(json!("because"))),
            ("/reason", Some(json!("because"))),
        ],
    );
    check(
        "evaluations-response",
        &exchanged(&server, EVALUATIONS, &batch()),
        &[
            ("/evaluations", None),
            ("/evaluations", Some(json!([]))),
            ("/evaluations", Some(json!({"0": {"decision": true}}))),
            ("/evaluations/1", Some(json!(true))),
            ("/evaluations/1", Some(json!({"context": {}}))),
            ("/evaluations/1/decision", Some(json!(1))),
            ("/decision", Some(json!(true))),
            ("/context", Some(json!([]))),
        ],
    );
    let pages = [
        ("/results", None),
        ("/results", Some(json!({}))),
        ("/page", Some(json!(null))),
        ("/page/next_token", None),
        ("/page/next_token", Some(json!(null))),
        ("/page/nextToken", Some(json!("8"))),
        ("/page/count", Some(json!(-1))),
        ("/page/total", Some(json!("2"))),
        ("/page/properties", Some(json!([]))),
        ("/context", Some(json!("all"))),
        ("/resultado", Some(json!([]))),
    ];
    let subjects = exchanged(&server, SUBJECTS, &search());
    let resources = exchanged(&server, RESOURCES, &search());
    for answer in [&subjects, &resources] {
        check("entity-search-response", answer, &pages);
        check(
            "entity-search-response",
            answer,
            &[
                ("/results/0", Some(json!("alice"))),
                ("/results/0/id", None),
                ("/results/0/type", None),
                ("/results/0/id", Some(json!(7))),
                ("/results/0/properties", Some(json!([]))),
                ("/results/0/name", Some(json!("alice"))),
            ],
        );
    }
    let request = altered(&search(), "/action", None);
    let actions = exchanged(&server, ACTIONS, &request);
    check("action-search-response", &actions, &pages);
    check(
        "action-search-response",
        &actions,
        &[
            ("/results/0", Some(json!("read"))),
            ("/results/0/name", None),
            ("/results/0/name", Some(json!(null))),
            ("/results/0/id", Some(json!("read"))),
        ],
    );
    // Each kind of answer is told from the others.
    assert_ne!(problems("action-search-response", &subjects), [""; 0]);
    assert_ne!(problems("entity-search-response", &actions), [""; 0]);
    check(
        "metadata",
        &json!({"policy_decision_point": "https://pdp.example.com/one",
                "access_evaluation_endpoint": "https://pdp.example.com/one/access/v1/evaluation",
                "capabilities": ["urn:example:one"], "signed_metadata": "e30.e30.c2ln"}),
        &[
            ("/policy_decision_point", None),
            ("/policy_decision_point", Some(json!("http://pdp.example.com"))),
            ("/policy_decision_point", Some(json!("https://pdp.example.com?a=b"))),
            ("/policy_decision_point", Some(json!("https://pdp.example.com#a"))),
            ("/policy_decision_point", Some(json!("https://pdp example"))),
            ("/access_evaluation_endpoint", None),
            ("/access_evaluation_endpoint", Some(json!("/access/v1/evaluation"))),
            ("/search_subject_endpoint", Some(json!(""))),
            ("/capabilities", Some(json!([]))),
            ("/capabilities", Some(json!("urn:example:one"))),
            ("/signed_metadata", Some(json!("e30.e30"))),
            ("/search_actions_endpoint", Some(json!("https://pdp.example.com"))),
        ],
    );
    for wrong in [json!(""), json!("\n"), json!({"message": "no"}), json!(null)] {
        assert_ne!(problems("error", &wrong), [""; 0], "{wrong}");
    }
}
