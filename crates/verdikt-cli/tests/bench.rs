//! `verdikt bench` as its users meet it: the real binary, against a server of the same.

#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use verdikt_tests::binary::{Ran, Serving, run};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_verdikt"))
}

/// A server of the quickstart's policy on a Unix socket, which answers all kinds.
struct World {
    serving: Serving,
    folder: tempfile::TempDir,
}

fn world(flags: &[&str]) -> World {
    let folder = tempfile::tempdir().unwrap();
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/quickstart");
    let policy = format!("--policy-dir={}", quickstart.join("manifests").display());
    let tokens = format!("--token-auth-file={}", quickstart.join("tokens.csv").display());
    let address = format!("unix:{}", folder.path().join("verdikt.sock").display());
    let flags = [&[policy.as_str(), tokens.as_str()], flags].concat();
    World { serving: Serving::start_at(binary(), &address, &flags), folder }
}

impl World {
    /// A short load on it.
    fn bench(&self, flags: &[&str]) -> Ran {
        let usual = ["bench", "--server", self.serving.url(), "--duration=300ms", "--warmup=50ms"];
        run(binary(), &[&usual, flags].concat(), b"")
    }

    /// The figures of one.
    fn figures(&self, flags: &[&str]) -> Value {
        let ran = self.bench(&[flags, &["-o", "json"]].concat());
        let figures = serde_json::from_str(&ran.stdout);
        assert!(figures.is_ok(), "{ran:?}");
        figures.unwrap()
    }

    /// A file of requests.
    fn requests(&self, text: &str) -> String {
        let file = self.folder.path().join("requests.jsonl");
        fs::write(&file, text).unwrap();
        format!("--requests={}", file.display())
    }
}

/// All was answered, and the numbers fit together.
fn sound(figures: &Value) {
    let number = |pointer: &str| figures.pointer(pointer).unwrap().as_f64().unwrap();
    assert!(number("/calls") > 0.0, "{figures}");
    assert_eq!(number("/errors"), 0.0, "{figures}");
    let answers = figures["answers"].as_object().unwrap().values();
    let answers: f64 = answers.map(|count| count.as_f64().unwrap()).sum();
    assert_eq!(answers, number("/decisions"), "{figures}");
    let names = ["min", "p50", "p75", "p90", "p99", "p999", "p9999", "max"];
    let times = names.map(|name| number(&format!("/latencyMicroseconds/{name}")));
    assert!(times[0] > 0.0 && times.is_sorted(), "{times:?}");
    let histogram = figures["histogram"].as_array().unwrap();
    let counted: f64 = histogram.iter().map(|bucket| bucket["calls"].as_f64().unwrap()).sum();
    assert_eq!(counted, number("/calls"), "{figures}");
}

const JANE: [&str; 6] = ["get", "pods", "--as=jane", "--as-group=developers", "-n", "shop"];
const ALL_KINDS: [&str; 5] = ["review", "check", "batch", "stream", "ext-authz"];

/// Who may, and who may not.
const REQUESTS: &str = r#"
{"user":"jane","groups":["developers","system:authenticated"],"verb":"get","apiGroup":"","resource":"pods","subresource":"","namespace":"shop","name":"web","allowed":true}
{"user":"jane","groups":["developers","system:authenticated"],"verb":"delete","apiGroup":"","resource":"pods","subresource":"","namespace":"shop","name":"web","allowed":false}
{"user":"olga","groups":["operators","system:authenticated"],"verb":"list","apiGroup":"","resource":"secrets","namespace":"","allowed":true}
"#;

#[test]
fn each_kind_is_answered_in_a_closed_loop() {
    let world = world(&[]);
    let file = world.requests(REQUESTS);
    for kind in ["review", "check", "batch", "stream"] {
        let kind = format!("--kind={kind}");
        let figures = world.figures(&[&file, &kind, "--batch=50", "--concurrency=4"]);
        sound(&figures);
        assert_eq!(figures["loop"], "closed");
        assert_eq!(figures["mismatches"], 0, "{figures}");
        let of = |name: &str| figures["answers"][name].as_u64().unwrap();
        let (allowed, others) = (of("allowed"), of("noOpinion"));
        assert!(allowed > others && others > 0 && of("denied") == 0, "{figures}");
        let each = figures["decisions"].as_u64().unwrap() / figures["calls"].as_u64().unwrap();
        assert_eq!(each, if kind == "--kind=batch" { 50 } else { 1 }, "{figures}");
    }
    // Requests that Envoy asks about have a token, or are anonymous.
    let [jane, nobody] = ["--client-token=jane-token", "--client-token=nobodys"];
    for (flags, expected) in [
        (&["list", "pods", "-n", "shop", jane][..], "allowed"),
        (&["list", "secrets", "-n", "shop", jane], "noOpinion"),
        (&["list", "pods", "-n", "shop", nobody], "unauthenticated"),
        (&["get", "/healthz"], "allowed"),
    ] {
        let figures = world.figures(&[flags, &["--kind=ext-authz"]].concat());
        sound(&figures);
        assert_eq!(figures["answers"][expected], figures["calls"], "{flags:?}: {figures}");
    }
}

#[test]
fn an_open_loop_keeps_its_rate() {
    let world = world(&[]);
    for kind in ALL_KINDS {
        let kind = format!("--kind={kind}");
        let whose: &[&str] = match kind.as_str() {
            "--kind=ext-authz" => &["list", "pods", "-n", "shop", "--client-token=jane-token"],
            _ => &JANE,
        };
        let figures = world.figures(&[whose, &[&kind, "--rate=200", "--duration=1s"]].concat());
        sound(&figures);
        assert_eq!(figures["loop"], "open");
        let calls = figures["calls"].as_u64().unwrap() + figures["unsent"].as_u64().unwrap();
        assert!((100..400).contains(&calls), "{figures}");
        assert!(figures["waitMicroseconds"]["p50"].as_f64().is_some(), "{figures}");
        assert_eq!(figures["answers"]["allowed"], figures["decisions"], "{figures}");
    }
}

#[test]
fn an_answer_that_is_not_expected_is_counted_and_told_of() {
    let world = world(&[]);
    let wrong = REQUESTS.replacen("\"allowed\":false", "\"allowed\":true", 1);
    let file = world.requests(&wrong);
    for kind in ["--kind=review", "--kind=batch", "--kind=stream"] {
        let ran = world.bench(&[&file, kind, "-o", "json"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        let figures: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(figures["mismatches"], figures["answers"]["noOpinion"], "{figures}");
        let example = &figures["mismatchExamples"][0];
        assert_eq!([&example["request"], &example["allowed"]], [&Value::from(2), &false.into()]);
    }
    let ran = world.bench(&[&file]);
    assert!(ran.stdout.contains("request 2 is not allowed, and allowed was expected"), "{ran:?}");
    let good = world.requests(REQUESTS);
    assert_eq!(world.bench(&[&good]).code, 0);
}

#[test]
fn what_is_shown_says_what_was_done_and_what_came_of_it() {
    let world = world(&[]);
    let ran = world.bench(&[&JANE[..], &["--kind=check", "--connections=3"]].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    for expected in ["Check at unix:/", "closed loop, 3 connections", " allowed\n", "p99.9", "█"]
    {
        assert!(ran.stdout.contains(expected), "{expected}: {}", ran.stdout);
    }
    let yaml = world.bench(&[&JANE[..], &["-o", "yaml"]].concat());
    assert!(yaml.stdout.contains("\nkind: review\n"), "{yaml:?}");
}

#[test]
fn who_may_not_ask_is_told_so() {
    let world = world(&["--http-access=authorized"]);
    for kind in ALL_KINDS {
        let kind = format!("--kind={kind}");
        let ran = world.bench(&[&LIST_PODS[..], &[&kind, "--token=jane-token"]].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{kind}: {ran:?}");
        assert!(ran.stderr.contains("create subjectaccessreviews"), "{kind}: {ran:?}");
    }
}

#[test]
fn a_server_that_is_not_there_or_something_else_is_no_load() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = format!("--server=http://{gone}");
    for kind in ALL_KINDS {
        let kind = format!("--kind={kind}");
        let ran = run(binary(), &[&["bench", &server, &kind], &LIST_PODS[..]].concat(), b"");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
        for expected in [&*gone.to_string(), "refused", "is `verdikt serve` running there?"] {
            assert!(ran.stderr.contains(expected), "{expected}: {ran:?}");
        }
    }
    // HTTP and gRPC have addresses of their own.
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/quickstart");
    let policy = format!("--policy-dir={}", quickstart.join("manifests").display());
    let serving = Serving::start(binary(), &[&policy]);
    let server = format!("--server={}", serving.url());
    for kind in ALL_KINDS.iter().filter(|kind| **kind != "review") {
        let kind = format!("--kind={kind}");
        let ran = run(binary(), &[&["bench", &server, &kind], &LIST_PODS[..]].concat(), b"");
        assert!(ran.code == 2 && ran.stderr.contains("--grpc-address"), "{ran:?}");
    }
    for (flags, expected) in [
        (&["bench"][..], "bench [OPTIONS] --requests <FILE>"),
        (&["bench", "get", "pods"], "add --as USER"),
        (&["bench", "use", "pods", "--kind=ext-authz"], "no HTTP request asks this"),
        (&["bench", "list", "pods", "--as=jane", "--kind=ext-authz"], "--client-token"),
        (&["bench", "get", "pods", "--as=jane", "--server=https://x"], "http://, or unix:PATH"),
        (&["bench", "get", "pods", "--as=jane", "--rate=0"], "a number of calls a second"),
        (&["bench", "--requests=/dev/null"], "there is no request in it"),
    ] {
        let ran = run(binary(), flags, b"");
        assert!(ran.code == 2 && ran.stderr.contains(expected), "{expected}: {ran:?}");
    }
    let ran = run(binary(), &["bench", "--requests=-"], b"\n{\"verb\":\"get\"}\n");
    assert!(ran.code == 2 && ran.stderr.contains("-:2: either `resource`"), "{ran:?}");
}

const LIST_PODS: [&str; 4] = ["list", "pods", "--as=jane", "--client-token=jane-token"];

#[test]
fn ctrl_c_ends_it_with_what_there_is() {
    let world = world(&[]);
    let mut bench = Command::new(binary());
    bench.args(["bench", "--server", world.serving.url(), "--warmup=0s", "--duration=1h"]);
    let bench = bench.args(JANE).args(["-o", "json"]);
    let child = bench.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // It asks as soon as it is connected, so that a second is more than enough.
    std::thread::sleep(Duration::from_secs(1));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    sound(&figures);
    assert_eq!(figures["interrupted"], true, "{figures}");
}
