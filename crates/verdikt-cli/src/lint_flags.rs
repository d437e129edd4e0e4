//! What `validate` says of roles and bindings that are valid, and how much of it is too much.

use std::collections::BTreeSet;

use clap::{ArgAction, Args, ValueEnum};
use serde::Serialize;
use verdikt::lint::{self, Rule};
use verdikt::{Diagnostic, Severity};

#[derive(Args, Debug)]
#[command(next_help_heading = "Lint")]
pub(crate) struct LintFlags {
    /// Whether to look at what valid roles and bindings permit
    #[arg(long, value_name = "BOOL", default_value_t = true, default_missing_value = "true",
          num_args = 0..=1, require_equals = true, action = ArgAction::Set)]
    pub(crate) lint: bool,
    /// Rules to look at, and no others; repeatable
    #[arg(long, value_name = "RULES", value_delimiter = ',', value_parser = rule)]
    only: Vec<&'static str>,
    /// Rules to leave out; repeatable
    #[arg(long, value_name = "RULES", value_delimiter = ',', value_parser = rule)]
    disable: Vec<&'static str>,
    /// Exit with 1 if there is a finding that is as bad, or worse
    #[arg(long, value_name = "SEVERITY", default_value = "error", conflicts_with = "strict")]
    fail_on: FailOn,
    /// Treat warnings as errors: --fail-on=warning
    #[arg(long)]
    strict: bool,
    /// Show all rules, and why they are there
    #[arg(long)]
    pub(crate) list_rules: bool,
}

/// The least that is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Note,
}

/// A rule as data.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Described {
    name: &'static str,
    id: &'static str,
    severity: Severity,
    why: &'static str,
    advice: &'static str,
    reference: &'static str,
}

impl LintFlags {
    pub(crate) fn choice(&self) -> lint::Choice {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let (only, disabled): (BTreeSet<String>, BTreeSet<String>) =
            (set(&self.only), set(&self.disable));
        lint::Choice { only, disabled }
    }

    /// Whether there is a finding that is too bad.
    pub(crate) fn is_too_bad(&self, found: &[Diagnostic]) -> bool {
        let least = match self.fail_on {
            _ if self.strict => Severity::Warning,
            FailOn::Error => Severity::Error,
            FailOn::Warning => Severity::Warning,
            FailOn::Note => Severity::Note,
        };
        found.iter().any(|found| found.severity >= least)
    }
}

/// All rules as data.
pub(crate) fn described() -> Vec<Described> {
    let describe = |rule: &Rule| Described {
        name: rule.name(),
        id: rule.id,
        severity: rule.severity,
        why: rule.why,
        advice: rule.advice,
        reference: rule.reference,
    };
    lint::rules().map(describe).collect()
}

/// All rules in a table of Markdown, which reads well as it is, too.
pub(crate) fn table(rules: &[Described]) -> String {
    let row =
        |rule: &Described| format!("| `{}` | {} | {} |\n", rule.name, rule.severity, rule.why);
    let rows: String = rules.iter().map(row).collect();
    format!("| rule | severity, at most | why |\n|---|---|---|\n{rows}")
}

fn rule(name: &str) -> Result<&'static str, String> {
    if let Some(rule) = lint::find(name) {
        return Ok(rule.name());
    }
    let known: Vec<&str> = lint::rules().map(Rule::name).collect();
    let near = verdikt::parser::nearest(name, &known);
    let near = near.map_or_else(
        || "--list-rules shows them".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Err(format!("there is no such rule; {near}"))
}
