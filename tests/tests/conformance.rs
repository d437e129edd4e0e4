//! All public vectors, through the same runner as the `conformance` binary.

use verdikt_tests::corpus;
use verdikt_tests::report::Report;
use verdikt_tests::schema::SCHEMAS;

/// Every question of every public file of the schema is answered as Kubernetes answers it.
fn check(schema: &str, cases: u64) {
    let mut report = Report::new();
    let files = corpus::public_files(schema);
    for file in &files {
        if let Err(problem) = corpus::run(file, &mut report) {
            panic!("{}: {problem}", file.display());
        }
    }
    println!("{schema}: {} files, {} cases", files.len(), report.cases());
    assert_eq!(
        report.disagreements(),
        0,
        "{report}\nrerun with: cargo run --release -p verdikt-tests --bin conformance -- \
         tests/vectors/{schema}*.jsonl.gz"
    );
    assert_eq!(report.cases(), cases, "questions were left out");
}

#[test]
fn requestinfo() {
    check("requestinfo", 42_335);
}

#[test]
fn rbac() {
    check("rbac", 59_650);
}

#[test]
fn rbac_bootstrap() {
    check("rbac-bootstrap", 4_040);
}

#[test]
fn aggregation() {
    check("aggregation", 526);
}

#[test]
fn abac() {
    check("abac", 23_157);
}

#[test]
fn token_file() {
    check("token-file", 3_743);
}

#[test]
fn x509() {
    check("x509", 440);
}

/// Chains made to be odd, which Go was asked about.
#[test]
fn x509_of_odd_chains() {
    let mut report = Report::new();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/x509-1.jsonl.gz");
    corpus::run(path.as_ref(), &mut report).unwrap();
    assert_eq!((report.cases(), report.disagreements()), (360, 0), "{report}");
}

#[test]
fn front_proxy() {
    check("front-proxy", 6_439);
}

#[test]
fn front_proxy_tls() {
    check("front-proxy-tls", 500);
}

#[test]
fn node() {
    check("node", 58_200);
}

#[test]
fn authn_config() {
    check("authn-config", 902);
}

#[test]
fn jwt() {
    check("jwt", 4_859);
}

#[test]
fn forbidden() {
    check("forbidden", 1_000);
}

#[test]
fn impersonation() {
    check("impersonation", 7_821);
}

#[test]
fn audit_policy() {
    check("audit-policy", 8_670);
}

#[test]
fn every_schema_has_public_files_and_what_is_not_built_is_said_to_be_pending() {
    for schema in &SCHEMAS {
        let files = corpus::public_files(schema.name);
        assert!(!files.is_empty(), "no file of schema {}", schema.name);
        if schema.check.is_none() {
            println!("pending: {} ({} files)", schema.name, files.len());
            let problem = corpus::run(&files[0], &mut Report::new()).unwrap_err();
            assert_eq!(problem.exit_code(), 1);
        }
    }
}
