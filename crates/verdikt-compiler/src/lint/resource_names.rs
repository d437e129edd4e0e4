//! `resourceNames` that cannot do what they seem to.

use verdikt_parser::Severity::{Note, Warning};

use super::finding::{Finding, Findings, entry_at, listed};
use super::rule::Rule;
use super::world::World;

pub(super) const STAR_IN_RESOURCE_NAMES: Rule = Rule::new(
    "lint/star-in-resource-names",
    Warning,
    "names are compared exactly: `*` is the name of nothing, so the rule grants nothing by it",
    "leave resourceNames out to mean every object, or write the names out",
);

pub(super) const NAMES_ON_CREATE: Rule = Rule::new(
    "lint/names-on-create",
    Warning,
    "requests to create an object, or to delete a collection, carry no name, so that a rule with names \
     never matches them",
    "move the verb to a rule without resourceNames",
);

pub(super) const NAMES_ON_LIST: Rule = Rule::new(
    "lint/names-on-list",
    Note,
    "list and watch have a name only when they ask for it with the field selector metadata.name",
    "move the verb to a rule without resourceNames, unless clients ask so",
);

pub(super) fn check<'p>(world: &World<'p>, findings: &mut Findings<'p, '_>) {
    for (role, index, rule) in world.rules().filter(|(_, _, rule)| !rule.resource_names.is_empty())
    {
        let object = role.object;
        for (number, name) in rule.resource_names.iter().enumerate() {
            if name.contains('*') {
                let message = format!("`{name}` in resourceNames of {object} matches no object");
                let path = entry_at(index, "resourceNames", number);
                findings.add(Finding::new(&STAR_IN_RESOURCE_NAMES, object, path, message));
            }
        }
        // An entry without text is what a request without a name has.
        let plain: Vec<&String> =
            rule.resources.iter().filter(|entry| !entry.contains('/')).collect();
        if plain.is_empty() || rule.resource_names.iter().any(String::is_empty) {
            continue;
        }
        for (number, verb) in rule.verbs.iter().enumerate() {
            let (of, what) = match verb.as_str() {
                "create" | "deletecollection" => (&NAMES_ON_CREATE, "is never matched"),
                "list" | "watch" => (&NAMES_ON_LIST, "is matched only with a field selector"),
                _ => continue,
            };
            let message = format!(
                "`{verb}` of {} in {object} {what}: the rule has resourceNames",
                listed(&plain)
            );
            let path = entry_at(index, "verbs", number);
            findings.add(Finding::new(of, object, path, message));
        }
    }
}
