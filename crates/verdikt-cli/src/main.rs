//! The command line. `cli.rs` says what can be asked for, `commands/` has one module for each command, and
//! all of them ask the same engine.

mod audit_flags;
mod authorization_flags;
mod certificate_flags;
mod cli;
mod client;
mod commands;
mod config;
mod duration;
mod effective;
mod failure;
mod flags;
mod gates;
mod hangup;
mod lint_flags;
mod load;
mod logging;
mod oidc_flags;
mod open_files;
mod output;
mod question;
mod quickstart;
mod report;
mod sarif;
mod summary;
mod systemd;
mod tls_flags;
mod token_flags;
mod tracing_flags;
mod upstream_flags;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().collect()).and_then(cli::Command::run) {
        Ok(code) => code,
        Err(failure) => failure.show(),
    }
}
