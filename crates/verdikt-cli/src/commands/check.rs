//! `verdikt check`: may they do it? Answers as `kubectl auth can-i` does, and says why.

use std::process::ExitCode;

use clap::Args;
use verdikt::Summary;

use crate::failure::Failure;
use crate::flags::PolicyFlags;
use crate::output::{BAD, GOOD, OutputFlags};
use crate::question::QuestionFlags;
use crate::report::printable;

#[derive(Args, Debug)]
pub(crate) struct Check {
    #[command(flatten)]
    question: QuestionFlags,
    /// Say nothing; the exit code is the answer
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    output: OutputFlags,
    #[command(flatten, next_help_heading = "Policy")]
    policy: PolicyFlags,
}

impl Check {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let engine = self.policy.load()?;
        let question = self.question.question()?;
        let user = match self.question.user(&engine) {
            Ok(user) => user,
            Err(_) if self.quiet => return Ok(ExitCode::from(1)),
            Err(refused) => return refused.show(self.output.output),
        };
        let request = question.attributes(&user);
        let summary = engine.authorize(&request).summary();
        if !self.quiet {
            self.output.output.write(&summary, in_words)?;
        }
        Ok(ExitCode::from(u8::from(!summary.allowed)))
    }
}

fn in_words(summary: &Summary) -> String {
    let answer =
        if summary.allowed { format!("{GOOD}yes{GOOD:#}") } else { format!("{BAD}no{BAD:#}") };
    match summary.reason.as_str() {
        "" => format!("{answer}\n"),
        reason => format!("{answer} - {}\n", printable(reason)),
    }
}
