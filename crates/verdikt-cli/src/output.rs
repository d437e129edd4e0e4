//! Answers for people and for programs: `-o table|json|yaml`.

use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::failure::Failure;

/// How the answer looks.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct OutputFlags {
    /// How the answer looks
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Table,
    Json,
    Yaml,
}

impl Output {
    /// Writes `value` as data, or `table`, made when it is needed.
    pub(crate) fn write<T: Serialize>(
        self,
        value: &T,
        table: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        let text = match self {
            Self::Table => table(value),
            Self::Json => {
                let json = serde_json::to_string_pretty(value);
                json.map_err(|error| Failure::message(error.to_string()))? + "\n"
            }
            Self::Yaml => serde_saphyr::to_string(value)
                .map_err(|error| Failure::message(error.to_string()))?,
        };
        Ok(to_stdout(&text)?)
    }
}

/// Writes a text; its colours only where they can be seen and are wanted (`NO_COLOR`).
pub(crate) fn to_stdout(text: &str) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// What is good.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What is not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What matters less.
pub(crate) const DIM: Style = Style::new().dimmed();
/// Headings.
pub(crate) const HEAD: Style = Style::new().bold();
