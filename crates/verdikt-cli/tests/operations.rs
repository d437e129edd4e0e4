//! Running the real binary as operators do: bounds, what it says of itself, and how it starts and ends.

#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use verdikt_tests::binary::Serving;
use verdikt_tests::cluster::free_port;
use verdikt_tests::component::Component;
use verdikt_tests::http::{Answer, get, raw};

const BINARY: &str = env!("CARGO_BIN_EXE_verdikt");

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies").join(name)
}

fn policy() -> [String; 2] {
    [
        format!("--policy-dir={}", example("reverse-proxy/manifests").display()),
        format!("--token-auth-file={}", example("reverse-proxy/tokens.csv").display()),
    ]
}

fn serve(more: &[&str]) -> Serving {
    let policy = policy();
    let flags: Vec<&str> = policy.iter().map(String::as_str).chain(more.iter().copied()).collect();
    Serving::start(Path::new(BINARY), &flags)
}

fn as_jane(address: SocketAddr, target: &str) -> Answer {
    let bytes = format!(
        "GET {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer jane-token\r\nConnection: close\r\n\r\n"
    );
    raw(address, bytes.as_bytes())
}

#[test]
fn more_requests_than_may_be_in_flight_are_sent_away() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let component = Component::start(&runtime);
    let (proxy, grpc) = (free_port(), free_port());
    let serving = serve(&[
        "--max-requests-inflight=2",
        &format!("--upstream=http://{}", component.address()),
        &format!("--proxy-address={proxy}"),
        &format!("--grpc-address={grpc}"),
    ]);
    // Two are being answered, at another listener.
    let head = "HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer jane-token\r\n\r\n";
    let mut waiting: Vec<TcpStream> = (0..2)
        .map(|_| {
            let mut stream = TcpStream::connect(proxy).unwrap();
            write!(stream, "GET /never {head}").unwrap();
            stream
        })
        .collect();
    let inflight = "apiserver_current_inflight_requests{request_kind=\"readOnly\"}";
    while component.seen().len() < 2 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let refused = get(serving.address(), "/version");
    assert_eq!((refused.code, refused.header("retry-after")), (429, "1"), "{refused:?}");
    assert_eq!(refused.body, "Too many requests, please try again later.\n");
    assert_eq!(refused.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(as_jane(proxy, "/a").code, 429);
    let call = format!(
        "POST /verdikt.v1.Verdikt/Status HTTP/1.1\r\nHost: {grpc}\r\nContent-Type: application/grpc\r\n\
         Connection: close\r\nContent-Length: 0\r\n\r\n"
    );
    let exhausted = raw(grpc, call.as_bytes());
    assert_eq!((exhausted.code, exhausted.header("grpc-status")), (200, "8"), "{exhausted:?}");
    assert_eq!(
        exhausted.header("grpc-message"),
        "too%20many%20requests,%20please%20try%20again%20later."
    );
    // A watch needs a place as well, until it is known who sends it; probes do not.
    assert_eq!(as_jane(proxy, "/api/v1/pods?watch=1").code, 429);
    assert_eq!(get(serving.address(), "/readyz").code, 200);
    // As soon as there is a place, it can be had.
    drop(waiting.pop());
    while get(serving.address(), "/version").code != 200 {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Once they are admitted, watches leave room for others.
    let watches: Vec<_> = (0..3)
        .map(|_| {
            let seen = component.seen().len();
            let watch = std::thread::spawn(move || as_jane(proxy, "/api/v1/pods?watch=1").code);
            while component.seen().len() == seen {
                std::thread::sleep(Duration::from_millis(5));
            }
            watch
        })
        .collect();
    let codes: Vec<u16> = watches.into_iter().map(|watch| watch.join().unwrap()).collect();
    assert_eq!(codes, [200, 200, 200]);
    let metrics = get(serving.address(), "/metrics").body;
    // The one that waits, and this one.
    assert!(metrics.contains(&format!("{inflight} 2")), "{metrics}");
    assert!(
        metrics
            .contains("apiserver_request_terminations_total{code=\"429\",component=\"verdikt\"} ")
    );
}

#[test]
fn the_flags_in_force_are_shown_without_secrets() {
    let serving = serve(&["--feature-gates=ConstrainedImpersonation=false"]);
    let shown = get(serving.address(), "/configz").json();
    let flags = &shown["verdikt"];
    assert_eq!(flags["max-requests-inflight"], json!("400"), "{shown}");
    assert_eq!(flags["feature-gates"], json!(["ConstrainedImpersonation=false"]), "{shown}");
    let [folder, _] = policy();
    assert_eq!(
        flags["policy-dir"],
        json!([folder.strip_prefix("--policy-dir=").unwrap()]),
        "{shown}"
    );
    assert!(flags["token-auth-file"].as_str().unwrap().ends_with("tokens.csv"), "{shown}");
    assert!(!shown.to_string().contains("jane-token"), "{shown}");
    let serving = serve(&["--http-access=authorized"]);
    assert_eq!(get(serving.address(), "/configz").code, 403);
    assert_eq!(as_jane(serving.address(), "/configz").code, 200);
}

#[test]
fn each_check_can_be_asked_and_left_out() {
    let serving = serve(&["--shutdown-delay-duration=10s"]);
    let address = serving.address();
    let check = |target: &str, code: u16, body: &str| {
        let answer = get(address, target);
        assert_eq!((answer.code, answer.body.as_str()), (code, body), "{target}");
    };
    check("/livez?verbose", 200, "[+]ping ok\nlivez check passed\n");
    check("/healthz?verbose=1", 200, "[+]ping ok\nhealthz check passed\n");
    check("/readyz/policy", 200, "ok");
    check("/readyz/none", 404, "404 page not found\n");
    check(
        "/readyz?verbose&exclude=reload&exclude=no&exclude=never",
        200,
        "[+]ping ok\n[+]policy ok: revision 1\n[+]reload excluded: ok\n[+]shutdown ok\n\
         warn: some health checks cannot be excluded: no matches for \"never\", \"no\"\nreadyz check passed\n",
    );
    // While it ends, it is not ready, and answers all the same.
    assert!(
        Command::new("kill")
            .args(["-s", "TERM", &serving.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    while get(address, "/readyz/shutdown").code == 200 {
        std::thread::sleep(Duration::from_millis(5));
    }
    check("/readyz/shutdown", 500, "internal server error: reason withheld\n");
    check("/readyz?exclude=shutdown", 200, "ok");
    let answer = get(address, "/readyz");
    let end = "[-]shutdown failed: reason withheld\nreadyz check failed\n";
    assert!(answer.code == 500 && answer.body.ends_with(end), "{answer:?}");
    check("/livez", 200, "ok");
    assert_eq!(as_jane(address, "/docs").code, 200);
}

/// A supervisor's end of the socket that services tell it of themselves on: what they say next.
fn supervisor(path: &Path) -> impl Fn() -> String {
    let socket = UnixDatagram::bind(path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    move || {
        let mut bytes = [0; 1024];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(bytes.get(..length).unwrap()).into_owned()
    }
}

#[test]
fn a_hangup_reloads_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens.csv");
    // A watcher may look at any time: it must not see half of a file.
    let write = |text: &str| {
        let new = folder.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &tokens).unwrap();
    };
    write("a,ann,1\n");
    let path = folder.path().join("notify");
    let read = supervisor(&path);
    let mut child = Command::new(BINARY)
        .args([
            "serve",
            "--http-address=127.0.0.1:0",
            "--authorization-mode=RBAC",
            "--token-auth-file",
        ])
        .arg(&tokens)
        .env("NOTIFY_SOCKET", &path)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let signal = |name: &str| {
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    };
    assert_eq!(read(), "READY=1\nSTATUS=serving revision 1\n");
    let mut last = 0;
    let mut reload = |status: &str| {
        signal("HUP");
        let said = read();
        let time = said.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| {
            panic!("{said:?}");
        });
        let time: u64 = time.trim_end().parse().unwrap();
        assert!(time > last, "{said:?}");
        last = time;
        assert_eq!(read(), format!("READY=1\nSTATUS={status}\n"));
    };
    reload("serving revision 1");
    write("a,ann,1\nb,bob,2\n");
    reload("serving revision 2");
    write("a\n");
    reload("serving revision 2, the last reload was refused");
    write("c,cid,3\n");
    reload("serving revision 3");
    signal("TERM");
    assert_eq!(read(), "STOPPING=1\n");
    assert!(child.wait().unwrap().success());
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    for line in ["nothing has changed", "reloading on SIGHUP was refused", "stopped"] {
        assert!(log.contains(line), "{line}\n{log}");
    }
    assert!(!log.contains("c,cid"), "{log}");
}

/// What systemd reads on the socket that it gives to the services it starts.
#[test]
fn systemd_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let read = supervisor(&path);
    let mut child = Command::new(BINARY)
        .args(["serve", "--http-address=127.0.0.1:0"])
        .args(policy())
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "100000")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert_eq!(read(), "READY=1\nSTATUS=serving revision 1\n");
    for _ in 0..3 {
        assert_eq!(read(), "WATCHDOG=1\n");
    }
    assert!(
        Command::new("kill")
            .args(["-s", "TERM", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    while read() != "STOPPING=1\n" {}
    assert!(child.wait().unwrap().success());
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("stopped"), "{log}");
}
