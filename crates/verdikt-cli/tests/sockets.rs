//! Unix sockets: who reaches them, what they answer, and what becomes of their files.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use verdikt_server::proto::v1;
use verdikt_server::proto::v1::check_request::Request;
use verdikt_tests::binary::{Serving, finish, is_installed, run};
use verdikt_tests::grpc::Client;
use verdikt_tests::proxy::Proxy;
use verdikt_tests::upstream::Upstream;

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_verdikt"))
}

fn quickstart() -> String {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/quickstart");
    format!("--policy-dir={}", policy.join("manifests").display())
}

fn start(socket: &Path, arguments: &[&str]) -> Serving {
    let policy = quickstart();
    let arguments = [&[policy.as_str()], arguments].concat();
    let serving = Serving::start_at(binary(), &address(socket), &arguments);
    assert_eq!(serving.url(), address(socket));
    serving
}

fn address(socket: &Path) -> String {
    format!("unix:{}", socket.display())
}

/// A folder, and the path of a socket in it.
fn socket() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("verdikt.sock");
    (folder, path)
}

fn permissions(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// Whether jane of the developers may get pods: she is named by the question.
fn asks_about_jane(client: &Client<'_>) -> bool {
    let user = v1::User {
        name: "jane".to_owned(),
        groups: vec!["developers".to_owned()],
        ..Default::default()
    };
    let request = Request::Resource(v1::ResourceAttributes {
        verb: "get".to_owned(),
        resource: "pods".to_owned(),
        namespace: "shop".to_owned(),
        ..Default::default()
    });
    let question =
        v1::CheckRequest { user: Some(user), request: Some(request), ..Default::default() };
    client.check(question).unwrap().allowed
}

#[test]
fn http_and_grpc_are_answered_on_one_socket() {
    let (folder, path) = socket();
    let policy = folder.path().join("audit.yaml");
    let rules = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n";
    fs::write(&policy, rules).unwrap();
    let log = folder.path().join("audit.log");
    let flags = [
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", log.display()),
    ];
    let serving = start(&path, &flags.each_ref().map(String::as_str));
    assert_eq!(permissions(&path), 0o600);
    // Whoever reaches it may ask about others, as on loopback.
    assert!(asks_about_jane(&Client::at(serving.url())));
    let server = format!("--server={}", serving.url());
    let status = run(binary(), &["status", &server], b"");
    assert_eq!(status.code, 0, "{status:?}");
    if is_installed("curl") {
        let review = r#"{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{
            "user":"jane","groups":["developers"],
            "resourceAttributes":{"verb":"get","resource":"pods","namespace":"shop"}}}"#;
        for version in ["--http1.1", "--http2-prior-knowledge"] {
            let mut curl = Command::new("curl");
            curl.args(["-sS", version, "--unix-socket"]).arg(&path).args(["-d", review]);
            curl.args(["-H", "Content-Type: application/json"]);
            curl.arg("http://localhost/apis/authorization.k8s.io/v1/subjectaccessreviews");
            let ran = finish(&mut curl, b"");
            let answer: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
            assert_eq!(answer["status"]["allowed"], true, "{version}: {ran:?}");
        }
    }
    assert_eq!(serving.signal("TERM"), 0);
    assert!(!path.exists(), "the file is removed");
    // The other end of a socket has no address.
    let log = fs::read_to_string(log).unwrap();
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!events.is_empty());
    for event in events {
        assert_eq!(event["sourceIPs"], Value::Null, "{event}");
    }
}

#[test]
fn a_socket_for_grpc_alone_has_the_mode_that_is_asked_for() {
    let (_folder, path) = socket();
    let flags = [format!("--grpc-address={}", address(&path)), "--unix-socket-mode=0660".into()];
    let policy = quickstart();
    let serving = Serving::start(binary(), &[&policy, &flags[0], &flags[1]]);
    assert_eq!(permissions(&path), 0o660);
    assert!(asks_about_jane(&Client::at(&address(&path))));
    drop(serving);
}

#[test]
fn an_authorized_socket_asks_who_it_is() {
    let (_folder, path) = socket();
    let serving = start(&path, &["--http-access=authorized"]);
    let server = format!("--server={}", serving.url());
    let status = run(binary(), &["status", &server], b"");
    assert!(status.stderr.contains("403"), "{status:?}");
}

#[test]
fn what_a_dead_server_left_is_replaced_and_a_live_one_is_not() {
    let (_folder, path) = socket();
    let first = start(&path, &[]);
    let policy = quickstart();
    let refused = |expected: &str| {
        let ran = run(binary(), &["serve", &policy, "--http-address", &address(&path)], b"");
        assert_eq!(ran.code, 2, "{ran:?}");
        let message = format!("cannot listen on {}: {expected}", address(&path));
        assert!(ran.stderr.contains(&message), "{}", ran.stderr);
    };
    refused("another server listens there");
    // It had no time to remove its file.
    first.signal("KILL");
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_socket());
    let second = start(&path, &[]);
    // Whoever has taken its place keeps its own.
    fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    assert_eq!(second.signal("TERM"), 0);
    assert!(path.exists(), "the file of another server stays");
    drop(other);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "precious").unwrap();
    refused("a file is there that is no socket");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn flags_that_mean_nothing_are_refused() {
    let policy = quickstart();
    let check = |flag: &str, expected: &str| {
        let ran = run(binary(), &["serve", &policy, flag], b"");
        assert_eq!(ran.code, 2, "{flag}: {ran:?}");
        assert!(ran.stderr.contains(expected), "{flag}: {}", ran.stderr);
    };
    check("--http-address=unix:verdikt.sock", "an absolute path is expected after unix:");
    check("--grpc-address=localhost", "expected ADDRESS:PORT, or unix:PATH");
    check("--unix-socket-mode=999", "a mode in octal is expected");
    check(
        "--http-address=unix:/nowhere/verdikt.sock",
        "cannot listen on unix:/nowhere/verdikt.sock",
    );
}

#[test]
fn envoy_asks_at_a_socket() {
    let (_folder, path) = socket();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/envoy");
    let flags = [
        format!("--config={}", example.join("verdikt.yaml").display()),
        format!("--grpc-address={}", address(&path)),
    ];
    let serve = || Serving::start(binary(), &flags.each_ref().map(String::as_str));
    let (serving, upstream) = (serve(), Upstream::start());
    let written = [
        (
            "socket_address: {address: 127.0.0.1, port_value: 8471}".to_owned(),
            format!("pipe: {{path: {}}}", path.display()),
        ),
        ("port_value: 9000".to_owned(), format!("port_value: {}", upstream.address().port())),
    ];
    let listens =
        |here: SocketAddr| ("port_value: 8080".to_owned(), format!("port_value: {}", here.port()));
    let arguments = |_: &Path| {
        ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warn", "-c"]
            .map(String::from)
            .into()
    };
    let started = Proxy::start("envoy", &example.join("envoy.yaml"), listens, &written, arguments);
    let Some(envoy) = started else { return };

    let check = |method: &str, token: &str, code: u16, arrived: usize| {
        let bearer = format!("Bearer {token}");
        let before = upstream.requests();
        let answer = envoy.send(method, "/shop/shoes", &[("Authorization", &bearer)]);
        assert_eq!(answer.code, code, "{method} of {token}: {answer:?}\n{}", envoy.log());
        assert_eq!(upstream.requests(), before + arrived, "{method} of {token}");
        answer
    };
    let arrived = check("GET", "jane-token", 200, 1).body.to_ascii_lowercase();
    assert!(arrived.contains("x-remote-user: jane\r\n"), "{arrived}");
    check("DELETE", "jane-token", 403, 0);
    check("GET", "no-token", 401, 0);
    // Without anyone at the socket nothing goes on; whoever comes to listen there is asked.
    assert_eq!(serving.signal("TERM"), 0);
    check("GET", "jane-token", 403, 0);
    let serving = serve();
    check("GET", "jane-token", 200, 1);
    drop(serving);
}
