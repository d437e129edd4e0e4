//! HTTPS: who clients are by their certificates, what changes while connections are there, and what is
//! refused. Over real sockets, with a real client.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use verdikt::authn::front_proxy::HeaderNames;
use verdikt::{Builder, Credentials, Engine, Outcome, Peer};
use verdikt_server::TlsOptions;
use verdikt_tests::binary::is_installed;
use verdikt_tests::http::Running;
use verdikt_tests::tls::{Authority, Certified, Connection, connect};

const POLICY: &str = include_str!("../../policies/authn-x509/policy.yaml");
const PODS: &str = "/api/v1/namespaces/shop/pods";

/// A server over TLS, its authorities, and the folder its files are in.
struct World {
    server: Running,
    engine: Engine,
    own: Authority,
    clients: Authority,
    proxies: Authority,
    folder: tempfile::TempDir,
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    // At once, as whoever replaces a file while it is read should.
    let new = folder.join(format!("{name}.new"));
    fs::write(&new, text).unwrap();
    fs::rename(new, &path).unwrap();
    path
}

fn world(configure: impl FnOnce(Builder, &Parts<'_>) -> Builder) -> World {
    let folder = tempfile::tempdir().unwrap();
    let [own, clients, proxies] = ["servers", "clients", "proxies"].map(Authority::new);
    let shown = own.server();
    let certificate = write(folder.path(), "server.pem", &shown.certificate);
    let key = write(folder.path(), "server-key.pem", &shown.key);
    let client_ca = write(folder.path(), "clients.pem", &clients.pem);
    let builder = Engine::builder()
        .manifest("policy.yaml", POLICY)
        .client_ca_file(client_ca)
        .poll_interval(Duration::from_millis(50));
    let parts = Parts { folder: folder.path(), clients: &clients, proxies: &proxies };
    let engine = configure(builder, &parts).build().unwrap();
    let mut tls = TlsOptions::new(certificate, key);
    tls.poll_interval = Duration::from_millis(50);
    tls.handshake_timeout = Duration::from_millis(500);
    let server = Running::start_tls(engine.clone(), &tls);
    World { server, engine, own, clients, proxies, folder }
}

/// What a world is made of.
struct Parts<'a> {
    folder: &'a Path,
    clients: &'a Authority,
    proxies: &'a Authority,
}

impl World {
    fn connect(&self, client: Option<&Certified>) -> Connection {
        connect(self.server.address(), &self.own.pem, client).unwrap()
    }

    /// The status of a request on a connection of its own.
    fn code(&self, client: Option<&Certified>, headers: &[(&str, &str)]) -> u16 {
        self.connect(client).get(PODS, headers).unwrap().code
    }

    /// Waits until a reload has been done.
    fn after_reload(&self, change: impl FnOnce()) {
        let before = self.engine.revision();
        change();
        wait_for(|| self.engine.revision() > before);
    }
}

fn wait_for(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "it did not come to pass");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_client_is_who_its_certificate_says() {
    let world = world(|builder, _| builder);
    let jane = world.clients.client("jane", "developers", 1);
    let answer = world.connect(Some(&jane)).get(PODS, &[]).unwrap();
    assert_eq!(answer.code, 200, "{}", answer.body);
    let message = answer.json()["message"].to_string();
    assert!(message.contains("to Group \\\"developers\\\""), "{message}");
    // Nobody in particular, somebody from elsewhere, and somebody in another group.
    assert_eq!(world.code(None, &[]), 403);
    assert_eq!(
        world.code(Some(&Authority::new("clients").client("jane", "developers", 1)), &[]),
        401
    );
    assert_eq!(world.code(Some(&world.clients.client("joe", "guests", 1)), &[]), 403);
    // A certificate that is not for clients.
    assert_eq!(world.code(Some(&world.clients.server()), &[]), 401);
}

#[test]
fn the_index_lists_the_paths_to_whom_may_see_them() {
    let world = world(|builder, _| builder);
    let jane = world.clients.client("jane", "developers", 1);
    let answer = world.connect(Some(&jane)).get("/", &[]).unwrap();
    assert_eq!(answer.code, 200);
    let first = "{\n  \"paths\": [\n    \"/.well-known/authzen-configuration\",\n    ";
    assert!(answer.body.starts_with(first), "{}", answer.body);
    let index: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let paths: Vec<&str> =
        index["paths"].as_array().unwrap().iter().filter_map(|path| path.as_str()).collect();
    assert!(paths.is_sorted() && paths.contains(&"/apis") && paths.contains(&"/v1/check"));
    assert_eq!(world.connect(None).get("/", &[]).unwrap().code, 403);
}

#[test]
fn a_bundle_is_reloaded_and_connections_keep_their_identity() {
    let world = world(|builder, _| builder);
    let jane = world.clients.client("jane", "developers", 1);
    let others = Authority::new("others");
    let olga = others.client("olga", "developers", 1);
    let mut kept = world.connect(Some(&jane));
    let mut refused = world.connect(Some(&olga));
    assert_eq!(kept.get(PODS, &[]).unwrap().code, 200);
    assert_eq!(refused.get(PODS, &[]).unwrap().code, 401);
    world.after_reload(|| drop(write(world.folder.path(), "clients.pem", &others.pem)));
    assert_eq!(kept.get(PODS, &[]).unwrap().code, 200);
    assert_eq!(refused.get(PODS, &[]).unwrap().code, 200);
    assert_eq!(world.code(Some(&jane), &[]), 401);
    assert_eq!(world.code(Some(&olga), &[]), 200);
    // A bundle that cannot be read changes nothing.
    write(world.folder.path(), "clients.pem", "nonsense");
    wait_for(|| !world.engine.status().last_reload.ok);
    let error = world.engine.status().last_reload.error.unwrap();
    assert!(error.contains("data does not contain any valid RSA or ECDSA certificates"), "{error}");
    assert_eq!(world.code(Some(&olga), &[]), 200);
}

#[test]
fn a_revoked_certificate_is_refused_on_connections_too() {
    let world = world(|builder, parts| {
        let list = parts.clients.revoke(&[7], 2120);
        builder.client_crl_file(write(parts.folder, "crl.pem", &list))
    });
    let jane = world.clients.client("jane", "developers", 1);
    let former = world.clients.client("joe", "developers", 7);
    assert_eq!(world.code(Some(&former), &[]), 401);
    let mut kept = world.connect(Some(&jane));
    assert_eq!(kept.get(PODS, &[]).unwrap().code, 200);
    let crl = |list: &str| drop(write(world.folder.path(), "crl.pem", list));
    world.after_reload(|| crl(&world.clients.revoke(&[1], 2120)));
    assert_eq!(kept.get(PODS, &[]).unwrap().code, 401);
    assert_eq!(world.code(Some(&former), &[]), 200);
    // Nothing can be told from a list that has expired.
    world.after_reload(|| crl(&world.clients.revoke(&[], 2021)));
    assert_eq!(world.code(Some(&former), &[]), 401);
    let warnings = world.engine.status().loaded.warnings;
    assert!(warnings.iter().any(|found| found.id == "x509/stale-revocation-list"), "{warnings:?}");
    // A list that somebody else made is no list.
    crl(&Authority::new("clients").revoke(&[], 2120));
    wait_for(|| !world.engine.status().last_reload.ok);
}

#[test]
fn a_proxy_speaks_for_others_and_nobody_else_does() {
    let world = world(|builder, parts| {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        builder
            .requestheader_client_ca_file(write(parts.folder, "proxies.pem", &parts.proxies.pem))
            .requestheader_allowed_names(["front"])
            .requestheader_names(HeaderNames {
                user: names(&["X-Remote-User"]),
                group: names(&["X-Remote-Group"]),
                ..HeaderNames::default()
            })
    });
    let developer = [("X-Remote-User", "jane"), ("x-remote-group", "developers")];
    let guest = [("X-Remote-User", "jane"), ("X-Remote-Group", "guests")];
    let proxy = world.proxies.client("front", "x", 1);
    let mut connection = world.connect(Some(&proxy));
    assert_eq!(connection.get(PODS, &developer).unwrap().code, 200);
    assert_eq!(connection.get(PODS, &guest).unwrap().code, 403);
    assert_eq!(connection.get(PODS, &developer).unwrap().code, 200);
    // Without a user the proxy is only a client that nobody knows.
    assert_eq!(connection.get(PODS, &[]).unwrap().code, 401);
    assert_eq!(world.code(Some(&world.proxies.client("other", "x", 2)), &developer), 401);
    assert_eq!(world.code(None, &developer), 403);
    // A client keeps its own name, whatever it writes into headers.
    assert_eq!(world.code(Some(&world.clients.client("joe", "guests", 1)), &developer), 403);
    let removed = |name: &str| world.engine.snapshot().removes_header(name);
    assert!(removed("x-remote-extra-a") && removed("Authorization") && !removed("accept"));
}

#[test]
fn what_one_engine_accepted_says_nothing_to_another() {
    let [one, other] = [(); 2].map(|()| world(|builder, _| builder));
    let peer = Peer::new([one.clients.client("jane", "developers", 1).der()]);
    let credentials = Credentials::none().with_peer(Some(&peer));
    for _ in 0..2 {
        assert!(matches!(one.engine.authenticate(&credentials), Outcome::Authenticated(_)));
        assert!(matches!(other.engine.authenticate(&credentials), Outcome::Failed(_)));
    }
}

#[test]
fn the_servers_certificate_is_reloaded_as_one_pair() {
    let world = world(|builder, _| builder);
    let folder = world.folder.path();
    let first = world.connect(None).server_certificate();
    let mut kept = world.connect(None);
    let new = world.own.server();
    // Half of a pair is no pair: the last good one stays.
    write(folder, "server.pem", &new.certificate);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(world.connect(None).server_certificate(), first);
    write(folder, "server-key.pem", &new.key);
    wait_for(|| world.connect(None).server_certificate() != first);
    assert_eq!(kept.get(PODS, &[]).unwrap().code, 403);
}

#[test]
fn who_does_not_shake_hands_is_sent_away() {
    let world = world(|builder, _| builder);
    for bytes in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", &[0x16, 3, 1, 0xff, 0xff, 0], &[0; 4096]] {
        let mut stream = TcpStream::connect(world.server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        drop(stream.write_all(bytes));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{answer:?}");
    }
    assert_eq!(world.code(None, &[]), 403);
}

fn policies(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder)
}

/// The example, served as its README says.
fn example(folder: &Path, configure: impl FnOnce(Builder) -> Builder) -> Running {
    let builder = Engine::builder().policy_dir(folder.join("policy.yaml"));
    let tls = TlsOptions::new(folder.join("server.pem"), folder.join("server-key.pem"));
    Running::start_tls(configure(builder).build().unwrap(), &tls)
}

/// What curl prints, with the answer's status behind it; or its exit code.
fn curl(folder: &Path, server: &Running, target: &str, arguments: &[&str]) -> Result<String, i32> {
    let url = format!("https://localhost:{}{target}", server.address().port());
    let output = Command::new("curl")
        .current_dir(folder)
        .args(["--silent", "--noproxy", "*", "--max-time", "20", "--write-out", "%{http_code}"])
        .args(["--ipv4"])
        .args(arguments)
        .arg(url)
        .output()
        .unwrap();
    match output.status.code() {
        Some(0) => Ok(String::from_utf8(output.stdout).unwrap()),
        code => Err(code.unwrap_or(-1)),
    }
}

#[test]
fn the_walk_through_with_curl_works_word_for_word() {
    if !is_installed("curl") {
        return;
    }
    let folder = policies("policies/authn-x509");
    let server = example(&folder, |builder| {
        builder.client_ca_file(folder.join("ca.pem")).client_crl_file(folder.join("crl.pem"))
    });
    let ask = |arguments: &[&str]| curl(&folder, &server, "/", arguments);
    let certificate = ["--cert", "client.pem", "--key", "client-key.pem", "--cacert", "ca.pem"];
    let answer = ask(&certificate).unwrap();
    assert!(answer.contains("\"paths\": [\n") && answer.ends_with("200"), "{answer}");
    // 60: the certificate of the server is not known.
    assert_eq!(ask(&certificate[..4]), Err(60));
    let answer = ask(&["-k"]).unwrap();
    assert!(answer.ends_with("403") && answer.contains("cannot get path"), "{answer}");
    let former = ["--cert", "former.pem", "--key", "former-key.pem", "--cacert", "ca.pem"];
    assert!(ask(&former).unwrap().ends_with("401"));

    let closed = example(&folder, |builder| builder.anonymous_auth(false));
    assert!(curl(&folder, &closed, "/", &["-k"]).unwrap().ends_with("401"));
}

#[test]
fn the_proxy_of_the_example_speaks_for_jane() {
    if !is_installed("curl") {
        return;
    }
    let folder = policies("policies/authn-front-proxy");
    let server = example(&folder, |builder| {
        builder
            .requestheader_client_ca_file(folder.join("proxy-ca.pem"))
            .requestheader_allowed_names(["front-proxy-client"])
            .requestheader_names(HeaderNames {
                user: vec!["X-Remote-User".to_owned()],
                group: vec!["X-Remote-Group".to_owned()],
                ..HeaderNames::default()
            })
    });
    let headers = ["-H", "X-Remote-User: jane", "-H", "X-Remote-Group: developers"];
    let certificate = ["--cert", "proxy.pem", "--key", "proxy-key.pem", "--cacert", "ca.pem"];
    let answer = curl(&folder, &server, PODS, &[&certificate[..], &headers].concat()).unwrap();
    assert!(answer.ends_with("200"), "{answer}");
    let answer = curl(&folder, &server, PODS, &[&["-k"][..], &headers].concat()).unwrap();
    assert!(answer.ends_with("403"), "{answer}");
}
