//! The first minutes of a newcomer: `verdikt` without arguments, and the lines it shows to paste.

#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use verdikt_tests::binary::is_installed;

/// Stops the server when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn the_lines_of_the_first_screen_work_when_pasted() {
    if !is_installed("curl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/quickstart"), folder.path());
    let mut child = Command::new(env!("CARGO_BIN_EXE_verdikt"))
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let screen = BufReader::new(child.stdout.take().unwrap());
    let _running = Running(child);
    let mut lines = Vec::new();
    for line in screen.lines() {
        lines.push(line.unwrap());
        if lines.iter().any(|line| line.contains(" explain ")) {
            break;
        }
    }
    assert!(lines.len() <= 30, "that is more than a screen: {lines:#?}");
    assert!(lines.iter().any(|line| line.contains("1 Role, 4 ClusterRoles")), "{lines:#?}");

    let answers: Vec<String> = lines
        .iter()
        .filter(|line| ["curl ", "echo ", "sleep "].iter().any(|start| line.starts_with(start)))
        .map(|line| paste(line, folder.path()))
        .collect();
    let [allowed, forbidden, unauthorized, _, _, after] = answers.as_slice() else {
        panic!("other lines than were expected: {lines:#?}");
    };
    assert!(allowed.contains("RBAC: allowed by RoleBinding"), "{allowed}");
    assert!(
        forbidden.contains(r#"pods \"cart\" is forbidden: User \"jane\" cannot delete"#),
        "{forbidden}"
    );
    assert!(forbidden.contains(r#""code": 403"#), "{forbidden}");
    assert!(unauthorized.contains(r#""code": 401"#), "{unauthorized}");
    assert!(after.contains("RBAC: allowed by RoleBinding"), "{after}");
    for (command, text) in
        [(" status ", "1 Role"), (" explain ", "RoleBinding \"developers/shop\"")]
    {
        let line = lines.iter().find(|line| line.contains(command)).unwrap();
        let answer = paste(line, folder.path());
        assert!(answer.contains(text), "{line}: {answer}");
    }
}

/// What a shell makes of a line.
fn paste(line: &str, folder: &Path) -> String {
    let output = Command::new("sh").args(["-c", line]).current_dir(folder).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn copy(from: &Path, to: &Path) {
    let to = to.join("policies/quickstart");
    fs::create_dir_all(to.join("manifests")).unwrap();
    for folder in ["", "manifests"] {
        for entry in from.join(folder).read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, to.join(folder).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
}

#[test]
fn elsewhere_it_says_what_to_do_instead() {
    let folder = tempfile::tempdir().unwrap();
    let ran = verdikt_tests::binary::finish(
        Command::new(env!("CARGO_BIN_EXE_verdikt")).current_dir(folder.path()),
        b"",
    );
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("verdikt serve --policy-dir DIR"), "{ran:?}");
}
