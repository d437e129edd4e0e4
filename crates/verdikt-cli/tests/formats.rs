//! `verdikt validate` knows files by what they hold, and says what is wrong with each, and where.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what a test needs is there, or the test fails"
)]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use verdikt_tests::binary::run;

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies").canonicalize().unwrap()
}

fn validate(path: &Path) -> (i32, Value) {
    let path = path.display().to_string();
    let binary = Path::new(env!("CARGO_BIN_EXE_verdikt"));
    let ran = run(binary, &["validate", &path, "-o", "json", "--lint=false"], b"");
    let json = serde_json::from_str(&ran.stdout);
    (ran.code, json.unwrap_or_else(|error| panic!("{error}: {ran:?}")))
}

#[test]
fn good_files_of_every_format_are_known() {
    for (file, format) in [
        ("authn-oidc/authentication.yaml", "authenticationConfiguration"),
        ("authz-webhook/kubeconfig.yaml", "kubeconfig"),
        ("audit/policy.yaml", "auditPolicy"),
        ("authn-x509/ca.pem", "certificates"),
        ("authn-x509/crl.pem", "revocationLists"),
        ("authn-service-account/keys/service-account.pub", "keys"),
        ("quickstart/abac.jsonl", "abacPolicy"),
        ("quickstart/tokens.csv", "tokens"),
        ("quickstart/verdikt.yaml", "flags"),
    ] {
        let (code, found) = validate(&policies().join(file));
        assert_eq!(found["files"][0]["format"], format, "{file}: {found}");
        assert_eq!(
            (&found["valid"], &found["errors"]),
            (&true.into(), &0.into()),
            "{file}: {found}"
        );
        assert!(code == 0 || code == 3, "{file}: {code}");
    }
}

/// A file of this name and content has one error, of this id, on this line.
fn check(name: &str, content: &str, id: &str, line: Option<u64>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    let (code, found) = validate(&path);
    assert_eq!((code, &found["valid"]), (1, &false.into()), "{name}: {found}");
    let errors: Vec<&Value> = found["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|found| found["severity"] == "error")
        .collect();
    assert_eq!(errors[0]["id"], id, "{name}: {found}");
    assert_eq!(errors[0]["primary"]["line"].as_u64(), line, "{name}: {found}");
}

#[test]
fn mistakes_have_their_places() {
    let authentication = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n\
                          jwt:\n- issuer: {url: 'http://x', audiences: [a]}\n  claimMappings:\n    \
                          username: {claim: sub, prefix: ''}\n";
    let (_, found) = validate_text("a.yaml", authentication);
    assert_eq!(found["diagnostics"][0]["primary"]["line"], 4, "{found}");
    let authorization = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\n\
                         authorizers:\n- type: RBAC\n  name: rbac\n- type: Nobody\n  name: x\n";
    check("b.yaml", authorization, "authz-config/invalid", Some(6));
    check("c.csv", "token,user,1\nonly\n", "csv/too-few-columns", Some(2));
    check("basic.csv", "secret\n", "csv/too-few-columns", Some(1));
    let (code, found) = validate_text("policy.jsonl", "{\"kind\": \n");
    assert_eq!((code, &found["files"][0]["format"]), (1, &"abacPolicy".into()), "{found}");
    let (code, found) = validate_text("flags.yaml", "policy-dirs: x\n");
    assert_eq!((code, &found["diagnostics"][0]["primary"]["line"]), (1, &1.into()), "{found}");
    let (code, found) = validate_text("ca.pem", "-----BEGIN CERTIFICATE-----\n");
    assert_eq!((code, &found["files"][0]["format"]), (1, &"certificates".into()), "{found}");
}

fn validate_text(name: &str, content: &str) -> (i32, Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    validate(&path)
}

/// The expressions of conditions, and the kubeconfigs of webhooks, are looked at, too.
#[test]
fn what_an_authorization_configuration_names_is_read() {
    let good = fs::read_to_string(policies().join("authz-config/authorization.yaml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("guard.kubeconfig");
    let authority = policies().join("authn-x509/ca.pem");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: g\nclusters:\n- name: g\n  cluster:\n    \
         server: https://127.0.0.1:1/guard\n    certificate-authority: {}\ncontexts:\n- name: g\n  \
         context: {{cluster: g, user: g}}\nusers:\n- {{name: g, user: {{token: t}}}}\n",
        authority.display()
    );
    fs::write(&kubeconfig, text).unwrap();
    let named = "/etc/verdikt/guard.kubeconfig";
    assert!(good.contains("expression:") && good.contains(named), "{good}");
    let (code, found) = validate_text("authorization.yaml", &good);
    assert_eq!((code, &found["diagnostics"][0]["primary"]["line"]), (1, &15.into()), "{found}");
    let good = good.replace(named, &kubeconfig.display().to_string());
    let (code, found) = validate_text("authorization.yaml", &good);
    assert_eq!((code, &found["valid"]), (0, &true.into()), "{found}");
    assert_eq!(found["files"][0]["format"], "authorizationConfiguration");
    let (before, after) = good.split_once("expression:").unwrap();
    let (_, rest) = after.split_once('\n').unwrap();
    let bad = format!("{before}expression: request.nonsense == 1\n{rest}");
    let (code, found) = validate_text("authorization.yaml", &bad);
    assert_eq!(code, 1, "{found}");
    assert!(found.to_string().contains("nonsense"), "{found}");
}

#[test]
fn configurations_in_a_folder_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: metadata\n";
    fs::write(folder.path().join("audit.yaml"), policy).unwrap();
    let (code, found) = validate(folder.path());
    assert_eq!(code, 1, "{found}");
    assert_eq!(found["diagnostics"][0]["primary"]["line"], 4, "{found}");
}
