//! `verdikt status`: what a running server has loaded.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::OutputFlags;
use crate::{client, summary};

#[derive(Args, Debug)]
pub(crate) struct Status {
    /// Where the server listens: http://ADDRESS:PORT, or unix:PATH
    #[arg(long, value_name = "URL", default_value = crate::commands::serve::DEFAULT_URL)]
    server: String,
    /// Bearer token, for servers that are not open to everyone
    #[arg(long, value_name = "TOKEN", env = "VERDIKT_TOKEN", hide_env_values = true)]
    token: Option<String>,
    #[command(flatten)]
    output: OutputFlags,
}

impl Status {
    /// The exit code is 1 if what serves is not what the files say.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let status = client::get(&self.server, "/v1/status", self.token.as_deref())?;
        self.output.output.write(&status, summary::of_status)?;
        let is_ok = status.pointer("/lastReload/ok") == Some(&Value::Bool(true));
        Ok(ExitCode::from(u8::from(!is_ok)))
    }
}
