//! Which kubeconfigs a webhook can be reached with, and what is said of the others.

use std::path::Path;

use super::*;
use crate::{Limits, Source};

fn kubeconfig(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {cluster}}}]\n\
         users: [{{name: u, user: {user}}}]\n\
         contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\ncurrent-context: x\n"
    )
}

fn parse(text: &str) -> Result<Kubeconfig, Vec<String>> {
    let source = Source::new("kubeconfig", text.as_bytes());
    read(&source, Path::new("/etc/v"), &Limits::default())
        .map_err(|found| found.into_iter().map(|found| found.message).collect())
}

fn check(cluster: &str, user: &str, expected: &[&str]) {
    let found = parse(&kubeconfig(cluster, user)).err().unwrap_or_default();
    assert_eq!(found, expected, "{cluster} {user}");
}

#[test]
fn paths_are_relative_to_the_file() {
    let read = parse(&kubeconfig(
        "{server: 'https://h/authorize', certificate-authority: ca.pem}",
        "{client-certificate: /abs/c.pem, client-key-data: a2V5, tokenFile: t/token}",
    ))
    .unwrap();
    assert_eq!(read.server, "https://h/authorize");
    let files: Vec<_> = read.files().map(|path| path.display().to_string()).collect();
    assert_eq!(files, ["/etc/v/ca.pem", "/abs/c.pem", "/etc/v/t/token"]);
    let Some((_, Material::Inline(key))) = &read.client_certificate else { panic!() };
    assert!(key.matches(b"key"));
}

#[test]
fn programs_proxies_and_impersonation_are_refused() {
    let server = "{server: 'https://h'}";
    check(server, "{exec: {}}", &["`exec` is not supported: no program is run for a credential"]);
    check(
        server,
        "{auth-provider: {name: gcp}}",
        &["`auth-provider` is not supported: no program is run for a credential"],
    );
    check(
        "{server: 'https://h', proxy-url: 'http://p'}",
        "{as: ''}",
        &["`proxy-url` is not supported: webhooks are not asked through a proxy here"],
    );
    check(
        server,
        "{as: root}",
        &["`as` is not supported: requests are made in the name of the user itself"],
    );
}

#[test]
fn contradictions_are_told_in_upstreams_words() {
    check(
        "{server: 'https://h', certificate-authority: a, certificate-authority-data: YQ==}",
        "{}",
        &["invalid configuration: certificate-authority-data and certificate-authority are both \
           specified for c. certificate-authority-data will override."],
    );
    check(
        "{server: 'https://h'}",
        "{token: a, username: b, client-certificate: c}",
        &[
            "invalid configuration: client-key-data or client-key must be specified for u to use \
             the clientCert authentication method.",
            "invalid configuration: more than one authentication method found for u; found \
             [token basicAuth], only one is allowed",
        ],
    );
    check("{x: 1}", "{}", &["invalid configuration: no server found for cluster \"c\""]);
    check("{server: 5}", "{}", &["json: cannot unmarshal number into field server of type string"]);
    check(
        "{server: 'https://h', insecure-skip-tls-verify: true, certificate-authority: a}",
        "{}",
        &["specifying a root certificates file with the insecure flag is not allowed"],
    );
}

#[test]
fn what_the_context_names_must_be_there_once() {
    let good = kubeconfig("{server: 'https://h'}", "{}");
    for (from, to, expected) in [
        ("current-context: x", "current-context: other", "context \"other\" does not exist"),
        ("cluster: c,", "cluster: d,", "cluster \"d\" does not exist"),
        ("user: u}", "user: v}", "auth info \"v\" does not exist"),
        (
            "current-context: x",
            "",
            "invalid configuration: no configuration has been provided, \
                                    try setting KUBERNETES_MASTER environment variable",
        ),
        ("users: [", "users: [{name: u}, ", "duplicate name \"u\" in list users"),
        (
            "kind: Config",
            "kind: Pod",
            "no kind \"Pod\" is registered for version \"v1\" in scheme \
                                       \"pkg/runtime/scheme.go:111\"",
        ),
    ] {
        let found = parse(&good.replace(from, to)).unwrap_err();
        assert_eq!(found, [expected], "{to}");
    }
    assert!(parse("").is_err() && parse("[]").is_err());
}

#[test]
fn secrets_do_not_print() {
    let read = parse(&kubeconfig("{server: 'https://h'}", "{token: hunter2}")).unwrap();
    assert!(!format!("{read:?}").contains("hunter2"));
}
