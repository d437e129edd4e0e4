//! What can be asked for: the commands, and how a configuration file joins their flags.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands::{bench, check, completion, explain, serve, status, token, validate, who_can};
use crate::failure::Failure;
use crate::{config, effective, quickstart};

/// Who is this, and may they do it? Answers as Kubernetes does, from compiled policy.
///
/// Without a command, serves `policies/quickstart` on loopback and shows what to try.
#[derive(Debug, Parser)]
#[command(name = "verdikt", version, max_term_width = 100, args_override_self = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Answer requests over HTTP, and reload policy when it changes
    Serve(Box<serve::Serve>),
    /// Say whether an action is allowed (exit code 0: yes, 1: no, 2: error)
    Check(check::Check),
    /// Say why an action is allowed, or what comes nearest to allowing it
    Explain(explain::Explain),
    /// List everyone who may perform an action, with all that lets them
    #[command(name = "who-can")]
    WhoCan(who_can::WhoCan),
    /// Find what is wrong with policy files, and what valid ones permit (exit code 0: nothing wrong, 1:
    /// errors, 3: warnings in reading alone, 2: not looked at)
    Validate(validate::Validate),
    /// Show what a running server has loaded, and how its last reload went
    Status(status::Status),
    /// Make a load on a running server, and measure how it bears it (exit code 0: all was answered as
    /// expected, 1: some was not, 2: error)
    #[command(override_usage = bench::USAGE)]
    Bench(bench::Bench),
    /// Make secrets for token and basic-auth files
    Token(token::Token),
    /// Write completions for a shell
    Completion(completion::Completion),
    /// Serve `policies/quickstart`: what is done without a command.
    #[command(name = "quickstart", hide = true)]
    Quickstart,
}

/// Reads the command line, and the file named by `--config` below it.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Command, Failure> {
    let command = Cli::command();
    let matches = command.clone().try_get_matches_from(&arguments)?;
    let arguments = config::expand(&command, &matches, arguments)?;
    let matches = command.clone().try_get_matches_from(arguments)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let Some(Command::Serve(serve)) = &mut cli.command
        && let Some(matches) = matches.subcommand_matches("serve")
        && let Some(command) = command.find_subcommand("serve")
    {
        serve.configuration = effective::flags(command, matches);
    }
    Ok(cli.command.unwrap_or(Command::Quickstart))
}

impl Command {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self {
            Self::Serve(command) => command.run(),
            Self::Check(command) => command.run(),
            Self::Explain(command) => command.run(),
            Self::WhoCan(command) => command.run(),
            Self::Validate(command) => command.run(),
            Self::Status(command) => command.run(),
            Self::Bench(command) => command.run(),
            Self::Token(command) => command.run(),
            Self::Completion(command) => command.run(),
            Self::Quickstart => quickstart::run(),
        }
    }
}
