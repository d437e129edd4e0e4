//! `verdikt completion`: what a shell needs to complete commands and flags.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::output::to_stdout;

#[derive(Args, Debug)]
pub(crate) struct Completion {
    /// Which shell; e.g. `source <(verdikt completion bash)`
    shell: Shell,
}

impl Completion {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "verdikt", &mut script);
        to_stdout(&String::from_utf8_lossy(&script))?;
        Ok(ExitCode::SUCCESS)
    }
}
