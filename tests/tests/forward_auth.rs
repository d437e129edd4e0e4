//! `/v1/forward-auth`, as nginx, Traefik and Caddy ask it, and with nginx and Caddy themselves in front.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use verdikt::Engine;
use verdikt::audit::LogOptions;
use verdikt_server::Access;
use verdikt_tests::http::{Answer, Running};
use verdikt_tests::proxy::Proxy;
use verdikt_tests::upstream::Upstream;

fn policy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/forward-auth").join(file)
}

fn engine() -> verdikt::Builder {
    Engine::builder()
        .policy_dir(policy("manifests"))
        .token_auth_file(policy("tokens.csv"))
        .basic_auth_file(policy("users.csv"))
        .anonymous_auth(false)
}

fn verdikt() -> Running {
    Running::start(engine().build().unwrap(), |options| options.access = Access::Authorized)
}

const JANE: (&str, &str) = ("Authorization", "Bearer jane-token");
const JOE: (&str, &str) = ("Authorization", "Bearer joe-token");

/// What the proxies send beside the headers of the client.
const PROXIES: [(&str, &str); 3] = [
    ("X-Original-Method", "X-Original-URI"),
    ("X-Original-Method", "X-Original-URL"),
    ("X-Forwarded-Method", "X-Forwarded-Uri"),
];

#[test]
fn each_proxy_gets_who_it_is_or_why_not() {
    let verdikt = verdikt();
    let check = |credential: Option<(&str, &str)>, method: &str, path: &str, code: u16| -> Answer {
        let mut last = None;
        for (method_header, uri_header) in PROXIES {
            let url = format!("http://site.example{path}");
            let uri = if uri_header == "X-Original-URL" { url.as_str() } else { path };
            let mut headers = vec![(method_header, method), (uri_header, uri)];
            headers.push(("X-Forwarded-For", "192.0.2.7"));
            headers.extend(credential);
            let answer = verdikt.send("GET", "/v1/forward-auth", &headers, "");
            assert_eq!(answer.code, code, "{headers:?}: {answer:?}");
            last = Some(answer);
        }
        last.unwrap()
    };
    let answer = check(Some(JANE), "GET", "/shop/shoes?size=44", 200);
    let identity: Vec<&str> =
        answer.head.lines().filter(|line| line.starts_with("x-remote-")).collect();
    assert_eq!(
        identity,
        [
            "x-remote-user: jane",
            "x-remote-uid: u-1",
            "x-remote-group: developers",
            "x-remote-group: staff",
            "x-remote-group: system:authenticated",
            "x-remote-groups: developers,staff,system:authenticated",
        ]
    );
    check(Some(JANE), "HEAD", "/shop", 200);
    check(Some(JANE), "POST", "/shop/orders", 200);
    let answer = check(Some(JANE), "DELETE", "/shop/orders", 403);
    assert_eq!(
        answer.json()["message"],
        "forbidden: User \"jane\" cannot delete path \"/shop/orders\""
    );
    assert!(!answer.head.contains("x-remote-"), "{answer:?}");
    check(Some(JOE), "GET", "/shop/shoes", 403);
    for credential in [None, Some(("Authorization", "Bearer no-token"))] {
        let answer = check(credential, "GET", "/shop/shoes", 401);
        assert_eq!(answer.json()["reason"], "Unauthorized");
        assert!(answer.header("www-authenticate").starts_with("basic"), "{answer:?}");
    }
    check(Some(JANE), "GET", "/shop/../admin", 400);
    check(Some(JANE), "GET", "/shop/%2e%2e/admin", 400);
    check(Some(JANE), "GET", "/shop%2Fshoes", 200);
    check(Some(JANE), "GET", "//shop/shoes", 403);
    // The server asks as the client, so impersonation is for whom the policy lets.
    let impersonating =
        [PROXIES[0].0, PROXIES[0].1, "Impersonate-User"].into_iter().zip(["GET", "/shop", "root"]);
    let headers: Vec<(&str, &str)> = impersonating.chain([JANE]).collect();
    assert_eq!(verdikt.send("GET", "/v1/forward-auth", &headers, "").code, 403);
}

#[test]
fn what_a_client_adds_to_its_request_changes_nothing() {
    let verdikt = verdikt();
    let nginx = [("X-Original-Method", "DELETE"), ("X-Original-URI", "/admin"), JANE];
    let traefik = [("X-Forwarded-Method", "DELETE"), ("X-Forwarded-Uri", "/admin"), JANE];
    let check = |proxy: &[(&str, &str)], clients: &[(&str, &str)], code: u16| {
        let headers = [proxy, clients].concat();
        let answer = verdikt.send("GET", "/v1/forward-auth", &headers, "");
        assert_eq!(answer.code, code, "{headers:?}: {answer:?}");
    };
    check(&nginx, &[], 403);
    check(&traefik, &[], 403);
    let forwarded = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", "/shop")];
    let original = [("X-Original-Method", "GET"), ("X-Original-URI", "/shop")];
    for clients in [&forwarded[..], &forwarded[..1], &forwarded[1..], &original] {
        check(&nginx, clients, 400);
    }
    for clients in [&original[..], &original[..1], &original[1..], &forwarded] {
        check(&traefik, clients, 400);
    }
    check(&nginx, &[("X-Original-URL", "http://a/shop")], 400);
    check(&original, &[JOE, JANE], 400);
    check(&original, &[JANE, ("X-Remote-User", "root")], 400);
    check(&original, &[JANE, ("X-Remote-Extra-Scope", "all")], 400);
    check(&original, &[JANE], 200);
}

#[test]
fn the_trail_has_the_request_that_the_proxy_holds() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.log");
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/audit/policy.yaml");
    let engine =
        engine().audit_policy_file(policy).audit_log(LogOptions::new(log.clone())).build().unwrap();
    let verdikt = Running::start(engine, |_| {});
    let headers = [
        ("X-Original-Method", "POST"),
        ("X-Original-URI", "/shop/orders?a=b"),
        ("X-Forwarded-For", "192.0.2.7"),
        ("User-Agent", "browser"),
        JANE,
    ];
    assert_eq!(verdikt.send("GET", "/v1/forward-auth", &headers, "").code, 200);
    drop(verdikt);
    let text = std::fs::read_to_string(log).unwrap();
    let event: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    for (pointer, expected) in [
        ("/requestURI", "/shop/orders?a=b"),
        ("/verb", "post"),
        ("/user/username", "jane"),
        ("/userAgent", "browser"),
        ("/sourceIPs/0", "192.0.2.7"),
        ("/annotations/authorization.k8s.io~1decision", "allow"),
    ] {
        assert_eq!(event.pointer(pointer).unwrap(), expected, "{pointer} of {event}");
    }
}

/// A proxy with one of the configurations of the folder, in front of `upstream`.
fn proxy(
    program: &str,
    configuration: &str,
    verdikt: &Running,
    upstream: &Upstream,
    arguments: impl FnOnce(&Path) -> Vec<String>,
) -> Option<Proxy> {
    let written = [("127.0.0.1:8470", verdikt.address()), ("127.0.0.1:9000", upstream.address())]
        .map(|(there, here)| (there.to_owned(), here.to_string()));
    let listens = |here: SocketAddr| ("127.0.0.1:8080".to_owned(), here.to_string());
    Proxy::start(program, &policy(configuration), listens, &written, arguments)
}

/// What must hold behind any proxy; `refused` is what a client gets for a 400 of verdikt.
fn check_proxy(proxy: &Proxy, upstream: &Upstream, refused: u16) {
    let allowed = |method: &str, target: &str, headers: &[(&str, &str)]| {
        let before = upstream.requests();
        let answer = proxy.send(method, target, headers);
        assert_eq!(answer.code, 200, "{method} {target} {headers:?}: {answer:?}\n{}", proxy.log());
        assert_eq!(upstream.requests(), before + 1, "{method} {target}");
        // The path that was judged is the one that arrives.
        let line = answer.body.lines().next().unwrap_or_default().to_owned();
        assert!(method == "HEAD" || line.starts_with(&format!("{method} {target} ")), "{line}");
        let body = answer.body.to_ascii_lowercase();
        let identity: Vec<String> = body
            .lines()
            .filter(|line| line.starts_with("x-remote-") || line.starts_with("authorization"))
            .map(str::to_owned)
            .collect();
        identity
    };
    let denied = |method: &str, target: &str, headers: &[(&str, &str)], code: u16| {
        let before = upstream.requests();
        let answer = proxy.send(method, target, headers);
        assert_eq!(answer.code, code, "{method} {target} {headers:?}: {answer:?}");
        assert_eq!(upstream.requests(), before, "{method} {target} {headers:?} came through");
        answer
    };
    let basic = ("Authorization", "Basic amFuZTpqYW5lLXBhc3N3b3Jk");
    for credential in [JANE, basic] {
        let mut identity = allowed("GET", "/shop/shoes?size=44", &[credential]);
        identity.sort_unstable();
        assert_eq!(
            identity,
            [
                "x-remote-groups: developers,staff,system:authenticated",
                "x-remote-uid: u-1",
                "x-remote-user: jane",
            ]
        );
    }
    allowed("POST", "/shop/orders", &[JANE, ("Content-Length", "0")]);
    for target in
        ["/shop/a%20b", "/shop/a%2Fb", "/shop//shoes", "/shop/%C3%A9", "/shop/a;b?c=/../d"]
    {
        allowed("GET", target, &[JANE]);
    }
    denied("GET", "/shop/shoes", &[JOE], 403);
    denied("DELETE", "/shop/shoes", &[JANE], 403);
    denied("GET", "/admin", &[JANE], 403);
    denied("GET", "/admin%2Fshop", &[JANE], 403);
    let answer = denied("GET", "/shop/shoes", &[], 401);
    assert!(answer.header("www-authenticate").starts_with("basic"), "{answer:?}");
    for target in ["/shop/../admin", "/shop/%2e%2e/admin", "/shop/..%2fadmin", "/admin/..%5cshop"] {
        let answer = proxy.send("GET", target, &[JANE]);
        // A proxy may resolve these itself, and then sends on what it has made of them.
        assert!(
            answer.code == refused || answer.code == 403 || answer.code == 400,
            "{target}: {answer:?}"
        );
    }
    // Whatever a client says about itself or its request is not what verdikt hears.
    for (name, value) in [
        ("X-Original-Method", "GET"),
        ("X-Original-URI", "/shop/shoes"),
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Uri", "/shop/shoes"),
    ] {
        let before = upstream.requests();
        let answer = proxy.send("DELETE", "/admin", &[JANE, (name, value)]);
        assert!([403, refused].contains(&answer.code), "{name}: {answer:?}");
        assert_eq!(upstream.requests(), before, "{name}");
    }
    let spoofed = ["X-Remote-User", "X-Remote-Uid", "X-Remote-Group", "X-Remote-Extra-Scope"];
    for name in spoofed {
        let answer = proxy.send("GET", "/shop/shoes", &[JANE, (name, "root")]);
        assert!([200, refused].contains(&answer.code), "{name}: {answer:?}");
        assert!(!answer.body.contains("root"), "{name} came through: {answer:?}");
    }
}

#[test]
fn nginx_in_front_of_a_site() {
    let (verdikt, upstream) = (verdikt(), Upstream::start());
    let arguments = |folder: &Path| {
        let prefix = folder.display().to_string();
        vec!["-p".to_owned(), prefix, "-c".to_owned()]
    };
    let started = proxy("nginx", "nginx.conf", &verdikt, &upstream, arguments);
    if let Some(nginx) = started {
        check_proxy(&nginx, &upstream, 500);
    }
}

#[test]
fn caddy_in_front_of_a_site() {
    let (verdikt, upstream) = (verdikt(), Upstream::start());
    let arguments =
        |_: &Path| ["run", "--adapter", "caddyfile", "--config"].map(String::from).into();
    let started = proxy("caddy", "Caddyfile", &verdikt, &upstream, arguments);
    if let Some(caddy) = started {
        check_proxy(&caddy, &upstream, 400);
    }
}

#[test]
fn traefik_is_told_what_it_must_be() {
    let text = std::fs::read_to_string(policy("traefik.yaml")).unwrap();
    for line in [
        "address: http://127.0.0.1:8470/v1/forward-auth",
        "trustForwardHeader: false",
        "authResponseHeadersRegex: ^X-Remote-",
        "middlewares: [verdikt, no-credential]",
    ] {
        assert!(text.contains(line), "{line}");
    }
}
