//! What is read of a tree of files, what is refused, and where changes are listened for.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, CreateKind, Flag};
use notify::{Event, EventKind};
use tempfile::TempDir;
use verdikt_parser::{Diagnostic, Limits};

use super::listing::Listing;
use super::places::Places;
use super::walk::Lister;
use super::{Contents, FileSet};

/// A folder with these files in it; a name that ends in a slash is a folder, and a text that begins
/// with `->` makes a link.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match text.strip_prefix("->") {
            Some(target) => symlink(target, path).unwrap(),
            None if name.ends_with('/') => fs::create_dir_all(path).unwrap(),
            None => fs::write(path, text).unwrap(),
        }
    }
    root
}

fn manifests(path: impl Into<PathBuf>) -> FileSet {
    FileSet::new(vec![path.into()], None, None, None, Limits::default())
}

fn tokens(path: impl Into<PathBuf>) -> FileSet {
    FileSet::new(Vec::new(), None, Some(path.into()), None, Limits::default())
}

/// Names below `root` with their texts, as `name=text`.
fn texts(contents: &Contents, root: &Path) -> Vec<String> {
    let root = format!("{}/", root.display());
    let show = |text: &super::Text| {
        let bytes = String::from_utf8(text.source().bytes.to_vec()).unwrap();
        format!("{}={bytes}", text.name.strip_prefix(&root).unwrap())
    };
    contents.manifests.iter().map(show).collect()
}

/// Reads the folder whole, and compares what was read.
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let root = tree(files);
    let (contents, found) = manifests(root.path()).read();
    assert!(found.is_empty(), "{files:?}: {found:?}");
    assert_eq!(texts(&contents, root.path()), expected, "{files:?}");
}

/// Reads the set, and compares what was found: `id: message`, with `$` for the root.
fn check_found(files: &FileSet, root: &Path, expected: &[&str]) {
    let (_, found) = files.read();
    let root = root.display().to_string();
    let show = |found: &Diagnostic| format!("{}: {}", found.id, found.message.replace(&root, "$"));
    assert_eq!(found.iter().map(show).collect::<Vec<_>>(), expected);
}

#[test]
fn manifests_are_read_at_any_depth_in_order_of_bytes() {
    check(
        &[
            ("b.yml", "3"),
            ("a/x.yaml", "2"),
            ("a.yaml", "1"),
            ("c/d/e.json", "4"),
            ("README.md", "no"),
            ("UPPER.YAML", "no"),
            ("yaml", "no"),
        ],
        &["a.yaml=1", "a/x.yaml=2", "b.yml=3", "c/d/e.json=4"],
    );
}

#[test]
fn hidden_entries_are_passed_over_and_links_out_of_them_followed() {
    check(
        &[
            ("..2026_1/rbac.yaml", "1"),
            ("..2026_1/sub/more.yaml", "2"),
            ("..data", "->..2026_1"),
            ("rbac.yaml", "->..data/rbac.yaml"),
            ("sub", "->..data/sub"),
            (".git/config.yaml", "no"),
            (".hidden.yaml", "no"),
        ],
        &["rbac.yaml=1", "sub/more.yaml=2"],
    );
}

#[test]
fn one_manifest_needs_no_ending() {
    let root = tree(&[("policy", "1")]);
    let (contents, found) = manifests(root.path().join("policy")).read();
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(texts(&contents, root.path()), ["policy=1"]);
}

#[test]
fn a_folder_without_manifests_is_warned_about() {
    let root = tree(&[("notes.txt", "")]);
    check_found(&manifests(root.path()), root.path(), &["source/no-manifest: no manifest in `$`"]);
    assert!(!manifests(root.path()).read().1[0].is_error());
}

#[test]
fn what_cannot_be_read_is_an_error_in_upstreams_words() {
    let root = tree(&[("d/", ""), ("file", ""), ("self", "->self")]);
    let at = |name: &str| root.path().join(name);
    let check = |files: FileSet, expected: &str| check_found(&files, root.path(), &[expected]);
    check(tokens(at("none.csv")), "source/not-found: open $/none.csv: no such file or directory");
    check(manifests(at("none")), "source/not-found: open $/none: no such file or directory");
    check(tokens(at("d")), "source/is-a-folder: read $/d: is a directory");
    check(tokens(at("file/t.csv")), "source/not-a-folder: open $/file/t.csv: not a directory");
    check(tokens(at("self")), "source/loop: open $/self: too many levels of symbolic links");
}

#[test]
fn a_link_that_leads_nowhere_refuses_the_folder() {
    let root = tree(&[("a.yaml", "1"), ("team", "->../teams/none")]);
    let expected = "source/not-found: open $/team: no such file or directory";
    check_found(&manifests(root.path()), root.path(), &[expected]);
}

#[test]
fn a_file_that_may_not_be_read_refuses_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let root = tree(&[("a.yaml", "1")]);
    let file = root.path().join("a.yaml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser reads everything.
    if fs::read(&file).is_err() {
        let expected = "source/permission-denied: open $/a.yaml: permission denied";
        check_found(&manifests(root.path()), root.path(), &[expected]);
    }
}

#[test]
fn what_is_no_file_is_refused_without_being_opened() {
    let root = tree(&[]);
    let path = root.path().join("a.yaml");
    let _socket = UnixListener::bind(&path).unwrap();
    let expected = "source/not-a-file: `$/a.yaml` is a pipe, a socket or a device, not a file";
    check_found(&manifests(root.path()), root.path(), &[expected]);
    check_found(&tokens(&path), root.path(), &[expected]);
    assert_eq!(tokens("/dev/zero").read().1[0].id, "source/not-a-file");
}

#[test]
fn a_link_back_up_is_an_error_and_not_an_endless_walk() {
    let root = tree(&[("a/x.yaml", "1"), ("a/up", "->..")]);
    let expected = "source/loop: `$/a/up` leads back to a folder it lies in";
    check_found(&manifests(root.path()), root.path(), &[expected]);
}

#[test]
fn each_bound_has_an_error_of_its_own() {
    let root = tree(&[("a.yaml", "12345"), ("b/b.yaml", "12345")]);
    let check = |change: fn(&mut FileSet), expected: &[&str]| {
        let mut files = manifests(root.path());
        change(&mut files);
        check_found(&files, root.path(), expected);
    };
    check(
        |files| files.bounds.file_bytes = 4,
        &[
            "source/too-large: `$/a.yaml` has more than the 4 bytes that a file may have",
            "source/too-large: `$/b/b.yaml` has more than the 4 bytes that a file may have",
        ],
    );
    check(
        |files| files.bounds.total_bytes = 9,
        &["source/too-much: `$/b/b.yaml` brings all files to more than 9 bytes"],
    );
    check(
        |files| files.bounds.entries = 2,
        &["source/too-many-files: `$/b` brings the entries of all folders to more than 2"],
    );
    check(
        |files| files.bounds.depth = 1,
        &["source/too-deep: `$/b` lies more than 1 folders deep"],
    );
    check(|files| files.bounds.entries = 3, &[]);
    check(|files| files.bounds.depth = 2, &[]);
    check(|files| files.bounds.total_bytes = 10, &[]);
}

#[test]
fn the_digest_tells_contents_apart_and_not_where_they_lie() {
    let digest = |files: &[(&str, &str)]| {
        let root = tree(files);
        manifests(root.path()).read().0.digests().everything
    };
    let one = digest(&[("a.yaml", "12"), ("b.yaml", "3")]);
    assert_eq!(one.len(), 32);
    assert_eq!(one, digest(&[("b.yaml", "3"), ("a.yaml", "12"), ("notes", "x")]));
    for other in [
        [("a.yaml", "1"), ("b.yaml", "23")],
        [("a.yaml", "12"), ("c.yaml", "3")],
        [("a.yaml", "3"), ("b.yaml", "12")],
    ] {
        assert_ne!(one, digest(&other), "{other:?}");
    }
    let root = tree(&[("f", "x")]);
    let file = || Some(root.path().join("f"));
    let set = |tokens, basic| FileSet::new(Vec::new(), None, tokens, basic, Limits::default());
    let digest = |files: FileSet| files.read().0.digests();
    let (as_tokens, as_basic) = (digest(set(file(), None)), digest(set(None, file())));
    assert!(as_tokens != as_basic);
    // Secrets are part of what changes, and not of what everyone may see.
    assert_eq!(as_tokens.policy, as_basic.policy);
}

#[test]
fn texts_do_not_print_their_secrets() {
    let root = tree(&[("t.csv", "hunter2,jane,1")]);
    let files = tokens(root.path().join("t.csv"));
    let shown = format!("{:?} {files:?}", files.read());
    assert!(shown.contains("t.csv") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn all_links_of_a_volume_lead_to_the_same_generation() {
    let root = tree(&[
        ("..1/a.csv", "old"),
        ("..1/b.csv", "old"),
        ("..2/a.csv", "new"),
        ("..2/b.csv", "new"),
        ("..data", "->..1"),
        ("a.csv", "->..data/a.csv"),
        ("b.csv", "->..data/b.csv"),
    ]);
    let files = manifests(root.path());
    let mut lister = Lister::new(&files.bounds);
    let a = lister.file(&root.path().join("a.csv")).unwrap();
    symlink("..2", root.path().join("..data_tmp")).unwrap();
    fs::rename(root.path().join("..data_tmp"), root.path().join("..data")).unwrap();
    let b = lister.file(&root.path().join("b.csv")).unwrap();
    assert_eq!(a.real.parent(), b.real.parent());
    let later = Lister::new(&files.bounds).file(&root.path().join("b.csv")).unwrap();
    assert_ne!(a.real.parent(), later.real.parent());
}

#[test]
fn a_listing_notices_what_is_written_replaced_added_and_removed() {
    let root = tree(&[("a.yaml", "1"), ("b.yaml", "1")]);
    let files = manifests(root.path());
    let check = |change: &dyn Fn(&Path), was_read: bool| {
        let before = files.list();
        assert!(before == files.list() && before.is_current());
        change(root.path());
        assert_ne!(before, files.list());
        assert_eq!(before.is_current(), !was_read);
    };
    check(&|root| fs::write(root.join("a.yaml"), "22").unwrap(), true);
    check(&|root| fs::rename(root.join("b.yaml"), root.join("a.yaml")).unwrap(), true);
    check(&|root| fs::write(root.join("c.yaml"), "1").unwrap(), false);
    check(&|root| fs::remove_file(root.join("c.yaml")).unwrap(), true);
}

#[test]
fn changes_are_listened_for_wherever_they_can_show() {
    let root = tree(&[
        ("policy/sub/a.yaml", "1"),
        ("policy/out.yaml", "->../elsewhere/out.yaml"),
        ("elsewhere/out.yaml", "1"),
        ("mount/..1/t.csv", "1"),
        ("mount/..data", "->..1"),
        ("mount/t.csv", "->..data/t.csv"),
    ]);
    let at = |name: &str| root.path().canonicalize().unwrap().join(name);
    let files = FileSet::new(
        vec![at("policy")],
        Some(at("not/yet/abac.jsonl")),
        Some(at("mount/t.csv")),
        None,
        Limits::default(),
    );
    let places = Places::of(&files, &files.list());
    let created = |name: &str| Event::new(EventKind::Create(CreateKind::Any)).add_path(at(name));
    for relevant in [
        "policy",
        "policy/new.yaml",
        "policy/sub/new",
        "elsewhere/out.yaml",
        "mount/t.csv",
        "mount/..data",
        "mount/..1/t.csv",
        "not",
    ] {
        assert!(places.concern(&created(relevant)), "{relevant} in {places:?}");
    }
    for other in ["x", "policy/.a.yaml.swp", "elsewhere/x", "mount/x", "not/yet/abac.jsonl"] {
        assert!(!places.concern(&created(other)), "{other} in {places:?}");
    }
}

#[test]
fn reading_is_no_change_and_a_lost_event_is_one() {
    let root = tree(&[("a.yaml", "1")]);
    let files = manifests(root.path());
    let places = Places::of(&files, &files.list());
    let file = root.path().canonicalize().unwrap().join("a.yaml");
    let access = |kind| Event::new(EventKind::Access(kind)).add_path(file.clone());
    assert!(!places.concern(&access(AccessKind::Open(AccessMode::Any))));
    assert!(!places.concern(&access(AccessKind::Close(AccessMode::Read))));
    assert!(places.concern(&access(AccessKind::Close(AccessMode::Write))));
    assert!(places.concern(&Event::new(EventKind::Other).set_flag(Flag::Rescan)));
}

#[test]
fn nothing_named_is_nothing_read() {
    let files = FileSet::new(Vec::new(), None, None, None, Limits::default());
    assert_eq!(files.list(), Listing::default());
    assert!(files.read().1.is_empty());
    assert_eq!(manifests("-").names(), ["<stdin>"]);
}
