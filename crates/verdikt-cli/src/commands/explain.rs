//! `verdikt explain`: every way in which a request is allowed, or what comes near.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use verdikt::{EffectName, Explanation, Path};

use crate::failure::Failure;
use crate::flags::PolicyFlags;
use crate::output::{BAD, DIM, GOOD, HEAD, OutputFlags};
use crate::question::QuestionFlags;
use crate::report::printable;

#[derive(Args, Debug)]
pub(crate) struct Explain {
    #[command(flatten)]
    question: QuestionFlags,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten, next_help_heading = "Policy")]
    policy: PolicyFlags,
}

impl Explain {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let engine = self.policy.load()?;
        let question = self.question.question()?;
        let user = match self.question.user(&engine) {
            Ok(user) => user,
            Err(refused) => return refused.show(self.output.output),
        };
        let explanation = engine.explain(&question.attributes(&user));
        let who = printable(&user.name);
        self.output.output.write(&explanation, |found| {
            in_words(found, &format!("{who} to {}", question.words()))
        })?;
        Ok(ExitCode::from(u8::from(explanation.decision != EffectName::Allow)))
    }
}

fn in_words(found: &Explanation, what: &str) -> String {
    let mut text = match found.decision {
        EffectName::Allow => format!("{GOOD}allowed{GOOD:#}: {what}\n"),
        _ => format!("{BAD}denied{BAD:#}: {what}\n"),
    };
    // Writing to a string cannot fail.
    if !found.reason.is_empty() {
        let _ = writeln!(text, "  {}", printable(&found.reason));
    }
    let _ = writeln!(text, "\n{HEAD}Authorizers{HEAD:#}");
    for answer in &found.answers {
        let effect = format!("{:?}", answer.effect);
        let line =
            format!("  {:<12} {effect:<10} {}", answer.authorizer, printable(&answer.reason));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if !found.paths.is_empty() {
        let _ = writeln!(text, "\n{HEAD}Allowed by{HEAD:#} ({} decides)", marker(true));
        found.paths.iter().for_each(|path| add_path(&mut text, path));
    }
    if !found.misses.is_empty() {
        let _ = writeln!(text, "\n{HEAD}Nearest{HEAD:#}");
        for miss in &found.misses {
            let place = printable(&miss.origin);
            let _ = writeln!(text, "  - {} {DIM}{place}{DIM:#}", printable(&miss.text));
        }
    }
    text
}

fn add_path(text: &mut String, path: &Path) {
    let parts = [
        ("", &path.binding, &path.origin),
        ("role", &path.role, &path.role_origin),
        ("rule", &path.rule, &String::new()),
        ("subject", &path.subject, &String::new()),
    ];
    let mut mark = marker(path.decides);
    for (name, value, origin) in parts {
        // What an authorizer has no word for is left out; the place of an ABAC line is not.
        if value.is_empty() && (origin.is_empty() || !name.is_empty()) {
            continue;
        }
        let value = if value.is_empty() { path.authorizer.to_string() } else { printable(value) };
        let name = if name.is_empty() { String::new() } else { format!("{name:<8}") };
        let indent = if name.is_empty() { "" } else { "  " };
        let place = printable(origin);
        let line = format!("{mark} {indent}{name}{value} {DIM}{place}{DIM:#}");
        let _ = writeln!(text, "  {}", line.trim_end());
        mark = " ";
    }
}

fn marker(decides: bool) -> &'static str {
    if decides { "→" } else { "·" }
}
