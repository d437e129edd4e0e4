//! The map cannot drift from the land: ARCHITECTURE.md, the crates' arrows, headers, seeds, policies.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use verdikt_fuzz::case::CASES;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Names of the entries of a folder; of its folders alone if `folders` is set.
fn entries(folder: &str, folders: bool) -> BTreeSet<String> {
    let entries =
        root().join(folder).read_dir().unwrap_or_else(|error| panic!("{folder}: {error}"));
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| !folders || path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// All `.rs` files of the project.
fn rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["crates", "benches", "fuzz", "tests"].map(|name| root().join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().unwrap() != "target" {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// What stands between backticks in a text, fenced blocks left out.
fn quoted(text: &str) -> BTreeSet<String> {
    let outside_fences = text.split("```").step_by(2);
    outside_fences.flat_map(|text| text.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn architecture_names_every_crate_and_folder() {
    let named = quoted(&read("ARCHITECTURE.md"));
    let crates = entries("crates", true).into_iter().map(|name| format!("crates/{name}"));
    let top = entries(".", true).into_iter().filter(|name| !name.starts_with('.'));
    let top = top.filter(|name| name != "target").map(|name| format!("{name}/"));
    let missing: Vec<String> = crates.chain(top).filter(|path| !named.contains(path)).collect();
    assert_eq!(missing, [""; 0], "not named in ARCHITECTURE.md");
}

#[test]
fn architecture_names_nothing_that_is_not_there() {
    let places = ["", "crates"].map(|place| root().join(place));
    let is_path = |name: &&String| {
        name.ends_with(".rs") || name.starts_with("crates/") || name.ends_with('/')
    };
    let exists = |name: &str| {
        // `verdikt-parser/document.rs` is short for the file in the crate's `src`.
        let in_src = name.replacen('/', "/src/", 1);
        places.iter().any(|place| place.join(name).exists() || place.join(&in_src).exists())
    };
    let named = quoted(&read("ARCHITECTURE.md"));
    let gone: Vec<&String> = named.iter().filter(is_path).filter(|name| !exists(name)).collect();
    assert_eq!(gone, [""; 0], "named in ARCHITECTURE.md, but not there");
}

#[test]
fn crates_depend_on_each_other_as_architecture_says() {
    let text = read("ARCHITECTURE.md");
    let said: BTreeSet<String> = text
        .lines()
        .filter(|line| line.starts_with("verdikt") && line.contains(" → "))
        .map(spaced)
        .collect();
    let found: BTreeSet<String> = metadata_arrows();
    assert_eq!(said, found, "left: ARCHITECTURE.md, right: the manifests");
}

/// A line with single spaces.
fn spaced(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `a → b, c` for each crate in `crates/`: what of ours it depends on, tests aside.
fn metadata_arrows() -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let crates = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| package["manifest_path"].as_str().unwrap().contains("/crates/"));
    crates
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let ours: BTreeSet<&str> = dependencies
                .filter(|dependency| dependency["kind"].is_null())
                .filter_map(|dependency| dependency["name"].as_str())
                .filter(|name| name.starts_with("verdikt"))
                .collect();
            let ours: Vec<&str> = ours.into_iter().collect();
            let ours = if ours.is_empty() { "–".to_owned() } else { ours.join(", ") };
            format!("{} → {ours}", package["name"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn every_file_says_what_it_is_for() {
    let files = rust_files();
    assert!(files.len() > 50, "the files were not found");
    let silent: Vec<PathBuf> = files
        .into_iter()
        .filter(|path| !fs::read_to_string(path).unwrap().starts_with("//! "))
        .collect();
    assert!(silent.is_empty(), "these do not open with `//! `: {silent:?}");
}

#[test]
fn every_fuzz_target_has_a_case_and_seeds() {
    let cases: BTreeSet<String> = CASES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let targets: BTreeSet<String> =
        entries("fuzz/fuzz_targets", false).iter().map(|file| file.replace(".rs", "")).collect();
    assert_eq!(targets, cases, "left: fuzz_targets/, right: case::CASES");
    for name in cases {
        assert!(!entries(&format!("fuzz/seeds/{name}"), false).is_empty(), "{name} has no seeds");
    }
}

#[test]
fn every_policy_is_used_by_a_test() {
    let tests: Vec<String> = rust_files()
        .iter()
        .filter(|path| path.components().any(|part| part.as_os_str() == "tests"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    for folder in entries("policies", false) {
        let path = format!("policies/{folder}");
        assert!(tests.iter().any(|text| text.contains(&path)), "no test uses {path}");
    }
}
