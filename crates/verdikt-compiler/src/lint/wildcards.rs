//! `*` that means everything: what there is now, and what there will be.

use verdikt_parser::Severity::{Note, Warning};
use verdikt_parser::rbac::PolicyRule;

use super::builtin::is_group;
use super::finding::{Finding, Findings, entry_at, listed, rule_at};
use super::power_check::hidden_by_star;
use super::rule::{Rule, practice};
use super::world::{Role, World};

pub(super) const EVERYTHING: Rule = Rule::new(
    "lint/everything",
    Warning,
    "whoever may do everything to everything is cluster-admin by another name",
    "write down the verbs, groups and resources that are needed",
)
.see(practice!("least-privilege"));

pub(super) const WILDCARD_VERBS: Rule = Rule::new(
    "lint/wildcard-verbs",
    Warning,
    "`*` also means escalate, bind, impersonate, deletecollection, and verbs yet to come",
    "write down the verbs that are needed",
)
.see(practice!("least-privilege"));

pub(super) const WILDCARD_RESOURCES: Rule = Rule::new(
    "lint/wildcard-resources",
    Warning,
    "`*` means every resource and subresource of the group, and those yet to come",
    "write down the resources that are needed",
)
.see(practice!("least-privilege"));

pub(super) const WILDCARD_GROUPS: Rule = Rule::new(
    "lint/wildcard-groups",
    Note,
    "`*` means resources of that name in every group, those of custom resources included",
    "write down the API groups; the core group is the empty text",
)
.see(practice!("least-privilege"));

pub(super) const WILDCARD_URLS: Rule = Rule::new(
    "lint/wildcard-urls",
    Note,
    "`*` means every path, /logs, /debug/pprof and /flagz among them",
    "write down the paths that are needed",
)
.see(practice!("least-privilege"));

pub(super) fn check<'p>(world: &World<'p>, findings: &mut Findings<'p, '_>) {
    for (role, index, rule) in world.rules() {
        check_rule(world, role, index, rule, findings);
    }
}

fn check_rule<'p>(
    world: &World<'p>,
    role: &Role<'p>,
    index: usize,
    rule: &PolicyRule,
    findings: &mut Findings<'p, '_>,
) {
    let (object, reach) = (role.object, world.reach(role));
    let star = |list: &[String]| list.iter().position(|entry| entry == "*");
    let (verbs, groups) = (star(&rule.verbs), star(&rule.api_groups));
    let resources = star(&rule.resources);
    let severity = if world.is_wide(role) { Warning } else { Note };
    if let (Some(_), Some(_), Some(_)) = (verbs, groups, resources) {
        let message = format!("whoever has {object} can do everything to every resource");
        let finding = Finding::new(&EVERYTHING, object, rule_at(index), message);
        return findings.add(finding.severity(severity).reach(&reach));
    }
    if let Some(entry) = resources {
        let of = match groups {
            Some(_) => "every group".to_owned(),
            None => in_words(&rule.api_groups),
        };
        let hidden = hidden_by_star(rule);
        let (severity, hidden) = match hidden.as_slice() {
            [] => (Note, String::new()),
            _ => (severity, format!("; that takes in {}", listed(&hidden))),
        };
        let verbs = if verbs.is_some() { "every verb".to_owned() } else { listed(&rule.verbs) };
        let message =
            format!("whoever has {object} can use {verbs} on every resource of {of}{hidden}");
        let path = entry_at(index, "resources", entry);
        let finding = Finding::new(&WILDCARD_RESOURCES, object, path, message);
        findings.add(finding.severity(severity).reach(&reach));
    } else if let Some(entry) = groups {
        let resources = listed(&rule.resources);
        let message = format!("{object} names {resources} in every API group");
        let path = entry_at(index, "apiGroups", entry);
        findings.add(Finding::new(&WILDCARD_GROUPS, object, path, message).reach(&reach));
    }
    if let Some(entry) = verbs.filter(|_| !rule.resources.is_empty() && resources.is_none()) {
        // Who brings custom resources along may well own them.
        let is_foreign = |group: &String| group != "*" && !is_group(group);
        let severity = if rule.api_groups.iter().all(is_foreign) { Note } else { severity };
        let resources = listed(&rule.resources);
        let message = format!("whoever has {object} can use every verb on {resources}");
        let path = entry_at(index, "verbs", entry);
        let finding = Finding::new(&WILDCARD_VERBS, object, path, message);
        findings.add(finding.severity(severity).reach(&reach));
    }
    let all_urls =
        |url: &String| url.trim_end_matches('*').is_empty() && !url.is_empty() || url == "/*";
    if let Some(entry) = rule.non_resource_urls.iter().position(all_urls) {
        let message = format!("whoever has {object} can use {} on every path", listed(&rule.verbs));
        let path = entry_at(index, "nonResourceURLs", entry);
        findings.add(Finding::new(&WILDCARD_URLS, object, path, message).reach(&reach));
    }
}

/// API groups, of which one has no name.
pub(super) fn in_words(groups: &[String]) -> String {
    match groups {
        [group] if group.is_empty() => "the core group".to_owned(),
        [group] => format!("group `{group}`"),
        groups => {
            let name =
                |group: &String| if group.is_empty() { "core".to_owned() } else { group.clone() };
            format!("groups {}", listed(groups.iter().map(name)))
        }
    }
}
