//! gRPC over TLS: who callers are by their certificates, what changes while their channels are there; and deadlines,
//! and what is counted of calls.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use prost::Message as _;
use tonic::Code;
use verdikt::{Builder, Engine, Mode};
use verdikt_server::proto::v1;
use verdikt_server::proto::v1::Decision::{Allow, NoOpinion};
use verdikt_server::proto::v1::check_request::Request;
use verdikt_server::{Access, ClientAuth, TlsOptions};
use verdikt_tests::binary::{finish, is_installed};
use verdikt_tests::exposition::Exposition;
use verdikt_tests::grpc::Client;
use verdikt_tests::http::Running;
use verdikt_tests::tls::{Authority, Certified};
use verdikt_tests::webhook::{Reply, Webhook};

const POLICY: &str = include_str!("../../policies/authn-x509/policy.yaml");

/// A server over TLS, its authorities, and the folder its files are in.
struct World {
    server: Running,
    engine: Engine,
    own: Authority,
    clients: Authority,
    folder: tempfile::TempDir,
}

fn world(client_auth: ClientAuth) -> World {
    let folder = tempfile::tempdir().unwrap();
    let [own, clients] = ["servers", "clients"].map(Authority::new);
    write(folder.path(), "clients.pem", &clients.pem);
    show(folder.path(), &own.server());
    let engine = Engine::builder()
        .manifest("policy.yaml", POLICY)
        .client_ca_file(folder.path().join("clients.pem"))
        .poll_interval(Duration::from_millis(50))
        .build()
        .unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut tls = TlsOptions::new(at("server.pem"), at("server-key.pem"));
    tls.client_auth = client_auth;
    tls.poll_interval = Duration::from_millis(50);
    let server = Running::start_tls(engine.clone(), &tls);
    World { server, engine, own, clients, folder }
}

/// At once, as whoever replaces a file while it is read should.
fn write(folder: &Path, name: &str, text: &str) {
    let new = folder.join(format!("{name}.new"));
    fs::write(&new, text).unwrap();
    fs::rename(new, folder.join(name)).unwrap();
}

/// Makes that the server's certificate.
fn show(folder: &Path, shown: &Certified) {
    write(folder, "server.pem", &shown.certificate);
    write(folder, "server-key.pem", &shown.key);
}

impl World {
    fn client(&self, certified: Option<&Certified>) -> Client<'_> {
        Client::over_tls(&self.server, &self.own.pem, certified)
    }
}

/// Whether the caller may get pods in the shop.
fn about_myself() -> v1::CheckRequest {
    let request = Some(Request::Resource(v1::ResourceAttributes {
        verb: "get".to_owned(),
        resource: "pods".to_owned(),
        namespace: "shop".to_owned(),
        ..Default::default()
    }));
    v1::CheckRequest { request, ..Default::default() }
}

fn about_joe() -> v1::CheckRequest {
    let user = v1::User { name: "joe".to_owned(), ..Default::default() };
    v1::CheckRequest { user: Some(user), ..about_myself() }
}

fn wait_for(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "it did not come to pass");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_caller_is_who_its_certificate_says() {
    let world = world(ClientAuth::Request);
    let jane = world.clients.client("jane", "developers", 1);
    let answer = world.client(Some(&jane)).check(about_myself()).unwrap();
    assert_eq!(answer.decision(), Allow, "{answer:?}");
    assert!(answer.reason.contains("to Group \"developers\""), "{answer:?}");
    let user = answer.user.unwrap();
    assert_eq!(user.name, "jane");
    assert!(user.groups.contains(&"developers".to_owned()), "{user:?}");
    // To ask about others is another matter.
    let refused = world.client(Some(&jane)).check(about_joe()).unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
    // Nobody in particular, and somebody from elsewhere.
    let answer = world.client(None).check(about_myself()).unwrap();
    assert_eq!(answer.decision(), NoOpinion);
    assert_eq!(answer.user.unwrap().name, "system:anonymous");
    let eve = Authority::new("clients").client("eve", "developers", 1);
    let refused = world.client(Some(&eve)).check(about_myself()).unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
}

#[test]
fn neither_side_speaks_with_whom_it_does_not_know() {
    let world = world(ClientAuth::Require);
    let jane = world.clients.client("jane", "developers", 1);
    assert!(world.client(Some(&jane)).check(about_myself()).unwrap().allowed);
    let eve = Authority::new("clients").client("eve", "developers", 1);
    for client in [None, Some(&eve)] {
        let refused = world.client(client).check(about_myself()).unwrap_err();
        // The connection did not come about, or was ended by an alert, before the call or during it.
        let ended = [Code::Unavailable, Code::Unknown, Code::Cancelled];
        assert!(ended.contains(&refused.code()), "{refused:?}");
    }
    let stranger = Authority::new("servers");
    let client = Client::over_tls(&world.server, &stranger.pem, Some(&jane));
    let refused = client.check(about_myself()).unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
}

#[test]
fn a_channel_lives_on_when_certificates_change() {
    let world = world(ClientAuth::Require);
    let jane = world.clients.client("jane", "developers", 1);
    let kept = world.client(Some(&jane));
    assert!(kept.check(about_myself()).unwrap().allowed);
    // The server's own: by another authority, so that new channels tell.
    let others = Authority::new("others");
    show(world.folder.path(), &others.server());
    let anew = |authority: &Authority| {
        Client::over_tls(&world.server, &authority.pem, Some(&jane)).check(about_myself())
    };
    wait_for(|| anew(&others).is_ok());
    assert!(anew(&world.own).is_err());
    assert!(kept.check(about_myself()).unwrap().allowed);
    // And the one that clients are known by.
    let before = world.engine.revision();
    write(world.folder.path(), "clients.pem", &others.pem);
    wait_for(|| world.engine.revision() > before);
    assert!(kept.check(about_myself()).unwrap().allowed);
    assert!(anew(&others).is_err());
    let olga = others.client("olga", "developers", 1);
    let olga = Client::over_tls(&world.server, &others.pem, Some(&olga));
    assert!(olga.check(about_myself()).unwrap().allowed);
}

fn with_webhook(webhook: &Webhook, folder: &Path) -> Builder {
    Engine::builder()
        .authorization_modes([Mode::Webhook])
        .authorization_webhook_config_file(webhook.write_kubeconfig(folder, "/authorize"))
        .authorization_webhook_version("v1")
}

/// Clients of tonic end a call by their own clocks: curl does not.
#[test]
fn a_call_ends_by_its_deadline_though_a_webhook_is_slow() {
    if !is_installed("curl") {
        return;
    }
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let engine = with_webhook(&webhook, folder.path()).build().unwrap();
    let server = Running::start_grpc(engine, |_| {});
    webhook.reply([Reply::json(200, r#"{"status":{"allowed":true}}"#)]);
    webhook.hold(true);
    let message = about_joe().encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let frame = folder.path().join("frame");
    fs::write(&frame, [&[0][..], &length, &message].concat()).unwrap();
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-D", "-", "-o", "/dev/null", "--max-time", "20"]);
    curl.args(["--http2-prior-knowledge", "-H", "TE: trailers", "-H", "grpc-timeout: 300m"]);
    curl.args(["-H", "Content-Type: application/grpc", "--data-binary"]);
    curl.arg(format!("@{}", frame.display()));
    curl.arg(format!("http://{}/verdikt.v1.Verdikt/Check", server.address()));
    let ran = finish(&mut curl, b"");
    // DEADLINE_EXCEEDED, while the webhook still holds its answer back.
    assert!(ran.stdout.contains("grpc-status: 4\r\n"), "{ran:?}");
    assert_eq!(webhook.asked().len(), 1);
    webhook.hold(false);
    assert!(Client::new(&server).check(about_joe()).unwrap().allowed);
}

#[test]
fn what_calls_need_is_counted() {
    let world = world(ClientAuth::Request);
    let jane = world.clients.client("jane", "developers", 1);
    let open = Running::start(world.engine.clone(), |options| options.access = Access::Open);
    let count = |series: &str| {
        let found = Exposition::parse(&open.get("/metrics", None).body, false).unwrap();
        found.get(series).unwrap_or_default()
    };
    let denied = || count("authorization_attempts_total{result=\"no-opinion\"}");
    let known = || count("authentication_attempts{result=\"success\"}");
    let before = (denied(), known());
    let refused = world.client(Some(&jane)).check(about_joe()).unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!((denied(), known()), (before.0 + 1.0, before.1 + 1.0));
}
