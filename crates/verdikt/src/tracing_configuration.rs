//! `--tracing-config-file`: the file that says where traces go. The engine makes none; fronts do.

use std::path::Path;

use verdikt_parser::tracing_configuration::{TracingConfiguration, read};
use verdikt_parser::{Diagnostic, Limits, Source};

use crate::LoadError;
use crate::source::read_file;

/// Reads it, once.
///
/// # Errors
/// If it cannot be read, or something is wrong with it: by file, line and column.
pub fn read_tracing_configuration(
    path: &Path,
    limits: &Limits,
) -> Result<TracingConfiguration, LoadError> {
    let name = path.display().to_string();
    let failed = |error: Diagnostic| LoadError::of(error);
    let bytes = read_file(path, &name, limits.file_bytes as u64).map_err(|error| failed(*error))?;
    read(&Source::new(name, &bytes), limits).map_err(LoadError::all)
}
