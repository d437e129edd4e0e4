//! GUIDE.md tells of the flags there are, and of no others.

use std::path::Path;

use verdikt_tests::binary::run;

#[test]
fn the_guide_shows_the_flags_as_they_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../GUIDE.md");
    let guide = std::fs::read_to_string(&path).unwrap();
    let help = run(Path::new(env!("CARGO_BIN_EXE_verdikt")), &["serve", "--help"], b"").stdout;
    let heading = "## Flags of `verdikt serve`\n";
    let (before, _) = guide.split_once(heading).unwrap();
    let expected = format!("{before}{heading}```text\n{help}```\n");
    if std::env::var_os("UPDATE_GUIDE").is_some() {
        std::fs::write(&path, expected).unwrap();
    } else if guide != expected {
        panic!("GUIDE.md is not up to date: UPDATE_GUIDE=1 cargo test -p verdikt-cli --test guide");
    }
}
