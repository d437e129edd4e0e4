//! Reads one file whole, within a bound, and says in Kubernetes' words why it cannot be read.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use verdikt_parser::Diagnostic;

/// Why something cannot be read; boxed, since a result carries it through every step.
pub(crate) type Problem = Box<Diagnostic>;

/// The bytes of the file at `path`, at most `most` of them. `name` is what the user calls it.
///
/// What lies there must be known to be a file ([`refuse_special`]): opening a named pipe would wait
/// for someone to write into it.
pub(crate) fn read_file(path: &Path, name: &str, most: u64) -> Result<Vec<u8>, Problem> {
    let file = File::open(path).map_err(|error| cannot("open", name, &error))?;
    let metadata = file.metadata().map_err(|error| cannot("stat", name, &error))?;
    refuse_special(&metadata, name)?;
    read_all(file, metadata.len(), name, most)
}

/// All of `input`, which is thought to have `size` bytes but may grow while it is read.
pub(super) fn read_all(
    input: impl Read,
    size: u64,
    name: &str,
    most: u64,
) -> Result<Vec<u8>, Problem> {
    if size > most {
        return Err(too_large(name, most));
    }
    let mut bytes = Vec::new();
    let expected = usize::try_from(size).unwrap_or(usize::MAX);
    bytes.try_reserve_exact(expected).map_err(|error| cannot("read", name, &error.into()))?;
    let mut input = input.take(most.saturating_add(1));
    input.read_to_end(&mut bytes).map_err(|error| cannot("read", name, &error))?;
    if bytes.len() as u64 > most {
        return Err(too_large(name, most));
    }
    Ok(bytes)
}

/// Refuses what is no file: folders in upstream's words, and pipes, sockets and devices, which
/// upstream would wait for.
pub(super) fn refuse_special(metadata: &Metadata, name: &str) -> Result<(), Problem> {
    if metadata.is_dir() {
        return Err(cannot("read", name, &ErrorKind::IsADirectory.into()));
    }
    if !metadata.is_file() {
        let message = format!("`{name}` is a pipe, a socket or a device, not a file");
        let help = "name a regular file; manifests may also come from standard input, as `-`";
        return Err(Diagnostic::error("source/not-a-file", message).help(help).into());
    }
    Ok(())
}

/// Why something cannot be opened or read, as Go's `os.PathError` puts it.
pub(crate) fn cannot(operation: &str, name: &str, error: &io::Error) -> Problem {
    let (id, why, help) = match error.kind() {
        ErrorKind::NotFound => {
            ("source/not-found", "no such file or directory", "check the path, or create it")
        }
        ErrorKind::PermissionDenied => (
            "source/permission-denied",
            "permission denied",
            "let the user verdikt runs as read it",
        ),
        ErrorKind::IsADirectory => {
            ("source/is-a-folder", "is a directory", "name a file that lies in it")
        }
        ErrorKind::NotADirectory => {
            ("source/not-a-folder", "not a directory", "a part of the path is a file")
        }
        _ => return other(operation, name, error),
    };
    Diagnostic::error(id, format!("{operation} {name}: {why}")).help(help).into()
}

fn other(operation: &str, name: &str, error: &io::Error) -> Problem {
    let text = error.to_string();
    // The standard library has no stable name for this one; C libraries word it differently.
    if text.to_lowercase().contains("symbolic link") {
        let message = format!("{operation} {name}: too many levels of symbolic links");
        let help = "make the link lead to a file or folder instead of back to itself";
        return Diagnostic::error("source/loop", message).help(help).into();
    }
    // Go has the same words as C, but begins them small and knows no numbers.
    let words = text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words);
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    let words: String = first.into_iter().chain(letters).collect();
    Diagnostic::error("source/unreadable", format!("{operation} {name}: {words}")).into()
}

fn too_large(name: &str, most: u64) -> Problem {
    let message = format!("`{name}` has more than the {most} bytes that a file may have");
    Diagnostic::error("source/too-large", message)
        .help("split the file, or raise `--limit-file-bytes`")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_worded_as_upstream() {
        let check = |error: io::Error, id: &str, message: &str| {
            let found = cannot("open", "/etc/t.csv", &error);
            assert_eq!((found.id, found.message.as_str()), (id, message));
        };
        check(
            ErrorKind::NotFound.into(),
            "source/not-found",
            "open /etc/t.csv: no such file or directory",
        );
        check(
            ErrorKind::PermissionDenied.into(),
            "source/permission-denied",
            "open /etc/t.csv: permission denied",
        );
        check(
            io::Error::other("Input/output error (os error 5)"),
            "source/unreadable",
            "open /etc/t.csv: input/output error",
        );
        check(
            io::Error::other("Symbolic link loop (os error 40)"),
            "source/loop",
            "open /etc/t.csv: too many levels of symbolic links",
        );
    }

    #[test]
    fn a_file_may_have_its_bound_and_no_byte_more() {
        let read = |bytes: &'static [u8], size, most| read_all(bytes, size, "f", most);
        assert_eq!(read(b"1234", 4, 4).unwrap(), b"1234");
        assert_eq!(read(b"1234", 0, 4).unwrap(), b"1234");
        assert_eq!(read(b"12345", 5, 4).unwrap_err().id, "source/too-large");
        // It grew after its size was looked at.
        assert_eq!(read(b"12345", 1, 4).unwrap_err().id, "source/too-large");
    }
}
