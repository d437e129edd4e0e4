//! `verdikt validate`: everything that is wrong with a set of files, before it is used.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueHint};
use serde::Serialize;
use verdikt::{Counts, Diagnostic};

use crate::failure::Failure;
use crate::flags::PolicyFlags;
use crate::output::{GOOD, Output, OutputFlags, to_stdout};
use crate::{report, summary};

#[derive(Args, Debug)]
pub(crate) struct Validate {
    /// Manifests, or folders of them; as --policy-dir
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten, next_help_heading = "Policy")]
    policy: PolicyFlags,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Found {
    valid: bool,
    errors: usize,
    warnings: usize,
    diagnostics: Vec<Diagnostic>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
}

impl Validate {
    pub(crate) fn run(mut self) -> Result<ExitCode, Failure> {
        self.policy.policy_dir.append(&mut self.paths);
        let PolicyFlags { token_auth_file, basic_auth_file, audit_policy_file, .. } = &self.policy;
        if self.policy.names_nothing()
            && self.policy.issuers.names_nothing()
            && token_auth_file.is_none()
            && basic_auth_file.is_none()
            && audit_policy_file.is_none()
        {
            return Err(Failure::message("no file was named; try `verdikt validate DIR`"));
        }
        let (diagnostics, counts) = match self.policy.builder().build() {
            Ok(engine) => {
                let loaded = engine.status().loaded;
                (loaded.warnings, Some(loaded.counts))
            }
            Err(error) => (error.diagnostics().to_vec(), None),
        };
        let errors = diagnostics.iter().filter(|found| found.is_error()).count();
        let warnings = diagnostics.len() - errors;
        let valid = counts.is_some() && !(self.strict && warnings > 0);
        let code = match (valid, warnings) {
            (false, _) => 1,
            (true, 0) => 0,
            (true, _) => WARNINGS_ALONE,
        };
        let found = Found { valid, errors, warnings, diagnostics, counts };
        match self.output.output {
            Output::Table => to_stdout(&in_words(&found))?,
            other => other.write(&found, |_| String::new())?,
        }
        Ok(ExitCode::from(code))
    }
}

/// So that a script can tell what will be used, but deserves a look, from what will not.
const WARNINGS_ALONE: u8 = 3;

fn in_words(found: &Found) -> String {
    let mut text = report::in_full(&found.diagnostics);
    if !found.diagnostics.is_empty() {
        text += &format!("{}\n", report::count(&found.diagnostics));
    }
    if let Some(counts) = found.counts.as_ref().filter(|_| found.valid) {
        text += &format!("{GOOD}valid{GOOD:#}: {}\n", summary::counts(counts));
    }
    text
}
