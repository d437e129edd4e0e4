//! `*` where it is a character like any other: names with it are names that nothing has.

use verdikt_parser::Severity::Warning;

use super::finding::{Finding, Findings, entry_at};
use super::rule::Rule;
use super::world::World;

pub(super) const PARTIAL_WILDCARD: Rule = Rule::new(
    "lint/partial-wildcard",
    Warning,
    "`*` stands for anything only alone, as in `*/log`, and at the end of a path; elsewhere it is a \
     character, and the entry matches nothing",
    "write the names out, or `*` alone",
);

pub(super) fn check<'p>(world: &World<'p>, findings: &mut Findings<'p, '_>) {
    for (role, index, rule) in world.rules() {
        let lists = [
            ("verbs", &rule.verbs),
            ("apiGroups", &rule.api_groups),
            ("resources", &rule.resources),
            ("nonResourceURLs", &rule.non_resource_urls),
        ];
        for (list, entries) in lists {
            for (number, entry) in entries.iter().enumerate() {
                if !entry.contains('*') || is_wildcard(list, entry) {
                    continue;
                }
                let message = format!(
                    "`{entry}` in {list} of {} is no pattern: `*` is a character there",
                    role.object
                );
                let path = entry_at(index, list, number);
                let mut finding = Finding::new(&PARTIAL_WILDCARD, role.object, path, message);
                if let Some(resource) = entry.strip_suffix("/*").filter(|_| list == "resources") {
                    finding = finding.help(format!(
                        "name the subresources, such as `{resource}/status`; `*/status` is that of all \
                         resources"
                    ));
                }
                findings.add(finding);
            }
        }
    }
}

fn is_wildcard(list: &str, entry: &str) -> bool {
    match list {
        "resources" => {
            entry == "*" || entry.strip_prefix("*/").is_some_and(|rest| !rest.contains('*'))
        }
        "nonResourceURLs" => !entry.trim_end_matches('*').contains('*'),
        _ => entry == "*",
    }
}
