//! `verdikt validate` as a linter: what it prints, its exit codes, and SARIF.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a test needs is there, or the test fails"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use verdikt_tests::binary::{Ran, finish, run};

const POLICY: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: backup}
rules:
- apiGroups: [\"\"]
  resources: [secrets]
  verbs: [get]
- apiGroups: [\"\"] # verdikt:ignore create-pods -- it restores into pods
  resources: [pods]
  verbs: [create]
";

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_verdikt"))
}

fn lint(arguments: &[&str]) -> Ran {
    let mut all = vec!["validate", "-"];
    all.extend(arguments);
    run(binary(), &all, POLICY.as_bytes())
}

fn check(arguments: &[&str], code: i32, texts: &[&str]) {
    let ran = lint(arguments);
    assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
    for text in texts {
        assert!(ran.stdout.contains(text), "{arguments:?}: {text:?} is not in {}", ran.stdout);
    }
}

#[test]
fn findings_are_shown_and_change_no_exit_code_unless_asked() {
    let shown = ["lint/read-secrets", "<stdin>:6:15", "0 errors, 1 warning, 1 note", "1 accepted"];
    check(&[], 0, &[&shown[..], &["valid: 1 manifest file"]].concat());
    check(&["--lint=false"], 0, &["valid"]);
    assert!(!lint(&["--lint=false"]).stdout.contains("lint/"));
    check(&["--fail-on=warning"], 1, &shown);
    check(&["--fail-on=note", "--only=unbound-role"], 1, &["lint/unbound-role"]);
    check(&["--fail-on=error"], 0, &shown);
    check(&["--strict"], 1, &shown);
    check(&["--fail-on=warning", "--disable=read-secrets,unbound-role"], 0, &["valid"]);
}

#[test]
fn what_is_bound_to_strangers_is_an_error() {
    let binding = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n\
                   metadata: {name: b}\nsubjects: [{kind: User, name: 'system:anonymous'}]\n\
                   roleRef: {kind: ClusterRole, name: backup}\n";
    let policy = format!("{POLICY}{binding}");
    let ran = run(binary(), &["validate", "-"], policy.as_bytes());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("lint/binds-anonymous"), "{ran:?}");
    // It is served all the same: a linter has opinions.
    let ask = ["check", "--policy-dir=-", "get", "secrets"];
    assert_eq!(run(binary(), &ask, policy.as_bytes()).code, 0);
}

#[test]
fn rules_are_named_as_they_are() {
    let ran = lint(&["--only=read-secrts"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("did you mean `read-secrets`?"), "{ran:?}");
    let ran = run(binary(), &["validate", "--list-rules", "-o", "json"], b"");
    let rules: Value = serde_json::from_str(&ran.stdout).unwrap();
    let rules = rules.as_array().unwrap();
    assert!(rules.len() > 50, "{}", rules.len());
    for rule in rules {
        for field in ["name", "id", "severity", "why", "advice", "reference"] {
            assert!(!rule[field].as_str().unwrap().is_empty(), "{rule}");
        }
    }
}

#[test]
fn findings_and_what_is_accepted_are_data() {
    let json: Value = serde_json::from_str(&lint(&["-o", "json"]).stdout).unwrap();
    assert_eq!((&json["valid"], &json["notes"]), (&true.into(), &1.into()));
    let accepted = &json["suppressed"][0];
    assert_eq!(accepted["id"], "lint/create-pods");
    assert_eq!(accepted["justification"], "it restores into pods");
    let yaml = lint(&["-o", "yaml"]).stdout;
    assert!(yaml.contains("severity: note") && yaml.contains("suppressed:"), "{yaml}");
}

/// What the schema of SARIF 2.1.0 requires, and what GitHub's code scanning asks for besides.
fn assert_is_sarif(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-2.1.0.json"));
    let runs = log["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1);
    let driver = &runs[0]["tool"]["driver"];
    assert_eq!(driver["name"], "verdikt");
    assert!(driver["informationUri"].as_str().unwrap().starts_with("https://"));
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        assert!(!rule["id"].as_str().unwrap().is_empty());
        assert!(!rule["shortDescription"]["text"].as_str().unwrap().is_empty(), "{rule}");
        if let Some(level) = rule["defaultConfiguration"]["level"].as_str() {
            assert!(["note", "warning", "error"].contains(&level), "{rule}");
            assert!(!rule["help"]["text"].as_str().unwrap().is_empty(), "{rule}");
        }
    }
    let mut fingerprints = std::collections::BTreeSet::new();
    for result in runs[0]["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        for location in result["locations"].as_array().unwrap() {
            let physical = &location["physicalLocation"];
            let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!uri.is_empty() && !uri.contains([' ', '<', '%']), "{uri}");
            let region = &physical["region"];
            let number = |name: &str| region[name].as_u64().unwrap();
            assert!(number("startLine") >= 1 && number("startColumn") >= 1);
            assert!(number("endColumn") > number("startColumn"), "{region}");
        }
        for fingerprint in result["partialFingerprints"].as_object().unwrap().values() {
            assert!(fingerprints.insert(fingerprint.to_string()), "{fingerprint} comes twice");
        }
        for suppression in result["suppressions"].as_array().into_iter().flatten() {
            assert_eq!(suppression["kind"], "inSource");
            assert!(suppression["justification"].is_string());
        }
    }
}

fn sarif(folder: &Path, arguments: &[&str]) -> Value {
    let mut command = Command::new(binary());
    command.arg("validate").args(arguments).args(["-o", "sarif"]).current_dir(folder);
    serde_json::from_str(&finish(&mut command, b"").stdout).unwrap()
}

#[test]
fn sarif_is_as_its_schema_has_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("policy")).unwrap();
    let file = folder.path().join("policy/backup.yaml");
    fs::write(&file, POLICY).unwrap();
    let log = sarif(folder.path(), &["policy"]);
    assert_is_sarif(&log);
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 3, "{log}");
    let secrets = results.iter().find(|result| result["ruleId"] == "lint/read-secrets").unwrap();
    let place = &secrets["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "policy/backup.yaml");
    assert_eq!(
        (&place["region"]["startLine"], &place["region"]["endColumn"]),
        (&6.into(), &22.into())
    );
    let pods = results.iter().find(|result| result["ruleId"] == "lint/create-pods").unwrap();
    assert_eq!(pods["suppressions"][0]["justification"], "it restores into pods");
    // An absolute path below the folder is made relative, and lines that move change no fingerprint.
    fs::write(&file, format!("# moved\n\n{POLICY}")).unwrap();
    let moved = sarif(folder.path(), &[file.canonicalize().unwrap().to_str().unwrap()]);
    let uri =
        &moved["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(uri["uri"], "policy/backup.yaml");
    let again = sarif(folder.path(), &["policy"]);
    let prints = |log: &Value| {
        let results = log["runs"][0]["results"].as_array().unwrap().iter();
        results.map(|result| result["partialFingerprints"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(prints(&log), prints(&again));
}

#[test]
fn errors_are_sarif_too() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    for arguments in [["broken"], ["lint"], ["quickstart/manifests"]] {
        let log = sarif(&folder, &arguments);
        assert_is_sarif(&log);
        assert!(!log["runs"][0]["results"].as_array().unwrap().is_empty(), "{arguments:?}");
    }
}
