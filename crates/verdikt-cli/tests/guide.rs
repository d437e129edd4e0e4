//! GUIDE.md tells of the flags and rules there are, and of no others.

#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::path::Path;

use verdikt_tests::binary::run;

#[test]
fn the_guide_shows_flags_and_rules_as_they_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../GUIDE.md");
    let guide = with_rules(&std::fs::read_to_string(&path).unwrap());
    let read = std::fs::read_to_string(&path).unwrap();
    let help = run(Path::new(env!("CARGO_BIN_EXE_verdikt")), &["serve", "--help"], b"").stdout;
    let heading = "## Flags of `verdikt serve`\n";
    let (before, _) = guide.split_once(heading).unwrap();
    let expected = format!("{before}{heading}```text\n{help}```\n");
    if std::env::var_os("UPDATE_GUIDE").is_some() {
        std::fs::write(&path, expected).unwrap();
    } else if read != expected {
        panic!("GUIDE.md is not up to date: UPDATE_GUIDE=1 cargo test -p verdikt-cli --test guide");
    }
}

/// The guide with the table of rules that the command prints.
fn with_rules(guide: &str) -> String {
    let list = ["validate", "--list-rules"];
    let table = run(Path::new(env!("CARGO_BIN_EXE_verdikt")), &list, b"").stdout;
    let heading = table.lines().next().unwrap();
    let (before, rest) = guide.split_once(heading).unwrap();
    let is_row = |line: &&str| line.starts_with('|');
    let after: Vec<&str> = rest.lines().skip(1).skip_while(is_row).collect();
    format!("{before}{table}{}\n", after.join("\n"))
}
