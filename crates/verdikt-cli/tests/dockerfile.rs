//! The Dockerfile says what is so: it copies what its build needs, with the compiler of the workspace, and starts
//! verdikt as the manifests of `policies/deploy` do. Building the image is for `.ci/run`, where there is a Docker.
#![expect(clippy::panic, reason = "helpers of tests")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use verdikt_tests::yaml::documents;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_dockerfile_copies_what_the_build_needs() {
    let (dockerfile, workspace) = (read("Dockerfile"), read("Cargo.toml"));
    let lines = |word: &str| {
        let lines = dockerfile.lines().filter_map(|line| line.strip_prefix(word));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut copied: Vec<String> = Vec::new();
    for line in lines("COPY ").iter().filter(|line| !line.starts_with("--from")) {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.pop();
        copied.extend(words.into_iter().map(str::to_owned));
    }
    let let_through: Vec<String> = read(".dockerignore")
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .map(str::to_owned)
        .collect();
    for path in &copied {
        assert!(root().join(path).exists(), "{path} is copied, and not there");
        assert!(
            let_through.contains(path),
            "{path} is copied, and not let through by .dockerignore"
        );
    }
    // Members, and what lies outside of the workspace and is a dependency of one.
    let members = workspace.split_once("members = [").unwrap().1.split_once(']').unwrap().0;
    let members =
        members.split('"').skip(1).step_by(2).map(|member| member.split('/').next().unwrap());
    for folder in members.chain(["fuzz", "Cargo.toml", "Cargo.lock"]) {
        assert!(copied.iter().any(|path| path == folder), "{folder} is not copied");
    }
    let rust = workspace.split_once("rust-version = \"").unwrap().1.split_once('"').unwrap().0;
    assert!(
        dockerfile.contains(&format!("FROM rust:{rust}-alpine")),
        "another compiler than {rust}"
    );
    assert_eq!(lines("USER "), ["65532:65532"]);
    let command = dockerfile.lines().find_map(|line| line.strip_prefix("#   docker ")).unwrap();
    assert!(read("policies/deploy/README.md").contains(&format!("docker {command}")), "{command}");
    // What is run without a manifest is what manifests run.
    let deployment = documents(&read("policies/deploy/kubernetes/deployment.yaml")).remove(0);
    let arguments = deployment.pointer("/spec/template/spec/containers/0/args");
    let command: Value = serde_json::from_str(&lines("CMD ").concat()).unwrap();
    assert_eq!(Some(&command), arguments);
}
