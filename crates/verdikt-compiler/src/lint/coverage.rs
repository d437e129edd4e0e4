//! Rules that add nothing to another of the same role.

use verdikt_parser::Severity::Note;
use verdikt_parser::rbac::PolicyRule;

use super::finding::{Finding, Findings, rule_at};
use super::rule::Rule;
use super::world::World;
use crate::rbac::matching::url_matches;

pub(super) const COVERED_RULE: Rule = Rule::new(
    "lint/covered-rule",
    Note,
    "a rule that adds nothing is read and reviewed for nothing, and seems to be needed when the other goes",
    "remove it",
);

pub(super) fn check<'p>(world: &World<'p>, findings: &mut Findings<'p, '_>) {
    for role in world.roles().filter(|role| !role.is_aggregated) {
        let rules: Vec<&PolicyRule> = role.rules.iter().take(MOST_RULES).collect();
        for (number, rule) in rules.iter().enumerate() {
            // Of two that are alike, the later one is too much.
            let covering = rules.iter().enumerate().find(|(other, covering)| {
                *other != number
                    && covers(covering, rule)
                    && (*other < number || !covers(rule, covering))
            });
            let Some((other, covering)) = covering else { continue };
            let alike = if covers(rule, covering) { "grants the same as" } else { "is covered by" };
            let message = format!("rules[{number}] of {} {alike} rules[{other}]", role.object);
            let finding = Finding::new(&COVERED_RULE, role.object, rule_at(number), message);
            findings.add(finding.related(rule_at(other), "the rule that covers it"));
        }
    }
}

/// Whether every request that `rule` matches is matched by `by`, too (rbac `validation.Covers`, for one
/// rule on each side).
fn covers(by: &PolicyRule, rule: &PolicyRule) -> bool {
    let has =
        |list: &[String], entry: &String| list.iter().any(|item| item == "*" || item == entry);
    let all = |wanted: &[String], by: &[String]| wanted.iter().all(|entry| has(by, entry));
    if rule.verbs.is_empty() || !all(&rule.verbs, &by.verbs) {
        return false;
    }
    let (has_resources, has_urls) =
        (!rule.resources.is_empty(), !rule.non_resource_urls.is_empty());
    let resources_are_covered = all(&rule.api_groups, &by.api_groups)
        && rule
            .resources
            .iter()
            .all(|wanted| by.resources.iter().any(|entry| resource_covers(entry, wanted)))
        && (by.resource_names.is_empty()
            || !rule.resource_names.is_empty()
                && rule.resource_names.iter().all(|name| by.resource_names.contains(name)));
    let url_is_covered = |url: &String| by.non_resource_urls.iter().any(|by| url_covers(by, url));
    (has_resources || has_urls)
        && (!has_resources || resources_are_covered)
        && (!has_urls || rule.non_resource_urls.iter().all(url_is_covered))
}

fn resource_covers(by: &str, wanted: &str) -> bool {
    by == "*"
        || by == wanted
        || by.strip_prefix("*/").is_some_and(|sub| {
            wanted.split_once('/').is_some_and(|(_, of_wanted)| of_wanted == sub)
        })
}

fn url_covers(by: &str, wanted: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(prefix) => by.ends_with('*') && url_matches(by, prefix.trim_end_matches('*')),
        None => url_matches(by, wanted),
    }
}

/// Rules of one role that are compared with each other: the work grows with the square of it.
const MOST_RULES: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verbs: &str, groups: &str, resources: &str, names: &str) -> PolicyRule {
        let list = |text: &str| text.split(' ').map(str::to_owned).collect();
        PolicyRule {
            verbs: list(verbs),
            api_groups: list(groups),
            resources: list(resources),
            resource_names: if names.is_empty() { Vec::new() } else { list(names) },
            ..PolicyRule::default()
        }
    }

    #[test]
    fn each_list_must_be_covered() {
        let get_pods = rule("get", "apps", "pods", "");
        for (by, expected) in [
            (rule("get list", "apps", "pods jobs", ""), true),
            (rule("*", "*", "*", ""), true),
            (rule("list", "apps", "pods", ""), false),
            (rule("get", "batch", "pods", ""), false),
            (rule("get", "apps", "pods/log", ""), false),
            (rule("get", "apps", "pods", "web"), false),
        ] {
            assert_eq!(covers(&by, &get_pods), expected, "{by:?}");
        }
        let log = rule("get", "apps", "pods/log", "a");
        assert!(covers(&rule("get", "apps", "*/log", "a b"), &log));
        assert!(!covers(&rule("get", "apps", "*/log", "b"), &log));
        assert!(!covers(&rule("get", "apps", "pods", ""), &log));
    }

    #[test]
    fn paths_are_covered_by_prefixes() {
        let urls = |url: &str| PolicyRule {
            verbs: vec!["get".to_owned()],
            non_resource_urls: vec![url.to_owned()],
            ..PolicyRule::default()
        };
        for (by, wanted, expected) in [
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/*", true),
            ("/a*", "/a/*", true),
            ("/a/*", "/a*", false),
            ("/a", "/a*", false),
            ("/a/*", "/a", false),
            ("*", "/", true),
        ] {
            assert_eq!(covers(&urls(by), &urls(wanted)), expected, "{by} {wanted}");
        }
        assert!(!covers(&rule("get", "*", "*", ""), &urls("/a")));
    }
}
