//! All rules that hold for a user in a namespace, in the order in which bindings are visited.

use verdikt_core::User;

use super::table::{Entries, Entry, SubjectKey, Table};
use crate::{NonResourceRule, ResourceRule, Rules};

impl Table {
    /// Adds the rules of `user` in `namespace` to `rules`; an empty namespace means cluster-wide
    /// grants alone. Roles that are missing are errors in `rules`, and nothing is left out otherwise.
    pub fn rules_for(&self, user: &User, namespace: &str, rules: &mut Rules) {
        let bindings = self.applying_bindings(user, namespace);
        for binding in &bindings {
            let role = self.binding(*binding).and_then(|record| self.role_of(record));
            for rule in role.into_iter().flat_map(|role| role.rules.iter()) {
                if !rule.resources.is_empty() {
                    rules.resource_rules.push(ResourceRule {
                        verbs: rule.verbs.clone(),
                        api_groups: rule.api_groups.clone(),
                        resources: rule.resources.clone(),
                        resource_names: rule.resource_names.clone(),
                    });
                }
                if !rule.non_resource_urls.is_empty() {
                    rules.non_resource_rules.push(NonResourceRule {
                        verbs: rule.verbs.clone(),
                        non_resource_urls: rule.non_resource_urls.clone(),
                    });
                }
            }
        }
        rules.errors.extend(self.role_errors(bindings));
    }

    /// Ids of the bindings that name `user`, for the whole cluster and in `namespace`, in order.
    pub(super) fn applying_bindings(&self, user: &User, namespace: &str) -> Vec<u32> {
        let name = (self.key.user(&user.name), true, user.name.as_str());
        let groups = user.groups.iter().map(|group| (self.key.group(group), false, group.as_str()));
        let namespace = self.namespaces.get(namespace, &self.key);
        let mut found = Vec::new();
        for (hash, is_user, text) in std::iter::once(name).chain(groups) {
            let is_subject = |entry: &Entry| match entry.subject {
                SubjectKey::User(id) => is_user && self.names.str(id) == text,
                SubjectKey::Group(id) => !is_user && self.names.str(id) == text,
            };
            self.collect(&self.cluster, hash, is_subject, &mut found);
            if let Some(namespace) = namespace {
                let hash = Entry::hash_in(hash, namespace);
                let is_it = |entry: &Entry| is_subject(entry) && entry.namespace == namespace;
                self.collect(&self.namespaced, hash, is_it, &mut found);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn collect(
        &self,
        entries: &Entries,
        hash: u64,
        is_it: impl Fn(&Entry) -> bool,
        into: &mut Vec<u32>,
    ) {
        for entry in entries.find(hash).into_iter().chain(entries.aside()) {
            if is_it(entry) {
                into.push(entry.first.binding);
                into.extend(self.more_grants(entry).iter().map(|grant| grant.binding));
            }
        }
    }
}
