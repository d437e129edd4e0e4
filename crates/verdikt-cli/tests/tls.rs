//! HTTPS as its users meet it: the real binary, with curl and openssl.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use verdikt_tests::binary::{Ran, Serving, finish, is_installed, run};
use verdikt_tests::tls::{Authority, Certified};

const X509: &str = include_str!("../../../policies/authn-x509/policy.yaml");
const PODS: &str = "/api/v1/namespaces/shop/pods";

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_verdikt"))
}

/// A server with HTTPS, and the folder its files are in.
struct World {
    serving: Serving,
    folder: tempfile::TempDir,
}

fn world(files: &[(&str, &str)], flags: &[&str]) -> World {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("policy.yaml", X509)].iter().chain(files) {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let serving = start(folder.path(), flags);
    World { serving, folder }
}

/// `{}` in a flag is the folder.
fn start(folder: &Path, flags: &[&str]) -> Serving {
    let usual = ["--policy-dir={}/policy.yaml", "--secure-port=0", "--bind-address=127.0.0.1"];
    let here = folder.display().to_string();
    let flags: Vec<String> =
        usual.iter().chain(flags).map(|flag| flag.replace("{}", &here)).collect();
    Serving::start(binary(), &flags.iter().map(String::as_str).collect::<Vec<_>>())
}

impl World {
    fn port(&self) -> String {
        let address = self.serving.logged("listening on https://");
        address.rsplit_once(':').unwrap().1.to_owned()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What curl gets, with the code and the version of HTTP at the end.
    fn curl(&self, authority: &str, path: &str, flags: &[&str]) -> Ran {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--max-time", "20", "-w", " %{http_code} %{http_version}"]);
        curl.arg("--cacert").arg(self.file(authority)).args(flags).current_dir(self.folder.path());
        curl.arg(format!("https://localhost:{}{path}", self.port()));
        finish(&mut curl, b"")
    }
}

fn identity(folder: &Path, name: &str, certified: &Certified) {
    fs::write(folder.join(format!("{name}.crt")), &certified.certificate).unwrap();
    fs::write(folder.join(format!("{name}.key")), &certified.key).unwrap();
}

#[test]
fn a_first_run_makes_its_own_certificate_and_the_next_uses_it_again() {
    let flags = ["--cert-dir={}/made"];
    let mut world = world(&[], &flags);
    let files = ["made/ca.crt", "made/tls.crt", "made/tls.key"].map(|name| world.file(name));
    let modes = files.each_ref().map(|file| fs::metadata(file).unwrap().mode() & 0o777);
    assert_eq!(modes, [0o644, 0o644, 0o600]);
    let read = || files.each_ref().map(|file| fs::read_to_string(file).unwrap());
    let first = read();
    if is_installed("curl") {
        // As the log says.
        let advice = world.serving.logged("the certificate is self-signed: ");
        let mut words = advice.split(' ');
        assert_eq!(words.next(), Some("curl"), "{advice}");
        let mut curl = Command::new("curl");
        let ran = finish(curl.arg("-sS").args(words), b"");
        assert_eq!((ran.code, ran.stdout.as_str()), (0, "ok"), "{advice}: {ran:?}");
        let own = world.curl("made/ca.crt", "/readyz", &["--connect-to", "localhost::127.0.0.1:"]);
        assert!(own.stdout.starts_with("ok 200"), "{own:?}");
    }
    world.serving.signal("TERM");
    world.serving = start(world.folder.path(), &flags);
    assert_eq!(read(), first, "they are used again");
    // A file that does not go with the others.
    let own = Authority::new("own").server();
    fs::write(&files[2], &own.key).unwrap();
    let world = World { serving: start(world.folder.path(), &flags), ..world };
    assert_ne!(read()[2], own.key, "they are made again");
    // What others have put there stays.
    identity(&world.file("made"), "tls", &own);
    let made = format!("--cert-dir={}", world.file("made").display());
    let policy = format!("--policy-dir={}", world.file("policy.yaml").display());
    let flags = ["serve", "--http-address=127.0.0.1:0", "--secure-port=0", &policy, &made];
    let ran = run(binary(), &flags, b"");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("verdikt did not make it"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(&files[1]).unwrap(), own.certificate);
}

/// A server with certificates by authorities of the test, and flags besides.
fn with_authorities(flags: &[&str]) -> (World, Authority) {
    let [own, clients] = ["servers", "clients"].map(Authority::new);
    let shown = own.server();
    let files: [(&str, &str); 4] = [
        ("server.crt", &shown.certificate),
        ("server.key", &shown.key),
        ("ca.crt", &own.pem),
        ("clients.crt", &clients.pem),
    ];
    let usual = [
        "--tls-cert-file={}/server.crt",
        "--tls-private-key-file={}/server.key",
        "--client-ca-file={}/clients.crt",
    ];
    let world = world(&files, &[&usual, flags].concat());
    for (name, by) in [("jane", &clients), ("eve", &Authority::new("clients"))] {
        identity(world.folder.path(), name, &by.client(name, "developers", 1));
    }
    (world, clients)
}

const JANE: [&str; 4] = ["--cert", "jane.crt", "--key", "jane.key"];
const EVE: [&str; 4] = ["--cert", "eve.crt", "--key", "eve.key"];

#[test]
fn certificates_of_clients_are_requested_required_or_not_asked_for() {
    if !is_installed("curl") {
        return;
    }
    for version in ["1.2", "1.3"] {
        let tls = ["--tls-max", version];
        let code = |world: &World, client: &[&str]| {
            let ran = world.curl("ca.crt", PODS, &[&tls, client].concat());
            assert_eq!(ran.code, 0, "{version}: {ran:?}");
            ran.stdout.split(' ').rev().nth(1).unwrap().parse::<u16>().unwrap()
        };
        let (world, _) = with_authorities(&[]);
        let found = [code(&world, &JANE), code(&world, &[]), code(&world, &EVE)];
        assert_eq!(found, [200, 403, 401], "{version}");
        let (world, _) = with_authorities(&["--tls-client-certificates=none"]);
        assert_eq!([code(&world, &JANE), code(&world, &EVE)], [403, 403], "{version}");
        let (world, _) = with_authorities(&["--tls-client-certificates=require"]);
        assert_eq!(code(&world, &JANE), 200, "{version}");
        for (client, alert) in [(&[][..], "certificate required"), (&EVE, "unknown ca")] {
            let ran = world.curl("ca.crt", PODS, &[&tls, client].concat());
            assert_ne!(ran.code, 0, "{version}: {ran:?}");
            assert!(ran.stderr.contains(alert), "{version}: {ran:?}");
        }
    }
}

#[test]
fn certificates_are_not_required_of_nobody_in_particular() {
    let folder = tempfile::tempdir().unwrap();
    let made = format!("--cert-dir={}", folder.path().display());
    let flags = [
        "serve",
        "--authorization-mode=RBAC",
        "--http-address=127.0.0.1:0",
        "--secure-port=0",
        "--tls-client-certificates=require",
        &made,
    ];
    let ran = run(binary(), &flags, b"");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("name it with --client-ca-file"), "{}", ran.stderr);
}

#[test]
fn the_certificate_is_the_one_for_the_name_that_is_asked_for() {
    if !is_installed("curl") {
        return;
    }
    let shop = Authority::new("shop");
    let (files, flags) = (shop.server_for(&["shop.example", "*.shop.example"]), shop.server());
    let folder = tempfile::tempdir().unwrap();
    for (name, certified) in [("named", &files), ("given", &flags)] {
        identity(folder.path(), name, certified);
    }
    let here = folder.path().display();
    let (world, _) = with_authorities(&[
        &format!("--tls-sni-cert-key={here}/named.crt,{here}/named.key"),
        &format!("--tls-sni-cert-key={here}/given.crt,{here}/given.key:localhost,*.test"),
    ]);
    fs::write(world.file("shop.crt"), &shop.pem).unwrap();
    let port = world.port();
    let shown = |name: &str, authority: &str| {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert"]);
        curl.arg(world.file(authority)).args(["--connect-to", "::127.0.0.1:"]);
        finish(curl.arg(format!("https://{name}:{port}/readyz")), b"").stdout
    };
    // The names of the certificate, those that were given, and the server's own for all others.
    for (name, authority) in [
        ("shop.example", "shop.crt"),
        ("WWW.shop.example", "shop.crt"),
        ("localhost", "shop.crt"),
        ("127.0.0.1", "ca.crt"),
    ] {
        assert_eq!(shown(name, authority), "200", "{name}");
        let other = if authority == "ca.crt" { "shop.crt" } else { "ca.crt" };
        assert_eq!(shown(name, other), "000", "{name}");
    }
}

#[test]
fn plain_text_is_for_this_machine() {
    let policy = "--authorization-mode=RBAC";
    for flags in [
        &["--http-address=0.0.0.0:0"][..],
        &["--http-address=127.0.0.1:0", "--grpc-address=0.0.0.0:0"],
    ] {
        let ran = run(binary(), &[&["serve", policy], flags].concat(), b"");
        assert_eq!(ran.code, 2, "{flags:?}: {ran:?}");
        assert!(ran.stderr.contains("0.0.0.0:0 is reached from other machines"), "{}", ran.stderr);
    }
}

#[test]
fn versions_of_http_are_agreed_on() {
    if !is_installed("curl") {
        return;
    }
    let (world, _) = with_authorities(&[]);
    for (flag, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let ran = world.curl("ca.crt", PODS, &[&JANE[..], &[flag]].concat());
        assert!(ran.stdout.ends_with(&format!(" 200 {version}")), "{flag}: {ran:?}");
    }
}

#[test]
fn versions_and_ciphers_of_tls_are_those_that_are_asked_for() {
    if !is_installed("curl") || !is_installed("openssl") {
        return;
    }
    let suite = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
    let (world, _) = with_authorities(&[&format!("--tls-cipher-suites={suite}")]);
    let agreed = |world: &World, flags: &[&str]| {
        let mut client = Command::new("openssl");
        client.args(["s_client", "-connect"]).arg(format!("127.0.0.1:{}", world.port()));
        client.args(["-servername", "localhost", "-brief"]).args(flags);
        let ran = finish(&mut client, b"");
        let said = ran.stdout + &ran.stderr;
        let found = said.lines().find_map(|line| line.strip_prefix("Ciphersuite: "));
        found.map(|found| found.trim().to_owned())
    };
    let asked = agreed(&world, &["-tls1_2"]);
    assert_eq!(asked.as_deref(), Some("ECDHE-ECDSA-AES128-GCM-SHA256"));
    let refused = agreed(&world, &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"]);
    assert_eq!(refused, None);
    // Those of TLS 1.3 cannot be chosen.
    assert!(agreed(&world, &["-tls1_3"]).is_some_and(|found| found.starts_with("TLS_")));
    let (world, _) = with_authorities(&["--tls-min-version=VersionTLS13"]);
    assert_eq!(agreed(&world, &["-tls1_2"]), None);
    assert!(agreed(&world, &["-tls1_3"]).is_some());
    let ran = world.curl("ca.crt", PODS, &["--tls-max", "1.2"]);
    assert!(ran.code != 0 && ran.stderr.contains("protocol version"), "{ran:?}");
}
