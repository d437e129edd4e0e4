//! `verdikt validate`: everything that is wrong with a set of files, before it is used.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum, ValueHint};
use serde::Serialize;
use verdikt::lint::Suppressed;
use verdikt::{Counts, Diagnostic, FileFormat, Severity};

use crate::failure::Failure;
use crate::flags::PolicyFlags;
use crate::lint_flags::{self, LintFlags};
use crate::output::{GOOD, Output, to_stdout};
use crate::{config, report, sarif, summary};

#[derive(Args, Debug)]
pub(crate) struct Validate {
    /// Manifests or folders of them, as --policy-dir; and files of other formats, known by what they hold
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
    /// Files that are no manifests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<Recognised>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
}

/// What a file was taken for.
#[derive(Debug, Serialize)]
struct Recognised {
    file: String,
    format: FileFormat,
}

impl Validate {
    pub(crate) fn run(mut self) -> Result<ExitCode, Failure> {
        if self.lint.list_rules {
            return self.list_rules();
        }
        let (files, of_files) = self.other_files();
        let PolicyFlags { token_auth_file, basic_auth_file, audit_policy_file, .. } = &self.policy;
        if self.policy.names_nothing()
            && self.policy.issuers.names_nothing()
            && token_auth_file.is_none()
            && basic_auth_file.is_none()
            && audit_policy_file.is_none()
            && !self.policy.certificates.are_named()
            && files.is_empty()
        {
            return Err(Failure::message("no file was named; try `verdikt validate DIR`"));
        }
        let (found, has_warnings) = self.look(files, of_files);
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

    /// Takes files of other formats out of the paths, and looks at each.
    fn other_files(&mut self) -> (Vec<Recognised>, Vec<Diagnostic>) {
        let limits = self.policy.bounds.limits();
        let (mut files, mut found) = (Vec::new(), Vec::new());
        for path in std::mem::take(&mut self.paths) {
            match FileFormat::of_path(&path, &limits) {
                None | Some(FileFormat::Manifests) => self.policy.policy_dir.push(path),
                Some(format) => {
                    found.extend(match format {
                        FileFormat::Flags => config::check(&path),
                        format => format.check(&path, &limits),
                    });
                    files.push(Recognised { file: path.display().to_string(), format });
                }
            }
        }
        (files, found)
    }

    /// What is found, and whether there were warnings in reading: those of the linter are opinions.
    fn look(&self, files: Vec<Recognised>, mut diagnostics: Vec<Diagnostic>) -> (Found, bool) {
        let (mut suppressed, mut counts) = (Vec::new(), None);
        match self.policy.builder().validate() {
            Ok(validation) => {
                counts = Some(validation.counts().clone());
                diagnostics.extend(validation.other_files());
                if self.lint.lint {
                    let report = validation.lint(&self.lint.choice());
                    diagnostics.extend(report.found);
                    suppressed = report.suppressed;
                } else {
                    diagnostics.extend_from_slice(validation.warnings());
                }
            }
            Err(error) => diagnostics.extend_from_slice(error.diagnostics()),
        }
        let is_of_reading =
            |one: &Diagnostic| !one.id.starts_with("lint/") && one.severity > Severity::Note;
        let has_warnings = diagnostics.iter().any(is_of_reading);
        let number = |severity| report::number_of(&diagnostics, severity);
        let found = Found {
            valid: counts.is_some() && !self.lint.is_too_bad(&diagnostics),
            errors: number(Severity::Error),
            warnings: number(Severity::Warning),
            notes: number(Severity::Note),
            diagnostics,
            suppressed,
            files,
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
    for Recognised { file, format } in &found.files {
        text += &format!("{} is {format}\n", report::printable(file));
    }
    if let Some(counts) = found.counts.as_ref().filter(|_| found.valid) {
        let is_nothing = *counts == Counts::default() && !found.files.is_empty();
        let counted = if is_nothing { String::new() } else { summary::counts(counts) };
        let colon = if is_nothing { "" } else { ": " };
        text += &format!("{GOOD}valid{GOOD:#}{colon}{counted}\n");
    }
    text
}
