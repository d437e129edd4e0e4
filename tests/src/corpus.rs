//! Files of conformance vectors: which schema a name stands for, and one run over the lines.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use serde_json::Value;

use crate::report::Report;
use crate::schema::{self, Schema};

/// Why a file of vectors was not run to its end.
#[derive(Debug)]
pub enum Problem {
    /// The name of the file stands for no schema.
    UnknownSchema(String),
    /// The part of verdikt that the schema is about is not built yet.
    Pending(&'static str),
    /// The file cannot be read.
    Unreadable(io::Error),
    /// A line is not of the schema.
    BadLine(usize, serde_json::Error),
}

impl Problem {
    /// The exit code of a run that met it: 1 for what is not built, 2 for what cannot be read.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Pending(_) => 1,
            Self::UnknownSchema(_) | Self::Unreadable(_) | Self::BadLine(..) => 2,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSchema(name) => write!(f, "unknown schema `{name}`"),
            Self::Pending(name) => write!(f, "pending: `{name}` is not built yet"),
            Self::Unreadable(error) => write!(f, "{error}"),
            Self::BadLine(line, error) => write!(f, "line {line} is not of its schema: {error}"),
        }
    }
}

impl std::error::Error for Problem {}

/// Asks every question of the file at `path`, whose name says which schema it has.
///
/// # Errors
/// See [`Problem`]. What was asked before the problem stays in the report.
pub fn run(path: &Path, report: &mut Report) -> Result<(), Problem> {
    let name = schema_name(path);
    let Some(schema) = schema::find(&name) else { return Err(Problem::UnknownSchema(name)) };
    let Schema { name, check: Some(check) } = schema else {
        return Err(Problem::Pending(schema.name));
    };
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    for (index, line) in lines(path).map_err(Problem::Unreadable)?.enumerate() {
        let number = index + 1;
        let line = line.map_err(Problem::Unreadable)?;
        if line.trim().is_empty() {
            continue;
        }
        let value: Value =
            serde_json::from_str(&line).map_err(|error| Problem::BadLine(number, error))?;
        let id = value.get("id").and_then(Value::as_str).unwrap_or(name);
        report.at(format!("{file}:{number} ({id})"));
        check(&value, report).map_err(|error| Problem::BadLine(number, error))?;
    }
    Ok(())
}

/// The name before the first dot or dash-number: `rbac` for `rbac-7.jsonl.gz`, `token-file` for
/// `token-file.jsonl`.
pub fn schema_name(path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = file.split('.').next().unwrap_or_default();
    let is_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    let end = stem
        .match_indices('-')
        .map(|(dash, _)| dash)
        .find(|&dash| is_number(&stem[dash + 1..]))
        .unwrap_or(stem.len());
    stem[..end].to_owned()
}

/// The lines of a file, which may be gzipped: its first bytes say so.
///
/// # Errors
/// When it cannot be opened or read.
pub fn lines(path: &Path) -> io::Result<io::Lines<Box<dyn BufRead>>> {
    let mut reader = BufReader::new(File::open(path)?);
    let gzipped = reader.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    let reader: Box<dyn BufRead> = match gzipped {
        true => Box::new(BufReader::new(MultiGzDecoder::new(reader))),
        false => Box::new(reader),
    };
    Ok(reader.lines())
}

/// The files of this schema in `tests/vectors`, sorted by name.
///
/// # Panics
/// If the folder cannot be listed.
pub fn public_files(schema: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let entries = folder.read_dir().expect("tests/vectors can be listed");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("tests/vectors can be listed").path())
        .filter(|path| path.to_string_lossy().ends_with(".jsonl.gz") && schema_name(path) == schema)
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_ends_at_the_first_dot_or_dash_number() {
        let check = |file: &str, expected: &str| {
            assert_eq!(schema_name(Path::new(file)), expected, "{file}");
        };
        check("rbac.jsonl.gz", "rbac");
        check("/a.b/rbac-7.jsonl.gz", "rbac");
        check("rbac-7-b.jsonl", "rbac");
        check("rbac-bootstrap.jsonl.gz", "rbac-bootstrap");
        check("front-proxy-tls-12.jsonl.gz", "front-proxy-tls");
        check("token-file", "token-file");
        check("x509-2.jsonl.gz", "x509");
        check("", "");
    }

    #[test]
    fn what_cannot_be_run_says_why() {
        let check = |file: &str, code: u8, message: &str| {
            let problem = run(Path::new(file), &mut Report::new()).expect_err(file);
            assert_eq!(problem.exit_code(), code, "{file}");
            assert!(problem.to_string().contains(message), "{file}: {problem}");
        };
        check("no-such-schema.jsonl.gz", 2, "unknown schema `no-such-schema`");
        check("/nonexistent/rbac.jsonl.gz", 2, "No such file");
    }

    #[test]
    fn plain_lines_are_read_too_and_a_bad_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("requestinfo-9.jsonl");
        let good =
            r#"{"method":"GET","url":"/x","want":{"is_resource":false,"path":"/x","verb":"get"}}"#;
        std::fs::write(&path, format!("{good}\n\n{good}\nnonsense\n")).unwrap();
        let mut report = Report::new();
        let problem = run(&path, &mut report).unwrap_err();
        assert!(matches!(problem, Problem::BadLine(4, _)), "{problem}");
        assert_eq!((report.cases(), report.disagreements()), (2, 0), "{report}");
    }
}
