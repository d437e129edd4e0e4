//! verdikt as a reverse proxy: what reaches the upstream and what comes back, with clients that behave and others
//! that do not.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use verdikt::Engine;
use verdikt::audit::LogOptions;
use verdikt_server::proto::v1;
use verdikt_server::{Options, TlsOptions, UpstreamOptions};
use verdikt_tests::binary::finish;
use verdikt_tests::component::{Component, write};
use verdikt_tests::grpc::Client;
use verdikt_tests::http::{Answer, Running};
use verdikt_tests::tls::{Authority, Certified, connect};

fn policy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/reverse-proxy").join(file)
}

fn builder() -> verdikt::Builder {
    Engine::builder()
        .policy_dir(policy("manifests"))
        .token_auth_file(policy("tokens.csv"))
        .anonymous_auth(false)
}

/// A component, and a proxy in front of it.
struct World {
    component: Component,
    engine: Engine,
    proxy: Running,
    _runtime: tokio::runtime::Runtime,
}

impl World {
    fn new() -> Self {
        Self::with(|_| {}, |_| {})
    }

    fn with(
        upstream: impl FnOnce(&mut UpstreamOptions),
        options: impl FnOnce(&mut Options),
    ) -> Self {
        let runtime = runtime();
        let component = Component::start(&runtime);
        let mut to = UpstreamOptions::new(format!("http://{}", component.address()));
        upstream(&mut to);
        let engine = builder().build().unwrap();
        let proxy = Running::start_proxy(engine.clone(), None, &to, options);
        Self { component, engine, proxy, _runtime: runtime }
    }

    fn count(&self, family: &str, labels: &[(&str, &str)]) -> f64 {
        let readings = self.engine.metrics();
        let reading = readings.iter().find(|reading| reading.family.name == family);
        reading.and_then(|reading| reading.get(labels)).unwrap_or_default()
    }

    fn as_jane(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.proxy.send(method, target, &[&[JANE], headers].concat(), body)
    }

    /// A connection of its own, with something said already.
    fn say(&self, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.proxy.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A proxy in front of an address at which something else listens.
fn before(address: SocketAddr, change: impl FnOnce(&mut UpstreamOptions)) -> Running {
    let mut to = UpstreamOptions::new(format!("http://{address}"));
    change(&mut to);
    Running::start_proxy(builder().build().unwrap(), None, &to, |_| {})
}

/// Reads until this text has come.
fn read_until(stream: &mut impl Read, end: &str) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(end.as_bytes()) {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&text));
        text.extend(byte);
    }
    String::from_utf8(text).unwrap()
}

const JANE: (&str, &str) = ("Authorization", "Bearer jane-token");
const JOE: (&str, &str) = ("Authorization", "Bearer joe-token");
const HEAD: &str = "HTTP/1.1\r\nHost: site.example\r\nAuthorization: Bearer jane-token\r\n";

#[test]
fn the_upstream_learns_who_it_is_and_nothing_that_the_client_claims() {
    let world = World::new();
    let claims = [
        ("X-Remote-User", "admin"),
        ("X_Remote_Group", "system:masters"),
        ("X-Remote-Extra-Scopes", "all"),
        ("Connection", "close, X-Secret"),
        ("X-Secret", "s"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("Cookie", "theme=dark"),
        ("Audit-ID", "abc"),
    ];
    let answer = world.as_jane("GET", "/shop/shoes?size=44&q=%2F..", &claims, "");
    assert_eq!(answer.code, 200, "{answer:?}");
    let mut lines: Vec<&str> = answer.body.lines().collect();
    lines.sort_unstable();
    let address = world.component.address();
    assert_eq!(
        lines,
        [
            "GET /shop/shoes?size=44&q=%2F.. HTTP/1.1",
            "audit-id: abc",
            "content-length: 0",
            "cookie: theme=dark",
            &format!("host: {address}"),
            "x-forwarded-for: 192.0.2.1, 127.0.0.1",
            "x-forwarded-host: verdikt",
            "x-forwarded-proto: http",
            "x-remote-group: developers",
            "x-remote-group: staff",
            "x-remote-group: system:authenticated",
            "x-remote-uid: u-1",
            "x-remote-user: jane",
        ]
    );
    let kept = ["x-component", "set-cookie", "audit-id"].map(|name| answer.header(name).to_owned());
    assert_eq!(kept, ["here", "a=b", "abc"], "{answer:?}");
    assert_eq!(answer.header("x-hop"), "", "it belongs to the connection");
}

#[test]
fn what_is_refused_never_reaches_the_upstream() {
    let world = World::new();
    let check = |headers: &[(&str, &str)], method: &str, target: &str, code: u16, said: &str| {
        let answer = world.proxy.send(method, target, headers, "");
        assert_eq!(answer.code, code, "{target}: {answer:?}");
        let message = answer.json()["message"].as_str().unwrap_or(&answer.body).to_owned();
        assert!(message.contains(said), "{target}: {answer:?}");
    };
    check(&[], "GET", "/", 401, "Unauthorized");
    check(&[("Authorization", "Bearer no")], "GET", "/", 401, "Unauthorized");
    check(&[("X-Remote-User", "jane")], "GET", "/", 401, "Unauthorized");
    check(&[JOE], "GET", "/", 403, "User \"joe\" cannot get path \"/\"");
    check(&[JOE], "POST", "/docs/a", 403, "cannot post path");
    check(&[JOE, ("Impersonate-User", "jane")], "GET", "/", 403, "cannot impersonate");
    check(&[JANE, JOE], "GET", "/docs", 400, "authorization is there more than once");
    for path in
        ["/docs/../admin", "/docs/%2e%2e/admin", "/docs/..;/admin", "/docs%00", "/docs/\\..\\a"]
    {
        check(&[JOE], "GET", path, 400, "the path has a part");
    }
    check(&[JOE], "GET", "/docs/..%2fadmin", 400, "the path has a part");
    check(&[JOE], "GET", "/docs%2fadmin", 400, "escaped slash");
    check(&[JANE], "GET", "/api/v1/namespaces//dev/pods", 400, "an empty part");
    check(&[JANE], "OPTIONS", "*", 400, "not a path");
    check(&[JANE], "CONNECT", "elsewhere:443", 405, "405");
    assert_eq!(world.component.seen(), Vec::<String>::new());
    for (method, target) in [("GET", "/docs/a%20b?c"), ("HEAD", "/docs"), ("GET", "/docs//a")] {
        check(&[JOE], method, target, 200, "");
    }
    check(&[JOE], "GET", "http://elsewhere/docs/b", 200, "GET /docs/b HTTP/1.1");
    let seen = ["GET /docs/a%20b?c", "HEAD /docs", "GET /docs//a", "GET /docs/b"];
    assert_eq!(world.component.seen(), seen);
}

#[test]
fn bodies_are_handed_on_as_they_come() {
    let world = World::new();
    // Each part is back before the next one is sent.
    let head = format!("POST /echo {HEAD}Transfer-Encoding: chunked\r\n\r\n");
    let mut stream = world.say(&head);
    for part in ["one", "two", "three"] {
        write!(stream, "{:x}\r\n{part}\r\n", part.len()).unwrap();
        read_until(&mut stream, part);
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    read_until(&mut stream, "0\r\n\r\n");
    // The first part of an answer is there before the second one exists.
    let mut stream = world.say(&format!("GET /slow {HEAD}\r\n"));
    read_until(&mut stream, "first,");
    world.component.go_on();
    read_until(&mut stream, "second");
    // The connection goes on.
    stream.write_all(format!("GET /a {HEAD}\r\n").as_bytes()).unwrap();
    read_until(&mut stream, "x-remote-user: jane");
}

#[test]
fn a_body_of_a_gigabyte_passes_through_little_memory() {
    let world = World::new();
    let size: usize = 1 << 30;
    let mut stream = world.say(&format!("POST /count {HEAD}Content-Length: {size}\r\n\r\n"));
    let part = vec![b'a'; 1 << 20];
    let before = peak_memory();
    for _ in 0..size / part.len() {
        stream.write_all(&part).unwrap();
    }
    read_until(&mut stream, &size.to_string());
    let more = peak_memory() - before;
    assert!(more < 64 << 10, "{more} KiB more at the peak");
    // Whoever may not send it is told so at once, and cut off.
    let head = format!("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n");
    let mut stream = world.say(&head);
    let answer = read_until(&mut stream, "\r\n");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let sent = (0..size / part.len()).take_while(|_| stream.write_all(&part).is_ok()).count();
    assert!(sent < 64, "{sent} MiB were taken of a request that had been refused");
    assert_eq!(world.component.seen().len(), 1);
}

/// The most memory that this process had so far, in KiB.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn connections_become_what_both_ends_want() {
    let world = World::new();
    let ask = |path: &str, more: &str| {
        let upgrade = format!("GET {path} {HEAD}Connection: keep-alive, Upgrade\r\n{more}\r\n");
        world.say(&upgrade)
    };
    for protocol in ["websocket", "SPDY/3.1"] {
        let token = "base64url.bearer.authorization.k8s.io.YWJj";
        let more = format!("Upgrade: {protocol}\r\nSec-WebSocket-Protocol: {token}, v5\r\n");
        let mut stream = ask("/api/v1/namespaces/dev/pods/a/exec", &more);
        let head = read_until(&mut stream, "\r\n\r\n").to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101"), "{head}");
        assert!(head.contains(&format!("upgrade: {}\r\n", protocol.to_lowercase())), "{head}");
        assert!(head.contains("sec-websocket-accept: yes"), "{head}");
        for text in ["hello", "\0\r\n\r\nbye"] {
            stream.write_all(text.as_bytes()).unwrap();
            assert_eq!(read_until(&mut stream, text), text);
        }
        assert_eq!(world.count("verdikt_upstream_tunnels", &[]), 1.0);
        drop(stream);
        while world.count("verdikt_upstream_tunnels", &[]) != 0.0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    // HTTP/2 in there would lead past every decision.
    for more in
        ["Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", "Upgrade: websocket, h2c\r\n"]
    {
        let answer = read_until(&mut ask("/a", more), "x-remote-user: jane");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(!answer.to_ascii_lowercase().contains("upgrade"), "{answer}");
    }
    let answer = read_until(&mut ask("/elsewhere", "Upgrade: websocket\r\n"), "\r\n");
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    let answer = world.as_jane("GET", "/switch", &[], "");
    assert_eq!(answer.code, 502, "{answer:?}");
    let joe = "GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer joe-token\r\n\
               Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let answer = read_until(&mut world.say(joe), "\r\n");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[test]
fn an_upstream_that_fails_is_told_from_a_refusal() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = before(nobody, |_| {});
    let check = |proxy: &Running, target: &str, code: u16, said: &str| {
        let answer = proxy.send("GET", target, &[JANE], "");
        assert_eq!(answer.code, code, "{target}: {answer:?}");
        assert_eq!(answer.json()["message"], said, "{answer:?}");
        // Whoever may not ask learns nothing about the upstream.
        assert_eq!(proxy.send("GET", target, &[JOE], "").code, 403, "{target}");
    };
    check(&proxy, "/", 502, "the upstream cannot be reached");
    let garbage = talking(b"SSH-2.0-OpenSSH_9.2\r\n");
    check(&before(garbage, |_| {}), "/", 502, "the upstream gave no answer that can be read");
    let nothing = talking(b"");
    check(&before(nothing, |_| {}), "/", 502, "the upstream gave no answer that can be read");

    let world = World::with(|to| to.timeout = Duration::from_millis(300), |_| {});
    check(&world.proxy, "/never", 504, "the upstream did not answer in time");
    assert_eq!(world.count("verdikt_upstream_requests_total", &[("result", "timeout")]), 1.0);
    // What may take as long as it likes has no such limit.
    let log = world.as_jane("GET", "/api/v1/pods?watch=1", &[], "");
    assert_eq!(log.code, 200, "{log:?}");
    // An answer that is cut is not made to look whole.
    let mut stream = world.say(&format!("GET /cut {HEAD}\r\n"));
    assert!(read_until(&mut stream, "part").starts_with("HTTP/1.1 200"));
    world.component.go_on();
    let mut rest = String::new();
    drop(stream.read_to_string(&mut rest));
    assert_eq!(rest, "\r\n");
}

/// Something that says this to whoever connects and asks, and closes.
fn talking(words: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut some = [0; 1024];
            let _ = stream.read(&mut some);
            let _ = stream.write_all(words);
        }
    });
    address
}

#[test]
fn clients_that_stop_get_what_they_deserve() {
    let world = World::with(
        |_| {},
        |options| {
            options.limits.read_timeout = Duration::from_millis(300);
        },
    );
    let proxy = &world.proxy;
    let send = |bytes: &str, is_half_closed: bool| {
        let mut stream = TcpStream::connect(proxy.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        if is_half_closed {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
    };
    let post = format!("POST /count {HEAD}");
    // A body that stops.
    let slow = send(&format!("{post}Content-Length: 10\r\n\r\nabc"), false);
    assert!(slow.starts_with("HTTP/1.1 408"), "{slow}");
    let slow = send(&format!("{post}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), false);
    assert!(slow.starts_with("HTTP/1.1 408"), "{slow}");
    // A head that stops.
    assert_eq!(send(&post, false), "");
    // The client has gone, or what it sends is framed in no way.
    for broken in [
        format!("{post}Content-Length: 10\r\n\r\nabc"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\n3\r\nab"),
    ] {
        let answer = send(&broken, true);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{broken}: {answer}");
    }
    let odd =
        send(&format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"), false);
    assert!(odd.starts_with("HTTP/1.1 400"), "{odd}");
    // Half closed after the whole request: the answer still comes.
    let whole = send(&format!("GET /a {HEAD}Connection: close\r\n\r\n"), true);
    assert!(whole.is_empty() || whole.starts_with("HTTP/1.1 200"), "{whole}");
    assert_eq!(proxy.send("GET", "/a", &[JANE], "").code, 200);
}

/// One request, whatever its framing says: the bytes behind it are never taken for another one of somebody else.
#[test]
fn no_request_is_smuggled_behind_another() {
    let world = World::new();
    let evil = "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n";
    let (size, chunk) = (evil.len(), format!("{:x}\r\n{evil}\r\n0\r\n\r\n", evil.len()));
    for (framing, body) in [
        // Both lengths, in both orders.
        (
            format!("Content-Length: {size}\r\nTransfer-Encoding: chunked"),
            format!("0\r\n\r\n{evil}"),
        ),
        (
            format!("Transfer-Encoding: chunked\r\nContent-Length: {size}"),
            format!("0\r\n\r\n{evil}"),
        ),
        ("Content-Length: 4\r\nTransfer-Encoding: chunked".to_owned(), chunk.clone()),
        // Two lengths that differ.
        (format!("Content-Length: 0\r\nContent-Length: {size}"), evil.to_owned()),
        (format!("Content-Length: 0, {size}"), evil.to_owned()),
        (format!("Content-Length: +{size}"), evil.to_owned()),
        // Codings that others may pass over.
        ("Transfer-Encoding: xchunked".to_owned(), chunk.clone()),
        ("Transfer-Encoding: chunked, identity".to_owned(), chunk.clone()),
        ("Transfer-Encoding : chunked".to_owned(), chunk.clone()),
        ("Transfer-Encoding:\x0bchunked".to_owned(), chunk.clone()),
        ("X: a\nTransfer-Encoding: chunked".to_owned(), chunk.clone()),
        ("Transfer-Encoding:\r\n chunked".to_owned(), chunk),
        // Chunks whose sizes can be read in two ways.
        ("Transfer-Encoding: chunked".to_owned(), format!("0x0\r\n\r\n{evil}")),
        ("Transfer-Encoding: chunked".to_owned(), format!("-1\r\n\r\n{evil}")),
        ("Transfer-Encoding: chunked".to_owned(), format!("00000000000000000000\n\n{evil}")),
        ("Transfer-Encoding: chunked".to_owned(), format!("ffffffffffffffff1\r\n\r\n{evil}")),
    ] {
        let count = world.component.seen().len();
        let bytes = format!("POST /docs/a {HEAD}{framing}\r\n\r\n{body}");
        let mut stream = TcpStream::connect(world.proxy.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let seen = world.component.seen();
        let new = seen.get(count..).unwrap_or_default();
        // Without credentials of its own, what was hidden is a request of nobody: a 401, never a page.
        assert!(!new.iter().any(|request| request.contains("/admin")), "{framing:?}: {new:?}");
        assert!(new.len() <= 1, "{framing:?}: {new:?}");
        assert!(!answer.contains("GET /admin"), "{framing:?}: {answer}");
    }
}

#[test]
fn heads_without_end_are_refused() {
    let world = World::new();
    let many = "X-A: b\r\n".repeat(100_000);
    let answer = world.proxy.raw(format!("GET /docs {HEAD}{many}\r\n").as_bytes());
    assert!(matches!(answer.code, 0 | 431), "{}", answer.code);
    let long = format!("GET /docs {HEAD}X-A: {}\r\n\r\n", "b".repeat(1 << 20));
    let answer = world.proxy.raw(long.as_bytes());
    assert!(matches!(answer.code, 0 | 431), "{}", answer.code);
    let target = format!("GET /docs/{} {HEAD}\r\n", "a".repeat(100_000));
    let answer = world.proxy.raw(target.as_bytes());
    assert!(matches!(answer.code, 0 | 414 | 431), "{}", answer.code);
    let bytes = [b"GET /docs/\xff\xfe ".as_slice(), HEAD.as_bytes(), b"\r\n"].concat();
    let answer = world.proxy.raw(&bytes);
    assert_eq!(answer.code, 400, "{answer:?}");
    assert_eq!(world.component.seen(), Vec::<String>::new());
    assert_eq!(world.as_jane("GET", "/docs", &[], "").code, 200);
}

#[test]
fn the_trail_of_a_request_ends_with_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    let rules = folder.path().join("policy.yaml");
    std::fs::write(
        &rules,
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n",
    )
    .unwrap();
    let engine =
        builder().audit_policy_file(&rules).audit_log(LogOptions::new(&log)).build().unwrap();
    let runtime = runtime();
    let component = Component::start(&runtime);
    let to = UpstreamOptions::new(format!("http://{}", component.address()));
    let proxy = Running::start_proxy(engine.clone(), None, &to, |_| {});
    let events = || -> Vec<String> {
        assert!(engine.flush_audit(Duration::from_secs(10)));
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        text.lines()
            .map(|line| {
                let event: serde_json::Value = serde_json::from_str(line).unwrap();
                let code = event["responseStatus"]["code"].as_u64().unwrap_or_default();
                format!(
                    "{} {} {code}",
                    event["stage"].as_str().unwrap(),
                    event["requestURI"].as_str().unwrap()
                )
            })
            .collect()
    };
    assert_eq!(proxy.send("GET", "/a", &[JANE], "").code, 200);
    assert_eq!(events(), ["RequestReceived /a 0", "ResponseComplete /a 200"]);
    assert_eq!(proxy.send("GET", "/a", &[JOE], "").code, 403);
    assert_eq!(events().split_off(2), ["RequestReceived /a 0", "ResponseComplete /a 403"]);
    let call = [JOE, ("Content-Type", "application/grpc")];
    assert_eq!(proxy.send("POST", "/a", &call, "").header("grpc-status"), "7");
    assert_eq!(events().split_off(4), ["RequestReceived /a 0", "ResponseComplete /a 403"]);
    // An answer that is going on has begun, and has not ended.
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    let target = "/api/v1/namespaces/dev/pods/a/exec";
    write!(stream, "GET {target} {HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n").unwrap();
    read_until(&mut stream, "\r\n\r\n");
    let [received, started] =
        ["RequestReceived", "ResponseStarted"].map(|stage| format!("{stage} {target}"));
    assert_eq!(events().split_off(6), [format!("{received} 0"), format!("{started} 101")]);
    drop(stream);
    while events().len() < 9 {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(events().split_off(8), [format!("ResponseComplete {target} 101")]);
}

/// HTTP/2 and TLS on both sides, with a certificate for the upstream.
#[test]
fn tls_and_http_2_are_spoken_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("site");
    let clients = Authority::new("proxies");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, &authority.pem).unwrap();
    let certificate = |name: &str, certified: &Certified| write(folder.path(), name, certified);
    let serving = certificate("serving", &authority.server());
    let shown = certificate("proxy", &clients.client("verdikt-proxy", "", 1));
    let tls = TlsOptions::new(&serving.0, &serving.1);
    let runtime = runtime();
    let component = Component::start_tls(&runtime, &authority.server(), &clients);
    let mut to = UpstreamOptions::new(format!("https://localhost:{}", component.address().port()));
    to.ca_file = Some(ca.clone());
    to.client_certificate = Some(shown);
    to.poll_interval = Duration::from_millis(50);
    let start = |to: &UpstreamOptions| {
        Running::start_proxy(builder().build().unwrap(), Some(&tls), to, |_| {})
    };
    let proxy = start(&to);
    let curl = |proxy: &Running, arguments: &[&str]| -> (String, String) {
        let mut command = std::process::Command::new("curl");
        let url = format!("https://localhost:{}/echoed?a", proxy.address().port());
        command.args(["--silent", "--show-error", "--include", "--header"]);
        command.arg(format!("{}: {}", JANE.0, JANE.1)).arg("--cacert").arg(&ca);
        let ran = finish(command.args(arguments).arg(url), b"");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let (head, body) = ran.stdout.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    };
    for version in ["--http1.1", "--http2"] {
        let (head, body) = curl(&proxy, &[version, "--data", "x"]);
        let name = if version == "--http2" { "HTTP/2 200" } else { "HTTP/1.1 200" };
        assert!(head.starts_with(name), "{head}");
        let target =
            format!("POST https://localhost:{}/echoed?a HTTP/2.0", component.address().port());
        assert_eq!(body.lines().next(), Some(&*target));
        for line in ["x-remote-user: jane", "x-forwarded-proto: https"] {
            assert!(body.lines().any(|found| found == line), "{line}: {body}");
        }
        let host = format!("x-forwarded-host: localhost:{}", proxy.address().port());
        assert!(body.contains(&host), "{host}: {body}");
    }
    // WebSockets go over connections of HTTP/1.1.
    let mut stream = connect(proxy.address(), &authority.pem, None).unwrap();
    let stream = stream.stream();
    write!(stream, "GET /api/v1/pods {HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        .unwrap();
    assert!(read_until(stream, "\r\n\r\n").starts_with("HTTP/1.1 101"));
    stream.write_all(b"hello").unwrap();
    read_until(stream, "hello");

    // A certificate that the upstream does not know, or none, or an upstream of somebody else.
    let stranger = certificate("stranger", &authority.client("verdikt-proxy", "", 2));
    for change in [
        |to: &mut UpstreamOptions, _: &(PathBuf, PathBuf)| to.client_certificate = None,
        |to: &mut UpstreamOptions, stranger: &(PathBuf, PathBuf)| {
            to.client_certificate = Some(stranger.clone());
        },
        |to: &mut UpstreamOptions, stranger: &(PathBuf, PathBuf)| {
            to.ca_file = Some(stranger.0.clone())
        },
        |to: &mut UpstreamOptions, _: &(PathBuf, PathBuf)| {
            to.server_name = Some("elsewhere.example".to_owned());
        },
    ] {
        let mut wrong = to.clone();
        change(&mut wrong, &stranger);
        let (head, body) = curl(&start(&wrong), &["--http1.1"]);
        assert!(head.starts_with("HTTP/1.1 502"), "{head}\n{body}");
    }
    // A certificate that is replaced is used from the next connection on.
    certificate("proxy", &authority.client("verdikt-proxy", "", 3));
    let fresh = start(&to);
    assert!(curl(&fresh, &["--http1.1"]).0.starts_with("HTTP/1.1 502"));
    certificate("proxy", &clients.client("verdikt-proxy", "", 4));
    while !curl(&fresh, &["--http1.1"]).0.starts_with("HTTP/1.1 200") {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// gRPC through the proxy: HTTP/2 without TLS, a stream each way, and trailers. The upstream is verdikt itself.
#[test]
fn calls_of_grpc_pass_with_their_trailers() {
    let grpc = Running::start_grpc(builder().build().unwrap(), |_| {});
    let mut to = UpstreamOptions::new(format!("http://{}", grpc.address()));
    to.force_h2c = true;
    let proxy = Running::start_proxy(builder().build().unwrap(), None, &to, |_| {});
    let call = |token: &str| {
        let client = Client::new(&proxy).with("authorization", &format!("Bearer {token}"));
        let question = v1::CheckRequest {
            user: Some(v1::User { name: "joe".to_owned(), ..v1::User::default() }),
            request: Some(v1::check_request::Request::NonResource(v1::NonResourceAttributes {
                verb: "get".to_owned(),
                path: "/docs".to_owned(),
            })),
            ..v1::CheckRequest::default()
        };
        client.check(question)
    };
    let answer = call("jane-token").unwrap();
    assert_eq!(answer.decision(), v1::Decision::NoOpinion, "{answer:?}");
    let refused = call("joe-token").unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    assert!(refused.message().contains("cannot post path"), "{refused:?}");
    assert_eq!(call("no").unwrap_err().code(), tonic::Code::Unauthenticated);
}
