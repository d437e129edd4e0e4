//! The log: to standard error, so that standard output stays for what was asked for.

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::failure::Failure;

/// How much is logged, and how it looks.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logging")]
pub(crate) struct LoggingFlags {
    /// What is logged: error, warn, info, debug, trace, or `target=level,…`
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log_level: String,
    /// As lines of text, or of JSON
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) logging_format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

/// Starts to log.
pub(crate) fn start(flags: &LoggingFlags) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&flags.log_level)
        .map_err(|error| Failure::message(format!("--log-level: {error}")))?;
    let is_colourful = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let registry = tracing_subscriber::registry().with(filter);
    let layer = layer().with_writer(std::io::stderr).with_ansi(is_colourful).with_target(false);
    match flags.logging_format {
        Format::Text => registry.with(layer).try_init(),
        Format::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    }
    .map_err(|error| Failure::message(format!("cannot log: {error}")))
}
