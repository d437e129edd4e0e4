//! `verdikt token`: what goes into files of secrets, and tokens to try them with.

mod create;
mod hash;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::failure::Failure;

#[derive(Args, Debug)]
pub(crate) struct Token {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Hash a token or password, read from standard input, for the first column of a token or
    /// basic-auth file
    Hash(hash::Hash),
    /// Make a token for a service account, as `kubectl create token` does, with a key that is at hand
    Create(Box<create::Create>),
}

impl Token {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        match self.command {
            TokenCommand::Hash(hash) => hash.run(),
            TokenCommand::Create(create) => create.run(),
        }
    }
}
