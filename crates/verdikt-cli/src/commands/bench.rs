//! `verdikt bench`: a load on a running server, and how it bears it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueHint};

use crate::commands::serve::DEFAULT_URL;
use crate::duration;
use crate::failure::Failure;
use crate::load::{self, Asked, Kind, Messages, Plan, Report};
use crate::output::OutputFlags;
use crate::question::{AsFlags, WhatFlags};

/// One question, or a file of them.
pub(crate) const USAGE: &str = "verdikt bench [OPTIONS] <VERB> <TYPE[/NAME]|URL>
       verdikt bench [OPTIONS] --requests <FILE>";

#[derive(Args, Debug)]
pub(crate) struct Bench {
    #[command(flatten)]
    what: Option<WhatFlags>,
    #[command(flatten)]
    who: AsFlags,
    /// File of questions to ask in turn, in place of one: JSON, one a line, as `verdikt-bench write` writes
    /// it; `allowed` says which answer is expected. `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["WhatFlags", "AsFlags"],
          help_heading = "Question", value_hint = ValueHint::FilePath)]
    requests: Option<PathBuf>,
    #[command(flatten)]
    load: LoadFlags,
    #[command(flatten)]
    output: OutputFlags,
}

/// What load to make, and on whom.
#[derive(Args, Debug)]
#[command(next_help_heading = "Load")]
struct LoadFlags {
    /// How it is asked
    #[arg(long, value_name = "KIND", default_value = "review")]
    kind: Kind,
    /// Where the server listens: http://ADDRESS:PORT, or unix:PATH
    #[arg(long, value_name = "URL", default_value = DEFAULT_URL)]
    server: String,
    /// Bearer token of the caller, for servers that are not open to everyone
    #[arg(long, value_name = "TOKEN", env = "VERDIKT_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Bearer token in the requests that Envoy asks about (ext-authz); with --as, whose may impersonate that
    /// user
    #[arg(long, value_name = "TOKEN", env = "VERDIKT_CLIENT_TOKEN", hide_env_values = true)]
    client_token: Option<String>,
    /// Calls that begin each second, however long those before take (an open loop); latency is then measured
    /// from when a call should have begun [default: each begins when another ends, a closed loop]
    #[arg(long, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// How long it is measured
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    duration: Duration,
    /// How long the load is made before that
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration::parse)]
    warmup: Duration,
    /// Connections
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = count(10_000))]
    connections: usize,
    /// Calls under way on each connection; reviews are sent over HTTP/2 if it is more than one
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count(10_000))]
    concurrency: usize,
    /// Questions in one call of kind batch
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = count(100_000))]
    batch: usize,
    /// How long a call may take
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    timeout: Duration,
}

impl Bench {
    /// The exit code is 1 if calls failed, or were not answered as expected.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let asked = match (&self.what, &self.requests) {
            (_, Some(file)) => Asked::read(file)?,
            (Some(what), None) => vec![Asked::from_flags(what, &self.who)?],
            (None, None) => {
                let message = "nothing is asked; try `get pods --as USER`, or --requests FILE";
                return Err(Failure::message(message));
            }
        };
        let load = self.load;
        let client = load.client_token.as_deref();
        let messages = Messages::new(load.kind, &asked, load.batch, client)?;
        drop(asked);
        let plan = Plan {
            server: load.server,
            kind: load.kind,
            token: load.token,
            rate: load.rate,
            warmup: load.warmup,
            duration: load.duration,
            connections: load.connections,
            concurrency: load.concurrency,
            timeout: load.timeout,
        };
        let report = load::run(plan, messages)?;
        self.output.output.write(&report, Report::in_words)?;
        Ok(ExitCode::from(u8::from(!report.is_good())))
    }
}

/// A number from 1 on.
fn count(most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=most)
}

/// Calls a second.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.001..=10_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("a number of calls a second is expected, of at most 10000000".to_owned()),
    }
}
