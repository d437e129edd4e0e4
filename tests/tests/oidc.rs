//! Tokens of an issuer over HTTPS: its keys found, rotated, kept through an outage; and answers that are
//! slow, huge, or something else altogether.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use verdikt::parser::node::Pod;
use verdikt::{
    Attributes, Builder, Credentials, Engine, Mode, NodeEvent, OidcFlags, Outcome, User,
};
use verdikt_tests::http::Running;
use verdikt_tests::issuer::{Issuer, Page};

/// A configuration in a file that can be changed.
struct File {
    folder: TempDir,
}

impl File {
    fn new(text: &str) -> Self {
        let file = Self { folder: tempfile::tempdir().unwrap() };
        file.write(text);
        file
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("authentication.yaml")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.path(), text).unwrap();
    }

    fn builder(&self) -> Builder {
        Engine::builder().authentication_config(self.path())
    }
}

/// An issuer whose tokens' `sub` is the name, with `more` lines for its entry.
fn configuration(issuer: &Issuer, prefix: &str) -> String {
    let authority = serde_json::to_string(issuer.authority()).unwrap();
    format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n\
         - issuer:\n    url: {}\n    audiences: [shop]\n    certificateAuthority: {authority}\n  \
         claimMappings:\n    username: {{claim: sub, prefix: \"{prefix}\"}}\n    \
         groups: {{claim: groups, prefix: \"\"}}\n",
        issuer.url()
    )
}

fn ready(issuer: &Issuer) -> (File, Engine) {
    let file = File::new(&configuration(issuer, ""));
    let engine = file.builder().build().unwrap();
    until(|| engine.status().issuer_problems.is_empty() && issuer.asked("/keys") > 0);
    (file, engine)
}

/// Name and groups, or the error.
fn who(engine: &Engine, token: &str) -> String {
    match engine.authenticate(&Credentials::bearer(token)) {
        Outcome::Authenticated(who) => {
            format!("{} {}", who.user().name, who.user().groups.join(","))
        }
        Outcome::NoOpinion => "no opinion".to_owned(),
        Outcome::Failed(error) => error.to_string(),
    }
}

fn until(holds: impl FnMut() -> bool) {
    within(Duration::from_secs(30), holds);
}

fn within(time: Duration, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < time, "it does not come to that");
        std::thread::sleep(Duration::from_millis(20));
    }
}

const ADA: &str = "ada system:authenticated";

#[test]
fn a_token_is_a_user_if_all_of_it_is_good() {
    let issuer = Issuer::start();
    let (_file, engine) = ready(&issuer);
    let check = |claims: Value, expected: &str| {
        let found = who(&engine, &issuer.token(&issuer.claims(&claims)));
        assert_eq!(found, expected, "{claims}");
    };
    check(json!({}), ADA);
    check(json!({"groups": ["a", "b"]}), "ada a,b,system:authenticated");
    check(json!({"aud": ["other", "shop"]}), ADA);
    check(
        json!({"aud": "other"}),
        "oidc: verify token: oidc: expected audience \"shop\" got [\"other\"]",
    );
    check(
        json!({"exp": 1_000_000_000}),
        "oidc: verify token: oidc: token is expired (Token Expiry: 2001-09-09 01:46:40 +0000 UTC)",
    );
    check(
        json!({"sub": 1}),
        "oidc: verify token: oidc: failed to unmarshal claims: json: cannot \
           unmarshal number into Go struct field idToken.sub of type string",
    );
    check(json!({"iss": "https://elsewhere.example"}), "invalid bearer token");
    let forged = who(&engine, &issuer.forged("first", &issuer.claims(&json!({}))));
    let unsigned =
        "oidc: verify token: failed to verify signature: failed to verify id token signature";
    assert_eq!(forged, unsigned);
}

#[test]
fn what_the_flags_say_is_an_issuer_too() {
    let issuer = Issuer::start();
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, issuer.authority()).unwrap();
    let flags = OidcFlags {
        issuer_url: issuer.url().to_owned(),
        client_id: "shop".to_owned(),
        groups_claim: "groups".to_owned(),
        groups_prefix: "staff:".to_owned(),
        required_claims: vec![("tenant".to_owned(), "acme".to_owned())],
        signing_algorithms: vec!["ES256".to_owned()],
        ..OidcFlags::default()
    };
    let engine = Engine::builder().oidc(flags).oidc_ca_file(authority).build().unwrap();
    let token = issuer.token(&issuer.claims(&json!({"groups": "a", "tenant": "acme"})));
    let expected = format!("{}#ada staff:a,system:authenticated", issuer.url());
    until(|| who(&engine, &token) == expected);
    let token = issuer.token(&issuer.claims(&json!({})));
    assert_eq!(who(&engine, &token), "oidc: required claim tenant not present in ID token");
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let check = |builder: Builder, expected: &str| {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let alone = OidcFlags { client_id: "shop".to_owned(), ..OidcFlags::default() };
    check(
        Engine::builder().oidc(alone.clone()),
        "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set",
    );
    let text = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n";
    let file = File::new(text);
    check(
        file.builder().oidc(alone),
        "authentication-config file and oidc-* flags are mutually exclusive",
    );
    let file = File::new(&format!("{text}anonymous: {{enabled: true}}\n"));
    check(
        file.builder().anonymous_auth(true),
        "anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is configured",
    );
    file.builder().build().unwrap();
    let http = OidcFlags {
        issuer_url: "http://issuer.example".to_owned(),
        client_id: "shop".to_owned(),
        ..OidcFlags::default()
    };
    check(
        Engine::builder().oidc(http),
        "jwt[0].issuer.url: Invalid value: \"http://issuer.example\": URL scheme must be https",
    );
}

#[test]
fn keys_are_rotated_without_anyone_telling() {
    let issuer = Issuer::start();
    let (_file, engine) = ready(&issuer);
    let old = issuer.token(&issuer.claims(&json!({})));
    until(|| who(&engine, &old) == ADA);
    for id in ["second", "third"] {
        issuer.add_key(id);
        let token = issuer.token(&issuer.claims(&json!({"jti": id})));
        until(|| who(&engine, &token) == ADA);
    }
    // What is known needs no further look.
    let asked = issuer.asked("/keys");
    for number in 0..20 {
        let token = issuer.token(&issuer.claims(&json!({"jti": number.to_string()})));
        assert_eq!(who(&engine, &token), ADA);
    }
    assert_eq!(issuer.asked("/keys"), asked);
}

#[test]
fn known_keys_serve_on_through_an_outage() {
    let issuer = Issuer::start();
    let (_file, engine) = ready(&issuer);
    assert_eq!(who(&engine, &issuer.token(&issuer.claims(&json!({"jti": "1"})))), ADA);
    issuer.take_down(true);
    assert_eq!(who(&engine, &issuer.token(&issuer.claims(&json!({"jti": "2"})))), ADA);
    let forged = who(&engine, &issuer.forged("new", &issuer.claims(&json!({}))));
    assert!(forged.contains("failed to verify signature: fetching keys "), "{forged}");
    assert_eq!(who(&engine, &issuer.token(&issuer.claims(&json!({"jti": "3"})))), ADA);
    issuer.take_down(false);
    issuer.add_key("new");
    let token = issuer.token(&issuer.claims(&json!({})));
    until(|| who(&engine, &token) == ADA);
}

#[test]
fn tokens_with_unknown_keys_do_not_make_verdikt_ask_without_end() {
    let issuer = Issuer::start();
    let (_file, engine) = ready(&issuer);
    let start = Instant::now();
    for number in 0..300 {
        let forged =
            who(&engine, &issuer.forged(&format!("k{number}"), &issuer.claims(&json!({}))));
        assert!(forged.contains("failed to verify id token signature"), "{forged}");
    }
    // Twice as long each time, so one for the first second and fewer after that.
    let most = 3 + usize::try_from(start.elapsed().as_secs()).unwrap();
    assert!(issuer.asked("/keys") <= most, "{} times", issuer.asked("/keys"));
}

#[test]
fn malformed_tokens_are_refused_without_asking_anyone() {
    let issuer = Issuer::start();
    let (_file, engine) = ready(&issuer);
    let asked = || issuer.asked("/keys") + issuer.asked("/.well-known/openid-configuration");
    let before = asked();
    let good = issuer.forged("unknown", &issuer.claims(&json!({})));
    let (header, rest) = good.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    for malformed in [
        "x".repeat(1_000),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{header}.{claims}=.{signature}"),
        format!("{header}.{header}.{signature}"),
        format!("{header}.!!.{signature}"),
        format!("e30.{claims}.{signature}"),
        format!("{header}.{}.{signature}", "W".repeat(100_000)),
    ] {
        let answer = who(&engine, &malformed);
        assert!(!answer.starts_with("ada"), "{malformed}: {answer}");
    }
    assert_eq!(asked(), before);
}

#[test]
fn events_about_nodes_do_not_wait_for_an_issuer_that_is_new() {
    let (issuer, slow) = (Issuer::start(), Issuer::start());
    let file = File::new(&configuration(&issuer, ""));
    let modes = [Mode::Node, Mode::Rbac];
    let engine = file.builder().authorization_modes(modes).build().unwrap();
    until(|| engine.status().issuer_problems.is_empty());
    let page = Page { delay: Duration::from_secs(60), ..slow.discovery() };
    slow.put("/.well-known/openid-configuration", page);
    let more = configuration(&slow, "");
    let (_, entry) = more.split_once("jwt:\n").unwrap();
    file.write(&format!("{}{entry}", configuration(&issuer, "")));
    std::thread::scope(|scope| {
        let reload = scope.spawn(|| engine.reload());
        until(|| slow.asked("/.well-known/openid-configuration") > 0);
        let pod = Pod {
            namespace: "web".into(),
            name: "front".into(),
            node_name: "n1".into(),
            secrets: vec!["tls".into()],
            ..Pod::default()
        };
        engine.apply(NodeEvent::Added(pod.into()));
        assert!(!reload.is_finished(), "the event waited for the issuer");
        let kubelet = User::new("system:node:n1", ["system:nodes"]);
        let request = Attributes {
            namespace: "web",
            name: "tls",
            ..Attributes::resource(&kubelet, "get", "secrets")
        };
        assert!(engine.authorize(&request).is_allowed());
        let refused = reload.join().unwrap().unwrap_err().to_string();
        assert!(refused.contains("is not initialized"), "{refused}");
        assert!(engine.authorize(&request).is_allowed(), "the event was forgotten");
    });
    // What the event brought stays when a reload succeeds as well.
    file.write(&configuration(&issuer, "x:"));
    engine.reload().unwrap();
    let token = issuer.token(&issuer.claims(&json!({})));
    until(|| who(&engine, &token).starts_with("x:ada"));
}

#[test]
fn a_slow_issuer_holds_up_only_tokens_with_unknown_keys_and_those_not_for_long() {
    let issuer = Issuer::start();
    let (_file, engine) = ready(&issuer);
    assert_eq!(who(&engine, &issuer.token(&issuer.claims(&json!({"jti": "1"})))), ADA);
    let slow = Page { delay: Duration::from_secs(60), ..Page::of("application/json", "{}") };
    issuer.put("/keys", slow);
    let server = Running::start(engine, |_| {});
    let forged = issuer.forged("unknown", &issuer.claims(&json!({})));
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let start = Instant::now();
                    let status = server.get("/api/v1/pods", Some(&forged)).code;
                    (status, start.elapsed())
                })
            })
            .collect();
        until(|| issuer.asked("/keys") > 1);
        let start = Instant::now();
        let known = issuer.token(&issuer.claims(&json!({"jti": "2"})));
        assert_eq!(server.get("/api/v1/pods", Some(&known)).code, 403);
        assert_eq!(server.get("/livez", None).code, 200);
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        for waiting in waiting {
            let (status, time) = waiting.join().unwrap();
            assert_eq!(status, 401);
            assert!(time < Duration::from_secs(12), "{time:?}");
        }
    });
}

#[test]
fn what_is_no_discovery_document_is_refused_and_said() {
    let check = |page: &dyn Fn(&Issuer) -> Page, expected: &str| {
        let issuer = Issuer::start();
        issuer.put("/.well-known/openid-configuration", page(&issuer));
        let file = File::new(&configuration(&issuer, ""));
        let engine = file.builder().build().unwrap();
        let token = issuer.token(&issuer.claims(&json!({})));
        assert_eq!(who(&engine, &token), "oidc: authenticator not initialized");
        let problem = || engine.status().issuer_problems.join("\n");
        until(|| !problem().is_empty() && !problem().contains("is not initialized"));
        assert!(problem().contains(expected), "{}", problem());
        assert_eq!(issuer.asked("/keys"), 0);
    };
    check(
        &|_| Page::of("text/html", "<html>"),
        "oidc: failed to decode provider discovery object: expected Content-Type = application/json, \
         got \"text/html\": invalid character '<' looking for beginning of value",
    );
    check(
        &|_| Page { status: 500, ..Page::of("text/plain", "a\nb") },
        "500 Internal Server Error: a b",
    );
    check(
        &|_| Page::json(&json!({"issuer": "https://other.example", "jwks_uri": "https://x"})),
        "oidc: issuer did not match the issuer returned by provider, expected",
    );
    check(
        &|issuer| Page::json(&json!({"issuer": issuer.url()})),
        "provider did not return JWKS URL",
    );
    check(&|_| Page::of("application/json", vec![b' '; 10 << 20]), "more than the 1048576 bytes");
    check(&|_| Page::redirect("http://127.0.0.1:1/x"), "redirected from https to");
    check(&|_| Page::redirect("/.well-known/openid-configuration"), "stopped after 10 redirects");
    check(&|_| Page::redirect("ftp://127.0.0.1/x"), "is refused");
}

#[test]
fn what_is_no_key_set_leaves_the_keys_as_they_are() {
    let issuer = Issuer::start();
    let (_file, engine) = ready(&issuer);
    assert_eq!(who(&engine, &issuer.token(&issuer.claims(&json!({"jti": "0"})))), ADA);
    for (page, expected) in [
        (Page::of("text/html", "<html>"), "oidc: failed to decode keys: "),
        (Page::of("application/json", vec![b'['; 10 << 20]), "more than the 1048576 bytes"),
        (Page { status: 503, ..Page::of("text/plain", "") }, "oidc: get keys failed: 503"),
        (Page::json(&json!({"keys": [{"kty": "odd"}]})), "unknown json web key type 'odd'"),
    ] {
        issuer.put("/keys", page);
        let forged = issuer.forged("unknown", &issuer.claims(&json!({})));
        // At first a look may be refused because there was one just now.
        until(|| who(&engine, &forged).contains(expected));
        assert_eq!(who(&engine, &issuer.token(&issuer.claims(&json!({"jti": expected})))), ADA);
    }
}

#[test]
fn redirects_are_followed_and_discovery_may_be_elsewhere() {
    let issuer = Issuer::start();
    issuer.put("/inner/discovery", issuer.discovery());
    issuer.put("/moved", Page::redirect("/inner/discovery"));
    issuer.put("/.well-known/openid-configuration", Page { status: 404, ..issuer.discovery() });
    let text = configuration(&issuer, "").replace(
        "    audiences",
        &format!("    discoveryURL: {}/moved\n    audiences", issuer.url()),
    );
    let file = File::new(&text);
    let engine = file.builder().build().unwrap();
    let token = issuer.token(&issuer.claims(&json!({})));
    until(|| who(&engine, &token) == ADA);
    assert_eq!(issuer.asked("/.well-known/openid-configuration"), 0);
}

#[test]
fn an_issuer_that_comes_later_is_found() {
    let issuer = Issuer::start();
    issuer.take_down(true);
    let file = File::new(&configuration(&issuer, ""));
    let engine = file.builder().build().unwrap();
    let token = issuer.token(&issuer.claims(&json!({})));
    assert_eq!(who(&engine, &token), "oidc: authenticator not initialized");
    issuer.take_down(false);
    until(|| who(&engine, &token) == ADA);
}

#[test]
fn a_changed_file_serves_at_once_and_a_broken_one_never() {
    let issuer = Issuer::start();
    let (file, engine) = ready(&issuer);
    let token = issuer.token(&issuer.claims(&json!({})));
    until(|| who(&engine, &token) == ADA);
    let asked = issuer.asked("/.well-known/openid-configuration");
    file.write(&configuration(&issuer, "staff:"));
    engine.reload().unwrap();
    assert_eq!(who(&engine, &token), format!("staff:{ADA}"));
    assert_eq!(issuer.asked("/.well-known/openid-configuration"), asked, "nothing new to ask");

    let refused = |text: &str, expected: &str| {
        file.write(text);
        let error = engine.reload().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(who(&engine, &token), format!("staff:{ADA}"));
    };
    let good = configuration(&issuer, "staff:");
    refused("jwt: [", "authentication.yaml:");
    refused(&good.replace("groups:", "grupps:"), "unknown field \"jwt[0].claimMappings.grupps\"");
    refused(&good.replace("[shop]", "[]"), "jwt[0].issuer.audiences: Required value");
    let anonymous = format!("{good}anonymous: {{enabled: true}}\n");
    refused(&anonymous, "anonymous: Forbidden: changed from initial configuration file");
    let gone = good
        .replace("prefix: \"staff:\"", "prefix: \"\"")
        .replace("https://127.0.0.1:", "https://127.0.0.1:1");
    refused(&gone, "");
    file.write(&good.replace("staff:", "people:"));
    engine.reload().unwrap();
    assert_eq!(who(&engine, &token), format!("people:{ADA}"));
}

#[test]
fn groups_may_be_elsewhere() {
    let issuer = Issuer::start();
    let (_file, engine) = ready(&issuer);
    let elsewhere = |name: &str, page: Page| {
        issuer.put(&format!("/{name}"), page);
        let endpoint = json!({"endpoint": format!("{}/{name}", issuer.url()), "access_token": "t"});
        let more = json!({"_claim_names": {"groups": "s"}, "_claim_sources": {"s": endpoint}});
        who(&engine, &issuer.token(&issuer.claims(&more)))
    };
    let page = |claims: Value| Page::of("application/jwt", issuer.token(&issuer.claims(&claims)));
    let good = page(json!({"groups": ["far", "away"]}));
    assert_eq!(elsewhere("good", good), "ada far,away,system:authenticated");
    assert_eq!(issuer.credential("/good"), "Bearer t");
    let error = "oidc: could not expand distributed claims: ";
    let check = |name: &str, page: Page, expected: &str| {
        assert_eq!(elsewhere(name, page), format!("{error}{expected}"), "{name}");
    };
    check(
        "without",
        page(json!({})),
        &format!(
            "jwt returned by distributed claim endpoint \"{}/without\" did not contain claim: groups",
            issuer.url()
        ),
    );
    check(
        "refused",
        Page { status: 403, ..Page::of("text/plain", "") },
        "while getting distributed claim \"groups\": error while getting distributed claim JWT: 403 \
         Forbidden",
    );
    check(
        "other",
        page(json!({"aud": "other"})),
        "verify distributed claim token: oidc: expected audience \"shop\" got [\"other\"]",
    );
    let forged =
        Page::of("text/plain", issuer.forged("first", &issuer.claims(&json!({"groups": "x"}))));
    check(
        "forged",
        forged,
        "verify distributed claim token: failed to verify signature: failed to verify id token signature",
    );
}

#[test]
fn the_example_does_what_it_says() {
    let issuer = Issuer::start();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/authn-oidc");
    let example = std::fs::read_to_string(folder.join("authentication.yaml")).unwrap();
    let authority = serde_json::to_string(issuer.authority()).unwrap();
    let text = example.replace("https://issuer.example", issuer.url()).replace(
        "    # certificateAuthority: PEM",
        &format!("    certificateAuthority: {authority} #"),
    );
    let file = File::new(&text);
    let engine = file.builder().policy_dir(folder.join("manifests")).build().unwrap();
    let token = |more: Value| issuer.token(&issuer.claims(&more));
    until(|| {
        who(&engine, &token(json!({"groups": ["developers"]})))
            == "staff:ada staff:developers,system:authenticated"
    });
    let metrics = engine.metrics();
    let name = "apiserver_authentication_jwt_authenticator_latency_seconds";
    let latency = metrics.iter().find(|reading| reading.family.name == name).unwrap();
    assert_eq!(latency.get(&[("result", "success")]), Some(1.0));
    let list = |namespace: &'static str| Attributes {
        verb: "list",
        resource: "pods",
        namespace,
        resource_request: true,
        ..Attributes::default()
    };
    let developer = token(json!({"groups": ["developers"], "tenant": "acme"}));
    for (namespace, expected) in [("shop", true), ("bank", false)] {
        let request = list(namespace);
        let decision = engine.decide(&Credentials::bearer(&developer), &request).unwrap();
        assert_eq!(decision.is_allowed(), expected, "{namespace}");
        let extra = &decision.user().unwrap().extra;
        assert_eq!(extra["shop.example/tenant"], ["acme"]);
    }
    let refused = |more: Value, expected: &str| {
        let found = who(&engine, &token(more));
        assert!(found.ends_with(expected), "{found}");
    };
    refused(json!({"groups": ["suspended"]}), "failed: the account is suspended");
    refused(json!({"iat": 0}), "failed: tokens must not live longer than a day");
    for (path, expected) in [("/healthz", true), ("/readyz", false)] {
        let outcome = engine.authenticate(&Credentials::none().with_path(path));
        assert_eq!(matches!(outcome, Outcome::Authenticated(_)), expected, "{path}");
    }
}
