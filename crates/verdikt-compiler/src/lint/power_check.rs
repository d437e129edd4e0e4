//! Which powers a rule of a role gives.

use verdikt_parser::Severity;
use verdikt_parser::rbac::PolicyRule;

use super::finding::{Finding, Findings, entry_at, listed};
use super::powers::{Named, POWERS, Power};
use super::world::World;

/// Finds powers over resources that are named; those that come with `*` are listed where that is found.
pub(super) fn check<'p>(world: &World<'p>, findings: &mut Findings<'p, '_>) {
    for (role, index, rule) in world.rules() {
        for power in POWERS {
            if !rule.resource_names.is_empty() && power.named == Named::Gone {
                continue;
            }
            let verbs = power.verbs_of(rule);
            let resources = power.resources_of(rule);
            let Some(&(entry, _)) = resources.first().filter(|_| !verbs.is_empty()) else {
                continue;
            };
            let severity = match power.named {
                Named::Less if !rule.resource_names.is_empty() => Severity::Note,
                _ if world.is_wide(role) => power.rule.severity,
                _ => power.narrow,
            };
            let object = role.object;
            let resources = listed(resources.iter().map(|(_, name)| name));
            let what = power.what;
            let message =
                format!("whoever has {object} can {what}: {} of {resources}", listed(verbs));
            let path = entry_at(index, "resources", entry);
            let finding = Finding::new(&power.rule, object, path, message);
            findings.add(finding.severity(severity).reach(&world.reach(role)));
        }
    }
}

/// Names of the rules for powers that a rule gives by `*` in its resources.
pub(super) fn hidden_by_star(rule: &PolicyRule) -> Vec<&'static str> {
    let gives = |power: &&Power| {
        let is_in_group = power.on.iter().any(|(group, _)| has(&rule.api_groups, group));
        let is_gone = !rule.resource_names.is_empty() && power.named == Named::Gone;
        is_in_group && !is_gone && !power.verbs_of(rule).is_empty()
    };
    POWERS.iter().filter(gives).map(|power| power.rule.name()).collect()
}

impl Power {
    fn verbs_of<'r>(&self, rule: &'r PolicyRule) -> Vec<&'r str> {
        let is_meant = |verb: &&str| {
            *verb == "*"
                || self.verbs.iter().any(|known| match known.strip_suffix(':') {
                    Some(_) => verb.starts_with(known),
                    None => verb == known,
                })
        };
        rule.verbs.iter().map(String::as_str).filter(is_meant).collect()
    }

    /// Entries of the rule's resources that are meant, with their numbers.
    fn resources_of<'r>(&self, rule: &'r PolicyRule) -> Vec<(usize, &'r str)> {
        let of_groups = self.on.iter().filter(|(group, _)| has(&rule.api_groups, group));
        let known: Vec<&str> = of_groups.flat_map(|(_, known)| known.iter().copied()).collect();
        let is_meant = |(_, entry): &(usize, &str)| known.iter().any(|known| covers(entry, known));
        rule.resources.iter().map(String::as_str).enumerate().filter(is_meant).collect()
    }
}

/// Whether an entry of a rule, other than `*`, has a known resource in it.
fn covers(entry: &str, known: &str) -> bool {
    match (entry.strip_prefix("*/"), known.split_once('/')) {
        (Some(subresource), Some((_, of_known))) => subresource == of_known,
        (None, Some((resource, ""))) => entry
            .strip_prefix(resource)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        _ => entry == known,
    }
}

fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|item| item == "*" || item == wanted)
}
