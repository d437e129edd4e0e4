//! Envoy's external authorization: the messages themselves, and with Envoy itself in front of a site.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tonic::{Code, Status};
use verdikt::{Builder, Engine};
use verdikt_server::Access;
use verdikt_server::proto::envoy::config::core::v3::{HeaderMap, HeaderValue, HeaderValueOption};
use verdikt_server::proto::envoy::service::auth::v3::attribute_context::{
    HttpRequest, Peer, Request,
};
use verdikt_server::proto::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use verdikt_server::proto::envoy::service::auth::v3::check_response::HttpResponse;
use verdikt_server::proto::envoy::service::auth::v3::{
    AttributeContext, CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse,
};
use verdikt_tests::grpc::Client;
use verdikt_tests::http::Running;
use verdikt_tests::proxy::Proxy;
use verdikt_tests::upstream::Upstream;

fn policy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/envoy").join(file)
}

fn engine() -> Builder {
    Engine::builder()
        .policy_dir(policy("manifests"))
        .token_auth_file(policy("tokens.csv"))
        .anonymous_auth(false)
}

fn verdikt() -> Running {
    let engine = engine().build().unwrap();
    Running::start_grpc(engine, |options| options.ext_authz_removes_credentials = true)
}

const JANE: (&str, &str) = ("authorization", "Bearer jane-token");
const JOE: (&str, &str) = ("authorization", "Bearer joe-token");

fn http(method: &str, path: &str, headers: &[(&str, &str)]) -> HttpRequest {
    let header = |(key, value): &(&str, &str)| HeaderValue {
        key: (*key).to_owned(),
        raw_value: value.as_bytes().to_vec(),
        ..HeaderValue::default()
    };
    HttpRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        header_map: Some(HeaderMap { headers: headers.iter().map(header).collect() }),
        ..HttpRequest::default()
    }
}

fn ask(client: &Client<'_>, http: HttpRequest, certificate: &str) -> Result<CheckResponse, Status> {
    let source = Peer { certificate: certificate.to_owned(), ..Peer::default() };
    let attributes =
        AttributeContext { source: Some(source), request: Some(Request { http: Some(http) }) };
    let question = client.request(CheckRequest { attributes: Some(attributes) });
    let mut envoy = AuthorizationClient::new(client.channel());
    client.wait(envoy.check(question)).map(tonic::Response::into_inner)
}

fn goes_on(answer: &CheckResponse) -> &OkHttpResponse {
    match (&answer.http_response, answer.status.as_ref().map(|status| status.code)) {
        (Some(HttpResponse::OkResponse(ok)), Some(0)) => ok,
        _ => panic!("it does not go on: {answer:?}"),
    }
}

fn refused(answer: &CheckResponse) -> (i32, &DeniedHttpResponse) {
    let code = answer.status.as_ref().map(|status| status.code);
    match &answer.http_response {
        Some(HttpResponse::DeniedResponse(denied)) if code != Some(0) => {
            (denied.status.as_ref().unwrap().code, denied)
        }
        _ => panic!("it is not refused: {answer:?}"),
    }
}

/// Name, value, and whether it takes the place of others.
fn shown(headers: &[HeaderValueOption]) -> Vec<(&str, &str, bool)> {
    let shown = headers.iter().map(|option| {
        let header = option.header.as_ref().unwrap();
        (header.key.as_str(), header.value.as_str(), option.append_action == 2)
    });
    shown.collect()
}

fn metadata(answer: &CheckResponse, name: &str) -> String {
    let fields = &answer.dynamic_metadata.as_ref().unwrap().fields;
    format!("{:?}", fields.get(name).and_then(|value| value.kind.clone()))
}

#[test]
fn what_goes_on_names_its_user_and_nobody_else() {
    let verdikt = verdikt();
    let client = Client::new(&verdikt);
    let spoofed = [
        JANE,
        ("x-remote-user", "root"),
        ("x-remote-extra-scope", "all"),
        ("x_remote_group", "root"),
        ("accept", "*/*"),
        (":method", "GET"),
    ];
    let answer = ask(&client, http("GET", "/shop/shoes?a=b", &spoofed), "").unwrap();
    let ok = goes_on(&answer);
    assert_eq!(
        shown(&ok.headers),
        [
            ("x-remote-group", "developers,staff,system:authenticated", true),
            ("x-remote-groups", "developers,staff,system:authenticated", true),
            ("x-remote-uid", "u-1", true),
            ("x-remote-user", "jane", true),
        ]
    );
    let mut removed = ok.headers_to_remove.clone();
    removed.sort_unstable();
    assert_eq!(removed, ["authorization", "x-remote-extra-scope", "x_remote_group"]);
    assert!(metadata(&answer, "user").contains("\"jane\""));
    assert!(metadata(&answer, "groups").contains("\"developers\""));
    assert!(metadata(&answer, "decision").contains("\"Allow\""));
    assert!(metadata(&answer, "reason").contains("ClusterRoleBinding"));
    assert!(metadata(&answer, "revision").contains("NumberValue(1.0)"));
}

#[test]
fn a_refusal_is_an_answer() {
    let verdikt = verdikt();
    let client = Client::new(&verdikt);
    let check = |http: HttpRequest, code: i32, message: &str, decision: &str| {
        let shown = format!("{http:?}");
        let answer = ask(&client, http, "").unwrap();
        let (found, denied) = refused(&answer);
        assert_eq!(found, code, "{shown}: {answer:?}");
        let body: serde_json::Value = serde_json::from_str(&denied.body).unwrap();
        assert_eq!(body["code"], code, "{shown}: {body}");
        assert!(body["message"].as_str().unwrap().contains(message), "{shown}: {body}");
        assert!(metadata(&answer, "decision").contains(decision), "{shown}: {answer:?}");
    };
    let forbidden = "User \"jane\" cannot delete path \"/shop/shoes\"";
    check(http("DELETE", "/shop/shoes", &[JANE]), 403, forbidden, "NoOpinion");
    check(http("GET", "/shop/shoes", &[JOE]), 403, "User \"joe\"", "NoOpinion");
    check(http("GET", "/shop/shoes", &[]), 401, "Unauthorized", "NoOpinion");
    check(http("GET", "/shop/shoes", &[JANE, JOE]), 400, "more than once", "NoOpinion");
    check(http("GET", "/shop/../admin", &[JANE]), 400, "path", "NoOpinion");
    check(http("GET", "/shop/%2e%2E/admin", &[JANE]), 400, "path", "NoOpinion");
    check(http("GET", "admin", &[JANE]), 400, "target", "NoOpinion");
    check(http("", "/shop", &[JANE]), 400, "method", "NoOpinion");
    check(http("GET", "/shop", &[JANE, (":method", "DELETE")]), 400, "methods", "NoOpinion");
    check(http("GET", "/shop", &[JANE, (":path", "/admin")]), 400, "paths", "NoOpinion");
    check(http("GET", "/shop", &[JANE, ("a b", "")]), 400, "header", "NoOpinion");
    let apart = HttpRequest { query: "watch=1".to_owned(), ..http("GET", "/shop", &[JANE]) };
    check(apart, 400, "query", "NoOpinion");
    // Not even a request.
    let mut envoy = AuthorizationClient::new(client.channel());
    let answer = client.wait(envoy.check(CheckRequest::default())).unwrap().into_inner();
    assert_eq!(refused(&answer).0, 400);
}

#[test]
fn a_listener_that_is_not_open_answers_whom_the_policy_lets() {
    let engine = engine().manifest(
        "envoy.yaml",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: asker}
rules: [{apiGroups: [authorization.k8s.io], resources: [subjectaccessreviews], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: askers}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: joe}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: asker}
",
    );
    let verdikt = Running::start_grpc(engine.build().unwrap(), |options| {
        options.access = Access::Authorized;
    });
    let check = |token: Option<&str>, expected: Code| {
        let client = Client::new(&verdikt);
        let client = match token {
            Some(token) => client.with("authorization", &format!("Bearer {token}")),
            None => client,
        };
        let answer = ask(&client, http("GET", "/shop/shoes", &[JANE]), "");
        assert_eq!(answer.map_or_else(|status| status.code(), |_| Code::Ok), expected, "{token:?}");
    };
    check(None, Code::Unauthenticated);
    check(Some("jane-token"), Code::PermissionDenied);
    check(Some("joe-token"), Code::Ok);
}

#[test]
fn the_certificate_that_envoy_was_shown_is_the_clients() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/authn-x509");
    let engine = Engine::builder()
        .policy_dir(folder.join("policy.yaml"))
        .client_ca_file(folder.join("ca.pem"))
        .anonymous_auth(false)
        .build()
        .unwrap();
    let verdikt = Running::start_grpc(engine, |_| {});
    let client = Client::new(&verdikt);
    let pods = || http("GET", "/api/v1/namespaces/shop/pods", &[]);
    let pem = std::fs::read_to_string(folder.join("client.pem")).unwrap();
    let encoded: String = pem
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    let answer = ask(&client, pods(), &encoded).unwrap();
    assert!(shown(&goes_on(&answer).headers).contains(&("x-remote-user", "jane", true)));
    assert_eq!(refused(&ask(&client, pods(), "").unwrap()).0, 401);
    for wrong in ["%", "no certificate", "%2D%2D"] {
        assert_eq!(refused(&ask(&client, pods(), wrong).unwrap()).0, 400, "{wrong}");
    }
}

#[test]
fn envoy_in_front_of_a_site() {
    let (verdikt, upstream) = (verdikt(), Upstream::start());
    let port = |there: u16, here: SocketAddr| {
        (format!("port_value: {there}"), format!("port_value: {}", here.port()))
    };
    let written = [port(8471, verdikt.address()), port(9000, upstream.address())];
    let listens =
        |here: SocketAddr| ("port_value: 8080".to_owned(), format!("port_value: {}", here.port()));
    let arguments = |_: &Path| {
        ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warn", "-c"]
            .map(String::from)
            .into()
    };
    let started = Proxy::start("envoy", &policy("envoy.yaml"), listens, &written, arguments);
    let Some(envoy) = started else { return };

    let allowed = |method: &str, target: &str, arrives: &str, headers: &[(&str, &str)]| {
        let before = upstream.requests();
        let answer = envoy.send(method, target, headers);
        assert_eq!(answer.code, 200, "{method} {target}: {answer:?}\n{}", envoy.log());
        assert_eq!(upstream.requests(), before + 1, "{method} {target}");
        assert!(answer.body.starts_with(&format!("{method} {arrives} ")), "{answer:?}");
        let mut named: Vec<String> = answer
            .body
            .lines()
            .map(str::to_ascii_lowercase)
            .filter(|line| line.starts_with("x-remote") || line.starts_with("authorization"))
            .collect();
        named.sort_unstable();
        named
    };
    let denied = |method: &str, target: &str, headers: &[(&str, &str)], code: u16| {
        let before = upstream.requests();
        let answer = envoy.send(method, target, headers);
        assert_eq!(answer.code, code, "{method} {target}: {answer:?}\n{}", envoy.log());
        assert_eq!(upstream.requests(), before, "{method} {target} came through");
        answer
    };
    let spoofed = [
        JANE,
        ("X-Remote-User", "root"),
        ("X-Remote-Group", "system:masters"),
        ("X-Remote-Extra-Scope", "all"),
        ("Impersonate-Something", "x"),
    ];
    for headers in [&spoofed[..1], &spoofed[..4]] {
        assert_eq!(
            allowed("GET", "/shop/shoes?size=44", "/shop/shoes?size=44", headers),
            [
                "x-remote-group: developers,staff,system:authenticated",
                "x-remote-groups: developers,staff,system:authenticated",
                "x-remote-uid: u-1",
                "x-remote-user: jane",
            ]
        );
    }
    allowed("POST", "/shop/orders", "/shop/orders", &[JANE, ("Content-Length", "0")]);
    // What is judged is what arrives.
    for target in ["/shop/a%20b", "/shop/a%2Fb", "/shop//shoes", "/shop/%C3%A9"] {
        allowed("GET", target, target, &[JANE]);
    }
    allowed("GET", "/admin/../shop/shoes", "/shop/shoes", &[JANE]);
    denied("GET", "/shop/../admin", &[JANE], 403);
    denied("GET", "/shop/..%2Fadmin", &[JANE], 400);
    let answer = denied("DELETE", "/shop/shoes", &[JANE], 403);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(
        answer.json()["message"],
        "forbidden: User \"jane\" cannot delete path \"/shop/shoes\""
    );
    denied("GET", "/shop/shoes", &[JOE], 403);
    assert_eq!(denied("GET", "/shop/shoes", &[], 401).json()["reason"], "Unauthorized");
    drop(verdikt);
    // Nothing goes on if nobody answers.
    denied("GET", "/shop/shoes", &[JANE], 403);
    let log = envoy.end();
    let line = |start: &str| log.lines().find(|line| line.starts_with(start)).unwrap_or_default();
    let went_on = line("200 GET /shop/shoes?size=44 ");
    for part in ["\"user\":\"jane\"", "\"developers\"", "\"decision\":\"Allow\"", "\"revision\":1"]
    {
        assert!(went_on.contains(part), "{part} in {went_on:?} of\n{log}");
    }
    assert!(line("403 DELETE /shop/shoes ").contains("\"user\":\"jane\""), "{log}");
}
