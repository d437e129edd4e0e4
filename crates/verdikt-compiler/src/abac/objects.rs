//! Which objects ABAC lets a user do something to. Policies know no names, so it is all of a namespace or none.

use verdikt_core::Attributes;

use super::explain::{applies, why_not_anyone};
use super::table::Table;
use crate::who_can::Scope;

impl Table {
    /// Where `request.user` may do what is asked, whatever the namespace of the request. Walks over all policies.
    pub fn objects(&self, request: &Attributes<'_>) -> Vec<Scope> {
        let Some(user) = request.user else { return Vec::new() };
        let mut found = Vec::new();
        for policy in self.policies.iter().filter(|policy| applies(policy, user.user())) {
            // Asked where the policy is for, if it is for one namespace.
            let namespace = match policy.namespace.as_str() {
                "*" => request.namespace,
                namespace => namespace,
            };
            if why_not_anyone(policy, &Attributes { namespace, ..*request }).is_none() {
                found.push(Scope::of(&policy.namespace));
            }
        }
        found
    }
}
