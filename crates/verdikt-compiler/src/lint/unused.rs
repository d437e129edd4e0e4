//! Roles that nobody has, and rules that nobody can use.

use verdikt_parser::Severity::{Note, Warning};

use super::finding::{Finding, Findings, Step, name_at};
use super::rule::Rule;
use super::world::World;

pub(super) const UNBOUND_ROLE: Rule = Rule::new(
    "lint/unbound-role",
    Note,
    "a role that nobody has is reviewed for nothing, and waits to be bound by mistake",
    "bind it, or remove it; a role for aggregation says so by a label",
);

pub(super) const EMPTY_ROLE: Rule = Rule::new(
    "lint/empty-role",
    Note,
    "a role without rules permits nothing",
    "write its rules, or remove it",
);

pub(super) const OVERWRITTEN_RULES: Rule = Rule::new(
    "lint/overwritten-rules",
    Warning,
    "Kubernetes replaces the rules of a role with an aggregationRule by those of the roles it selects",
    "move the rules to a role of their own that the selectors match",
);

pub(super) fn check<'p>(world: &World<'p>, findings: &mut Findings<'p, '_>) {
    for role in world.roles() {
        let object = role.object;
        if !role.is_bound() && !role.is_selected {
            let message = format!("nobody is bound to {object}");
            findings.add(Finding::new(&UNBOUND_ROLE, object, name_at(), message));
        }
        if role.rules.is_empty() && !role.is_aggregated {
            let message = format!("{object} has no rules");
            findings.add(Finding::new(&EMPTY_ROLE, object, name_at(), message));
        }
        if role.is_aggregated && !role.rules.is_empty() {
            let message = format!("the rules of {object} are overwritten: it is aggregated");
            let path = vec![Step::Field("rules")];
            findings.add(Finding::new(&OVERWRITTEN_RULES, object, path, message));
        }
    }
}
