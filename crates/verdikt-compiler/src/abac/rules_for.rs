//! All policies that hold for a user in a namespace, as rules in the order of the file.

use verdikt_core::User;

use super::explain::{applies, covers};
use super::table::Table;
use crate::{NonResourceRule, ResourceRule, Rules};

impl Table {
    /// Adds the rules of `user` in `namespace` to `rules`.
    ///
    /// As in Kubernetes, a policy counts only if its namespace is `*` or `namespace`, whichever kind of
    /// request it is about: a policy about a path alone is listed for the empty namespace only.
    pub fn rules_for(&self, user: &User, namespace: &str, rules: &mut Rules) {
        for policy in &*self.policies {
            if !applies(policy, user) || !covers(&policy.namespace, namespace) {
                continue;
            }
            let verbs: &[&str] = if policy.readonly { &["get", "list", "watch"] } else { &["*"] };
            let verbs: Vec<String> = verbs.iter().map(|&verb| verb.to_owned()).collect();
            if !policy.resource.is_empty() {
                rules.resource_rules.push(ResourceRule {
                    verbs: verbs.clone(),
                    api_groups: vec![policy.api_group.clone()],
                    resources: vec![policy.resource.clone()],
                    resource_names: Vec::new(),
                });
            }
            if !policy.non_resource_path.is_empty() {
                let non_resource_urls = vec![policy.non_resource_path.clone()];
                rules.non_resource_rules.push(NonResourceRule { verbs, non_resource_urls });
            }
        }
    }
}
