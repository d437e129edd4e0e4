//! What people see for each mistake in `policies/broken`: the manual of error messages.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use verdikt_authn::x509::{Now, read_bundle, read_revocations};
use verdikt_core::HashKey;
use verdikt_parser::{
    Diagnostic, Limits, Options, PolicySet, Source, abac, audit_policy, basic_file, parse_manifest,
    token_file,
};

/// One mistake a file; the file says which, and the snapshot of its name says what is found.
#[test]
fn each_mistake_is_explained() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/broken");
    let mut files: Vec<PathBuf> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 20, "policies/broken lost its files");
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        if name == "README.md" {
            continue;
        }
        let found = findings(name, &fs::read(&file).unwrap());
        assert!(!found.is_empty(), "{name}: nothing was found");
        insta::assert_snapshot!(name, shown(&found));
    }
}

/// Which kind of file it is follows from its name.
fn findings(name: &str, bytes: &[u8]) -> Vec<Diagnostic> {
    let (source, limits) = (Source::new(name, bytes), Limits::default());
    let key = HashKey::random();
    match name.rsplit('.').next() {
        Some("jsonl") => abac::parse(&source, &limits).1,
        Some("pem") if name.starts_with("crl") => {
            read_revocations(name, bytes, &[], Now::of(SystemTime::now())).1
        }
        Some("pem") => {
            let problem = read_bundle("client-ca-bundle", name, bytes).err();
            problem.into_iter().map(|problem| *problem).collect()
        }
        Some("csv") if name.starts_with("basic") => {
            let (records, mut found) = basic_file::parse(&source, &limits);
            found.extend(verdikt_authn::basic_file::BasicFile::new(name, records, &key).1);
            found
        }
        Some("csv") => {
            let (records, mut found) = token_file::parse(&source, &limits);
            found.extend(verdikt_authn::token_file::TokenFile::new(name, records, &key).1);
            found
        }
        _ if name.starts_with("audit") => audit_policy::parse(&source, &limits).1,
        _ => {
            let (manifest, mut found) = parse_manifest(&source, &Options::default());
            let (policy, of_set) = PolicySet::from_manifests([manifest]);
            found.extend(of_set);
            found.extend(verdikt_compiler::rbac::Table::compile(&policy, &key).1);
            found
        }
    }
}

fn shown(found: &[Diagnostic]) -> String {
    let mut text = String::new();
    for finding in found {
        writeln!(text, "{finding} [{}]", finding.id).unwrap();
        if let Some(label) = finding.primary.as_ref().filter(|label| !label.excerpt.is_empty()) {
            let mark = " ".repeat((label.place.column - label.excerpt_column) as usize);
            writeln!(text, "    {}", label.excerpt).unwrap();
            writeln!(text, "    {mark}{}", "^".repeat(label.length as usize)).unwrap();
        }
        for related in &finding.related {
            writeln!(text, "  {}: {}", related.place, related.text).unwrap();
        }
        if !finding.help.is_empty() {
            writeln!(text, "  help: {}", finding.help).unwrap();
        }
    }
    text
}
