//! A webhook that knows tokens: a second verdikt over mutual TLS, and webhooks that are slow, broken, huge, gone,
//! or lead elsewhere; what is remembered of their answers, and what becomes of them when files change.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use verdikt::authn::CacheOptions;
use verdikt::{Builder, Credentials, Engine, Outcome, Reload, Severity};
use verdikt_tests::http::{Answer, Running, raw};
use verdikt_tests::second::{Second, TOKENS};
use verdikt_tests::webhook::{Reply, Webhook};

const JANE: &str = r#"{"status":{"authenticated":true,"user":{"username":"jane","groups":["g"]}}}"#;
const NOBODY: &str = "invalid bearer token";

/// Asks the webhook of a kubeconfig.
fn builder(kubeconfig: &Path) -> Builder {
    Engine::builder()
        .authentication_token_webhook_config_file(kubeconfig)
        .authentication_token_webhook_version("v1")
}

/// The same, of a webhook that answers what it is told to; what is said of a token is not remembered.
fn uncached(webhook: &Webhook, folder: &TempDir) -> Builder {
    let none = CacheOptions { success_ttl: Duration::ZERO, ..CacheOptions::default() };
    builder(&webhook.write_kubeconfig(folder.path(), "/x"))
        .authentication_token_webhook_cache_ttl(Duration::ZERO)
        .token_cache(none)
}

/// Whose a token is, with groups and audiences, or the error.
fn ask_for(engine: &Engine, token: &str, audiences: &[&str]) -> String {
    let audiences: Vec<String> = audiences.iter().map(|&text| text.to_owned()).collect();
    match engine.authenticate(&Credentials::bearer(token).with_audiences(&audiences)) {
        Outcome::Authenticated(who) => {
            let user = who.user();
            format!("{} [{}] [{}]", user.name, user.groups.join(","), who.audiences().join(","))
        }
        Outcome::NoOpinion => "no opinion".to_owned(),
        Outcome::Failed(error) => error.to_string(),
    }
}

fn ask(engine: &Engine, token: &str) -> String {
    ask_for(engine, token, &[])
}

fn wait_for(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "it did not come to pass");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_second_verdikt_knows_tokens_over_mutual_tls() {
    let (second, folder) = (Second::with_token(&[]), tempfile::tempdir().unwrap());
    let kubeconfig = second.write_kubeconfig(folder.path(), TOKENS);
    for version in ["v1", "v1beta1"] {
        let engine =
            builder(&kubeconfig).authentication_token_webhook_version(version).build().unwrap();
        let jane = "jane [developers,system:authenticated] []";
        assert_eq!(ask(&engine, "far-away"), jane, "{version}");
        // The second verdikt says why: to it, the token is nobody's.
        assert_eq!(ask(&engine, "made-up"), NOBODY, "{version}");
        let server = Running::start(engine, |_| {});
        let answer = server.get("/api/v1/pods", Some("far-away"));
        assert_eq!(answer.code, 403, "{}", answer.body);
        assert!(answer.body.contains("User \\\"jane\\\" cannot list"), "{}", answer.body);
        assert_eq!(server.get("/api/v1/pods", Some("made-up")).code, 401);
    }
}

#[test]
fn it_is_the_certificate_that_may_ask() {
    let (second, folder) = (Second::with_token(&[]), tempfile::tempdir().unwrap());
    let kubeconfig = second.write_kubeconfig(folder.path(), TOKENS);
    let text = std::fs::read_to_string(&kubeconfig).unwrap();
    let without = "client-certificate: client.pem, client-key: client-key.pem";
    std::fs::write(&kubeconfig, text.replace(without, "")).unwrap();
    let refused = "tokenreviews.authentication.k8s.io is forbidden: User \"system:anonymous\" cannot \
                   create resource \"tokenreviews\" in API group \"authentication.k8s.io\" at the \
                   cluster scope";
    assert_eq!(ask(&builder(&kubeconfig).build().unwrap(), "far-away"), refused);
    // Nor does it get the token if it is somebody else.
    let other = Webhook::start();
    std::fs::write(folder.path().join("ca.pem"), other.materials()[0].1).unwrap();
    let error = ask(&builder(&kubeconfig).build().unwrap(), "far-away");
    assert!(error.ends_with("certificate signed by unknown authority"), "{error}");
}

#[test]
fn audiences_are_asked_for_and_held_against_the_answer() {
    let (second, folder) = (Second::with_token(&["api", "vault"]), tempfile::tempdir().unwrap());
    let kubeconfig = second.write_kubeconfig(folder.path(), TOKENS);
    let with = |audiences: &[&str]| {
        builder(&kubeconfig).api_audiences(audiences.iter().copied()).build().unwrap()
    };
    let engine = with(&["api"]);
    let jane = |audiences: &str| format!("jane [developers,system:authenticated] [{audiences}]");
    assert_eq!(ask(&engine, "far-away"), jane("api"));
    assert_eq!(ask_for(&engine, "far-away", &["vault", "x"]), jane("vault"));
    assert_eq!(ask_for(&engine, "far-away", &["x"]), NOBODY);
    assert_eq!(ask(&with(&["x"]), "far-away"), NOBODY);
}

#[test]
fn a_webhook_is_sent_what_upstream_sends() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    webhook.reply([Reply::json(200, JANE)]);
    let engine = uncached(&webhook, &folder).api_audiences(["api"]).build().unwrap();
    assert_eq!(ask(&engine, "tok"), "jane [g,system:authenticated] [api]");
    let (target, body) = &webhook.asked()[0];
    assert_eq!(target, "/x?timeout=30s");
    assert_eq!(
        body,
        "{\"kind\":\"TokenReview\",\"apiVersion\":\"authentication.k8s.io/v1\",\"metadata\":{},\
         \"spec\":{\"token\":\"tok\",\"audiences\":[\"api\"]},\"status\":{\"user\":{}}}\n"
    );
}

#[test]
fn bad_answers_are_errors_in_upstreams_words() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let engine = uncached(&webhook, &folder).build().unwrap();
    let jane = "jane [g,system:authenticated] []";
    let status = |status: &str| format!("{{\"status\":{status}}}");
    let both = JANE.replace("\"authenticated\"", "\"error\":\"odd\",\"authenticated\"");
    let huge = format!(r#"{{"status":{{"error":"{}"}}}}"#, "x".repeat(10 << 20));
    for (reply, expected) in [
        (Reply::json(201, JANE), jane),
        // As upstream: an error is not looked at if the token is somebody's.
        (Reply::json(200, &both), jane),
        (Reply::json(200, &status(r#"{"error":"no good"}"#)), "no good"),
        (Reply::json(200, "{}"), NOBODY),
        (Reply::json(200, "null"), NOBODY),
        (
            Reply::json(200, ""),
            "0-length response with status code: 200 and content type: application/json",
        ),
        (
            Reply::json(
                200,
                r#"{"apiVersion":"authentication.k8s.io/v1beta1","kind":"TokenReview"}"#,
            ),
            "converting (v1beta1.TokenReview) to (v1.TokenReview): unknown conversion",
        ),
        (
            Reply::json(200, r#"{"apiVersion":"v1","kind":"Pod"}"#),
            "no kind \"Pod\" is registered for version \"v1\" in scheme \"pkg/runtime/scheme.go:111\"",
        ),
        (
            Reply::json(200, &status(r#"{"authenticated":"yes"}"#)),
            "json: cannot unmarshal string into Go struct field TokenReview.status.authenticated of \
             type bool",
        ),
        (Reply::json(200, &huge), "the answer has more than the 1048576 bytes it may have"),
        (Reply::text(503, "x"), "the server is currently unable to handle the request"),
        (
            Reply::json(
                401,
                r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"mine"}"#,
            ),
            "mine",
        ),
    ] {
        let body = String::from_utf8_lossy(&reply.body).chars().take(80).collect::<String>();
        webhook.reply([reply]);
        assert_eq!(ask(&engine, "tok"), expected, "{body}");
    }
    for garbage in ["<html><body>Welcome</body></html>", &JANE[..40], "\u{0}\u{1}"] {
        webhook.reply([Reply::text(200, garbage)]);
        let error = ask(&engine, "tok");
        assert!(error.starts_with("couldn't get version/kind; json parse error: "), "{error}");
    }
}

#[test]
fn redirects_are_not_followed() {
    let (webhook, other) = (Webhook::start(), Webhook::start());
    let folder = tempfile::tempdir().unwrap();
    let engine = uncached(&webhook, &folder).build().unwrap();
    other.reply([Reply::json(200, JANE)]);
    for status in [301, 302, 303, 307, 308] {
        for target in [other.url("/x"), webhook.url("/elsewhere")] {
            let before = webhook.asked().len();
            let mut reply = Reply::text(status, "");
            reply.headers.push_str(&format!("Location: {target}\r\n"));
            webhook.reply([reply]);
            let expected = format!(
                "the server responded with the status code {status} but did not return more information"
            );
            assert_eq!(ask(&engine, "tok"), expected);
            assert_eq!(webhook.asked().len(), before + 1);
        }
    }
    assert_eq!(other.asked(), []);
}

#[test]
fn an_outage_is_an_error_that_is_not_remembered() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let kubeconfig = webhook.write_kubeconfig(folder.path(), "/x");
    let engine = builder(&kubeconfig).build().unwrap();
    webhook.reply([Reply::text(503, "x"), Reply::text(500, "boom"), Reply::json(200, JANE)]);
    assert_eq!(ask(&engine, "tok"), "the server is currently unable to handle the request");
    // A 500 is tried again at once, as far as the client can tell.
    assert_eq!(ask(&engine, "tok"), "jane [g,system:authenticated] []");
    assert_eq!(webhook.asked().len(), 3);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = std::fs::read_to_string(&kubeconfig).unwrap();
    let gone = format!("https://127.0.0.1:{port}");
    std::fs::write(&kubeconfig, text.replace(&webhook.url(""), &gone)).unwrap();
    let expected = format!(
        "Post \"{gone}/x?timeout=30s\": dial tcp 127.0.0.1:{port}: connect: connection refused"
    );
    let server = Running::start(builder(&kubeconfig).build().unwrap(), |_| {});
    assert_eq!(ask(&builder(&kubeconfig).build().unwrap(), "tok"), expected);
    assert_eq!(server.get("/api", Some("tok")).code, 401, "an error does not pass for anonymous");
}

#[test]
fn answers_are_remembered_across_other_changes() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let kubeconfig = webhook.write_kubeconfig(folder.path(), "/x");
    let list = "kind: List\napiVersion: v1\nitems: []\n";
    let engine = builder(&kubeconfig).manifest("a", list).build().unwrap();
    webhook.reply([
        Reply::json(200, JANE),
        Reply::json(200, "{}"),
        Reply::json(200, r#"{"status":{"error":"busy"}}"#),
    ]);
    let again = |comment: &str| {
        let changed = engine.replace_manifests([("a", format!("{list}# {comment}\n"))]);
        assert!(matches!(changed, Ok(Reload::Changed(_))));
    };
    for turn in ["one", "two", "three"] {
        again(turn);
        assert_eq!(ask(&engine, "tok"), "jane [g,system:authenticated] []");
        assert_eq!(ask(&engine, "made-up"), NOBODY);
        assert_eq!(webhook.asked().len(), 2, "{turn}");
    }
    assert_eq!(ask(&engine, "other"), "busy");
    assert_eq!(ask(&engine, "other"), "busy");
    assert_eq!(webhook.asked().len(), 4, "an error is not remembered");
    let text = std::fs::read_to_string(&kubeconfig).unwrap();
    std::fs::write(&kubeconfig, text.replace("/x", "/y")).unwrap();
    webhook.reply([Reply::json(200, "{}")]);
    engine.reload().unwrap();
    assert_eq!(ask(&engine, "tok"), NOBODY, "another webhook knows other tokens");
}

#[test]
fn whoever_else_knows_a_token_is_asked_first() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let tokens = folder.path().join("tokens.csv");
    std::fs::write(&tokens, "at-home,joe,u-2\n").unwrap();
    let engine =
        uncached(&webhook, &folder).token_auth_file(tokens).bootstrap_tokens(true).build().unwrap();
    let names = engine.status().loaded.authenticators.clone();
    assert_eq!(names, ["token-file", "bootstrap-token", "token-webhook", "anonymous"]);
    webhook.reply([Reply::json(200, JANE)]);
    assert_eq!(ask(&engine, "at-home"), "joe [system:authenticated] []");
    assert_eq!(webhook.asked().len(), 0);
    // An error of another does not keep the webhook from knowing the token.
    assert_eq!(ask(&engine, "abcdef.0123456789abcdef"), "jane [g,system:authenticated] []");
}

/// A request with a token, answered in its own time.
fn in_background(server: &Running, token: &str) -> thread::JoinHandle<Answer> {
    let (address, token) = (server.address(), token.to_owned());
    thread::spawn(move || {
        let head = "GET /api HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
        raw(address, format!("{head}Authorization: Bearer {token}\r\n\r\n").as_bytes())
    })
}

#[test]
fn a_slow_webhook_is_asked_once_for_a_token_and_keeps_nobody_else_waiting() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let tokens = folder.path().join("tokens.csv");
    std::fs::write(&tokens, "at-home,joe,u-2\n").unwrap();
    let kubeconfig = webhook.write_kubeconfig(folder.path(), "/x");
    let engine = builder(&kubeconfig).token_auth_file(tokens).build().unwrap();
    let server = Running::start(engine, |_| {});
    webhook.reply([Reply::json(200, JANE)]);
    webhook.hold(true);
    // More than the server has threads.
    let waiting: Vec<_> = (0..16).map(|_| in_background(&server, "tok")).collect();
    wait_for(|| !webhook.asked().is_empty());
    for _ in 0..16 {
        assert_eq!(server.get("/api", Some("at-home")).code, 403);
    }
    assert!(waiting.iter().all(|request| !request.is_finished()));
    webhook.hold(false);
    for request in waiting {
        assert_eq!(request.join().unwrap().code, 403);
    }
    assert_eq!(webhook.asked().len(), 1);
}

#[test]
fn made_up_tokens_do_not_multiply_requests_without_bound() {
    const AT_ONCE: usize = 128;
    const WAITING: usize = 256;
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let engine = uncached(&webhook, &folder).build().unwrap();
    webhook.reply([Reply::json(200, JANE)]);
    webhook.hold(true);
    let requests: Vec<_> = (0..WAITING + 50)
        .map(|number| {
            let engine = engine.clone();
            thread::spawn(move || ask(&engine, &format!("made-up-{number}")))
        })
        .collect();
    wait_for(|| requests.iter().filter(|request| request.is_finished()).count() == 50);
    wait_for(|| webhook.asked().len() == AT_ONCE);
    webhook.hold(false);
    let answers: Vec<String> =
        requests.into_iter().map(|request| request.join().unwrap()).collect();
    let refused = "webhook call failed: too many requests wait for the webhook";
    assert_eq!(answers.iter().filter(|answer| *answer == refused).count(), 50);
    let jane = "jane [g,system:authenticated] []";
    assert_eq!(answers.iter().filter(|answer| *answer == jane).count(), WAITING);
    assert_eq!(webhook.asked().len(), WAITING);
}

#[test]
fn a_kubeconfig_and_its_files_are_read_again_and_the_last_good_ones_stay() {
    let (second, folder) = (Second::with_token(&[]), tempfile::tempdir().unwrap());
    let kubeconfig = second.write_kubeconfig(folder.path(), TOKENS);
    let replace = |name: &str, text: &str| {
        std::fs::write(folder.path().join("new"), text).unwrap();
        std::fs::rename(folder.path().join("new"), folder.path().join(name)).unwrap();
    };
    let stranger = second.client("stranger");
    replace("client.pem", &stranger.certificate);
    replace("client-key.pem", &stranger.key);
    let engine = builder(&kubeconfig)
        .authentication_token_webhook_cache_ttl(Duration::ZERO)
        .poll_interval(Duration::from_millis(50))
        .build()
        .unwrap();
    let refused = "tokenreviews.authentication.k8s.io is forbidden: User \"stranger\" cannot create \
                   resource \"tokenreviews\" in API group \"authentication.k8s.io\" at the cluster \
                   scope";
    assert_eq!(ask(&engine, "far-away"), refused);
    replace("client-key.pem", "no key");
    wait_for(|| !engine.status().last_reload.ok);
    assert_eq!(ask(&engine, "far-away"), refused, "with the certificate it had");
    let client = second.client("verdikt");
    replace("client.pem", &client.certificate);
    replace("client-key.pem", &client.key);
    wait_for(|| ask(&engine, "far-away").starts_with("jane "));
    // The token in a file, to a server that goes by tokens.
    let text = std::fs::read_to_string(&kubeconfig).unwrap();
    replace("kubeconfig.yaml", "clusters: 1");
    wait_for(|| !engine.status().last_reload.ok);
    assert!(ask(&engine, "far-away").starts_with("jane "));
    replace("kubeconfig.yaml", &text);
    wait_for(|| engine.status().last_reload.ok);
}

#[test]
fn what_cannot_be_used_is_said_in_upstreams_words() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig.yaml");
    let text = "clusters: [{name: c, cluster: {server: 'https://h/x'}}]\n\
                users: [{name: u, user: {USER}}]\n\
                contexts: [{name: c, context: {cluster: c, user: u}}]\ncurrent-context: c\n";
    let check = |user: &str, version: &str, expected: &str| {
        std::fs::write(&kubeconfig, text.replace("USER", user)).unwrap();
        let built = builder(&kubeconfig).authentication_token_webhook_version(version).build();
        let error = built.unwrap_err();
        let messages: Vec<&str> = error.diagnostics().iter().map(|found| &*found.message).collect();
        assert_eq!(messages, [expected]);
    };
    check(
        "",
        "v2",
        "unsupported authentication webhook version \"v2\", supported versions are \"v1\", \"v1beta1\"",
    );
    check(
        "exec: {command: login, apiVersion: client.authentication.k8s.io/v1}",
        "v1",
        "`exec` is not supported: no program is run for a credential",
    );
    let missing = folder.path().join("token").display().to_string();
    let message = format!("open {missing}: no such file or directory");
    check("tokenFile: token", "v1", &message);
    let error = builder(&folder.path().join("none")).build().unwrap_err();
    assert_eq!(error.diagnostics().len(), 1);
    assert_eq!(error.diagnostics()[0].severity, Severity::Error);
}
