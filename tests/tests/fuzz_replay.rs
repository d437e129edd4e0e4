//! Everything in `fuzz/seeds` and `fuzz/regressions` once more, so that a crash once found stays fixed.

use std::fs;
use std::path::{Path, PathBuf};

use verdikt_fuzz::case::CASES;

#[test]
fn seeds_and_regressions_hold() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    for (name, case) in CASES {
        let mut inputs = files(&fuzz.join("seeds").join(name));
        assert!(!inputs.is_empty(), "fuzz/seeds/{name} is empty");
        inputs.extend(files(&fuzz.join("regressions").join(name)));
        for path in inputs {
            // Shown if the case panics.
            println!("{}", path.display());
            case(&fs::read(&path).unwrap());
        }
    }
}

#[test]
fn no_input_at_all_holds() {
    for (name, case) in CASES {
        println!("{name}");
        case(b"");
    }
}

/// The files of a folder, which need not be there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
