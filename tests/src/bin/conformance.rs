//! Runs files of conformance vectors and prints where verdikt and Kubernetes disagree.
//!
//! `cargo run --release -p verdikt-tests --bin conformance -- FILE.jsonl.gz...`
//! Exit code 0 if all agree, 1 for disagreements or parts not built yet, 2 for a file it cannot read.

use std::path::PathBuf;
use std::process::ExitCode;

use verdikt_tests::corpus;
use verdikt_tests::report::Report;
use verdikt_tests::schema::SCHEMAS;

fn main() -> ExitCode {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        eprintln!("usage: conformance FILE.jsonl.gz...");
        for schema in &SCHEMAS {
            let state = if schema.check.is_some() { "built" } else { "pending" };
            eprintln!("  {:22} {state}", schema.name);
        }
        return ExitCode::from(2);
    }

    let mut report = Report::new();
    let mut code = 0;
    for file in &files {
        let before = (report.cases(), report.disagreements());
        if let Err(problem) = corpus::run(file, &mut report) {
            println!("{}: {problem}", file.display());
            code = code.max(problem.exit_code());
        }
        let cases = report.cases() - before.0;
        let disagreements = report.disagreements() - before.1;
        println!("{}: {cases} cases, {disagreements} disagreements", file.display());
    }
    println!("\n{report}");
    if report.disagreements() > 0 {
        code = code.max(1);
    }
    ExitCode::from(code)
}
