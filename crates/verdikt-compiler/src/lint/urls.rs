//! Paths that no request matches.

use verdikt_parser::Severity::Warning;

use super::finding::{Finding, Findings, entry_at};
use super::rule::Rule;
use super::world::World;

pub(super) const URLS_IN_NAMESPACE: Rule = Rule::new(
    "lint/urls-in-namespace",
    Warning,
    "requests for paths are in no namespace, so a RoleBinding grants none",
    "bind the role with a ClusterRoleBinding",
);

pub(super) const RELATIVE_URL: Rule = Rule::new(
    "lint/relative-url",
    Warning,
    "the path of every request begins with a slash, so this one matches none",
    "write the slash",
);

pub(super) fn check<'p>(world: &World<'p>, findings: &mut Findings<'p, '_>) {
    for (role, index, rule) in
        world.rules().filter(|(_, _, rule)| !rule.non_resource_urls.is_empty())
    {
        let object = role.object;
        for (number, url) in rule.non_resource_urls.iter().enumerate() {
            if !url.starts_with('/') && !url.starts_with('*') {
                let message = format!("`{url}` in {object} does not begin with a slash");
                let path = entry_at(index, "nonResourceURLs", number);
                findings.add(Finding::new(&RELATIVE_URL, object, path, message));
            }
        }
        if world.is_confined(role) {
            let message = format!("the paths of {object} are granted to nobody");
            let path = entry_at(index, "nonResourceURLs", 0);
            let finding = Finding::new(&URLS_IN_NAMESPACE, object, path, message);
            findings.add(finding.reach(&world.reach(role)));
        }
    }
}
