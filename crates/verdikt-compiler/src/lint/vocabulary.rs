//! Verbs and resources that no request has: misspelt, in the wrong group, or long gone.

use verdikt_core::resource_types::{self, ResourceType};
use verdikt_parser::Severity::{Note, Warning};
use verdikt_parser::nearest;
use verdikt_parser::rbac::PolicyRule;

use super::builtin::{
    METHODS, REMOVED, SPECIAL_VERBS, SUBRESOURCES, VERB_FAMILIES, VERBS, VIRTUAL, is_group,
};
use super::finding::{Finding, Findings, entry_at};
use super::rule::Rule;
use super::wildcards::in_words;
use super::world::{Role, World};

pub(super) const UNKNOWN_VERB: Rule = Rule::new(
    "lint/unknown-verb",
    Warning,
    "no request has this verb, so the rule grants less than it seems to",
    "the verbs of resources are get, list, watch, create, update, patch, delete and deletecollection",
);

pub(super) const UNKNOWN_RESOURCE: Rule = Rule::new(
    "lint/unknown-resource",
    Warning,
    "Kubernetes has no such resource in this group, so the rule grants less than it seems to",
    "`kubectl api-resources` lists resources with their groups",
);

pub(super) const REMOVED_API: Rule = Rule::new(
    "lint/removed-api",
    Note,
    "no supported version of Kubernetes serves it any more, so the entry grants nothing",
    "remove it",
);

pub(super) fn check<'p>(world: &World<'p>, findings: &mut Findings<'p, '_>) {
    for (role, index, rule) in world.rules() {
        for (number, verb) in rule.verbs.iter().enumerate() {
            verb_of(role, index, rule, number, verb, findings);
        }
        let is_removed = |group: &str, wanted: &str| {
            let of = REMOVED.iter().find(|(of, resource, _)| *of == group && *resource == wanted);
            of.map(|(_, _, version)| *version)
        };
        for (number, group) in rule.api_groups.iter().enumerate() {
            if let Some(version) = is_removed(group, "") {
                let message = format!("group `{group}` in {} is gone since {version}", role.object);
                let path = entry_at(index, "apiGroups", number);
                findings.add(Finding::new(&REMOVED_API, role.object, path, message));
            }
        }
        // Anything may be a resource of a group that is not Kubernetes' own.
        if !rule.api_groups.iter().all(|group| is_group(group)) {
            continue;
        }
        for (number, entry) in rule.resources.iter().enumerate() {
            let removed = rule.api_groups.iter().find_map(|group| is_removed(group, entry));
            let finding = match removed {
                Some(version) => {
                    let message = format!("`{entry}` in {} is gone since {version}", role.object);
                    let path = entry_at(index, "resources", number);
                    Some(Finding::new(&REMOVED_API, role.object, path, message))
                }
                None => resource_of(role, index, rule, number, entry),
            };
            finding.into_iter().for_each(|finding| findings.add(finding));
        }
    }
}

fn verb_of<'p>(
    role: &Role<'p>,
    index: usize,
    rule: &PolicyRule,
    number: usize,
    verb: &str,
    findings: &mut Findings<'p, '_>,
) {
    let is_for_paths = rule.resources.is_empty();
    let known: Vec<&str> = match is_for_paths {
        true => METHODS.to_vec(),
        false => VERBS.iter().chain(SPECIAL_VERBS).copied().collect(),
    };
    let is_family = VERB_FAMILIES.iter().any(|family| verb.starts_with(family));
    if known.contains(&verb) || is_family || verb.contains('*') || verb.is_empty() {
        return;
    }
    let instead = match verb.to_lowercase().as_str() {
        "list" | "watch" if is_for_paths => Some("get"),
        "create" | "post" if is_for_paths => Some("post"),
        "update" if is_for_paths => Some("put"),
        "post" => Some("create"),
        "put" => Some("update"),
        "head" => Some("get"),
        lower => known.iter().find(|known| **known == lower).copied(),
    };
    let instead = instead.or_else(|| nearest(verb, &known).filter(|_| verb.len() > 4));
    // Programs may ask about verbs of their own, even on what is not theirs.
    let severity = if instead.is_some() { Warning } else { Note };
    let of = if is_for_paths { "a path" } else { "a resource" };
    let message = format!("no request for {of} has the verb `{verb}`, which {} names", role.object);
    let path = entry_at(index, "verbs", number);
    let finding = Finding::new(&UNKNOWN_VERB, role.object, path, message).severity(severity);
    let paths = "the verbs of paths are HTTP's methods in lower case: get, post, put, …";
    findings.add(match (instead, is_for_paths) {
        (Some(instead), _) => finding.help(format!("write `{instead}`, if that is meant")),
        (None, true) => finding.help(paths),
        (None, false) => finding,
    });
}

/// What is wrong with a resource of a rule whose groups are all Kubernetes' own.
fn resource_of<'p>(
    role: &Role<'p>,
    index: usize,
    rule: &PolicyRule,
    number: usize,
    entry: &str,
) -> Option<Finding<'p>> {
    let (resource, subresource) = entry.split_once('/').unwrap_or((entry, ""));
    if entry.contains('*') || entry.is_empty() {
        return None;
    }
    let groups = &rule.api_groups;
    let in_groups = |group: &str| groups.iter().any(|of_rule| of_rule == group);
    let is_virtual = VIRTUAL.iter().any(|(group, name)| *name == resource && in_groups(group));
    let mut here = resource_types::ALL.iter().filter(|known| in_groups(known.api_group));
    let finding = |message: String, help: String| {
        let path = entry_at(index, "resources", number);
        Some(Finding::new(&UNKNOWN_RESOURCE, role.object, path, message).help(help))
    };
    let object = role.object;
    if is_virtual || here.any(|known| known.resource == resource) {
        let subresources = SUBRESOURCES
            .iter()
            .filter(|(group, name, _)| *name == resource && in_groups(group))
            .map(|(_, _, subresources)| *subresources)
            .next()?;
        let known: Vec<&str> = subresources.split(' ').filter(|name| !name.is_empty()).collect();
        // Whoever sets blockOwnerDeletion is asked about `finalizers` of any resource.
        if subresource.is_empty() || subresource == "finalizers" || known.contains(&subresource) {
            return None;
        }
        let message =
            format!("`{resource}` has no subresource `{subresource}`, which {object} names");
        let help = match (nearest(subresource, &known), known.is_empty()) {
            (Some(near), _) => format!("did you mean `{resource}/{near}`?"),
            (None, true) => format!("`{resource}` has no subresources"),
            (None, false) => format!("its subresources are {}", known.join(", ")),
        };
        return finding(message, help);
    }
    let message = format!("`{resource}`, which {object} names, is not in {}", in_words(groups));
    let help = hint(resource, &in_groups).unwrap_or_else(|| UNKNOWN_RESOURCE.advice.to_owned());
    finding(message, help)
}

/// What may have been meant.
fn hint(resource: &str, in_groups: &impl Fn(&str) -> bool) -> Option<String> {
    let lower = resource.to_lowercase();
    let is_called = |known: &&ResourceType| {
        known.resource == lower
            || known.singular == lower
            || known.short_names.split(' ').any(|short| !short.is_empty() && short == lower)
    };
    let mut all = resource_types::ALL.iter();
    if let Some(known) = all.clone().filter(|known| in_groups(known.api_group)).find(is_called) {
        return Some(format!("write `{}`: rules name resources in plural", known.resource));
    }
    if let Some(known) = all.find(|known| known.resource == resource) {
        return Some(match known.api_group {
            "" => format!("`{resource}` is in the core group: write \"\" under apiGroups"),
            group => format!("`{resource}` is in group `{group}`: write that under apiGroups"),
        });
    }
    let of_groups = resource_types::ALL.iter().filter(|known| in_groups(known.api_group));
    let names: Vec<&str> = of_groups.map(|known| known.resource).collect();
    nearest(resource, &names).map(|near| format!("did you mean `{near}`?"))
}
