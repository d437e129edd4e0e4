//! Authorizers that lie elsewhere: a second verdikt over mutual TLS, and webhooks that are slow, broken, huge,
//! gone, or lead elsewhere; and the file that says which there are.

use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use verdikt::{Attributes, Builder, EffectName, Engine, Mode, Reload, User};
use verdikt_tests::http::Running;
use verdikt_tests::second::{ACCESS, Second};
use verdikt_tests::webhook::{Reply, Webhook, kubeconfig};

const ALLOWED: &str = r#"{"status":{"allowed":true,"reason":"because"}}"#;

fn policies(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// An engine of mode Webhook and whatever else.
fn builder(webhook: &Webhook, folder: &TempDir, path: &str) -> Builder {
    Engine::builder()
        .authorization_modes([Mode::Webhook])
        .authorization_webhook_config_file(webhook.write_kubeconfig(folder.path(), path))
        .authorization_webhook_version("v1")
}

/// Effect, reason and error.
fn ask(engine: &Engine, name: &str) -> (String, String, String) {
    let user = User::new(name, ["readers"]);
    let request = Attributes {
        namespace: "shop",
        api_version: "v1",
        ..Attributes::resource(&user, "get", "pods")
    };
    let decision = engine.authorize(&request);
    let error = decision.error().unwrap_or_default();
    (decision.effect().to_string(), decision.reason_text(), error)
}

fn check(engine: &Engine, name: &str, effect: &str, reason: &str, error: &str) {
    let (found_effect, found_reason, found_error) = ask(engine, name);
    assert_eq!((&*found_effect, &*found_reason), (effect, reason), "{found_error}");
    assert_eq!(found_error, error);
}

#[test]
fn a_second_verdikt_decides_over_mutual_tls() {
    let manifests = policies("policies/authz-webhook/manifests");
    let second = Second::start(Engine::builder().policy_dir(manifests));
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::builder()
        .authorization_modes([Mode::Webhook])
        .authorization_webhook_config_file(second.write_kubeconfig(folder.path(), ACCESS))
        .authorization_webhook_version("v1")
        .build()
        .unwrap();
    let reason = "RBAC: allowed by ClusterRoleBinding \"readers\" of ClusterRole \"reader\" to Group \
                  \"readers\"";
    check(&engine, "ada", "Allow", reason, "");
    let stranger = User::new("eve", ["strangers"]);
    let request = Attributes::resource(&stranger, "get", "pods");
    assert_eq!(engine.authorize(&request).effect().to_string(), "NoOpinion");
    // The connection alone is not enough: it is the certificate that may ask.
    let stranger = second.client("stranger");
    std::fs::write(folder.path().join("client.pem"), stranger.certificate).unwrap();
    std::fs::write(folder.path().join("client-key.pem"), stranger.key).unwrap();
    engine.reload().unwrap();
    let refused = "subjectaccessreviews.authorization.k8s.io is forbidden: User \"stranger\" cannot \
                   create resource \"subjectaccessreviews\" in API group \"authorization.k8s.io\" at \
                   the cluster scope";
    check(&engine, "bob", "NoOpinion", "", refused);
}

#[test]
fn a_webhook_is_sent_what_upstream_sends() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    webhook.reply([Reply::json(200, ALLOWED)]);
    let engine = builder(&webhook, &folder, ACCESS).build().unwrap();
    check(&engine, "ada", "Allow", "because", "");
    let (target, body) = &webhook.asked()[0];
    assert_eq!(target, &format!("{ACCESS}?timeout=30s"));
    assert_eq!(
        body,
        "{\"kind\":\"SubjectAccessReview\",\"apiVersion\":\"authorization.k8s.io/v1\",\"metadata\":{},\
         \"spec\":{\"resourceAttributes\":{\"namespace\":\"shop\",\"verb\":\"get\",\"version\":\"v1\",\
         \"resource\":\"pods\"},\"user\":\"ada\",\"groups\":[\"readers\"]},\"status\":{\"allowed\":false}}\n"
    );
}

#[test]
fn without_the_right_certificates_nobody_answers() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    webhook.reply([Reply::json(200, ALLOWED)]);
    let file = webhook.write_kubeconfig(folder.path(), "/");
    let text = std::fs::read_to_string(&file).unwrap();
    let build = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Engine::builder()
            .authorization_modes([Mode::Webhook])
            .authorization_webhook_config_file(&file)
            .build()
            .unwrap()
    };
    let (_, _, error) = ask(
        &build(&text.replace("client-certificate: client.pem, client-key: client-key.pem", "")),
        "a",
    );
    assert!(error.starts_with("Post \"https://127.0.0.1:"), "{error}");
    std::fs::write(folder.path().join("ca.pem"), Webhook::start().materials()[0].1).unwrap();
    let (_, _, error) = ask(&build(&text), "a");
    assert!(error.ends_with("certificate signed by unknown authority"), "{error}");
    assert_eq!(webhook.asked().len(), 0);
}

#[test]
fn answers_are_remembered_and_failures_are_not() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let engine = builder(&webhook, &folder, "/x").build().unwrap();
    webhook.reply([Reply::text(404, "x"), Reply::json(200, ALLOWED)]);
    let missing = "the server could not find the requested resource";
    check(&engine, "ada", "NoOpinion", "", missing);
    check(&engine, "ada", "Allow", "because", "");
    check(&engine, "ada", "Allow", "because", "");
    assert_eq!(webhook.asked().len(), 2);
    webhook.reply([Reply::json(200, r#"{"status":{"denied":true,"reason":"no"}}"#)]);
    check(&engine, "eve", "Deny", "no", "");
    check(&engine, "eve", "Deny", "no", "");
    assert_eq!(webhook.asked().len(), 3);
    let engine = builder(&webhook, &folder, "/x")
        .authorization_webhook_cache_unauthorized_ttl(Duration::ZERO)
        .build()
        .unwrap();
    check(&engine, "eve", "Deny", "no", "");
    check(&engine, "eve", "Deny", "no", "");
    assert_eq!(webhook.asked().len(), 5);
    let metrics = engine.metrics();
    let name = "apiserver_authorization_decisions_total";
    let decisions = metrics.iter().find(|reading| reading.family.name == name).unwrap();
    let labels = [("type", "Webhook"), ("name", "default"), ("decision", "denied")];
    assert_eq!(decisions.get(&labels), Some(2.0));
}

#[test]
fn an_explanation_asks_once() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    webhook.reply([Reply::json(200, ALLOWED)]);
    let uncached = |modes: &[Mode]| {
        builder(&webhook, &folder, "/x")
            .authorization_modes(modes.iter().copied())
            .authorization_webhook_cache_authorized_ttl(Duration::ZERO)
            .build()
            .unwrap()
    };
    let user = User::new("ada", ["readers"]);
    let request = Attributes::resource(&user, "get", "pods");
    for (modes, deciding) in [
        (&[Mode::AlwaysDeny, Mode::Webhook][..], "default"),
        // It is asked although another has decided, but not twice.
        (&[Mode::AlwaysAllow, Mode::Webhook], "alwaysallow"),
    ] {
        let before = webhook.asked().len();
        let explanation = uncached(modes).explain(&request);
        assert_eq!(webhook.asked().len(), before + 1, "{modes:?}");
        assert_eq!(explanation.answers[1].effect, EffectName::Allow);
        let decided: Vec<_> = explanation.paths.iter().filter(|path| path.decides).collect();
        assert_eq!(decided.len(), 1, "{modes:?}");
        assert_eq!(decided[0].authorizer, deciding);
    }
}

#[test]
fn bad_answers_are_errors_in_upstreams_words() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let engine = builder(&webhook, &folder, "/x").build().unwrap();
    let both = "webhook subject access review returned both allow and deny response";
    let mut elsewhere = Reply::text(302, "");
    elsewhere.headers = format!("Location: {}\r\n", webhook.url("/elsewhere"));
    for (reply, effect, reason, error) in [
        (Reply::json(200, "{}"), "NoOpinion", "", ""),
        (Reply::json(201, ALLOWED), "Allow", "because", ""),
        (Reply::json(200, r#"{"status":{"allowed":true,"denied":true}}"#), "Deny", "", both),
        (
            Reply::json(
                200,
                r#"{"apiVersion":"authorization.k8s.io/v1beta1","status":{"allowed":true}}"#,
            ),
            "NoOpinion",
            "",
            "converting (v1beta1.SubjectAccessReview) to (v1.SubjectAccessReview): unknown conversion",
        ),
        (
            Reply::json(200, ""),
            "NoOpinion",
            "",
            "0-length response with status code: 200 and content type: application/json",
        ),
        (
            Reply::text(503, "x"),
            "NoOpinion",
            "",
            "the server is currently unable to handle the request",
        ),
        (
            Reply::json(
                403,
                r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"mine"}"#,
            ),
            "NoOpinion",
            "",
            "mine",
        ),
        (
            elsewhere,
            "NoOpinion",
            "",
            "the server responded with the status code 302 but did not return more information",
        ),
        (
            Reply::json(200, &format!(r#"{{"status":{{"reason":"{}"}}}}"#, "x".repeat(10 << 20))),
            "NoOpinion",
            "",
            "the answer has more than the 1048576 bytes it may have",
        ),
    ] {
        webhook.reply([reply]);
        let name = format!("user-{}", webhook.asked().len());
        check(&engine, &name, effect, reason, error);
    }
    let garbage = Reply::text(200, "<html>");
    webhook.reply([garbage]);
    let (effect, _, error) = ask(&engine, "html");
    assert_eq!(effect, "NoOpinion");
    assert!(error.starts_with("couldn't get version/kind; json parse error: "), "{error}");
    assert!(webhook.asked().iter().all(|(target, _)| target == "/x?timeout=30s"));
}

#[test]
fn an_error_of_the_server_is_tried_again_after_a_while() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let engine = builder(&webhook, &folder, "/").build().unwrap();
    webhook.reply([Reply::text(500, "boom"), Reply::json(200, ALLOWED)]);
    let started = Instant::now();
    check(&engine, "ada", "Allow", "because", "");
    assert!(started.elapsed() >= Duration::from_millis(500));
    assert_eq!(webhook.asked().len(), 2);
    let mut wait = Reply::text(503, "busy");
    wait.headers.push_str("Retry-After: 0\r\n");
    webhook.reply([wait.clone(), wait, Reply::json(200, ALLOWED)]);
    check(&engine, "eve", "Allow", "because", "");
    assert_eq!(webhook.asked().len(), 5);
}

#[test]
fn who_is_gone_is_told_as_go_tells_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig.yaml");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:PORT/x'}}]\n\
                contexts: [{name: c, context: {cluster: c}}]\ncurrent-context: c\n";
    std::fs::write(&file, text.replace("PORT", &port.to_string())).unwrap();
    let engine = Engine::builder()
        .authorization_modes([Mode::Webhook, Mode::AlwaysDeny])
        .authorization_webhook_config_file(&file)
        .build()
        .unwrap();
    let error = format!(
        "Post \"http://127.0.0.1:{port}/x?timeout=30s\": dial tcp 127.0.0.1:{port}: connect: \
         connection refused"
    );
    check(&engine, "ada", "NoOpinion", "alwaysdeny: Everything is forbidden.", &error);
    let rules = engine.rules_for(&User::new("ada", ["g"]), "shop");
    assert!(rules.incomplete);
    assert_eq!(
        rules.evaluation_error().as_deref(),
        Some("webhook authorizer does not support user rule resolution")
    );
    // Over HTTP a refusal that may be due to an error is no 403.
    let server = Running::start(engine, |_| {});
    let response = server.get("/api/v1/pods", None);
    assert_eq!(response.code, 500, "{}", response.body);
    let start = "Internal Server Error: &#34;/api/v1/pods&#34;: Post &#34;http://127.0.0.1:";
    assert!(response.body.starts_with(&start.replace("&#34;", "\"")), "{}", response.body);
}

/// The example's file, with the webhook's own kubeconfig.
fn configuration(kubeconfig: &Path) -> String {
    let text =
        std::fs::read_to_string(policies("policies/authz-config/authorization.yaml")).unwrap();
    text.replace("/etc/verdikt/guard.kubeconfig", kubeconfig.to_str().unwrap())
}

fn configured(webhook: &Webhook, folder: &TempDir) -> (std::path::PathBuf, Engine) {
    let kubeconfig = webhook.write_kubeconfig(folder.path(), "/guard");
    let file = folder.path().join("authorization.yaml");
    std::fs::write(&file, configuration(&kubeconfig)).unwrap();
    let engine = Engine::builder()
        .policy_dir(policies("policies/authz-config/manifests"))
        .authorization_config(&file)
        .build()
        .unwrap();
    (file, engine)
}

fn in_namespace(engine: &Engine, namespace: &str) -> (String, String, String) {
    let user = User::new("ada", ["readers"]);
    let request = Attributes { namespace, ..Attributes::resource(&user, "get", "pods") };
    let decision = engine.authorize(&request);
    let error = decision.error().unwrap_or_default();
    (decision.effect().to_string(), decision.reason_text(), error)
}

#[test]
fn conditions_say_which_requests_a_webhook_is_asked_about() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let (_, engine) = configured(&webhook, &folder);
    assert_eq!(in_namespace(&engine, "shop").0, "Allow");
    assert_eq!(webhook.asked().len(), 0);
    webhook.reply([Reply::json(200, r#"{"status":{"denied":true,"reason":"guarded"}}"#)]);
    let (effect, reason, _) = in_namespace(&engine, "kube-system");
    assert_eq!((&*effect, &*reason), ("Deny", "guarded"));
    assert_eq!(webhook.asked()[0].0, "/guard?timeout=3s");
}

#[test]
fn a_kubeconfig_that_a_configuration_names_is_watched_and_so_are_its_files() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let (file, engine) = configured(&webhook, &folder);
    drop(engine);
    let engine = Engine::builder()
        .policy_dir(policies("policies/authz-config/manifests"))
        .authorization_config(&file)
        .poll_interval(Duration::from_millis(50))
        .build()
        .unwrap();
    let denied = |reason: &str| {
        Reply::json(200, &format!(r#"{{"status":{{"denied":true,"reason":"{reason}"}}}}"#))
    };
    webhook.reply([denied("first")]);
    assert_eq!(in_namespace(&engine, "kube-system").1, "first");
    // Another server, with authorities and clients of its own: first half of its files, then all.
    let other = Webhook::start();
    other.reply([denied("second")]);
    let old = std::fs::read_to_string(folder.path().join("kubeconfig.yaml")).unwrap();
    let replace = |name: &str, text: &str| {
        std::fs::write(folder.path().join("new"), text).unwrap();
        std::fs::rename(folder.path().join("new"), folder.path().join(name)).unwrap();
    };
    replace("client.pem", "nothing that a certificate could be read from");
    wait_for(|| !engine.status().last_reload.ok);
    assert_eq!(in_namespace(&engine, "kube-system").1, "first", "what was there before serves on");
    for (name, text) in other.materials() {
        replace(name, text);
    }
    wait_for(|| engine.status().last_reload.ok);
    // The files are good, but the old server has nothing to do with them.
    let error = in_namespace(&engine, "elsewhere").2;
    assert_eq!(error, "", "RBAC allows what the webhook is not asked about");
    replace("kubeconfig.yaml", &old.replace(&webhook.url(""), &other.url("")));
    wait_for(|| in_namespace(&engine, "kube-system").1 == "second");
    replace("kubeconfig.yaml", "clusters: 1");
    wait_for(|| !engine.status().last_reload.ok);
    assert_eq!(in_namespace(&engine, "kube-system").1, "second");
}

fn wait_for(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "it did not come to pass");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn failure_policy_deny_ends_the_chain() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let (file, engine) = configured(&webhook, &folder);
    let missing = "the server could not find the requested resource".to_owned();
    let denied = ("Deny".to_owned(), String::new(), missing);
    assert_eq!(in_namespace(&engine, "kube-system"), denied);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("failurePolicy: Deny", "failurePolicy: NoOpinion")).unwrap();
    assert!(matches!(engine.reload(), Ok(Reload::Changed(_))));
    assert_eq!(in_namespace(&engine, "kube-system").0, "Allow");
}

#[test]
fn a_slow_webhook_has_no_more_than_its_timeout() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let (file, engine) = configured(&webhook, &folder);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("timeout: 3s", "timeout: 200ms")).unwrap();
    engine.reload().unwrap();
    webhook.reply([Reply { delay: Duration::from_secs(20), ..Reply::json(200, ALLOWED) }]);
    let started = Instant::now();
    let (effect, _, error) = in_namespace(&engine, "kube-system");
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(effect, "Deny");
    assert!(error.ends_with("/guard?timeout=200ms\": context deadline exceeded"), "{error}");
}

#[test]
fn a_bad_file_is_refused_and_the_last_good_one_stays() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    let (file, engine) = configured(&webhook, &folder);
    let good = std::fs::read_to_string(&file).unwrap();
    let none = "- type: RBAC\n  name: rbac\n";
    for (from, to, expected) in [
        (
            "timeout: 3s",
            "timeout: 3d",
            "failed to load AuthorizationConfiguration from file: time: \
                                        unknown unit \"d\" in duration \"3d\"",
        ),
        (
            "timeout: 3s",
            "timeout: 31s",
            "authorizers[0].timeout: Invalid value: \"31s\": must be > 0s \
                                         and <= 30s",
        ),
        (none, "", "missing required types: [RBAC]"),
        ("name: rbac", "name: other", "expected name rbac for authorizer RBAC instead of other"),
        (
            none,
            "- {type: RBAC, name: rbac}\n- {type: Node, name: node}\n",
            "authorizer type Node is not \
                                         allowed if it was not enabled at initial server startup",
        ),
    ] {
        let text = good.replace(from, to);
        assert_ne!(text, good);
        std::fs::write(&file, text).unwrap();
        let error = engine.reload().unwrap_err();
        let messages: Vec<&str> = error.diagnostics().iter().map(|d| &*d.message).collect();
        assert_eq!(messages, [expected]);
        assert_eq!(in_namespace(&engine, "shop").0, "Allow");
    }
    std::fs::write(&file, good.replace("name: guard", "name: warden")).unwrap();
    engine.reload().unwrap();
    let metrics = engine.metrics();
    let reloads = |status: &str| {
        let name = "apiserver_authorization_config_controller_automatic_reloads_total";
        let reading = metrics.iter().find(|reading| reading.family.name == name).unwrap();
        reading.get(&[("status", status)])
    };
    assert_eq!((reloads("failure"), reloads("success")), (Some(5.0), Some(1.0)));
}

#[test]
fn what_a_webhook_said_outlives_changes_of_other_policy() {
    let (webhook, folder) = (Webhook::start(), tempfile::tempdir().unwrap());
    webhook.reply([Reply::json(200, ALLOWED)]);
    let engine = builder(&webhook, &folder, "/")
        .manifest("a", "kind: List\napiVersion: v1\nitems: []\n")
        .build()
        .unwrap();
    check(&engine, "ada", "Allow", "because", "");
    let changed =
        engine.replace_manifests([("a", "kind: List\napiVersion: v1\nitems: []\n# new\n")]);
    assert!(matches!(changed, Ok(Reload::Changed(_))));
    check(&engine, "ada", "Allow", "because", "");
    assert_eq!(webhook.asked().len(), 1);
    std::fs::write(folder.path().join("kubeconfig.yaml"), kubeconfig(&webhook.url("/other")))
        .unwrap();
    engine.reload().unwrap();
    check(&engine, "ada", "Allow", "because", "");
    assert_eq!(webhook.asked().len(), 2);
}

#[test]
fn flags_that_contradict_each_other_are_told_in_upstreams_words() {
    let check = |builder: Builder, expected: &[&str]| {
        let error = builder.build().unwrap_err();
        let messages: Vec<&str> = error.diagnostics().iter().map(|d| &*d.message).collect();
        assert_eq!(messages, expected);
    };
    check(
        Engine::builder().authorization_config("x").authorization_modes([Mode::Rbac]),
        &["--authorization-config can not be specified when --authorization-mode or \
           --authorization-webhook-* flags are defined"],
    );
    check(
        Engine::builder().authorization_modes([Mode::Webhook]),
        &["authorization-mode Webhook's authorization config file not passed"],
    );
    check(
        Engine::builder().authorization_webhook_config_file("x"),
        &["cannot specify --authorization-webhook-config-file without mode Webhook"],
    );
}

#[test]
fn the_example_of_a_webhook_is_a_kubeconfig() {
    let folder = policies("policies/authz-webhook");
    let text = std::fs::read(folder.join("kubeconfig.yaml")).unwrap();
    let source = verdikt::parser::Source::new("kubeconfig.yaml", &text);
    let limits = verdikt::Limits::default();
    let read = verdikt::parser::kubeconfig::read(&source, &folder, &limits).unwrap();
    assert_eq!(read.files().count(), 3);
}
