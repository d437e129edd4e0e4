//! Every way in which files can be bad: a clear message with its place, and an exit code that is not 0.

#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use verdikt_tests::binary::{Ran, finish, run};

const ROLE: &str = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n\
                    metadata: {name: reader, namespace: dev}\n\
                    rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]\n";

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_verdikt"))
}

/// A file to be looked at.
struct File {
    _folder: TempDir,
    path: PathBuf,
}

fn file(name: &str, content: impl AsRef<[u8]>) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    File { _folder: folder, path }
}

fn validate(flag: &str, path: &Path) -> Ran {
    run(binary(), &["validate", &format!("{flag}={}", path.display())], b"")
}

/// What `validate` says of a manifest: its exit code, and each of the texts somewhere in its output.
fn check(content: impl AsRef<[u8]>, code: i32, texts: &[&str]) {
    check_as("--policy-dir", &file("policy.yaml", content).path, code, texts);
}

fn check_as(flag: &str, path: &Path, code: i32, texts: &[&str]) {
    let ran = validate(flag, path);
    let output = format!("{}{}", ran.stdout, ran.stderr);
    for text in texts {
        assert!(output.contains(text), "{text:?} is not in:\n{output}");
    }
    assert_eq!(ran.code, code, "{output}");
}

#[test]
fn empty_files_are_warned_of() {
    check("", 3, &["parse/no-objects", "policy.yaml holds no object"]);
    check("# nothing yet\n---\n", 3, &["parse/no-objects"]);
    check_as("--token-auth-file", &file("t.csv", "\n").path, 3, &["t.csv holds no token"]);
    check_as("--basic-auth-file", &file("b.csv", "").path, 3, &["b.csv holds no password"]);
    let lines = file("abac.jsonl", "# none\n");
    check_as("--authorization-policy-file", &lines.path, 3, &["abac.jsonl holds no policy"]);
}

#[test]
fn a_folder_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    for flag in ["--token-auth-file", "--basic-auth-file", "--authorization-policy-file"] {
        check_as(flag, folder.path(), 1, &["source/", "is a directory"]);
    }
}

#[test]
fn what_does_not_exist_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nowhere");
    let advice = ["source/not-found", "no such file or directory", "check the path"];
    check_as("--policy-dir", &missing, 1, &advice);
    let ran = run(binary(), &["check", "get", "pods", "--policy-dir=/no/where"], b"");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("open /no/where: no such file or directory"), "{ran:?}");
}

/// Root may read everything, so the command is run as somebody else, from a place they can reach.
#[test]
fn permission_denied_is_said() {
    let folder = tempfile::Builder::new().prefix("verdikt").tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.path().join("verdikt");
    fs::copy(binary(), &copy).unwrap();
    let secret = folder.path().join("policy.yaml");
    fs::write(&secret, ROLE).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = Command::new(&copy);
    command.arg("validate").arg(&secret);
    if fs::read(&secret).is_ok() {
        command.uid(65_534).gid(65_534);
    }
    let ran = finish(&mut command, b"");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("permission denied"), "{ran:?}");
    assert!(ran.stdout.contains("policy.yaml"), "{ran:?}");
}

#[test]
fn bytes_that_are_not_utf_8_are_shown_where_they_are() {
    check(b"kind: Role\nname: \xff\n", 1, &["byte 0xff is not UTF-8", "policy.yaml:2:7"]);
    let utf_16: Vec<u8> = "\u{feff}kind: Role".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(utf_16, 1, &["is UTF-16", "save it as UTF-8"]);
    check(b"\x1f\x8b\x08", 1, &["is compressed with gzip", "gunzip -c"]);
}

#[test]
fn byte_order_marks_and_carriage_returns_are_no_mistakes() {
    check(format!("\u{feff}{ROLE}"), 0, &["valid: 1 manifest file, 1 Role"]);
    check(ROLE.replace('\n', "\r\n"), 0, &["valid: 1 manifest file, 1 Role"]);
    check_as("--token-auth-file", &file("t.csv", "t,u,1\r\n").path, 0, &["valid"]);
}

#[test]
fn a_hundred_megabytes_of_brackets_are_refused_at_once() {
    let brackets = vec![b'['; 100 << 20];
    check(&brackets, 1, &["parse/too-deep", "nest deeper than 100 levels", "--limit-depth"]);
    let ran = run(binary(), &["validate", "-", "--limit-file-bytes=1000"], &brackets);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains("more than the 1000 bytes"), "{ran:?}");
}

#[test]
fn aliases_do_not_explode() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = path.join("../../policies/broken/aliases-ten-deep.yaml");
    check_as("--policy-dir", &path, 1, &["parse/alias-expansion", "--limit-alias-nodes"]);
}

#[test]
fn each_bound_can_be_set() {
    let two = format!("{ROLE}---\n{}", ROLE.replace("reader", "writer"));
    let two = file("policy.yaml", two);
    let path = two.path.display().to_string();
    for (flag, id) in [
        ("--limit-objects=1", "parse/too-many-objects"),
        ("--limit-depth=1", "parse/too-deep"),
        ("--limit-file-bytes=10", "source/too-large"),
    ] {
        let ran = run(binary(), &["validate", &path, flag], b"");
        assert_eq!(ran.code, 1, "{flag}: {ran:?}");
        assert!(ran.stdout.contains(id), "{flag}: {ran:?}");
    }
}

#[test]
fn of_duplicates_the_later_wins_and_both_places_are_shown() {
    let later = ROLE.replace("get", "list");
    let both = format!("{ROLE}---\n{later}");
    let texts = ["is there twice; the later one counts", "policy.yaml:1:1", "policy.yaml:6:1"];
    check(&both, 3, &texts);
    let binding = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n\
                   metadata: {name: r, namespace: dev}\n\
                   subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: jane}]\n\
                   roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}\n";
    for (verb, code) in [("list", 0), ("get", 1)] {
        let arguments = ["check", verb, "pods", "-n", "dev", "--as=jane", "--policy-dir=-"];
        let ran = run(binary(), &arguments, format!("{both}{binding}").as_bytes());
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.stderr.contains("is there twice"), "{ran:?}");
    }
}

#[test]
fn a_binding_to_a_role_that_does_not_exist_is_kept_and_warned_of() {
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n\
                   metadata: {name: r, namespace: dev}\n\
                   subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: jane}]\n\
                   roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: nobody}\n";
    check(binding, 3, &["rbac/unknown-role-ref", "`nobody`", "valid: 1 manifest file"]);
    let arguments = ["check", "get", "pods", "-n", "dev", "--as=jane", "--policy-dir=-"];
    let ran = run(binary(), &arguments, binding.as_bytes());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stdout.contains(r#"role.rbac.authorization.k8s.io "nobody" not found"#), "{ran:?}");
}

#[test]
fn names_with_control_characters_cannot_move_the_cursor() {
    let bad = ROLE.replace("reader", "\"evil\\e[2Jname\"").replace("get", "list, oh: [no]");
    for output in ["table", "json", "yaml"] {
        let role = file("policy.yaml", &bad);
        let path = role.path.display().to_string();
        let ran = run(binary(), &["validate", &path, "-o", output], b"");
        assert_ne!(ran.code, 0, "{ran:?}");
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{ran:?}");
    }
    let arguments = ["check", "get", "pods", "--as=a\u{1b}[2Jb", "--policy-dir=-"];
    let ran = run(binary(), &arguments, ROLE.as_bytes());
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{ran:?}");
}

#[test]
fn a_wrong_type_is_an_error_and_an_unknown_field_a_warning() {
    check(ROLE.replace("[get]", "get"), 1, &["cannot unmarshal string", "[get]"]);
    let unknown = ROLE.replace("verbs", "verb: [get], verbs");
    check(&unknown, 3, &["unknown field", "did you mean `verbs`?"]);
    let role = file("policy.yaml", unknown);
    let ran = run(binary(), &["validate", "--strict", &role.path.display().to_string()], b"");
    assert_eq!(ran.code, 1, "{ran:?}");
}

#[test]
fn all_mistakes_of_all_files_are_found_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), ROLE.replace("[get]", "get")).unwrap();
    fs::write(folder.path().join("b.yaml"), "kind: [").unwrap();
    fs::write(folder.path().join("t.csv"), "token,user\n").unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (a, b) = (path("a.yaml"), path("b.yaml"));
    let tokens = format!("--token-auth-file={}", path("t.csv"));
    let ran = run(binary(), &["validate", &a, &b, &tokens], b"");
    assert_eq!(ran.code, 1, "{ran:?}");
    for name in ["a.yaml:4:", "b.yaml:1:", "must have at least 3 columns"] {
        assert!(ran.stdout.contains(name), "{name}: {}", ran.stdout);
    }
}
