//! Service account and bootstrap tokens over HTTP: who they let in, and what changes while serving.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;
use verdikt::authn::Clock;
use verdikt::authn::jwt::SigningKey;
use verdikt::authn::service_account::{Bound, ObjectRef, TokenRequest};
use verdikt::{Credentials, Engine, Outcome, Reload, ServiceAccountOptions};
use verdikt_tests::http::Running;

/// A path below the root of the repository.
fn policy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn keys(name: &str) -> PathBuf {
    policy("policies/authn-service-account/keys").join(name)
}

/// A copy of the example that a test may change.
fn example() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["objects.yaml", "rbac.yaml"] {
        fs::copy(
            policy("policies/authn-service-account/manifests").join(name),
            folder.path().join(name),
        )
        .unwrap();
    }
    folder
}

fn options(key_files: Vec<PathBuf>) -> ServiceAccountOptions {
    ServiceAccountOptions {
        key_files,
        issuers: vec![ISSUER.to_owned()],
        external_address: "verdikt.example:6443".to_owned(),
        ..ServiceAccountOptions::default()
    }
}

fn engine(manifests: &Path, key_files: Vec<PathBuf>) -> Engine {
    Engine::builder()
        .policy_dir(manifests)
        .service_accounts(options(key_files))
        .anonymous_auth(false)
        .build()
        .unwrap()
}

fn token(key: &str, bound: Bound<'_>) -> String {
    let key = SigningKey::from_pem(&fs::read(keys(key)).unwrap()).unwrap();
    let account = ObjectRef { name: "builder", uid: &uid(1) };
    let audiences = [ISSUER.to_owned()];
    let request = TokenRequest {
        issuer: ISSUER,
        namespace: "ci",
        account,
        audiences: &audiences,
        seconds: 600,
        bound,
    };
    request.issue(&key, Clock::default().now()).unwrap()
}

fn uid(number: u32) -> String {
    format!("5d1e0f0a-0000-4000-8000-00000000000{number}")
}

fn error_of(engine: &Engine, token: &str) -> String {
    match engine.authenticate(&Credentials::bearer(token)) {
        Outcome::Authenticated(who) => who.user().name.clone(),
        Outcome::NoOpinion => "no opinion".to_owned(),
        Outcome::Failed(error) => error.to_string(),
    }
}

#[test]
fn a_bound_token_lets_in_as_its_service_account() {
    let keys = vec![keys("service-account.pub"), keys("service-account-rsa.key")];
    let engine = engine(&policy("policies/authn-service-account/manifests"), keys);
    assert_eq!(engine.status().loaded.warnings, []);
    let server = Running::start(engine, |_| {});
    let pod_uid = uid(2);
    let pod = ObjectRef { name: "build-1", uid: &pod_uid };
    for key in ["service-account.key", "service-account-rsa.key"] {
        let token = token(key, Bound::Pod(pod, None));
        for (target, code) in [
            ("/api/v1/namespaces/ci/pods", 200),
            ("/api/v1/namespaces/ci/secrets", 403),
            ("/openid/v1/jwks", 200),
        ] {
            let answer = server.get(target, Some(&token));
            assert_eq!(answer.code, code, "{key} {target}: {}", answer.body);
        }
        let (most, signature) = token.rsplit_once('.').unwrap();
        let other = if signature.starts_with('A') { 'B' } else { 'A' };
        let forged = format!("{most}.{other}{}", &signature[1..]);
        for bad in [forged.as_str(), "a.b.c", &"x".repeat(100_000)] {
            let answer = server.get("/api/v1/namespaces/ci/pods", Some(bad));
            assert!([401, 431].contains(&answer.code), "{key}: {}", answer.code);
        }
    }
    let stranger = token("service-account.key", Bound::Secret(ObjectRef { name: "x", uid: "" }));
    assert_eq!(server.get("/api/v1/namespaces/ci/pods", Some(&stranger)).code, 401);
}

#[test]
fn others_can_verify_tokens_with_what_is_published() {
    let keys = vec![keys("service-account.pub"), keys("service-account-rsa.key")];
    let server =
        Running::start(engine(&policy("policies/authn-service-account/manifests"), keys), |_| {});
    let token = token("service-account.key", Bound::Nothing);
    let configuration = server.get("/.well-known/openid-configuration", Some(&token));
    assert_eq!(configuration.header("content-type"), "application/json");
    assert_eq!(configuration.header("cache-control"), "public, max-age=3600");
    assert_eq!(
        configuration.body,
        r#"{"issuer":"https://verdikt.example","jwks_uri":"https://verdikt.example:6443/openid/v1/jwks","response_types_supported":["id_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["ES256","RS256"]}"#
    );
    let jwks = server.get("/openid/v1/jwks", Some(&token));
    assert_eq!(jwks.header("content-type"), "application/jwk-set+json");
    assert_eq!(jwks.header("cache-control"), "public, max-age=3600");
    let set = verdikt::authn::jwt::KeySet::from_jwks(jwks.body.as_bytes()).unwrap();
    let jws = verdikt::authn::jwt::Jws::parse(&token).unwrap();
    let mut candidates = set.candidates(jws.header().key_id());
    assert!(jws.verify(candidates.next().unwrap()).is_ok() && candidates.next().is_none());
    let members: Vec<Vec<String>> = jwks.json()["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key.as_object().unwrap().keys().cloned().collect())
        .collect();
    assert_eq!(members[0], ["use", "kty", "kid", "crv", "alg", "x", "y"]);
    assert_eq!(members[1], ["use", "kty", "kid", "alg", "n", "e"]);
    // Who may read them is for the policy to say.
    assert_eq!(server.get("/openid/v1/jwks", None).code, 401);
}

#[test]
fn an_issuer_that_is_no_url_is_not_published() {
    let mut options = options(vec![keys("service-account.pub")]);
    options.issuers = vec!["api".to_owned()];
    let manifests = policy("policies/authn-service-account/manifests");
    let engine = Engine::builder().policy_dir(manifests).service_accounts(options).build().unwrap();
    let warnings = engine.status().loaded.warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].message.ends_with("issuer URL must use https scheme, got: api"));
    assert!(engine.snapshot().discovery().is_none());
}

#[test]
fn what_a_token_is_bound_to_goes_away_while_serving() {
    let folder = example();
    let engine = engine(folder.path(), vec![keys("service-account.pub")]);
    let pod_uid = uid(2);
    let pod = ObjectRef { name: "build-1", uid: &pod_uid };
    let bound = token("service-account.key", Bound::Pod(pod, None));
    let free = token("service-account.key", Bound::Nothing);
    let builder = "system:serviceaccount:ci:builder";
    assert_eq!(
        (error_of(&engine, &bound), error_of(&engine, &free)),
        (builder.into(), builder.into())
    );

    let objects = folder.path().join("objects.yaml");
    let text = fs::read_to_string(&objects).unwrap();
    fs::write(&objects, text.replace("build-1", "build-2")).unwrap();
    assert!(matches!(engine.reload().unwrap(), Reload::Changed(_)));
    assert_eq!(error_of(&engine, &bound), "service account token has been invalidated");
    assert_eq!(error_of(&engine, &free), builder);
}

#[test]
fn key_files_change_while_serving_and_the_last_good_ones_stay() {
    let folder = example();
    let key_file = folder.path().join("sa.pub");
    fs::copy(keys("service-account.pub"), &key_file).unwrap();
    let engine = engine(folder.path(), vec![key_file.clone()]);
    let (ec, rsa) = (
        token("service-account.key", Bound::Nothing),
        token("service-account-rsa.key", Bound::Nothing),
    );
    let (builder, unknown) =
        ("system:serviceaccount:ci:builder", "invalid signature, no keys found");
    assert_eq!((error_of(&engine, &ec), error_of(&engine, &rsa)), (builder.into(), unknown.into()));

    fs::write(&key_file, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").unwrap();
    let refused = engine.reload().unwrap_err();
    let message = format!(
        "error reading public key file {}: data does not contain any valid RSA or ECDSA public keys",
        key_file.display()
    );
    assert_eq!(refused.diagnostics()[0].message, message);
    assert_eq!(error_of(&engine, &ec), builder);

    fs::copy(keys("service-account-rsa.key"), &key_file).unwrap();
    assert!(matches!(engine.reload().unwrap(), Reload::Changed(_)));
    assert_eq!((error_of(&engine, &ec), error_of(&engine, &rsa)), (unknown.into(), builder.into()));
}

#[test]
fn legacy_tokens_are_those_their_secrets_hold() {
    let folder = example();
    let key = SigningKey::from_pem(&fs::read(keys("service-account.key")).unwrap()).unwrap();
    let name = "kubernetes.io/serviceaccount";
    let claims = json!({
        "iss": "kubernetes/serviceaccount",
        "sub": "system:serviceaccount:ci:builder",
        format!("{name}/namespace"): "ci",
        format!("{name}/secret.name"): "legacy",
        format!("{name}/service-account.name"): "builder",
        format!("{name}/service-account.uid"): uid(1),
    });
    let token = key.sign(&claims.to_string()).unwrap();
    let engine = engine(folder.path(), vec![keys("service-account.pub")]);
    assert_eq!(error_of(&engine, &token), "Token has been invalidated");
    let secret = json!({
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": "legacy", "namespace": "ci"},
        "type": "kubernetes.io/service-account-token",
        "stringData": {"token": token},
    });
    fs::write(folder.path().join("legacy.json"), secret.to_string()).unwrap();
    engine.reload().unwrap();
    assert_eq!(error_of(&engine, &token), "system:serviceaccount:ci:builder");
}

#[test]
fn without_objects_it_is_said_loudly_what_is_accepted() {
    let token = token("service-account.key", Bound::Nothing);
    let ids = |engine: &Engine| -> Vec<&'static str> {
        engine.status().loaded.warnings.iter().map(|warning| warning.id).collect()
    };
    let mut options = options(vec![keys("service-account.pub")]);
    let build = |options: &ServiceAccountOptions| {
        Engine::builder().service_accounts(options.clone()).build().unwrap()
    };
    let strict = build(&options);
    assert_eq!(ids(&strict), ["authn/no-service-accounts"]);
    assert_eq!(error_of(&strict, &token), r#"serviceaccounts "builder" not found"#);
    options.claims_only = true;
    let lax = build(&options);
    assert_eq!(ids(&lax), ["authn/claims-only"]);
    assert_eq!(error_of(&lax, &token), "system:serviceaccount:ci:builder");
}

#[test]
fn flags_are_held_against_each_other_as_kube_apiserver_does() {
    let check = |options: ServiceAccountOptions, expected: &[&str]| {
        let refused = Engine::builder().service_accounts(options).build().unwrap_err();
        let found: Vec<_> = refused.diagnostics().iter().map(|found| &*found.message).collect();
        assert_eq!(found, expected);
    };
    let base = options(vec![keys("service-account.pub")]);
    check(
        ServiceAccountOptions { issuers: vec![], ..base.clone() },
        &["service-account-issuer is a required flag"],
    );
    check(
        ServiceAccountOptions { key_files: vec![], ..base.clone() },
        &[
            "either `--service-account-key-file` or `--service-account-signing-endpoint` must be set",
        ],
    );
    check(
        ServiceAccountOptions { jwks_uri: Some("http://a/b".to_owned()), ..base.clone() },
        &["service-account-jwks-uri requires https scheme, parsed as: http://a/b"],
    );
    let twice = vec!["a".to_owned(), "a".to_owned()];
    check(
        ServiceAccountOptions { issuers: twice, ..base },
        &[r#"service-account-issuer "a" is already specified"#],
    );
}

#[test]
fn audiences_may_be_asked_for() {
    let manifests = policy("policies/authn-service-account/manifests");
    let engine = engine(&manifests, vec![keys("service-account.pub")]);
    let token = token("service-account.key", Bound::Nothing);
    let check = |audiences: &[&str], expected: &str| {
        let audiences: Vec<String> = audiences.iter().map(|&name| name.to_owned()).collect();
        let credentials = Credentials::bearer(&token).with_audiences(&audiences);
        // Twice: from the authenticator, and from what is remembered of it.
        for _ in 0..2 {
            let got = match engine.authenticate(&credentials) {
                Outcome::Authenticated(who) => who.audiences().join(" "),
                Outcome::NoOpinion => "no opinion".to_owned(),
                Outcome::Failed(error) => error.to_string(),
            };
            assert_eq!(got, expected, "{audiences:?}");
        }
    };
    check(&[], ISSUER);
    check(&["vault", ISSUER], ISSUER);
    let invalid = r#"token audiences ["https://verdikt.example"] is invalid for the target audiences ["vault"]"#;
    check(&["vault"], invalid);
}

#[test]
fn bootstrap_tokens_let_nodes_ask_for_certificates() {
    let engine = |accepted| {
        Engine::builder()
            .policy_dir(policy("policies/authn-bootstrap-token/manifests"))
            .bootstrap_tokens(accepted)
            .build()
            .unwrap()
    };
    let requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    let server = Running::start(engine(true), |_| {});
    for (token, code) in [
        ("07401b.f395accd246ae52d", 200),
        ("07401b.f395accd246ae52e", 401),
        ("abcdef.0123456789abcdef", 401),
    ] {
        assert_eq!(server.get(requests, Some(token)).code, code, "{token}");
    }
    let pods = server.get("/api/v1/pods", Some("07401b.f395accd246ae52d"));
    let message = pods.json()["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains(r#"User "system:bootstrap:07401b" cannot list"#), "{message}");
    let off = Running::start(engine(false), |_| {});
    assert_eq!(off.get(requests, Some("07401b.f395accd246ae52d")).code, 403, "it is anonymous");
}

#[test]
fn a_bootstrap_token_that_is_remembered_expires_on_time() {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 2;
    let expiration =
        humantime::format_rfc3339_seconds(UNIX_EPOCH + std::time::Duration::from_secs(seconds));
    let secret: Value = json!({
        "kind": "Secret", "apiVersion": "v1", "type": "bootstrap.kubernetes.io/token",
        "metadata": {"name": "bootstrap-token-abcdef", "namespace": "kube-system"},
        "stringData": {
            "token-id": "abcdef", "token-secret": "0123456789abcdef",
            "usage-bootstrap-authentication": "true", "expiration": expiration.to_string(),
        },
    });
    let engine = Engine::builder()
        .manifest("s.json", secret.to_string())
        .bootstrap_tokens(true)
        .build()
        .unwrap();
    let token = "abcdef.0123456789abcdef";
    assert_eq!(error_of(&engine, token), "system:bootstrap:abcdef");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while error_of(&engine, token) != "invalid bearer token" {
        assert!(std::time::Instant::now() < deadline, "it is accepted for ever");
        std::thread::yield_now();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now >= seconds, "it was refused before its time");
}

const ISSUER: &str = "https://verdikt.example";
