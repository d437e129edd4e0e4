//! The audit log of the binary: what was answered is on the disk, whatever happens to the process.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use verdikt_tests::binary::{Serving, run};

const BINARY: &str = env!("CARGO_BIN_EXE_verdikt");

struct World {
    folder: tempfile::TempDir,
    /// Lines that are no events.
    broken: Cell<u32>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n";
        fs::write(folder.path().join("policy.yaml"), policy).unwrap();
        Self { folder, broken: Cell::new(0) }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let policy = self.folder.path().join("policy.yaml");
        let mut arguments = vec![
            "--authorization-mode=AlwaysDeny".to_owned(),
            format!("--audit-policy-file={}", policy.display()),
            format!("--audit-log-path={}", self.log().display()),
        ];
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        arguments
    }

    fn serve(&self, more: &[&str]) -> Serving {
        let arguments = self.arguments(more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Serving::start(Path::new(BINARY), &arguments)
    }

    /// The stages that were recorded of each request, by its id.
    fn stages(&self) -> BTreeMap<String, Vec<String>> {
        let text = fs::read_to_string(self.log()).unwrap();
        let mut stages: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in text.lines() {
            let Ok(event) = serde_json::from_str::<Value>(line) else {
                self.broken.set(self.broken.get() + 1);
                continue;
            };
            let member = |name: &str| event.get(name).and_then(Value::as_str).unwrap().to_owned();
            stages.entry(member("auditID")).or_default().push(member("stage"));
        }
        stages
    }
}

/// One request; the status, or none if there was no answer.
fn ask(address: SocketAddr, id: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request =
        format!("GET /x HTTP/1.1\r\nHost: v\r\nAudit-ID: {id}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

#[test]
fn what_was_answered_survives_a_kill() {
    let world = World::new();
    let serving = world.serve(&["--audit-log-mode=blocking"]);
    let address = serving.address();
    let askers: Vec<_> = (0..4)
        .map(|asker| {
            std::thread::spawn(move || {
                let ids = (0..).map(|number| format!("{asker}-{number}"));
                ids.take_while(|id| ask(address, id) == Some(403)).collect::<Vec<_>>()
            })
        })
        .collect();
    while fs::metadata(world.log()).unwrap().len() < 200_000 {
        std::thread::yield_now();
    }
    serving.signal("KILL");
    // Half a line may be there that nobody waited for; the next process begins a line of its own.
    let serving = world.serve(&["--audit-log-mode=blocking"]);
    assert_eq!(ask(serving.address(), "after"), Some(403));
    drop(serving);
    let answered: Vec<String> =
        askers.into_iter().flat_map(|asker| asker.join().unwrap()).collect();
    let stages = world.stages();
    assert!(answered.len() > 50, "{}", answered.len());
    assert!(world.broken.get() <= 1, "{} lines are no events", world.broken.get());
    assert!(stages.contains_key("after"));
    for id in answered {
        let both = ["RequestReceived", "ResponseComplete"];
        assert_eq!(stages.get(&id).map(Vec::as_slice).unwrap_or_default(), both, "{id}");
    }
}

#[test]
fn a_queue_is_written_before_the_end() {
    let world = World::new();
    let serving = world.serve(&["--audit-log-mode=batch"]);
    for number in 0..50 {
        assert_eq!(ask(serving.address(), &number.to_string()), Some(403));
    }
    assert_eq!(serving.signal("TERM"), 0);
    assert_eq!(world.stages().values().map(Vec::len).sum::<usize>(), 100);
}

/// The shell bounds the size of files, and has the signal ignored that would end the process.
#[test]
fn a_disk_that_is_full_leaves_whole_lines_and_goes_on_answering() {
    let world = World::new();
    let arguments = world.arguments(&["--http-address=127.0.0.1:0", "--audit-log-maxsize=0"]);
    let mut child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" serve \"$@\"", BINARY])
        .args(&arguments)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let mut lines = log.lines().map_while(Result::ok);
    let address =
        lines.find_map(|line| Some(line.split_once("listening on http://")?.1.to_owned()));
    let address: SocketAddr = address.unwrap().parse().unwrap();
    let rest = std::thread::spawn(move || lines.collect::<Vec<_>>());
    for number in 0..30 {
        assert_eq!(ask(address, &number.to_string()), Some(403));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let told = rest.join().unwrap();
    assert!(told.iter().any(|line| line.contains("Error in audit plugin 'log'")), "{told:?}");
    let stored: usize = world.stages().values().map(Vec::len).sum();
    assert!((1..60).contains(&stored), "{stored}");
    assert_eq!(world.broken.get(), 0);
}

#[test]
fn standard_output_is_a_log_too() {
    let world = World::new();
    let mut arguments = world.arguments(&["--http-address=127.0.0.1:0", "--audit-log-path=-"]);
    arguments.remove(2);
    let mut child = Command::new(BINARY)
        .arg("serve")
        .args(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let address = log.find_map(|line| Some(line.split_once("listening on http://")?.1.to_owned()));
    assert_eq!(ask(address.unwrap().parse().unwrap(), "id"), Some(403));
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event.get("auditID").and_then(Value::as_str), Some("id"));
}

#[test]
fn flags_that_cannot_be_meant_are_refused_in_upstreams_words() {
    let world = World::new();
    let check = |more: &[&str], expected: &str| {
        let arguments = world.arguments(more);
        let mut all = vec!["serve", "--http-address=127.0.0.1:0"];
        all.extend(arguments.iter().map(String::as_str));
        let ran = run(Path::new(BINARY), &all, b"");
        assert_ne!(ran.code, 0);
        assert!(ran.stderr.contains(expected), "{more:?}: {}", ran.stderr);
    };
    check(&["--audit-log-mode=later"], "invalid audit log mode later, allowed modes are");
    check(&["--audit-log-format=xml"], "invalid audit log format xml, allowed formats are");
    check(
        &["--audit-log-mode=batch", "--audit-log-batch-buffer-size=0"],
        "invalid audit batch log buffer size 0, must be a positive number",
    );
    check(&["--feature-gates=Nonsense=true"], "unrecognized feature gate: Nonsense");
    fs::write(world.folder.path().join("policy.yaml"), "kind: Policy\n").unwrap();
    check(&[], "unknown group version field");
}
