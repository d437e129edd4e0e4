//! The examples of `policies/reverse-proxy` with the real binary: in front of a site, and in front of a real
//! kube-apiserver that lets everyone do everything, with a real kubectl as the client.
#![expect(
    clippy::unwrap_used,
    reason = "what a test needs is there, or the test fails; what kubectl prints is worth reading"
)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use verdikt_tests::binary::{Ran, Serving, finish, is_installed};
use verdikt_tests::cluster::{self, ApiServer, free_port, kubectl, kubectl_as, tool};
use verdikt_tests::http::raw;
use verdikt_tests::tls::{Authority, Certified};
use verdikt_tests::upstream::Upstream;

const BINARY: &str = env!("CARGO_BIN_EXE_verdikt");

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/reverse-proxy").join(name)
}

/// Copies files of the example, with other texts in the place of some.
fn copy(names: &[&str], folder: &Path, written: &[(&str, String)]) {
    for name in names {
        let mut text = fs::read_to_string(example(name)).unwrap();
        for (there, here) in written {
            text = text.replace(there, here);
        }
        let to = folder.join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, text).unwrap();
    }
}

#[test]
fn a_site_gets_what_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let (site, address) = (Upstream::start(), free_port());
    let written =
        [("127.0.0.1:9000", site.address().to_string()), ("127.0.0.1:8480", address.to_string())];
    copy(&["verdikt.yaml", "tokens.csv", "manifests/site.yaml"], folder.path(), &written);
    let config = folder.path().join("verdikt.yaml").display().to_string();
    let verdikt = Serving::start(Path::new(BINARY), &["--config", &config]);
    let get = |path: &str, token: &str| {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: site\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        raw(address, request.as_bytes())
    };
    let answer = get("/docs/a", "joe-token");
    assert_eq!((answer.code, answer.body.lines().next()), (200, Some("GET /docs/a HTTP/1.1")));
    assert!(answer.body.contains("x-remote-user: joe"), "{answer:?}");
    assert!(!answer.body.to_lowercase().contains("authorization"), "{answer:?}");
    assert_eq!(get("/admin", "joe-token").code, 403);
    assert_eq!(get("/admin", "nobody").code, 401);
    assert_eq!(get("/metrics", "jane-token").body.lines().next(), Some("GET /metrics HTTP/1.1"));
    assert_eq!(site.requests(), 2);
    // verdikt's own addresses are at the other listener.
    let own = verdikt_tests::http::get(verdikt.address(), "/metrics");
    assert!(own.body.contains("verdikt_upstream_requests_total{result=\"answered\"} 2"), "{own:?}");
}

#[test]
fn what_cannot_be_an_upstream_is_said() {
    let policy = example("manifests").display().to_string();
    let check = |flags: &[&str], expected: &str| {
        let arguments = [&["serve", "--policy-dir", &policy, "--http-address=127.0.0.1:0"], flags];
        let ran = verdikt_tests::binary::run(Path::new(BINARY), &arguments.concat(), b"");
        assert!(ran.code != 0 && ran.stderr.contains(expected), "{flags:?}: {}", ran.stderr);
    };
    check(&["--upstream=http://a/b", "--proxy-address=127.0.0.1:0"], "has a path");
    check(&["--upstream=a", "--proxy-address=127.0.0.1:0"], "does not begin with http://");
    check(&["--upstream=http://a"], "--upstream needs --secure-port or --proxy-address");
    check(&["--upstream=http://a", "--proxy-address=0.0.0.0:0"], "plain text");
    check(&["--proxy-address=127.0.0.1:0"], "--upstream");
    check(&["--upstream=https://a", "--upstream-client-cert-file=b"], "--upstream-client-key-file");
    let missing = ["--upstream=https://a", "--proxy-address=127.0.0.1:0", "--upstream-ca-file=no"];
    check(&missing, "cannot read no");
}

/// As many connections as a server may be left with by clients that say nothing.
#[test]
fn ten_thousand_idle_connections_cost_little() {
    const CONNECTIONS: usize = 10_000;
    let site = Upstream::start();
    let address = free_port();
    let arguments = [
        format!("--policy-dir={}", example("manifests").display()),
        format!("--token-auth-file={}", example("tokens.csv").display()),
        format!("--upstream=http://{}", site.address()),
        format!("--proxy-address={address}"),
        format!("--limit-connections={}", 2 * CONNECTIONS),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let verdikt = Serving::start(Path::new(BINARY), &arguments);
    let before = resident(verdikt.id());
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        match TcpStream::connect(address) {
            Ok(stream) => idle.push(stream),
            // This process may have no more files.
            Err(error) => {
                println!("skipped: {CONNECTIONS} connections: {} are there: {error}", idle.len());
                break;
            }
        }
    }
    idle.truncate(idle.len().saturating_sub(64));
    let request = "GET /docs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer joe-token\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(address, request.as_bytes()).code, 200);
    let each = (resident(verdikt.id()) - before) * 1024 / idle.len();
    assert!(each < 16 << 10, "{each} bytes each");
}

/// The memory of a process, in KiB.
fn resident(id: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_real_kube_apiserver_stands_behind_it() {
    let Some((etcd, apiserver)) = tool("etcd").zip(tool("kube-apiserver")) else { return };
    if !is_installed("kubectl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let authority = Authority::new("cluster");
    write("ca.pem", &authority.pem);
    write("admins.csv", "admin-token,admin,1,system:masters\n");
    for (name, Certified { certificate, key }) in [
        ("verdikt", authority.server()),
        ("apiserver-serving", authority.server()),
        ("verdikt-proxy", authority.client("verdikt-proxy", "", 1)),
        ("carl", authority.client("carl", "developers", 2)),
    ] {
        write(&format!("{name}.pem"), &certificate);
        write(&format!("{name}-key.pem"), &key);
    }
    let path = |name: &str| folder.path().join(name).display().to_string();
    let flags = [
        "--authorization-mode=AlwaysAllow".to_owned(),
        "--anonymous-auth=false".to_owned(),
        format!("--token-auth-file={}", path("admins.csv")),
        format!("--requestheader-client-ca-file={}", path("ca.pem")),
        "--requestheader-allowed-names=verdikt-proxy".to_owned(),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        "--requestheader-uid-headers=X-Remote-Uid".to_owned(),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
    ];
    let (_etcd, etcd) = cluster::etcd(&etcd, folder.path());
    let mut server = ApiServer::start(&apiserver, folder.path(), &etcd, "proxied", &flags);
    let directly = |address: SocketAddr, arguments: &[&str]| {
        kubectl_as(folder.path(), address, "admin", arguments)
    };
    server.wait(directly);
    let made = directly(server.address(), &["create", "namespace", "shop"]);
    assert_eq!(made.code, 0, "{}", made.stderr);

    let address = free_port();
    let written = [
        ("127.0.0.1:6443", server.address().to_string()),
        ("secure-port: 8443", format!("secure-port: {}", address.port())),
    ];
    copy(&["kubernetes.yaml", "tokens.csv", "kubernetes/people.yaml"], folder.path(), &written);
    let config = path("kubernetes.yaml");
    let _verdikt = Serving::start(Path::new(BINARY), &["--config", &config]);

    let jane = |arguments: &[&str]| kubectl_as(folder.path(), address, "jane", arguments);
    let joe = |arguments: &[&str]| kubectl_as(folder.path(), address, "joe", arguments);
    let check = |ran: Ran, is_good: bool, expected: &str| {
        let said = format!("{}{}", ran.stdout, ran.stderr);
        println!("{said}");
        assert_eq!(
            (ran.code == 0, said.contains(expected)),
            (is_good, true),
            "{expected:?}: {said}"
        );
    };
    // kube-apiserver is told who it is.
    let whoami = ["auth", "whoami", "-o", "jsonpath={.status.userInfo}"];
    let expected =
        r#"{"groups":["developers","staff","system:authenticated"],"uid":"u-1","username":"jane"}"#;
    check(jane(&whoami), true, expected);
    let mut carl = kubectl(folder.path(), address);
    let certificate = ["client-certificate=", "client-key="].map(|flag| format!("--{flag}"));
    carl.arg(format!("{}{}", certificate[0], path("carl.pem")));
    carl.arg(format!("{}{}", certificate[1], path("carl-key.pem"))).args(whoami);
    check(finish(&mut carl, b""), true, r#""username":"carl""#);
    // It allows everything itself, and verdikt does not.
    let pods = ["get", "pods", "--namespace=shop"];
    check(jane(&pods), true, "No resources found in shop namespace.");
    check(
        joe(&pods),
        false,
        "User \"joe\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\"",
    );
    check(jane(&["get", "nodes"]), false, "at the cluster scope");
    check(jane(&["get", "pods", "-n=shop", "--as=admin"]), false, "cannot impersonate");
    let nobody = kubectl_as(folder.path(), address, "nobody", &pods);
    check(nobody, false, "You must be logged in to the server");
    // A watch tells of what is written while it goes on.
    let mut watch = kubectl(folder.path(), address)
        .args(["--token=jane-token", "get", "configmaps", "-n=shop", "--watch", "-o=name"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    for name in ["first", "second"] {
        let made = jane(&["create", "configmap", name, "-n=shop", "--from-literal=a=b"]);
        check(made, true, &format!("configmap/{name} created"));
    }
    let mut told = lines.map_while(Result::ok).filter(|line| line != "configmap/kube-root-ca.crt");
    assert_eq!(told.next().as_deref(), Some("configmap/first"));
    assert_eq!(told.next().as_deref(), Some("configmap/second"));
    watch.kill().unwrap();
    watch.wait().unwrap();
    check(jane(&["get", "configmaps", "-n=shop", "-o=yaml"]), true, "name: second");
    check(jane(&["delete", "configmap", "first", "-n=shop"]), true, "deleted");
}
