//! `verdikt validate`: everything that is wrong with a set of files, before it is used.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum, ValueHint};
use serde::Serialize;
use verdikt::lint::Suppressed;
use verdikt::{Counts, Diagnostic, Severity};

use crate::failure::Failure;
use crate::flags::PolicyFlags;
use crate::lint_flags::{self, LintFlags};
use crate::output::{GOOD, Output, to_stdout};
use crate::{report, sarif, summary};

#[derive(Args, Debug)]
pub(crate) struct Validate {
    /// Manifests, or folders of them; as --policy-dir
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    paths: Vec<PathBuf>,
    /// How the answer looks
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Format,
    #[command(flatten, next_help_heading = "Lint")]
    lint: LintFlags,
    #[command(flatten, next_help_heading = "Policy")]
    policy: PolicyFlags,
}

/// As everywhere, and as code scanners have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Yaml,
    Sarif,
}

/// What was found.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    valid: bool,
    errors: usize,
    warnings: usize,
    notes: usize,
    pub(crate) diagnostics: Vec<Diagnostic>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) suppressed: Vec<Suppressed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
}

impl Validate {
    pub(crate) fn run(mut self) -> Result<ExitCode, Failure> {
        if self.lint.list_rules {
            return self.list_rules();
        }
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
        let (found, has_warnings) = self.look();
        let code = match (found.valid, has_warnings) {
            (false, _) => 1,
            (true, true) => WARNINGS_ALONE,
            (true, false) => 0,
        };
        match self.output {
            Format::Table => to_stdout(&in_words(&found))?,
            Format::Json => Output::Json.write(&found, |_| String::new())?,
            Format::Yaml => Output::Yaml.write(&found, |_| String::new())?,
            Format::Sarif => Output::Json.write(&sarif::log(&found), |_| String::new())?,
        }
        Ok(ExitCode::from(code))
    }

    /// What is found, and whether there were warnings in reading: those of the linter are opinions.
    fn look(&self) -> (Found, bool) {
        let (diagnostics, suppressed, counts, has_warnings) = match self.policy.builder().validate()
        {
            Ok(validation) => {
                let counts = Some(validation.counts().clone());
                let loaded = validation.warnings().to_vec();
                let (found, suppressed) = if self.lint.lint {
                    let report = validation.lint(&self.lint.choice());
                    (report.found, report.suppressed)
                } else {
                    (loaded, Vec::new())
                };
                let is_of_reading = |one: &&Diagnostic| !one.id.starts_with("lint/");
                let has_warnings = found.iter().filter(is_of_reading).count() > 0;
                (found, suppressed, counts, has_warnings)
            }
            Err(error) => (error.diagnostics().to_vec(), Vec::new(), None, false),
        };
        let number = |severity| report::number_of(&diagnostics, severity);
        let found = Found {
            valid: counts.is_some() && !self.lint.is_too_bad(&diagnostics),
            errors: number(Severity::Error),
            warnings: number(Severity::Warning),
            notes: number(Severity::Note),
            diagnostics,
            suppressed,
            counts,
        };
        (found, has_warnings)
    }

    fn list_rules(&self) -> Result<ExitCode, Failure> {
        let rules = lint_flags::described();
        match self.output {
            Format::Table => to_stdout(&lint_flags::table(&rules))?,
            Format::Yaml => Output::Yaml.write(&rules, |_| String::new())?,
            Format::Json => Output::Json.write(&rules, |_| String::new())?,
            Format::Sarif => Output::Json.write(&sarif::rules(), |_| String::new())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// So that a script can tell what will be used, but deserves a look, from what will not.
const WARNINGS_ALONE: u8 = 3;

fn in_words(found: &Found) -> String {
    let mut text = report::in_full(&found.diagnostics);
    if !found.diagnostics.is_empty() {
        text += &format!("{}\n", report::count(&found.diagnostics));
    }
    if !found.suppressed.is_empty() {
        text += &format!("{} accepted by comments\n", found.suppressed.len());
    }
    if let Some(counts) = found.counts.as_ref().filter(|_| found.valid) {
        text += &format!("{GOOD}valid{GOOD:#}: {}\n", summary::counts(counts));
    }
    text
}
