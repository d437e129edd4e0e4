//! Each command as a person runs it: what it prints, and its exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use verdikt_tests::binary::{Ran, Serving, finish, run};
use verdikt_tests::http;

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_verdikt"))
}

fn quickstart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/quickstart")
}

/// Asks about the quickstart policy.
fn ask(command: &str, arguments: &[&str]) -> Ran {
    let config = format!("--config={}", quickstart().join("verdikt.yaml").display());
    let mut all = vec![command, &config];
    all.extend(arguments);
    run(binary(), &all, b"")
}

fn check(arguments: &[&str], code: i32, stdout: &str) {
    let ran = ask("check", arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (code, stdout), "{arguments:?}: {}", ran.stderr);
}

const BY_DEVELOPERS: &str = "yes - RBAC: allowed by RoleBinding \"developers/shop\" of Role \
                             \"developer\" to Group \"developers\"\n";

#[test]
fn check_answers_as_can_i_does_and_says_why() {
    let jane = ["--as=jane", "--as-group=developers"];
    let of_jane = |rest: &[&'static str]| [&jane, rest].concat();
    check(&of_jane(&["get", "pods/web", "-n", "shop"]), 0, BY_DEVELOPERS);
    check(&of_jane(&["get", "po/web", "-n", "shop"]), 0, BY_DEVELOPERS);
    check(&of_jane(&["patch", "deploy", "-n", "shop"]), 0, BY_DEVELOPERS);
    check(&of_jane(&["patch", "deployments.apps", "-n", "shop"]), 0, BY_DEVELOPERS);
    let no = "no - abac: No policy matched.\n";
    check(&of_jane(&["get", "pods/web", "-n", "dev"]), 1, no);
    check(&of_jane(&["get", "pods", "-A"]), 1, no);
    check(&of_jane(&["get", "pods/web", "-n", "shop", "-q"]), 0, "");
    check(&of_jane(&["delete", "pods/web", "-n", "shop", "-q"]), 1, "");
    check(&["--token=jane-token", "get", "pods/web", "-n", "shop"], 0, BY_DEVELOPERS);
    let unauthorized = "no - Unauthorized: invalid bearer token\n";
    check(&["--token=wrong", "get", "pods", "-n", "shop"], 1, unauthorized);
    let anonymous = "yes - RBAC: allowed by ClusterRoleBinding \"health\" of ClusterRole \"health\" \
                     to Group \"system:unauthenticated\"\n";
    check(&["get", "/healthz"], 0, anonymous);
}

#[test]
fn check_is_data_when_asked_for() {
    let ran = ask("check", &["--token=jane-token", "list", "pods", "-n", "shop", "-o", "json"]);
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&value["allowed"], &value["user"]["name"]), (&true.into(), &"jane".into()));
    let ran = ask("check", &["--token=wrong", "list", "pods", "-o", "yaml"]);
    assert_eq!(ran.stdout, "allowed: false\nreason: \"Unauthorized: invalid bearer token\"\n");
    assert_eq!(ran.code, 1);
}

#[test]
fn who_can_names_everyone_and_what_lets_them() {
    let ran = ask("who-can", &["get", "pods/web", "-n", "shop", "-o", "json"]);
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found: Vec<[String; 3]> = value["subjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|holder| {
            let grant = &holder["grants"][0];
            [text(&holder["name"]), text(&grant["namespace"]), text(&grant["binding"])]
        })
        .collect();
    assert_eq!(
        found,
        [
            ["developers", "shop", "RoleBinding \"developers/shop\""],
            ["operators", "*", "ClusterRoleBinding \"operators\""],
            ["system:masters", "*", ""],
        ]
    );
    assert_eq!((value["incomplete"].as_bool(), ran.code), (Some(false), 0));

    // For people, and in all namespaces at once.
    let ran = ask("who-can", &["patch", "deploy", "-A"]);
    let expected = "  in shop: RoleBinding \"developers/shop\" of Role \"developer\" ";
    assert!(
        ran.stdout.starts_with("3 subjects can patch deployments.apps in any namespace\n"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains(expected), "{ran:?}");
    let ran = ask("who-can", &["patch", "deploy"]);
    assert!(!ran.stdout.contains("developers"), "{ran:?}");
    let ran = ask("who-can", &["get", "secrets", "-A"]);
    assert!(ran.stdout.contains("User \"ci-bot\"\n  in ci: abac "), "{ran:?}");
}

#[test]
fn what_cannot_be_asked_is_an_error_of_its_own() {
    for (arguments, text) in [
        (&["check", "get", "pods"][..], "no policy was named"),
        (&["check"], "required arguments were not provided"),
        (&["check", "--policydir=x", "get", "pods"], "a similar argument exists"),
        (&["check", "--authorization-mode=RBACK", "get", "pods"], "RBACK"),
        (&["validate"], "no file was named"),
        (&["serve"], "no policy was named"),
        (&["status", "--server=ftp://x"], "a URL is expected"),
        (&["status", "--server=http://127.0.0.1:1"], "refused"),
    ] {
        let ran = run(binary(), arguments, b"");
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(text), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn explain_shows_every_path_and_the_nearest_misses() {
    let olga = ["--token=olga-token", "list", "pods", "-n", "shop"];
    let ran = ask("explain", &olga);
    assert_eq!(ran.code, 0, "{ran:?}");
    for text in [
        "allowed: olga to list pods in shop",
        "→ ClusterRoleBinding \"operators\"",
        "· RoleBinding \"developers/shop\"",
        "bindings.yaml:8",
        "role    ClusterRole \"operator\"",
        "subject Group \"operators\"",
    ] {
        assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout);
    }
    let ran = ask("explain", &["--token=jane-token", "delete", "pods/cart", "-n", "shop"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for text in [
        "denied",
        "lets Group \"developers\" only get,list,watch",
        "lets Group \"operators\" do it",
    ] {
        assert!(ran.stdout.contains(text), "{text}: {}", ran.stdout);
    }
    let ran = ask("explain", &["--token=olga-token", "list", "pods", "-n", "shop", "-o", "json"]);
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["paths"].as_array().unwrap().len(), 2, "{value}");
}

#[test]
fn validate_is_data_when_asked_for() {
    let broken = quickstart().join("../broken/text-for-list.yaml").display().to_string();
    let ran = run(binary(), &["validate", &broken, "-o", "json"], b"");
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    let first = &value["diagnostics"][0];
    assert_eq!((ran.code, &value["valid"], &value["errors"]), (1, &false.into(), &2.into()));
    assert_eq!((&first["id"], &first["primary"]["line"]), (&"parse/wrong-type".into(), &9.into()));
    assert_eq!(first["primary"]["column"], 10);
    assert_eq!(first["primary"]["excerpt"], "  verbs: get");
}

#[test]
fn hashed_secrets_are_accepted_where_plain_ones_are() {
    for algorithm in ["argon2id", "bcrypt"] {
        let algorithm = format!("--algorithm={algorithm}");
        let arguments = ["token", "hash", &algorithm, "--cost=4"];
        let hashed = run(binary(), &arguments, b"hunter2\n");
        assert_eq!(hashed.code, 0, "{hashed:?}");
        assert!(!hashed.stdout.contains("hunter2"));
        let folder = tempfile::tempdir().unwrap();
        let tokens = folder.path().join("tokens.csv");
        fs::write(&tokens, format!("{},jane,u-1\n", hashed.stdout.trim())).unwrap();
        let tokens = format!("--token-auth-file={}", tokens.display());
        let allow = "--authorization-mode=AlwaysAllow";
        for (token, code) in [("--token=hunter2", 0), ("--token=hunter3", 1)] {
            let ran = run(binary(), &["check", &tokens, allow, token, "get", "pods"], b"");
            assert_eq!(ran.code, code, "{ran:?}");
        }
    }
    for input in ["", "\n", "one\ntwo\n"] {
        let ran = run(binary(), &["token", "hash"], input.as_bytes());
        assert_eq!(ran.code, 2, "{input:?}: {ran:?}");
        assert!(ran.stderr.contains("must hold one secret"), "{ran:?}");
    }
}

#[test]
fn colours_are_for_terminals_alone() {
    for (name, value) in [("NO_COLOR", "1"), ("NO_COLOR", ""), ("TERM", "xterm-256color")] {
        let config = quickstart().join("verdikt.yaml");
        let mut command = Command::new(binary());
        command
            .arg("explain")
            .arg("--config")
            .arg(config)
            .args(["get", "/healthz"])
            .env(name, value);
        let ran = finish(&mut command, b"");
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(!ran.stdout.contains('\u{1b}'), "{name}={value}: {ran:?}");
    }
}

#[test]
fn a_configuration_file_holds_flags_and_the_command_line_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("verdikt.yaml");
    let with = |text: &str, arguments: &[&str]| {
        fs::write(&config, text).unwrap();
        let config = format!("--config={}", config.display());
        let mut all = vec!["check", config.as_str()];
        all.extend(arguments);
        run(binary(), &all, b"")
    };
    let question = ["get", "pods"];
    assert_eq!(
        with("authorization-mode: [AlwaysAllow]\nanonymous-auth: true\n", &question).code,
        1
    );
    assert_eq!(with("authorization-mode: AlwaysAllow\n", &["--as=jane", "get", "pods"]).code, 0);
    let denied = ["--authorization-mode=AlwaysDeny", "--as=jane", "get", "pods"];
    assert_eq!(with("authorization-mode: AlwaysAllow\n", &denied).code, 1);
    for (text, message) in [
        ("policy-dirs: x\n", "there is no flag --policy-dirs"),
        ("policyDir: x\n", "write `policy-dir`"),
        ("authorization-mode: [RBACK]\n", "RBACK"),
        ("- x\n", "flags and their values are expected, found array"),
        ("policy-dir: {a: b}\n", "--policy-dir takes a text, not object"),
        ("limit-depth: many\n", "many"),
        ("policy-dir: [\n", "parse/yaml"),
    ] {
        let ran = with(text, &question);
        assert_eq!(ran.code, 2, "{text}: {ran:?}");
        assert!(ran.stderr.contains(message) && ran.stderr.contains("verdikt.yaml:"), "{ran:?}");
    }
    let ran = run(binary(), &["check", "--config=/no/where", "get", "pods"], b"");
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(binary(), &["completion", shell], b"");
        assert_eq!(ran.code, 0, "{shell}: {ran:?}");
        assert!(ran.stdout.contains("policy-dir"), "{shell}");
    }
}

#[test]
fn status_tells_a_refused_reload_from_a_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let role = folder.path().join("role.yaml");
    let good = fs::read(quickstart().join("manifests/developer.yaml")).unwrap();
    fs::write(&role, &good).unwrap();
    let policy = format!("--policy-dir={}", folder.path().display());
    let serving = Serving::start(binary(), &[&policy, "--poll-interval=1"]);
    let server = format!("--server=http://{}", serving.address());
    let status = |wanted: i32| {
        // Until the change has been seen.
        for _ in 0..600 {
            let ran = run(binary(), &["status", &server], b"");
            if ran.code == wanted {
                return ran.stdout;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("status did not come to exit with {wanted}");
    };
    assert!(status(0).contains("1 Role"));
    fs::write(&role, b"kind: [\n").unwrap();
    let refused = status(1);
    assert!(refused.contains("refused") && refused.contains("revision 1 serves on"), "{refused}");
    assert!(
        refused.contains("role.yaml:2:1: error") || refused.contains("role.yaml:1:"),
        "{refused}"
    );
    let ready = http::get(serving.address(), "/readyz?verbose");
    assert!(ready.body.contains("[!]reload refused, revision 1 still serves"), "{}", ready.body);
    fs::write(&role, &good).unwrap();
    status(0);
    assert_eq!(serving.signal("TERM"), 0);
}
