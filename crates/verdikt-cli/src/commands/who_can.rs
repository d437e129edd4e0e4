//! `verdikt who-can`: everyone who may perform an action, with all that lets them.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use verdikt::{Asked, Grant, Scope};

use crate::failure::Failure;
use crate::flags::PolicyFlags;
use crate::output::{DIM, HEAD, OutputFlags};
use crate::question::WhatFlags;
use crate::report::printable;

#[derive(Args, Debug)]
pub(crate) struct WhoCan {
    #[command(flatten)]
    what: WhatFlags,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten, next_help_heading = "Policy")]
    policy: PolicyFlags,
}

impl WhoCan {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let engine = self.policy.load()?;
        let question = self.what.question()?;
        let (asked, place) = match self.what.of_all_namespaces() {
            true => (Asked::Everywhere, " in any namespace"),
            false => (Asked::There, ""),
        };
        let found = engine.who_can(&question.request(), asked);
        let what = question.words() + place;
        self.output.output.write(&found, |found| in_words(found, &what))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn in_words(found: &verdikt::WhoCan, what: &str) -> String {
    let mut text = format!("{HEAD}{} can {what}{HEAD:#}\n", subjects(found.subjects.len()));
    // Writing to a string cannot fail.
    for holder in &found.subjects {
        let _ = writeln!(text, "{}", printable(&holder.subject.to_string()));
        for grant in &holder.grants {
            let _ = writeln!(text, "  {}", line(grant));
        }
    }
    for note in &found.notes {
        let _ = writeln!(text, "incomplete: {}", printable(note));
    }
    text
}

fn subjects(count: usize) -> String {
    if count == 1 { "1 subject".to_owned() } else { format!("{count} subjects") }
}

/// `in shop: RoleBinding "b/shop" of Role "r" file:4 - get pods file:9`
fn line(grant: &Grant) -> String {
    let Grant { authorizer, namespace, binding, role, rule, origin, role_origin, .. } = grant;
    let scope = match namespace {
        Scope::Everywhere => "everywhere".to_owned(),
        Scope::Cluster => "cluster".to_owned(),
        Scope::Namespace(name) => format!("in {}", printable(name)),
    };
    let place = |origin: &str| match origin {
        "" => String::new(),
        origin => format!(" {DIM}{}{DIM:#}", printable(origin)),
    };
    let by = match binding.as_str() {
        "" => authorizer.to_string(),
        binding => format!("{} of {}", printable(binding), printable(role)),
    };
    format!("{scope}: {by}{} - {}{}", place(origin), printable(rule), place(role_origin))
}
