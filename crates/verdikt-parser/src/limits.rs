//! How much a text may ask for before it is refused.

/// Bounds on what is read. Each has a diagnostic of its own when it is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Size of a file in bytes; `parse/file-too-large`.
    pub file_bytes: usize,
    /// How deep lists and maps may nest; `parse/too-deep`.
    pub depth: usize,
    /// How many nodes all YAML aliases of a file may expand to; `parse/alias-expansion`.
    pub alias_nodes: usize,
    /// How many objects a file may hold, list items included; `parse/too-many-objects`.
    pub objects: usize,
    /// How many diagnostics are kept; the rest are counted in one last line.
    pub diagnostics: usize,
    /// Size of all files together in bytes (of one file, if that may have more); `source/too-much`.
    pub total_bytes: u64,
    /// How many entries all folders may hold, whether they are read or not; `source/too-many-files`.
    pub folder_entries: usize,
    /// How deep folders may nest; `source/too-deep`.
    pub folder_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 1 << 30,
            depth: 100,
            alias_nodes: 100_000,
            objects: 20_000_000,
            diagnostics: 1_000,
            total_bytes: 4 << 30,
            folder_entries: 1_000_000,
            folder_depth: 32,
        }
    }
}
