//! The flag of traces, as kube-apiserver has it.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use verdikt::{Limits, read_tracing_configuration};
use verdikt_server::Traces;

use crate::failure::Failure;

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Traces")]
pub(crate) struct TracingFlags {
    /// TracingConfiguration of apiserver.config.k8s.io: which collector requests are traced to (OTLP over gRPC), and
    /// how many of a million [default: none is traced]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    tracing_config_file: Option<PathBuf>,
}

impl TracingFlags {
    /// Traces, if there are to be any.
    pub(crate) fn start(&self) -> Result<Option<Traces>, Failure> {
        let Some(file) = &self.tracing_config_file else { return Ok(None) };
        let configuration = read_tracing_configuration(file, &Limits::default())?;
        let traces = Traces::new(&configuration);
        traces
            .map(Some)
            .map_err(|error| Failure::message(format!("--tracing-config-file: {error}")))
    }
}
