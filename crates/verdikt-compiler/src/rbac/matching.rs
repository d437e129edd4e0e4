//! Which parts of one rule a request matches, for explanations; deciding goes by the tables.

use verdikt_core::Attributes;
use verdikt_parser::rbac::PolicyRule;

/// The parts of a rule that a request matches. For a path, only `verb` and `resource` are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Matched {
    pub(super) verb: bool,
    pub(super) group: bool,
    pub(super) resource: bool,
    pub(super) name: bool,
}

impl Matched {
    pub(super) fn of(rule: &PolicyRule, request: &Attributes<'_>) -> Self {
        let verb = has(&rule.verbs, request.verb);
        if !request.resource_request {
            let resource = rule.non_resource_urls.iter().any(|url| url_matches(url, request.path));
            return Self { verb, group: true, resource, name: true };
        }
        Self {
            verb,
            group: has(&rule.api_groups, request.api_group),
            resource: rule.resources.iter().any(|resource| resource_matches(resource, request)),
            name: rule.resource_names.is_empty()
                || rule.resource_names.iter().any(|name| name == request.name),
        }
    }

    pub(super) fn all(self) -> bool {
        self.verb && self.group && self.resource && self.name
    }
}

fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|item| item == "*" || item == wanted)
}

fn resource_matches(rule: &str, request: &Attributes<'_>) -> bool {
    let Attributes { resource, subresource, .. } = *request;
    if rule == "*" {
        return true;
    }
    if subresource.is_empty() {
        return rule == resource;
    }
    match rule.strip_suffix(subresource).and_then(|rest| rest.strip_suffix('/')) {
        Some(before) => before == "*" || before == resource,
        None => false,
    }
}

/// Whether a pattern covers a path: a `*` at its end stands for any rest, ABAC alike.
pub(crate) fn url_matches(rule: &str, path: &str) -> bool {
    match rule.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix.trim_end_matches('*')),
        None => rule == path,
    }
}
