//! The examples about certificates are served as their README says: with the flags of their files.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use verdikt_tests::binary::{Serving, is_installed, run};
use verdikt_tests::http;

/// Serves an example, and says which authenticators it has.
fn authenticators(folder: &str) -> Vec<String> {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies").join(folder);
    let config = config.join("verdikt.yaml").display().to_string();
    let binary = Path::new(env!("CARGO_BIN_EXE_verdikt"));
    let serving = Serving::start(binary, &["--config", &config, "--secure-port=0"]);
    let status = http::get(serving.address(), "/v1/status").json();
    let names = status.pointer("/authenticators").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn the_examples_have_the_authenticators_they_are_about() {
    assert_eq!(authenticators("authn-x509"), ["x509", "anonymous"]);
    assert_eq!(authenticators("authn-front-proxy"), ["front-proxy", "anonymous"]);
}

/// An answer that is known before the body is there must not break the stream that the body comes on.
#[test]
fn a_refusal_arrives_though_its_body_is_not_wanted() {
    if !is_installed("curl") {
        return;
    }
    // A port that is free, at least a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/authn-x509/verdikt.yaml");
    let config = format!("--config={}", config.display());
    let binary = Path::new(env!("CARGO_BIN_EXE_verdikt"));
    let _serving = Serving::start(binary, &[&config, &format!("--secure-port={port}")]);
    let url = format!("https://127.0.0.1:{port}/apis/authorization.k8s.io/v1/subjectaccessreviews");
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--insecure", "--http2", "--noproxy", "*", "--data", "{}"]);
    curl.args(["--write-out", "%{http_version}:%{http_code}:%{exitcode}\\n"]);
    for _ in 0..100 {
        curl.args(["--output", "/dev/null", &url]);
    }
    let output = curl.output().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers, "2:403:0\n".repeat(100));
}

#[test]
fn options_that_mean_nothing_are_said() {
    let check = |arguments: &[&str], expected: &str| {
        let binary = Path::new(env!("CARGO_BIN_EXE_verdikt"));
        let fixed = ["serve", "--http-address=127.0.0.1:0", "--authorization-mode=RBAC"];
        let ran = run(binary, &[&fixed[..], arguments].concat(), b"");
        assert_eq!(ran.code, 2, "{arguments:?} {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{arguments:?} {}", ran.stderr);
    };
    check(&["--secure-port=0", "--tls-cert-file=a.pem"], "belong together");
    check(
        &["--secure-port=0", "--tls-cert-file=none.pem", "--tls-private-key-file=none.pem"],
        "open none.pem: no such file or directory",
    );
    check(&["--tls-min-version=VersionTLS10"], "VersionTLS10 is not safe");
    check(&["--client-crl-file=crl.pem"], "of no use without --client-ca-file");
    check(&["--requestheader-group-headers= "], "empty value in \"requestheader-group-headers\"");
    check(&["--requestheader-uid-headers=X-Uid"], "the standard X-Remote-Uid header");
}
