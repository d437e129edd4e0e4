//! Traces of the real binary, as a collector gets them.

#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use verdikt_server::proto::envoy::service::auth::v3::attribute_context::{
    HttpRequest, Request as Described,
};
use verdikt_server::proto::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use verdikt_server::proto::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use verdikt_server::proto::v1;
use verdikt_tests::binary::{Serving, run};
use verdikt_tests::cluster::free_port;
use verdikt_tests::collector::{Collector, Span, texts};
use verdikt_tests::component::Component;
use verdikt_tests::grpc::Client;
use verdikt_tests::http::{Answer, raw};

const BINARY: &str = env!("CARGO_BIN_EXE_verdikt");
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies").join(name)
}

/// A server that is traced to `collector`, with these fields more.
fn serve(folder: &TempDir, collector: &str, fields: &str, flags: &[&str]) -> Serving {
    let tokens = folder.path().join("tokens.csv");
    std::fs::write(
        &tokens,
        "jane-token,jane,u-1,\"developers,staff\"\nroot-token,root,u-0,system:masters\n",
    )
    .unwrap();
    let file = configuration(folder, &format!("endpoint: {collector}\n{fields}"));
    let all = [
        format!("--policy-dir={}", example("reverse-proxy/manifests").display()),
        format!("--token-auth-file={}", tokens.display()),
        format!("--tracing-config-file={}", file.display()),
    ];
    let all: Vec<&str> = all.iter().map(String::as_str).chain(flags.iter().copied()).collect();
    Serving::start(Path::new(BINARY), &all)
}

fn configuration(folder: &TempDir, fields: &str) -> PathBuf {
    let file = folder.path().join("tracing.yaml");
    let head = "apiVersion: apiserver.config.k8s.io/v1\nkind: TracingConfiguration\n";
    std::fs::write(&file, format!("{head}{fields}\n")).unwrap();
    file
}

fn get(address: SocketAddr, target: &str, headers: &str) -> Answer {
    let bytes = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{headers}Connection: close\r\n\r\n");
    raw(address, bytes.as_bytes())
}

fn bearer(token: &str, parent: &str) -> String {
    match parent {
        "" => format!("Authorization: Bearer {token}\r\n"),
        parent => format!("Authorization: Bearer {token}\r\ntraceparent: {parent}\r\n"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn of(span: &Span, name: &str) -> String {
    let attributes: HashMap<_, _> = texts(&span.attributes).into_iter().collect();
    attributes.get(name).cloned().unwrap_or_default()
}

/// The spans of requests, and for each the names of the spans within it.
fn requests(spans: &[Span]) -> Vec<(&Span, Vec<&Span>)> {
    let mut servers: Vec<&Span> = spans.iter().filter(|span| span.kind == 2).collect();
    servers.sort_by_key(|span| span.start_time_unix_nano);
    let within = |server: &Span| {
        let mut within: Vec<&Span> =
            spans.iter().filter(|span| span.parent_span_id == server.span_id).collect();
        within.sort_by_key(|span| span.start_time_unix_nano);
        within
    };
    servers.into_iter().map(|server| (server, within(server))).collect()
}

#[test]
fn a_request_that_is_handed_on_is_one_trace_from_client_to_component() {
    let runtime = Runtime::new().unwrap();
    let (collector, component) = (Collector::start(&runtime), Component::start(&runtime));
    let folder = TempDir::new().unwrap();
    let proxy = free_port();
    let serving = serve(
        &folder,
        collector.endpoint(),
        "samplingRatePerMillion: 1000000",
        &[
            &format!("--upstream=http://{}", component.address()),
            &format!("--proxy-address={proxy}"),
        ],
    );
    let by_jane = get(proxy, "/docs/a?token=hidden", &bearer("jane-token", PARENT));
    assert_eq!(by_jane.code, 200, "{}", by_jane.body);
    let by_root = get(proxy, "/api/v1/namespaces/dev/pods/web/log", &bearer("root-token", PARENT));
    assert_eq!(by_root.code, 200, "{}", by_root.body);
    assert_eq!(get(proxy, "/docs/a", &bearer("wrong", "")).code, 401);
    assert_eq!(get(proxy, "/api/v1/nodes", &bearer("jane-token", "")).code, 403);
    assert_eq!(serving.signal("TERM"), 0);

    let spans = collector.spans();
    let all = format!("{spans:?}");
    for secret in ["jane-token", "root-token", "wrong", "hidden"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    let resource = collector.resource();
    assert!(resource.contains(&("service.name".to_owned(), "verdikt".to_owned())), "{resource:?}");
    let found = requests(&spans);
    let [jane, root, unknown, refused] = found.as_slice() else { panic!("{found:#?}") };

    // Jane may not say what her request is part of.
    assert_eq!((&*jane.0.name, &*of(jane.0, "url.path")), ("GET", "/docs/a"));
    assert_ne!(hex(&jane.0.trace_id), TRACE);
    assert_eq!(hex(&jane.0.links[0].trace_id), TRACE);
    assert_eq!(of(jane.0, "http.response.status_code"), "200");
    assert_eq!(of(jane.0, "client.address"), "127.0.0.1");
    let [authentication, authorization] = jane.1.as_slice() else { panic!("{:#?}", jane.1) };
    assert_eq!(authentication.name, "authentication");
    assert_eq!(of(authentication, "verdikt.authenticator"), "token-file");
    assert_eq!(authorization.name, "authorization");
    assert_eq!(of(authorization, "authorization.k8s.io/decision"), "allow");
    let reason = of(authorization, "authorization.k8s.io/reason");
    assert!(reason.starts_with("RBAC: allowed by"), "{reason}");
    assert_eq!(of(authorization, "verdikt.revision"), "1");
    for span in [authentication, authorization] {
        assert!(span.start_time_unix_nano >= jane.0.start_time_unix_nano);
        assert!(span.end_time_unix_nano <= jane.0.end_time_unix_nano);
    }
    let told = format!("00-{}-{}-01", hex(&jane.0.trace_id), hex(&jane.0.span_id));
    assert!(by_jane.body.contains(&told), "{told}: {}", by_jane.body);

    // A member of system:masters may.
    assert_eq!(root.0.name, "GET /api/v1/namespaces/{:namespace}/pods/{:name}/log");
    assert_eq!(hex(&root.0.trace_id), TRACE);
    assert_eq!(hex(&root.0.parent_span_id), "b7ad6b7169203331");
    let told = format!("00-{TRACE}-{}-01", hex(&root.0.span_id));
    assert!(by_root.body.contains(&told), "{told}: {}", by_root.body);

    assert_eq!(of(unknown.0, "http.response.status_code"), "401");
    assert_eq!(unknown.1.len(), 1);
    assert_eq!(of(refused.0, "http.response.status_code"), "403");
    assert_eq!(of(refused.1[1], "authorization.k8s.io/decision"), "forbid");
}

#[test]
fn without_a_rate_only_what_is_part_of_a_trace_is_traced() {
    let runtime = Runtime::new().unwrap();
    let folder = TempDir::new().unwrap();
    let collector = Collector::start_unix(&runtime, &folder.path().join("otel.sock"));
    let grpc = free_port();
    let serving = serve(&folder, collector.endpoint(), "", &[&format!("--grpc-address={grpc}")]);
    let question = || v1::CheckRequest {
        user: Some(v1::User { name: "jane".to_owned(), ..Default::default() }),
        request: Some(v1::check_request::Request::NonResource(v1::NonResourceAttributes {
            verb: "get".to_owned(),
            path: "/lint".to_owned(),
        })),
        ..Default::default()
    };
    let client = Client::at(&format!("http://{grpc}"));
    assert!(!client.check(question()).unwrap().allowed);
    // This listener is its operator's alone, who is believed.
    let client = client.with("traceparent", PARENT);
    assert!(!client.check(question()).unwrap().allowed);
    client.check(v1::CheckRequest { request: None, ..question() }).unwrap_err();
    let http = HttpRequest {
        method: "GET".to_owned(),
        path: "/docs/a".to_owned(),
        headers: [("authorization".to_owned(), "Bearer jane-token".to_owned())].into(),
        ..HttpRequest::default()
    };
    let described = Described { http: Some(http) };
    let attributes = AttributeContext { request: Some(described), ..AttributeContext::default() };
    let asked = client.request(CheckRequest { attributes: Some(attributes) });
    client.wait(AuthorizationClient::new(client.channel()).check(asked)).unwrap();
    let unsampled = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    get(serving.address(), "/docs/a", &bearer("jane-token", unsampled));
    get(serving.address(), "/docs/a", &bearer("jane-token", "nonsense"));
    assert_eq!(serving.signal("TERM"), 0);

    let spans = collector.spans();
    let found = requests(&spans);
    let [answered, invalid, envoy] = found.as_slice() else { panic!("{found:#?}") };
    for (server, _) in [answered, invalid] {
        assert_eq!(server.name, "verdikt.v1.Verdikt/Check");
        assert_eq!(hex(&server.trace_id), TRACE);
        assert_eq!(of(server, "rpc.method"), "Check");
    }
    assert_eq!(of(answered.0, "rpc.grpc.status_code"), "0");
    let [authorization] = answered.1.as_slice() else { panic!("{:#?}", answered.1) };
    assert_eq!(of(authorization, "authorization.k8s.io/decision"), "forbid");
    assert_eq!(of(invalid.0, "rpc.grpc.status_code"), "3");
    // Who sent what Envoy asks about is found out in the same trace.
    assert_eq!(envoy.0.name, "envoy.service.auth.v3.Authorization/Check");
    assert_eq!(hex(&envoy.0.trace_id), TRACE);
    let [authentication, authorization] = envoy.1.as_slice() else { panic!("{:#?}", envoy.1) };
    assert_eq!(of(authentication, "verdikt.authenticator"), "token-file");
    assert_eq!(of(authorization, "authorization.k8s.io/decision"), "allow");
}

#[test]
fn a_collector_that_is_not_there_keeps_nobody_waiting() {
    let folder = TempDir::new().unwrap();
    let nowhere = free_port().to_string();
    let serving = serve(&folder, &nowhere, "samplingRatePerMillion: 1000000", &[]);
    for _ in 0..50 {
        let answer = get(serving.address(), "/docs/a", &bearer("jane-token", ""));
        assert_eq!(answer.code, 200);
    }
    assert_eq!(serving.signal("TERM"), 0);
}

#[test]
fn what_is_wrong_with_the_configuration_is_said_before_anything_is_served() {
    let folder = TempDir::new().unwrap();
    let check = |fields: &str, expected: &[&str]| {
        let file = configuration(&folder, fields);
        let policy = format!("--policy-dir={}", example("reverse-proxy/manifests").display());
        let file = format!("--tracing-config-file={}", file.display());
        let arguments = ["serve", &policy, &file, "--http-address=127.0.0.1:0"];
        let ran = run(Path::new(BINARY), &arguments, b"");
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        for text in expected {
            assert!(ran.stderr.contains(text), "{text}: {}", ran.stderr);
        }
    };
    check("samplingRatePerMillion: -1", &["tracing.yaml:3:25", "sampling rate must be positive"]);
    check("endpoints: a", &["unknown field \"endpoints\""]);
    check("endpoint: https://otel:4317", &["unsupported scheme: https"]);
    check("endpoint: unix-abstract://otel", &["use unix:///PATH"]);
    check("endpoint: a b", &["HOST:PORT"]);
}
