//! The examples of authenticators and of AuthZEN work word for word: each is served with the line of its README, and
//! asked with the `curl` lines there.

#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use verdikt_tests::binary::{Serving, is_installed};

fn policies(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

/// The lines of a README that are commands of this name.
fn lines(folder: &Path, command: &str) -> Vec<String> {
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let start = format!("    {command} ");
    readme
        .lines()
        .filter(|line| line.starts_with(&start))
        .map(|line| line.trim().to_owned())
        .collect()
}

/// Serves what a line of a README says, of files in `root`, on a free port.
fn serve(line: &str, root: &Path, more: &[&str]) -> Serving {
    let config = line.strip_prefix("verdikt serve --config ").unwrap();
    let config = root.join(config).display().to_string();
    let arguments = [&["--config", &config], more].concat();
    Serving::start(Path::new(env!("CARGO_BIN_EXE_verdikt")), &arguments)
}

/// What a `curl` line of a README answers, sent to this server instead.
fn ask(line: &str, server: &Serving) -> String {
    let address = "http://127.0.0.1:8470";
    assert!(line.contains(address), "{line}");
    let line = line.replace(address, &format!("http://{}", server.address()));
    let line = line.replacen("curl ", "curl --silent --noproxy '*' --max-time 20 ", 1);
    let output = Command::new("sh").args(["-c", &line]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Copies an example to where its files may be changed.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

const ALLOWED: &str = r#"of Role \"pod-reader\" to Group \"developers\""#;

#[test]
fn tokens_and_passwords_are_believed() {
    if !is_installed("curl") {
        return;
    }
    for name in ["policies/authn-token-file", "policies/authn-basic-auth"] {
        let folder = policies(name);
        let server = serve(&lines(&folder, "verdikt")[0], &policies(""), &[]);
        let asked = lines(&folder, "curl");
        assert_eq!(asked.len(), 2, "{name}");
        for line in asked {
            let answer = ask(&line, &server);
            assert!(answer.contains(ALLOWED), "{line}: {answer}");
            let answer = ask(
                &line.replace("-token'", "-nonsense'").replace("-password", "-nonsense"),
                &server,
            );
            assert!(answer.contains("\"code\": 401"), "{line}: {answer}");
        }
    }
}

#[test]
fn an_enforcement_point_asks_by_authzen() {
    if !is_installed("curl") {
        return;
    }
    let folder = policies("policies/authzen");
    let [line] = lines(&folder, "verdikt").try_into().unwrap();
    let server = serve(&line, &policies(""), &[]);
    let [one, many, subjects, resources, actions] = lines(&folder, "curl").try_into().unwrap();
    let answer = ask(&one, &server);
    assert!(answer.contains(r#""decision": true"#) && answer.contains("record-writer"), "{answer}");
    let answer = ask(&many, &server);
    assert_eq!(answer.matches(r#""decision""#).count(), 2, "{answer}");
    for (line, expected) in [(subjects, "dan"), (resources, "110"), (actions, "delete")] {
        let answer = ask(&line, &server);
        assert!(answer.contains(&format!("\"{expected}\"")), "{line}: {answer}");
    }
}

#[test]
fn a_webhook_knows_a_token_from_far_away() {
    if !is_installed("curl") {
        return;
    }
    let name = "policies/authn-webhook";
    let folder = policies(name);
    let [of_decider, of_asker] = lines(&folder, "verdikt").try_into().unwrap();
    // A port that is free, at least a moment ago, in place of the one in the kubeconfig.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let root = tempfile::tempdir().unwrap();
    copy(&folder, &root.path().join(name));
    let kubeconfig = root.path().join(name).join("kubeconfig.yaml");
    let text = fs::read_to_string(&kubeconfig).unwrap();
    fs::write(&kubeconfig, text.replace(":8471/", &format!(":{port}/"))).unwrap();
    let _decider = serve(&of_decider, root.path(), &[&format!("--secure-port={port}")]);
    let asker = serve(&of_asker, root.path(), &[]);
    let [line] = lines(&folder, "curl").try_into().unwrap();
    let answer = ask(&line, &asker);
    assert!(answer.contains(ALLOWED), "{answer}");
    let answer = ask(&line.replace("far-away", "made-up"), &asker);
    assert!(answer.contains("\"code\": 401"), "{answer}");
}
