//! What was read: named texts, and one digest over all of them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use verdikt_parser::{Diagnostic, Source};

use super::files::FileKind;

/// A text and the name it is reported under. Cheap to clone.
#[derive(Clone)]
pub struct Text {
    /// The path as the user gave it, `<stdin>`, or any other name that means something to the user.
    pub name: Arc<str>,
    /// The name below the folder that was given, so that the digest is the same wherever that lies.
    local_name: Arc<str>,
    bytes: Arc<Vec<u8>>,
}

/// Everything that was read for one policy.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Contents {
    /// Manifests, in the order in which they count: a later object replaces an earlier one.
    pub manifests: Vec<Text>,
    /// ABAC policy lines.
    pub abac: Option<Text>,
    /// The static token file.
    pub tokens: Option<Text>,
    /// The basic-auth file.
    pub basic: Option<Text>,
    /// Whatever else was named, in the order in which it was.
    pub others: Vec<(FileKind, Text)>,
    /// Files that others of these files name, as far as they can be read.
    pub(crate) named: Vec<Text>,
    /// What was found while reading; with an error among it, something is missing above.
    pub found: Vec<Diagnostic>,
}

impl Text {
    /// A text that did not come from a folder; its name is part of the digest.
    pub fn new(name: impl Into<Arc<str>>, bytes: impl Into<Vec<u8>>) -> Self {
        let name = name.into();
        Self { local_name: Arc::clone(&name), name, bytes: Arc::new(bytes.into()) }
    }

    pub(super) fn listed(name: String, local_name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), local_name: local_name.into(), bytes: Arc::new(bytes) }
    }

    /// The text as the parser takes it.
    pub fn source(&self) -> Source<'_> {
        Source::new(Arc::clone(&self.name), &self.bytes)
    }
}

/// What contents are known by.
#[derive(Clone, PartialEq, Eq)]
pub struct Digests {
    /// Of the manifests and ABAC lines, in hex: for everyone to see and compare.
    pub policy: String,
    /// Of everything. Not to be shown: a password can be guessed from a digest over its file.
    pub(crate) everything: [u8; 32],
}

/// Shows what may be seen.
impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.policy)
    }
}

/// Shows name and size only: the text may hold tokens and passwords.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({} bytes)", self.name, self.bytes.len())
    }
}

impl Contents {
    /// The first file of this kind.
    pub fn file(&self, kind: FileKind) -> Option<&Text> {
        self.others.iter().find(|(other, _)| *other == kind).map(|(_, text)| text)
    }

    /// A file that another one names, by the path that is said there.
    pub(crate) fn named(&self, path: &Path) -> Option<&Text> {
        self.named.iter().find(|text| Path::new(&*text.name) == path)
    }

    /// SHA-256 over all names and bytes in hex. Names are those below the folder that was given, so
    /// equal contents have equal digests on any machine.
    pub fn digests(&self) -> Digests {
        let mut hash = Sha256::new();
        for text in &self.manifests {
            add(&mut hash, b'm', &text.local_name, text);
        }
        // What a single file is called changes nothing.
        if let Some(text) = &self.abac {
            add(&mut hash, b'a', "", text);
        }
        let policy = format!("{:x}", hash.clone().finalize());
        for (kind, text) in [(b't', &self.tokens), (b'b', &self.basic)] {
            if let Some(text) = text {
                add(&mut hash, kind, "", text);
            }
        }
        for (kind, text) in &self.others {
            add(&mut hash, b'o', &format!("{kind:?}"), text);
        }
        for text in &self.named {
            add(&mut hash, b'n', &text.name, text);
        }
        Digests { policy, everything: hash.finalize().into() }
    }
}

/// Lengths go in as well, so that no two lists of texts run together to the same bytes.
fn add(hash: &mut Sha256, kind: u8, name: &str, text: &Text) {
    hash.update([kind]);
    for part in [name.as_bytes(), text.bytes.as_slice()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
}
