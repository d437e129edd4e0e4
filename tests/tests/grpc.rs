//! The gRPC front: what is asked, who may ask it, and how calls fail.

use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
use tonic_types::StatusExt as _;
use verdikt::Engine;
use verdikt_server::Access;
use verdikt_server::proto::v1;
use verdikt_server::proto::v1::Decision::{Allow, NoOpinion, Unauthenticated};
use verdikt_server::proto::v1::check_request::Request;
use verdikt_server::proto::v1::check_stream_response::Result as Answered;
use verdikt_server::proto::v1::credential::Kind;
use verdikt_tests::grpc::Client;
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
rules:
- {apiGroups: [authorization.k8s.io], resources: [subjectaccessreviews], verbs: [create]}
- {apiGroups: [authentication.k8s.io], resources: [tokenreviews], verbs: [create]}
- {nonResourceURLs: [/v1/status], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reviewers}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: hook}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reviewer}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: actor}
rules: [{apiGroups: [''], resources: [users, groups], verbs: [impersonate]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: actors}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: actor}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: actor}
";
const TOKENS: &str = "jane-token,jane,1,dev\nbob-token,bob,2\nhook-token,hook,3\nact,actor,4\n";
const BY_READERS: &str =
    r#"RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to Group "dev""#;

struct World {
    engine: Engine,
    server: Running,
    _folder: tempfile::TempDir,
}

fn world(access: Access) -> World {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens.csv");
    std::fs::write(&tokens, TOKENS).unwrap();
    let builder = Engine::builder().manifest("policy.yaml", POLICY).token_auth_file(tokens);
    let engine = builder.build().unwrap();
    let server = Running::start_grpc(engine.clone(), |options| {
        options.access = access;
        options.limits.body_bytes = 4_096;
    });
    World { engine, server, _folder: folder }
}

fn user(name: &str, groups: &[&str]) -> Option<v1::User> {
    let groups = groups.iter().map(|&group| group.to_owned()).collect();
    Some(v1::User { name: name.to_owned(), groups, ..Default::default() })
}

fn bearer(token: &str) -> Option<v1::Credential> {
    let kind = Some(Kind::BearerToken(token.to_owned()));
    Some(v1::Credential { kind, audiences: Vec::new() })
}

fn get(resource: &str) -> Option<Request> {
    let (verb, resource) = ("get".to_owned(), resource.to_owned());
    Some(Request::Resource(v1::ResourceAttributes { verb, resource, ..Default::default() }))
}

fn http(method: &str, path: &str) -> Option<Request> {
    let (method, path) = (method.to_owned(), path.to_owned());
    Some(Request::Http(v1::HttpRequest { method, path }))
}

/// The code of a failure, and its message.
fn failure<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    (status.code(), status.message().to_owned())
}

#[test]
fn what_is_asked_is_decided_with_reason_and_revision() {
    let World { server, .. } = &world(Access::Open);
    let client = Client::new(server);
    let check = |user, request, expected: v1::Decision, reason: &str| {
        let question = v1::CheckRequest { user, request, ..Default::default() };
        let answer = client.check(question.clone()).unwrap();
        let found = (answer.decision(), answer.reason.as_str(), answer.revision);
        assert_eq!(found, (expected, reason, 1), "{question:?}");
        assert_eq!(answer.allowed, expected == Allow);
    };
    let dev = || user("jane", &["dev"]);
    check(dev(), get("pods"), Allow, BY_READERS);
    check(dev(), get("secrets"), NoOpinion, "");
    check(dev(), http("GET", "/api/v1/namespaces/web/pods?limit=5"), Allow, BY_READERS);
    check(dev(), http("", "/metrics"), Allow, BY_READERS);
    check(dev(), http("DELETE", "/api/v1/namespaces/web/pods/shop"), NoOpinion, "");
    let path = v1::NonResourceAttributes { verb: "get".into(), path: "/metrics".into() };
    check(dev(), Some(Request::NonResource(path)), Allow, BY_READERS);
}

#[test]
fn whoever_a_credential_belongs_to_is_asked_about() {
    let World { server, .. } = &world(Access::Authorized);
    let client = Client::new(server).with("authorization", "Bearer hook-token");
    let check = |token, user, expected: v1::Decision, name: &str| {
        let credential = bearer(token);
        let question =
            v1::CheckRequest { user, credential, request: get("pods"), ..Default::default() };
        let answer = client.check(question).unwrap();
        assert_eq!(answer.decision(), expected, "{token}: {answer:?}");
        assert_eq!(answer.user.unwrap_or_default().name, name, "{token}");
    };
    check("jane-token", None, Allow, "jane");
    check("bob-token", None, NoOpinion, "bob");
    check("no-token", None, Unauthenticated, "");
    // Who has a credential and acts as somebody else must be allowed to.
    check("act", user("joe", &["dev"]), Allow, "joe");
    check("bob-token", user("joe", &["dev"]), NoOpinion, "bob");
}

#[test]
fn callers_ask_about_themselves_and_need_more_to_ask_about_others() {
    let World { server, .. } = &world(Access::Authorized);
    let with = |token: &str| Client::new(server).with("authorization", &format!("Bearer {token}"));
    let own = || v1::CheckRequest { request: get("pods"), ..Default::default() };
    let others = || v1::CheckRequest { user: user("jane", &["dev"]), ..own() };
    assert_eq!(with("jane-token").check(own()).unwrap().decision(), Allow);
    assert_eq!(with("hook-token").check(own()).unwrap().decision(), NoOpinion);
    assert_eq!(with("hook-token").check(others()).unwrap().decision(), Allow);
    let refused = with("jane-token").check(others()).unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(
        refused.message(),
        "subjectaccessreviews.authorization.k8s.io is forbidden: User \"jane\" cannot create resource \
         \"subjectaccessreviews\" in API group \"authorization.k8s.io\" at the cluster scope"
    );
    let info = refused.get_details_error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("FORBIDDEN", "verdikt"));
    assert_eq!(info.metadata["resource"], "subjectaccessreviews.authorization.k8s.io");
    let unauthenticated = (Code::Unauthenticated, "Unauthorized".to_owned());
    assert_eq!(failure(with("no-token").check(own())), unauthenticated);
    // Nobody in particular, who may not ask.
    assert_eq!(failure(Client::new(server).check(others())).0, Code::PermissionDenied);
    let status = |client: Client<'_>| {
        client.wait(client.verdikt().status(client.request(v1::StatusRequest {})))
    };
    assert_eq!(failure(status(with("jane-token"))).0, Code::PermissionDenied);
    let status = status(with("hook-token")).unwrap().into_inner();
    assert_eq!((status.revision, status.last_reload.unwrap().ok), (1, true));
}

#[test]
fn credentials_are_authenticated() {
    let World { server, .. } = &world(Access::Authorized);
    let client = Client::new(server).with("authorization", "Bearer hook-token");
    let ask = |credential| {
        client.authenticate(v1::AuthenticateRequest { credential, ..Default::default() })
    };
    let answer = ask(bearer("jane-token")).unwrap();
    let jane = answer.user.unwrap();
    assert_eq!((jane.name.as_str(), jane.uid.as_str()), ("jane", "1"));
    assert_eq!(jane.groups, ["dev", "system:authenticated"]);
    assert_eq!(ask(None).unwrap().user.unwrap().name, "hook");
    assert!(!ask(bearer("no-token")).unwrap().authenticated);
    let nothing = failure(ask(bearer("")));
    assert_eq!(nothing.0, Code::InvalidArgument, "{nothing:?}");
    let jane = Client::new(server).with("authorization", "Bearer jane-token");
    let credential = bearer("hook-token");
    let refused = jane.authenticate(v1::AuthenticateRequest { credential, ..Default::default() });
    assert_eq!(failure(refused).0, Code::PermissionDenied);
}

#[test]
fn what_makes_no_sense_is_named() {
    let World { server, .. } = &world(Access::Open);
    let client = Client::new(server);
    let check = |request, field: &str| {
        let user = user("jane", &[]);
        let status =
            client.check(v1::CheckRequest { user, request, ..Default::default() }).unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{field}: {status}");
        let details = status.get_details_bad_request().unwrap();
        assert_eq!(details.field_violations[0].field, field);
    };
    check(None, "request");
    check(get(""), "resource.resource");
    check(Some(Request::NonResource(v1::NonResourceAttributes::default())), "non_resource.path");
    check(http("GET", "%zz"), "http.path");
    let timeless = Client::new(server).with("grpc-timeout", "soon");
    let question = || v1::CheckRequest { request: get("pods"), ..Default::default() };
    assert_eq!(failure(timeless.check(question())).0, Code::InvalidArgument);
    let large = v1::CheckRequest { user: user(&"j".repeat(5_000), &[]), ..question() };
    assert_eq!(failure(client.check(large)).0, Code::OutOfRange);
}

#[test]
fn a_revision_can_be_waited_for() {
    let World { server, engine, .. } = &world(Access::Open);
    let client = Client::new(server);
    let question = |at_least_revision| v1::CheckRequest {
        user: user("jane", &["dev"]),
        request: get("secrets"),
        at_least_revision,
        ..Default::default()
    };
    assert_eq!(client.check(question(1)).unwrap().revision, 1);
    let refused = client.check(question(2)).unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(refused.get_details_error_info().unwrap().metadata["revision"], "1");
    let brief = Client::new(server).with("grpc-timeout", "300m");
    assert_eq!(failure(brief.check(question(2))).0, Code::FailedPrecondition);
    let patient = Client::new(server).with("grpc-timeout", "60S");
    let answer = patient.wait(async {
        let mut service = patient.verdikt();
        let call = tokio::spawn(async move {
            let mut request = tonic::Request::new(question(2));
            request.metadata_mut().insert("grpc-timeout", "60S".parse().unwrap());
            service.check(request).await
        });
        let policy = POLICY.replace("resources: [pods]", "resources: [secrets]");
        engine.replace_manifests([("policy.yaml", policy)]).unwrap();
        call.await.unwrap().unwrap().into_inner()
    });
    assert_eq!((answer.revision, answer.decision()), (2, Allow));
}

#[test]
fn health_and_reflection_are_there_for_everybody() {
    let World { server, .. } = &world(Access::Authorized);
    let client = Client::new(server);
    for service in ["", "verdikt.v1.Verdikt"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let health = client.wait(HealthClient::new(client.channel()).check(request));
        assert_eq!(health.unwrap().into_inner().status, 1, "{service:?} serves");
    }
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let listed: Option<ServerReflectionResponse> = client.wait(async {
        let mut reflection = ServerReflectionClient::new(client.channel());
        let requests = tokio_stream::once(request);
        let answers = reflection.server_reflection_info(requests).await;
        answers.unwrap().into_inner().message().await.unwrap()
    });
    let Some(MessageResponse::ListServicesResponse(listed)) = listed.unwrap().message_response
    else {
        panic!("services are not listed");
    };
    let names: Vec<&str> = listed.service.iter().map(|service| service.name.as_str()).collect();
    assert!(names.contains(&"verdikt.v1.Verdikt"), "{names:?}");
    assert!(names.contains(&"grpc.health.v1.Health"), "{names:?}");
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn a_batch_is_answered_in_order_with_each_reason_once() {
    let World { server, .. } = &world(Access::Authorized);
    let client = Client::new(server).with("authorization", "Bearer hook-token");
    let question =
        |user, resource| v1::BatchQuestion { user, verb: 1, resource, ..Default::default() };
    let batch = |questions: Vec<v1::BatchQuestion>| v1::CheckBatchRequest {
        strings: texts(&["get", "pods", "secrets", "/metrics", "GET"]),
        users: vec![user("jane", &["dev"]).unwrap()],
        questions,
        with_reasons: true,
        ..Default::default()
    };
    let path = v1::BatchQuestion { path: 4, ..question(1, 0) };
    let request = v1::BatchQuestion { verb: 0, method: 5, ..path };
    let questions = vec![question(1, 2), question(1, 3), question(0, 2), path, request];
    let answer = client.batch(batch(questions)).unwrap();
    let found: Vec<v1::Decision> = answer.decisions().collect();
    assert_eq!(found, [Allow, NoOpinion, NoOpinion, Allow, Allow]);
    assert_eq!(
        (answer.reasons, answer.reason_numbers),
        (texts(&[BY_READERS]), vec![1, 0, 0, 1, 1])
    );
    assert_eq!(answer.revision, 1);

    let wrong = |question: v1::BatchQuestion, field: &str| {
        let status = client.batch(batch(vec![path, question])).unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        let details = status.get_details_bad_request().unwrap();
        assert_eq!(details.field_violations[0].field, format!("questions[1].{field}"));
    };
    wrong(question(2, 2), "user");
    wrong(question(1, 6), "resource");
    wrong(question(1, 0), "resource");
    let jane = Client::new(server).with("authorization", "Bearer jane-token");
    assert_eq!(failure(jane.batch(batch(vec![path]))).0, Code::PermissionDenied);
    let own = jane.batch(batch(vec![question(0, 2)])).unwrap();
    assert_eq!(own.decisions().collect::<Vec<_>>(), [Allow]);
}

#[test]
fn users_of_a_batch_may_be_numbers() {
    let World { server, .. } = &world(Access::Authorized);
    let client = Client::new(server).with("authorization", "Bearer hook-token");
    let ask = |users: Vec<u32>, numbered: &[(u32, u32)], groups: &[u32]| {
        let question =
            |user| v1::BatchQuestion { user, verb: 1, resource: 2, ..Default::default() };
        let numbered =
            numbered.iter().map(|&(name, groups)| v1::BatchUser { name, groups, uid: 0 });
        client.batch(v1::CheckBatchRequest {
            strings: texts(&["get", "pods", "jane", "joe", "dev", "ops"]),
            users: vec![user("jane", &["dev"]).unwrap(), user("joe", &[]).unwrap()],
            numbered_users: numbered.collect(),
            groups: groups.to_vec(),
            questions: users.into_iter().map(question).collect(),
            ..Default::default()
        })
    };
    let all = [(4, 1), (3, 2), (4, 0), (0, 1)];
    let groups = [6, 6, 5, 5];
    let answer = ask(vec![3, 4, 1, 4, 5, 2, 6, 4], &all, &groups).unwrap();
    let alone = |name: &str, groups: &[&str]| {
        let (user, request) = (user(name, groups), get("pods"));
        let question = v1::CheckRequest { user, request, ..Default::default() };
        client.check(question).unwrap().decision()
    };
    let expected = [
        alone("joe", &["ops"]),
        alone("jane", &["ops", "dev"]),
        alone("jane", &["dev"]),
        alone("jane", &["ops", "dev"]),
        alone("joe", &[]),
        alone("joe", &[]),
        alone("", &["dev"]),
        alone("jane", &["ops", "dev"]),
    ];
    assert_eq!(answer.decisions().collect::<Vec<_>>(), expected);
    assert!(expected.contains(&Allow) && expected.contains(&NoOpinion));

    let wrong = |users: Vec<u32>, numbered: &[(u32, u32)], groups: &[u32], field: &str| {
        let status = ask(users, numbered, groups).unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        let details = status.get_details_bad_request().unwrap();
        assert_eq!(details.field_violations[0].field, field);
    };
    wrong(vec![7], &all, &groups, "questions[0].user");
    wrong(vec![3], &[(7, 0)], &[], "questions[0].user");
    wrong(vec![4, 3], &[(3, 1), (3, 0)], &[7], "questions[1].user");
    wrong(vec![3], &[(3, 2)], &[5], "groups");
    wrong(vec![3], &[(3, u32::MAX), (3, u32::MAX)], &[5], "groups");
    wrong(vec![1], &[], &[5], "groups");
}

#[test]
fn a_stream_goes_on_after_a_question_without_meaning() {
    let World { server, .. } = &world(Access::Authorized);
    let client = Client::new(server).with("authorization", "Bearer jane-token");
    let own = |request| Some(v1::CheckRequest { request, ..Default::default() });
    let others = Some(v1::CheckRequest { user: user("joe", &[]), ..own(get("pods")).unwrap() });
    let questions = [own(get("pods")), own(None), None, others, own(get("secrets"))];
    let questions: Vec<v1::CheckStreamRequest> = (7..)
        .zip(questions)
        .map(|(id, question)| v1::CheckStreamRequest { id, question })
        .collect();
    let answers = client.wait(async {
        let questions = client.request(tokio_stream::iter(questions));
        let mut answers = client.verdikt().check_stream(questions).await.unwrap().into_inner();
        let mut found = Vec::new();
        while let Some(v1::CheckStreamResponse { id, result }) = answers.message().await.unwrap() {
            found.push((
                id,
                match result.unwrap() {
                    Answered::Answer(answer) => Ok(answer.decision()),
                    Answered::Error(error) => Err(Code::from(error.code)),
                },
            ));
        }
        found
    });
    let expected = [
        (7, Ok(Allow)),
        (8, Err(Code::InvalidArgument)),
        (9, Err(Code::InvalidArgument)),
        (10, Err(Code::PermissionDenied)),
        (11, Ok(NoOpinion)),
    ];
    assert_eq!(answers, expected);
}

#[test]
fn changes_of_the_status_are_told_until_the_server_stops() {
    let World { server, engine, _folder } = world(Access::Authorized);
    let client = Client::new(&server);
    let refused = client.wait(client.verdikt().watch_status(v1::WatchStatusRequest {}));
    assert_eq!(failure(refused.map(drop)).0, Code::PermissionDenied);
    let client = client.with("authorization", "Bearer hook-token");
    let request = client.request(v1::WatchStatusRequest {});
    let mut statuses = client.wait(client.verdikt().watch_status(request)).unwrap().into_inner();
    let mut next = || {
        let status = client.wait(statuses.message()).unwrap().unwrap().status.unwrap();
        let reload = status.last_reload.unwrap();
        (status.revision, reload.ok, !reload.error.is_empty())
    };
    assert_eq!(next(), (1, true, false));
    engine.replace_manifests([("policy.yaml", "kind: Role")]).unwrap_err();
    assert_eq!(next(), (1, false, true));
    engine.replace_manifests([("policy.yaml", POLICY.replace("pods", "secrets"))]).unwrap();
    assert_eq!(next(), (2, true, false));
    server.stop();
    let ended = client.wait(statuses.message()).unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable);
}

#[test]
fn it_is_explained_and_rules_are_listed() {
    let World { server, .. } = &world(Access::Authorized);
    let client = Client::new(server).with("authorization", "Bearer hook-token");
    let explain = |client: &Client<'_>, request| {
        let question =
            Some(v1::CheckRequest { user: user("jane", &["dev"]), request, ..Default::default() });
        let request = client.request(v1::ExplainRequest { question });
        client.wait(client.verdikt().explain(request)).map(tonic::Response::into_inner)
    };
    let allowed = explain(&client, get("pods")).unwrap();
    assert_eq!(allowed.answer.unwrap().decision(), Allow);
    assert_eq!(allowed.paths[0].subject, "Group \"dev\"");
    assert!(allowed.paths[0].decides);
    let denied = explain(&client, get("secrets")).unwrap();
    assert_eq!((denied.paths.len(), denied.answer.unwrap().decision()), (0, NoOpinion));
    let jane = Client::new(server).with("authorization", "Bearer jane-token");
    assert_eq!(failure(explain(&jane, get("pods"))).0, Code::PermissionDenied);

    let rules = |client: &Client<'_>, user| {
        let request = client.request(v1::RulesForRequest { user, ..Default::default() });
        client.wait(client.verdikt().rules_for(request)).map(tonic::Response::into_inner)
    };
    let own = rules(&jane, None).unwrap();
    let others = rules(&client, user("jane", &["dev", "system:authenticated"])).unwrap();
    assert!(own.resource_rules.iter().any(|rule| rule.verbs == ["get", "list"]), "{own:?}");
    assert_eq!(own, others);
    assert_eq!(failure(rules(&jane, user("joe", &[]))).0, Code::PermissionDenied);
}
