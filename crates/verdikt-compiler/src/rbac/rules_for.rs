//! All rules that hold for a user in a namespace, in the order in which bindings are visited.

use verdikt_core::User;

use super::grants::Grants;
use super::record::subject_at;
use super::records::BindingId;
use super::table::{Table, hash_in};
use crate::{NonResourceRule, ResourceRule, Rules};

impl Table {
    /// Adds the rules of `user` in `namespace` to `rules`; an empty namespace means cluster-wide
    /// grants alone. Roles that are missing are errors in `rules`, and nothing is left out otherwise.
    pub fn rules_for(&self, user: &User, namespace: &str, rules: &mut Rules) {
        let bindings = self.applying_bindings(user, namespace);
        for record in bindings.iter().filter_map(|&id| self.binding(id)) {
            for rule in self.rules(record) {
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

    /// The bindings that name `user`, for the whole cluster and in `namespace`, in order.
    pub(super) fn applying_bindings(&self, user: &User, namespace: &str) -> Vec<BindingId> {
        let name = (self.key.user(&user.name), true, user.name.as_str());
        let groups = user.groups.iter().map(|group| (self.key.group(group), false, group.as_str()));
        let scope = self.key.text(namespace);
        let mut found = Vec::new();
        for (hash, is_user, text) in std::iter::once(name).chain(groups) {
            let mut collect = |grants: &Grants, hash, namespace: &str| {
                let is_for = |id: BindingId, at| {
                    subject_at(self.bindings.bytes(id), at).is_some_and(|(scope, subject)| {
                        subject.is(text, is_user) && scope == namespace.as_bytes()
                    })
                };
                let named =
                    grants.find(hash).iter().filter(|grant| is_for(grant.binding, grant.subject));
                found.extend(named.map(|grant| grant.binding));
            };
            collect(&self.cluster, hash, "");
            if !namespace.is_empty() {
                collect(&self.namespaced, hash_in(hash, scope), namespace);
            }
        }
        self.bindings.put_in_order(&mut found);
        found
    }
}
