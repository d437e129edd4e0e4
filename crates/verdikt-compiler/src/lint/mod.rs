//! What a security engineer would say about roles and bindings that are valid: ways to more power, and
//! rules that do not do what they seem to.
//!
//! `table.rs` names every rule. Those of one theme share a file, `powers.rs` the ones that say "whoever has
//! this verb on that resource can do more than it seems". They look at a `World`, which is the policy
//! read backwards (who has this role?), and say what they found by a path into an object; `forest.rs`
//! turns that into a place, and `suppress.rs` drops what a comment there accepts.

mod bindings;
mod builtin;
mod coverage;
mod everyone;
mod finding;
mod forest;
mod literals;
mod power_check;
mod powers;
mod resource_names;
mod rule;
mod subjects;
mod suppress;
mod table;
mod unused;
mod urls;
mod vocabulary;
mod wildcards;
mod world;

use std::collections::BTreeSet;

use verdikt_parser::{Diagnostic, Limits, PolicySet, Source};

use self::finding::Findings;
use self::forest::Forest;
use self::suppress::Suppressions;
use self::world::World;

pub use rule::Rule;
pub use table::{find, rules};

/// Which rules are looked at.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Names of the rules to look at; all if there is none.
    pub only: BTreeSet<String>,
    /// Names of rules to leave out.
    pub disabled: BTreeSet<String>,
}

impl Choice {
    fn has(&self, rule: &Rule) -> bool {
        let name = rule.name();
        (self.only.is_empty() || self.only.contains(name)) && !self.disabled.contains(name)
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Findings that stand, those of loading included: by file, line and column.
    pub found: Vec<Diagnostic>,
    /// Findings that a comment accepts.
    pub suppressed: Vec<Suppressed>,
}

/// A finding that was expected, and why it may stay.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Suppressed {
    /// What was found.
    #[serde(flatten)]
    pub finding: Diagnostic,
    /// What the comment says; empty if it says nothing.
    pub justification: String,
}

/// Looks at a policy. `sources` are the texts it was read from, for places and comments; `loaded` is what
/// was found while reading, of which comments accept warnings, too.
///
/// Objects that Kubernetes brings along (labelled `kubernetes.io/bootstrapping: rbac-defaults`, under a
/// name that it gives) are not looked at, but what refers to them is.
pub fn check(
    policy: &PolicySet,
    sources: &[Source<'_>],
    loaded: Vec<Diagnostic>,
    choice: &Choice,
    limits: &Limits,
) -> Report {
    let texts = forest::texts(policy, sources, limits);
    let files = forest::read(&texts, sources, limits);
    let forest = Forest::new(&files);
    let world = World::new(policy, &forest);
    let mut findings = Findings::new(choice);
    for check in table::CHECKS {
        check(&world, &mut findings);
    }
    let mut suppressions = Suppressions::read(&texts);
    let mut report = Report::default();
    let loaded = loaded.into_iter().filter(|found| match find(found.id) {
        Some(rule) => choice.has(rule),
        None => true,
    });
    for finding in loaded {
        let (finding, lines) = world.placed(finding, &forest);
        suppressions.sort(finding, &lines, &mut report);
    }
    for finding in findings.found {
        let (place, lines) = forest.place(&finding.object, &finding.path);
        let diagnostic = finding.diagnostic(place, &forest);
        suppressions.sort(diagnostic, &lines, &mut report);
    }
    report.found.extend(suppressions.remarks(choice));
    let place = |found: &Diagnostic| found.primary.as_ref().map(|label| label.place.clone());
    report.found.sort_by_key(place);
    report.suppressed.sort_by_key(|suppressed| place(&suppressed.finding));
    limit(&mut report.found, limits.diagnostics);
    report
}

/// Keeps the first `most`, the worst before all others, and says how many were left out.
fn limit(found: &mut Vec<Diagnostic>, most: usize) {
    let left_out = found.len().saturating_sub(most);
    if left_out == 0 {
        return;
    }
    found.sort_by_key(|found| std::cmp::Reverse(found.severity));
    found.truncate(most);
    let message = format!("{left_out} more findings are not shown");
    found.push(Diagnostic::warning("parse/more-findings", message).help(
        "mend these first, leave rules out with `--disable`, or raise `--limit-diagnostics`",
    ));
}
