//! Comments that accept a finding: `# verdikt:ignore RULE[,RULE] -- reason`, at the end of a line or on
//! lines of their own above it. They hold for what begins on that line, and everything in it.

use std::collections::HashMap;
use std::sync::Arc;

use verdikt_parser::document::{Comment, Text, comments};
use verdikt_parser::{Diagnostic, Label, nearest};

use super::forest::Lines;
use super::rule::Rule;
use super::{Choice, Report, Suppressed, table};

/// The comments of all files, and which of them have been of use.
pub(super) struct Suppressions {
    all: Vec<Suppression>,
    /// By file and the line they are about.
    by_line: HashMap<(Arc<str>, u32), Vec<usize>>,
    remarks: Vec<(&'static Rule, Diagnostic)>,
}

/// One rule that one comment names.
struct Suppression {
    rule: &'static Rule,
    reason: String,
    at: Label,
    is_used: bool,
}

impl Suppressions {
    pub(super) fn read(texts: &[Text<'_>]) -> Self {
        let mut read = Self { all: Vec::new(), by_line: HashMap::new(), remarks: Vec::new() };
        for text in texts.iter().filter(|text| text.as_str().contains(MARK)) {
            for comment in comments(text) {
                if let Some(said) = comment.text.strip_prefix(MARK) {
                    read.comment(text, &comment, said);
                }
            }
        }
        read
    }

    fn comment(&mut self, text: &Text<'_>, comment: &Comment<'_>, said: &str) {
        let label = || text.label(comment.at, "");
        let (names, reason) = said.split_once("--").unwrap_or((said, ""));
        let (names, reason) = (names.trim(), reason.trim());
        if reason.is_empty() {
            let message = format!("`{MARK} {names}` gives no reason");
            self.remark(&UNEXPLAINED_IGNORE, message, UNEXPLAINED_IGNORE.advice, label());
        }
        let names = names.split([',', ' ']).filter(|name| !name.is_empty());
        let mut has_names = false;
        for name in names {
            has_names = true;
            let Some(rule) = table::find(name) else {
                let known: Vec<&str> = table::rules().map(Rule::name).collect();
                let help = match nearest(name, &known) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => UNKNOWN_IGNORE.advice.to_owned(),
                };
                self.remark(&UNKNOWN_IGNORE, format!("there is no rule `{name}`"), &help, label());
                continue;
            };
            let line = if comment.is_alone { line_below(text, comment) } else { comment.at.line };
            let of_line = self.by_line.entry((Arc::clone(text.name()), line)).or_default();
            of_line.push(self.all.len());
            let reason = reason.to_owned();
            self.all.push(Suppression { rule, reason, at: label(), is_used: false });
        }
        if !has_names {
            let message = format!("`{MARK}` names no rule");
            self.remark(&UNKNOWN_IGNORE, message, UNKNOWN_IGNORE.advice, label());
        }
    }

    fn remark(&mut self, rule: &'static Rule, message: String, help: &str, at: Label) {
        let found = Diagnostic::new(rule.id, rule.severity, message).help(help).at(at);
        self.remarks.push((rule, found));
    }

    /// Puts a finding where it belongs: among those that stand, or those that a comment accepts. Errors of
    /// loading are never accepted.
    pub(super) fn sort(&mut self, finding: Diagnostic, lines: &Lines, report: &mut Report) {
        let mut accepted = None;
        for &line in &lines.lines {
            let here = self.by_line.get(&(Arc::clone(&lines.file), line));
            for &index in here.into_iter().flatten() {
                let Some(suppression) = self.all.get_mut(index) else { continue };
                if suppression.rule.id == finding.id {
                    suppression.is_used = true;
                    accepted = Some(suppression.reason.clone());
                }
            }
        }
        match accepted {
            Some(justification) => report.suppressed.push(Suppressed { finding, justification }),
            None => report.found.push(finding),
        }
    }

    /// What is wrong with the comments themselves.
    pub(super) fn remarks(self, choice: &Choice) -> Vec<Diagnostic> {
        let mut remarks = self.remarks;
        for unused in self.all.into_iter().filter(|one| !one.is_used && choice.has(one.rule)) {
            let message = format!("nothing here breaks the rule `{}`", unused.rule.name());
            let rule = &UNUSED_IGNORE;
            let found = Diagnostic::new(rule.id, rule.severity, message);
            remarks.push((rule, found.help(rule.advice).at(unused.at)));
        }
        let wanted = remarks.into_iter().filter(|(rule, _)| choice.has(rule));
        wanted.map(|(_, found)| found).collect()
    }
}

/// The first line below a comment that has more than a comment, or the beginning of a document.
fn line_below(text: &Text<'_>, comment: &Comment<'_>) -> u32 {
    let mut line = comment.at.line;
    let below = text.as_str().split('\n').skip(line as usize);
    for content in below {
        line += 1;
        let content = content.trim();
        if !(content.is_empty() || content.starts_with('#') || content == "---") {
            return line;
        }
    }
    line
}

/// What such a comment begins with.
const MARK: &str = "verdikt:ignore";

pub(super) const UNEXPLAINED_IGNORE: Rule = Rule::new(
    "lint/unexplained-ignore",
    verdikt_parser::Severity::Warning,
    "whoever reads the comment next must know why the finding was accepted",
    "write why, as in `# verdikt:ignore RULE -- reason`",
);

pub(super) const UNKNOWN_IGNORE: Rule = Rule::new(
    "lint/unknown-ignore",
    verdikt_parser::Severity::Warning,
    "a comment that names no known rule accepts nothing",
    "`verdikt validate --list-rules` shows their names",
);

pub(super) const UNUSED_IGNORE: Rule = Rule::new(
    "lint/unused-ignore",
    verdikt_parser::Severity::Note,
    "a comment that is no longer needed would hide the next mistake on its line",
    "remove the comment, or that rule from it",
);
