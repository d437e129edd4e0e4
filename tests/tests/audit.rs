//! The audit trail of the HTTP front: what is recorded of which request, and that nothing is lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use verdikt::Engine;
use verdikt::audit::{Format, LogOptions, Mode};
use verdikt_server::Access;
use verdikt_tests::http::Running;

const MANIFESTS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules:
- {apiGroups: [''], resources: [pods, pods/log], verbs: [get, list, 'impersonate-on:user-info:list']}
- {apiGroups: [authorization.k8s.io], resources: [subjectaccessreviews], verbs: [create]}
- {apiGroups: [authentication.k8s.io], resources: [selfsubjectreviews], verbs: [create]}
- {apiGroups: [authentication.k8s.io], resources: [users], verbs: ['impersonate:user-info']}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: readers}
subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: dev}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
";
const TOKENS: &str = "jane-token,jane,1,dev\nbob-token,bob,2,dev\n";
const EVERYTHING: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
rules: [{level: Metadata}]
";

struct World {
    server: Running,
    engine: Engine,
    folder: tempfile::TempDir,
}

impl World {
    fn log(&self) -> PathBuf {
        self.folder.path().join("logs/audit.log")
    }

    fn events(&self) -> Vec<Value> {
        events(&self.log())
    }
}

fn world(policy: &str, configure: impl FnOnce(&mut LogOptions)) -> World {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("tokens.csv"), TOKENS).unwrap();
    fs::write(at("policy.yaml"), policy).unwrap();
    let mut options = LogOptions::new(at("logs/audit.log"));
    configure(&mut options);
    let engine = Engine::builder()
        .manifest("manifests.yaml", MANIFESTS)
        .token_auth_file(at("tokens.csv"))
        .audit_policy_file(at("policy.yaml"))
        .audit_log(options)
        .poll_interval(Duration::from_millis(100))
        .build()
        .unwrap();
    let server = Running::start(engine.clone(), |options| options.access = Access::Authorized);
    World { server, engine, folder }
}

fn events(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// The event without what differs from run to run, which must be there and well-formed.
fn steady(event: &Value) -> Value {
    let mut event = event.clone();
    for name in ["requestReceivedTimestamp", "stageTimestamp"] {
        let time = event.as_object_mut().unwrap().shift_remove(name).unwrap();
        let time = time.as_str().unwrap();
        assert_eq!((time.len(), &time[19..20], &time[26..]), (27, ".", "Z"), "{time}");
    }
    event
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_request_has_an_event_when_it_arrives_and_one_when_it_is_answered() {
    let world = &world(EVERYTHING, |_| {});
    let headers = [
        ("Authorization", "Bearer jane-token"),
        ("Audit-ID", "my-id"),
        ("User-Agent", "test <1>"),
        ("X-Forwarded-For", "192.0.2.1, nonsense"),
    ];
    let target = "/api/v1/namespaces/web/secrets/db?x=1";
    let answer = world.server.send("GET", target, &headers, "");
    assert_eq!((answer.code, answer.header("audit-id")), (403, "my-id"));

    let text = fs::read_to_string(world.log()).unwrap();
    assert!(text.starts_with("{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":"));
    assert!(text.contains("\"userAgent\":\"test \\u003c1\\u003e\""), "{text}");
    let [received, complete] = &world.events()[..] else { panic!("{text}") };
    assert_eq!(received["requestReceivedTimestamp"], received["stageTimestamp"]);
    let mut expected = json!({
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": "my-id",
        "stage": "RequestReceived",
        "requestURI": target,
        "verb": "get",
        "user": {"username": "jane", "uid": "1", "groups": ["dev", "system:authenticated"]},
        "sourceIPs": ["192.0.2.1", "127.0.0.1"],
        "userAgent": "test <1>",
        "objectRef": {"resource": "secrets", "namespace": "web", "name": "db", "apiVersion": "v1"},
    });
    assert_eq!(steady(received), expected);
    let members = steady(complete);
    let names: Vec<&String> = members.as_object().unwrap().keys().collect();
    assert_eq!(names[names.len() - 3..], ["objectRef", "responseStatus", "annotations"]);
    expected["stage"] = json!("ResponseComplete");
    expected["responseStatus"] = json!({
        "metadata": {},
        "status": "Failure",
        "message": "secrets \"db\" is forbidden: User \"jane\" cannot get resource \"secrets\" in \
                    API group \"\" in the namespace \"web\"",
        "reason": "Forbidden",
        "details": {"name": "db", "kind": "secrets"},
        "code": 403,
    });
    expected["annotations"] = json!({
        "authorization.k8s.io/decision": "forbid",
        "authorization.k8s.io/reason": "",
    });
    assert_eq!(steady(complete), expected);
}

#[test]
fn every_answer_bears_an_id_even_where_nothing_is_recorded() {
    let engine = Engine::builder().manifest("manifests.yaml", MANIFESTS).build().unwrap();
    let server = Running::start(engine, |_| {});
    let id = |answer: &verdikt_tests::http::Answer| answer.header("audit-id").to_owned();
    let (first, second) = (server.get("/healthz", None), server.get("/x", None));
    assert_eq!(id(&first).len(), 36, "{}", first.head);
    assert_ne!(id(&first), id(&second));
    assert_eq!(id(&server.send("GET", "/x", &[("Audit-Id", "a b")], "")), "a b");
}

#[test]
fn who_is_not_known_has_one_event_without_a_user() {
    let world = &world(EVERYTHING, |_| {});
    assert_eq!(world.server.get("/api/v1/pods", Some("wrong")).code, 401);
    let [event] = &world.events()[..] else { panic!("{:?}", world.events()) };
    assert_eq!((&event["stage"], &event["user"]), (&json!("ResponseStarted"), &json!({})));
    let status = json!({
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    });
    assert_eq!(event["responseStatus"], status);
    assert_eq!(event.get("annotations"), None);
}

#[test]
fn whoever_is_impersonated_is_named_beside_who_did_it() {
    let world = &world(EVERYTHING, |_| {});
    let headers = [("Authorization", "Bearer jane-token"), ("Impersonate-User", "kim")];
    let answer = world.server.send("GET", "/api/v1/namespaces/web/pods", &headers, "");
    assert_eq!(answer.code, 403, "{}", answer.body);
    assert!(answer.body.contains("User \\\"kim\\\" cannot list"), "{}", answer.body);
    let [received, complete] = &world.events()[..] else { panic!("{:?}", world.events()) };
    assert_eq!(received.get("impersonatedUser"), None);
    assert_eq!(complete["user"]["username"], "jane");
    let kim = json!({"username": "kim", "groups": ["system:authenticated"]});
    assert_eq!(complete["impersonatedUser"], kim);
    let constraint = json!({"impersonationConstraint": "impersonate:user-info"});
    assert_eq!(complete["authenticationMetadata"], constraint);

    // What may not be impersonated is refused about what was asked of the authorizers.
    let headers = [("Authorization", "Bearer jane-token"), ("Impersonate-User", "system:node:n")];
    let answer = world.server.send("GET", "/api/v1/namespaces/web/pods", &headers, "");
    let message = "pods is forbidden: User \"jane\" cannot impersonate-on:arbitrary-node:list \
                   resource \"pods\" in API group \"\" in the namespace \"web\"";
    assert_eq!((answer.code, &answer.json()["message"]), (403, &json!(message)));
    let headers = [("Authorization", "Bearer jane-token"), ("Impersonate-Group", "dev")];
    let answer = world.server.send("GET", "/api/v1/pods", &headers, "");
    assert_eq!((answer.code, &answer.json()["reason"]), (400, &json!("BadRequest")));
    let last = world.events().pop().unwrap();
    assert_eq!(last["responseStatus"]["code"], 400);
    assert_eq!(last.get("annotations"), None);
}

#[test]
fn long_answers_have_three_events_and_stages_can_be_left_out() {
    let stages = |policy: &str| -> Vec<Value> {
        let world = world(policy, |_| {});
        world.server.get("/api/v1/namespaces/web/pods/a/log", Some("jane-token"));
        world.events().iter().map(|event| event["stage"].clone()).collect()
    };
    assert_eq!(stages(EVERYTHING), ["RequestReceived", "ResponseStarted", "ResponseComplete"]);
    let one = EVERYTHING.replace("rules:", "omitStages: [RequestReceived]\nrules:");
    let one = one.replace("Metadata}", "Metadata, omitStages: [ResponseStarted]}");
    assert_eq!(stages(&one), ["ResponseComplete"]);
}

#[test]
fn the_example_policy_records_objects_of_reviews_and_no_secrets() {
    let policy = include_str!("../../policies/audit/policy.yaml");
    let world = &world(policy, |_| {});
    world.server.get("/healthz", None);
    world.server.get("/api/v1/namespaces/web/secrets/db", Some("jane-token"));
    let review = json!({
        "kind": "SubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {},
        "spec": {"user": "kim", "nonResourceAttributes": {"path": "/x", "verb": "get"}},
    });
    let target = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let headers = [("Authorization", "Bearer jane-token"), ("Content-Type", "application/json")];
    let answer = world.server.send("POST", target, &headers, &review.to_string());
    assert_eq!(answer.code, 201, "{}", answer.body);
    let [secret, asked] = &world.events()[..] else { panic!("{:?}", world.events()) };
    assert_eq!((&secret["level"], secret.get("responseObject")), (&json!("Metadata"), None));
    assert_eq!(asked["level"], "RequestResponse");
    assert_eq!(asked["responseStatus"], json!({"metadata": {}, "code": 201}));
    assert_eq!(asked["requestObject"]["spec"], review["spec"]);
    assert_eq!(asked["responseObject"], answer.json());
}

#[test]
fn what_has_no_spec_is_recorded_without_one() {
    let world = &world(&EVERYTHING.replace("Metadata", "Request"), |_| {});
    let headers = [("Authorization", "Bearer jane-token"), ("Content-Type", "application/json")];
    let target = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let kind = r#""kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1""#;
    let answer = world.server.send("POST", target, &headers, &format!("{{{kind}}}"));
    assert_eq!(answer.code, 201, "{}", answer.body);
    let text = fs::read_to_string(world.log()).unwrap();
    let expected =
        format!(r#""requestObject":{{{kind},"metadata":{{}},"status":{{"userInfo":{{}}}}}}"#);
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn the_legacy_format_is_a_line_of_words() {
    let world = &world(EVERYTHING, |options| options.format = Format::Legacy);
    world.server.send(
        "GET",
        "/api/v1/namespaces/web/pods",
        &[("Authorization", "Bearer jane-token"), ("Audit-ID", "i")],
        "",
    );
    let text = fs::read_to_string(world.log()).unwrap();
    let lines: Vec<&str> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    let line = |stage: &str, code: &str| {
        format!(
            "AUDIT: id=\"i\" stage=\"{stage}\" ip=\"127.0.0.1\" method=\"list\" user=\"jane\" \
             groups=\"\\\"dev\\\",\\\"system:authenticated\\\"\" as=\"<self>\" \
             asgroups=\"<lookup>\" user-agent=\"\" namespace=\"web\" \
             uri=\"/api/v1/namespaces/web/pods\" response=\"{code}\""
        )
    };
    assert_eq!(lines, [line("RequestReceived", "<deferred>"), line("ResponseComplete", "200")]);
}

#[test]
fn a_changed_policy_counts_for_the_next_request_and_a_broken_one_never() {
    let world = &world(EVERYTHING, |_| {});
    let path = world.folder.path().join("policy.yaml");
    let levels = || -> u64 { world.engine.status().audit.unwrap().levels["None"] };
    fs::write(&path, EVERYTHING.replace("Metadata", "metadata")).unwrap();
    wait_until("the broken policy is refused", || !world.engine.status().last_reload.ok);
    let error = world.engine.status().last_reload.error.unwrap();
    assert!(error.contains("rules[0].level: Unsupported value: \"metadata\""), "{error}");
    world.server.get("/x", None);
    assert_eq!(levels(), 0);
    fs::write(&path, EVERYTHING.replace("Metadata", "None")).unwrap();
    wait_until("the new policy serves", || world.engine.status().last_reload.ok);
    let before = world.events().len();
    world.server.get("/x", None);
    assert_eq!((levels(), world.events().len()), (1, before));
}

#[test]
fn full_files_are_named_after_the_time_and_nothing_is_lost_between_them() {
    let world = &world(EVERYTHING, |options| {
        options.max_size_megabytes = 1;
        options.max_backups = 0;
        options.compress = true;
    });
    fill(world);
    let folder = world.log().parent().unwrap().to_owned();
    wait_until("what was rotated away is compressed", || {
        let names = names(&folder);
        names.iter().filter(|name| name.ends_with(".log.gz")).count() + 1 == names.len()
    });
    let mut lines = 0;
    for name in names(&folder) {
        let bytes = fs::read(folder.join(&name)).unwrap();
        let text = match name.strip_suffix(".gz") {
            None => String::from_utf8(bytes).unwrap(),
            Some(rest) => {
                assert!(rest.starts_with("audit-20") && rest.ends_with(".log"), "{name}");
                let reader = flate2::read::GzDecoder::new(bytes.as_slice());
                std::io::read_to_string(reader).unwrap()
            }
        };
        assert!(text.len() <= 1 << 20, "{name}");
        lines += text.lines().count() as u64;
    }
    let status = world.engine.status().audit.unwrap();
    assert_eq!((status.stored, status.lost), (120, 0));
    assert_eq!(lines, status.stored);
    assert!(names(&folder).len() > 3);
}

#[test]
fn only_so_many_full_files_are_kept() {
    let world = &world(EVERYTHING, |options| {
        options.max_size_megabytes = 1;
        options.max_backups = 2;
    });
    fill(world);
    let folder = world.log().parent().unwrap().to_owned();
    wait_until("older files are removed", || names(&folder).len() == 3);
}

/// Some megabytes of events: long paths make long ones.
fn fill(world: &World) {
    let path = format!("/{}", "x".repeat(30_000));
    for _ in 0..60 {
        world.server.get(&path, Some("jane-token"));
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_counted_and_answers_go_on() {
    let check = |mode: Mode, code: u16| {
        let world = &world(EVERYTHING, |options| {
            options.path = "/dev/full".into();
            options.mode = mode;
        });
        let answer = world.server.get("/api/v1/namespaces/web/pods", Some("jane-token"));
        assert_eq!(answer.code, code, "{}", answer.body);
        let status = world.engine.status().audit.unwrap();
        assert_eq!((status.stored, status.lost), (0, status.events), "{status:?}");
    };
    check(Mode::Blocking, 200);
    check(Mode::BlockingStrict, 500);
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_removed_is_made_again_and_the_event_written_there() {
    let world = &world(EVERYTHING, |_| {});
    world.server.get("/a", None);
    assert_eq!(world.events().len(), 2);
    fs::remove_dir_all(world.log().parent().unwrap()).unwrap();
    world.server.get("/b", None);
    let uris: Vec<Value> = world.events().iter().map(|event| event["requestURI"].clone()).collect();
    assert_eq!(uris, ["/b", "/b"]);
    // A file that was moved away keeps what it has, and a new one begins.
    let moved = world.folder.path().join("moved.log");
    fs::rename(world.log(), &moved).unwrap();
    world.server.get("/c", None);
    world.server.get("/d", None);
    assert_eq!(events(&moved).len() + world.events().len(), 6);
    assert_eq!(world.engine.status().audit.unwrap().lost, 0);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_stored_fails_the_request_only_in_strict_mode() {
    let check = |mode: Mode, code: u16, lost: u64, rejected: u64| {
        let world = &world(EVERYTHING, |options| options.mode = mode);
        let folder = world.log().parent().unwrap().to_owned();
        // Where the folder was is a file now: nothing can be written, by root either.
        fs::remove_dir_all(&folder).unwrap();
        fs::write(&folder, "").unwrap();
        let answer = world.server.get("/api/v1/namespaces/web/pods", Some("jane-token"));
        assert_eq!(answer.code, code, "{}", answer.body);
        let status = world.engine.status().audit.unwrap();
        assert_eq!((status.lost, status.rejected, status.stored), (lost, rejected, 0));
        fs::remove_file(&folder).unwrap();
        let answer = world.server.get("/api/v1/namespaces/web/pods", Some("jane-token"));
        assert_eq!((answer.code, world.events().len()), (200, 2));
    };
    check(Mode::Blocking, 200, 2, 0);
    check(Mode::BlockingStrict, 500, 1, 1);
}

#[cfg(unix)]
#[test]
fn a_dead_sink_costs_no_memory_and_each_drop_is_counted() {
    let world = &world(EVERYTHING, |options| {
        options.mode = Mode::Batch;
        options.batch.buffer_size = 10;
    });
    let folder = world.log().parent().unwrap().to_owned();
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    for _ in 0..20 {
        let answer = world.server.get("/api/v1/namespaces/web/pods", Some("jane-token"));
        assert_eq!(answer.code, 200);
    }
    let status = world.engine.status().audit.unwrap();
    assert_eq!((status.events, status.queued, status.dropped, status.stored), (40, 10, 30, 0));
    wait_until("writing is tried", || {
        world.engine.status().audit.is_some_and(|status| status.write_errors > 0)
    });
    // As soon as the sink is back, what was kept is written.
    fs::remove_file(&folder).unwrap();
    assert!(world.engine.flush_audit(Duration::from_secs(20)));
    assert_eq!(world.events().len(), 10);
    let status = world.engine.status().audit.unwrap();
    assert_eq!((status.stored, status.lost, status.queued_bytes), (10, 30, 0));
}

#[test]
fn the_queue_is_bounded_in_bytes() {
    let world = &world(EVERYTHING, |options| {
        options.mode = Mode::Batch;
        options.batch.buffer_bytes = 20_000;
        // One event an hour: the first is written, and the others wait.
        options.batch.throttle = Some(verdikt::audit::Throttle { qps: 0.0003, burst: 1 });
    });
    let path = format!("/{}", "x".repeat(3_000));
    for _ in 0..10 {
        world.server.get(&path, None);
    }
    let status = world.engine.status().audit.unwrap();
    assert!(status.queued_bytes <= 20_000, "{status:?}");
    assert!(status.dropped > 0, "{status:?}");
    assert_eq!(status.stored + status.queued + status.dropped, 20, "{status:?}");
}

#[test]
fn what_is_too_large_loses_its_objects_first() {
    let policy = EVERYTHING.replace("Metadata", "RequestResponse");
    let world = &world(&policy, |options| {
        options.truncate =
            Some(verdikt::audit::Truncate { max_event_size: 2_000, max_batch_size: 4_000 });
    });
    let target = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let review = json!({
        "kind": "SubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "spec": {"user": "k".repeat(3_000), "nonResourceAttributes": {"path": "/", "verb": "get"}},
    });
    let headers = [("Authorization", "Bearer jane-token"), ("Content-Type", "application/json")];
    world.server.send("POST", target, &headers, &review.to_string());
    let complete = world.events().pop().unwrap();
    assert_eq!(complete.get("requestObject"), None);
    assert_eq!(complete["annotations"]["audit.k8s.io/truncated"], "true");
    world.server.get(&format!("/{}", "x".repeat(3_000)), None);
    assert_eq!(world.engine.status().audit.unwrap().lost, 2);
}
