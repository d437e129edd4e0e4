//! Which objects RBAC lets a user do something to: the bindings of one user, as names and namespaces.

use verdikt_core::Attributes;

use super::matching::Matched;
use super::table::Table;
use crate::who_can::Scope;

impl Table {
    /// Where `request.user` may do what is asked, whatever the name and the namespace of the request: to all objects
    /// (no name), or to those of one name. Walks over all bindings.
    pub fn objects(&self, request: &Attributes<'_>) -> Vec<(Scope, Option<String>)> {
        let Some(user) = request.user else { return Vec::new() };
        let mut found = Vec::new();
        for (id, record) in (0..).zip(&self.bindings) {
            let Some(role) = self.role_of(record) else { continue };
            if self.applying_subject(record, user.user()).is_none() {
                continue;
            }
            let scope = self.scope(id, record);
            for rule in &*role.rules {
                let matched = Matched::of(rule, request);
                if !(Matched { name: true, ..matched }).all() {
                    continue;
                }
                if rule.resource_names.is_empty() {
                    found.push((scope.clone(), None));
                }
                let names = rule.resource_names.iter();
                found.extend(names.map(|name| (scope.clone(), Some(name.clone()))));
            }
        }
        found
    }

    /// The verbs that rules have, wildcards included.
    pub fn verbs(&self) -> impl Iterator<Item = &str> {
        let rules = self.roles.iter().flat_map(|role| role.rules.iter());
        rules.flat_map(|rule| rule.verbs.iter().map(String::as_str))
    }
}
