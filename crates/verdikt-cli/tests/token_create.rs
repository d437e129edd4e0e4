//! `verdikt token create`: what it signs is accepted, and what kubectl refuses is refused.

use std::path::Path;

use verdikt_tests::binary::{Ran, run};

fn verdikt(arguments: &[&str]) -> Ran {
    run(Path::new(env!("CARGO_BIN_EXE_verdikt")), arguments, b"")
}

fn file(name: &str) -> String {
    let policies =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/authn-service-account");
    policies.join(name).display().to_string()
}

fn create(arguments: &[&str]) -> Ran {
    let key = file("keys/service-account.key");
    let mut all = vec!["token", "create", "--service-account-signing-key-file", &key];
    all.extend(["--service-account-issuer", "https://verdikt.example"]);
    all.extend(arguments);
    verdikt(&all)
}

#[test]
fn a_token_made_here_is_accepted() {
    let manifests = format!("--policy-dir={}", file("manifests"));
    for bound in [
        &[][..],
        &["--bound-object-kind=Pod", "--bound-object-name=build-1"],
        &["--bound-object-kind=Node", "--bound-object-name=worker-1"],
        &["--bound-object-kind=Secret", "--bound-object-name=vault"],
    ] {
        let made = create(&[&["builder", "-n", "ci", &manifests], bound].concat());
        assert_eq!((made.code, made.stderr.as_str()), (0, ""), "{bound:?}");
        let config = format!("--config={}", file("verdikt.yaml"));
        let token = format!("--token={}", made.stdout.trim_end());
        let asked = verdikt(&["check", &config, &token, "list", "pods", "-n", "ci"]);
        assert_eq!(asked.code, 0, "{bound:?}: {} {}", asked.stdout, asked.stderr);
    }
}

#[test]
fn what_kubernetes_refuses_is_refused() {
    let manifests = format!("--policy-dir={}", file("manifests"));
    let check = |arguments: &[&str], expected: &str| {
        let ran = create(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stdout);
        assert!(ran.stderr.contains(expected), "{arguments:?}: {}", ran.stderr);
    };
    check(&["a", "--duration=9m59s"], "may not specify a duration less than 10 minutes");
    check(&["a", "--duration=9999999h"], "invalid value");
    check(&["a", "--duration=2000000h"], "may not specify a duration larger than 2^32 seconds");
    check(&["nobody", "-n", "ci", &manifests], "serviceaccounts \"nobody\" not found");
    let pod = ["--bound-object-kind=Pod", "--bound-object-name=gone"];
    check(&[&["builder", "-n", "ci", &manifests], &pod[..]].concat(), "pods \"gone\" not found");
    check(&["a", "--bound-object-kind=Pod"], "--bound-object-name");
    let public = file("keys/service-account.pub");
    let ran = verdikt(&[
        "token",
        "create",
        "a",
        "--service-account-issuer=x",
        "--service-account-signing-key-file",
        &public,
    ]);
    assert!(
        ran.stderr.contains("data does not contain a valid RSA or ECDSA private key"),
        "{}",
        ran.stderr
    );
}
