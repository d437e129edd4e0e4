//! Which objects RBAC lets a user do something to: the bindings of one user, as names and namespaces.

use verdikt_core::Attributes;

use super::matching::Matched;
use super::record::Record;
use super::records::BindingId;
use super::table::Table;
use super::who_can::scope;
use crate::who_can::Scope;

impl Table {
    /// Where `request.user` may do what is asked, whatever the name and the namespace of the request: to all objects
    /// (no name), or to those of one name. Walks over all bindings.
    pub fn objects(&self, request: &Attributes<'_>) -> Vec<(Scope, Option<String>)> {
        let Some(user) = request.user else { return Vec::new() };
        let mut found = Vec::new();
        let applying = |record: &Record<'_>| record.applying_subject(user.user()).is_some();
        let all = self.bindings.iter().filter(|(_, record)| applying(record));
        let mut ids: Vec<BindingId> = all.map(|(id, _)| id).collect();
        self.bindings.put_in_order(&mut ids);
        for record in ids.into_iter().filter_map(|id| self.binding(id)) {
            let scope = scope(record);
            for rule in self.rules(record) {
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
        let roles = self.roles.iter().filter_map(|role| role.rules.as_deref());
        let rules = roles.flatten();
        rules.flat_map(|rule| rule.verbs.iter().map(String::as_str))
    }
}
