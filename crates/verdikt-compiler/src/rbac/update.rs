//! Bindings that come, change and go in a [`Table`](super::Table) that is there.

use std::sync::Arc;

use verdikt_core::HashKey;
use verdikt_parser::rbac::ClusterRole;
use verdikt_parser::{Diagnostic, PolicySet};

use super::compile::{
    Compiler, NewBinding, cluster_roles, in_cluster, in_namespace, role, scope_of, subject_hash,
};
use super::grants::Grant;
use super::record::{Record, write};
use super::records::BindingId;

impl Compiler {
    /// Makes the tables those of another policy, looking closer at what is different alone. What events
    /// brought stays, and counts more than what the policy says of it.
    pub fn update(&mut self, policy: &PolicySet) -> Vec<Diagnostic> {
        let told = Arc::clone(&self.told);
        let all: Vec<ClusterRole> = told.cluster_roles(&policy.cluster_roles).cloned().collect();
        let (mut new, mut diagnostics) = cluster_roles(&all);
        new.extend(told.roles(&policy.roles).map(role));
        self.update_roles(&new);
        drop(new);
        diagnostics.extend(self.too_large());
        let cluster = told.cluster_role_bindings(&policy.cluster_role_bindings).map(in_cluster);
        let namespaced = told.role_bindings(&policy.role_bindings).filter_map(in_namespace);
        self.update_bindings(cluster.chain(namespaced));
        self.cluster_roles = Arc::new(all);
        diagnostics
    }

    /// Takes away the binding of this name, if it is there; without a namespace it is one of the cluster.
    pub(super) fn remove_binding(&mut self, namespace: &str, name: &str) -> bool {
        let Some(id) = self.find_binding(namespace, name) else { return false };
        self.drop_binding(id);
        true
    }

    /// Makes the bindings these, and no others.
    fn update_bindings<'p>(&mut self, bindings: impl Iterator<Item = NewBinding<'p>>) {
        let mut seen = vec![false; self.table.bindings.next() as usize];
        for binding in bindings {
            let id = self.put_binding(binding).0 as usize;
            if id >= seen.len() {
                seen.resize(id + 1, false);
            }
            if let Some(seen) = seen.get_mut(id) {
                *seen = true;
            }
        }
        let gone: Vec<BindingId> = self.table.bindings.iter().map(|(id, _)| id).collect();
        for id in gone.into_iter().filter(|&id| !seen.get(id as usize).is_some_and(|seen| *seen)) {
            self.drop_binding(id);
        }
    }

    /// Adds a binding, or puts it in the place of the one of its name; tells its number, and whether
    /// anything about it is different now.
    pub(super) fn put_binding(&mut self, binding: NewBinding<'_>) -> (BindingId, bool) {
        let (namespace, object) = binding;
        let role = self.role_of(&binding);
        let place = self.place(&object.origin);
        let mut bytes = Vec::new();
        let mut subjects = Vec::new();
        let key = self.table.key.clone();
        let scope = scope_of(namespace, key.text(namespace));
        let mut user = Vec::new();
        write(object, namespace, role, place, &mut bytes, |at, subject| {
            let hash = subject_hash(subject, scope, &key, &mut user);
            subjects.extend(hash.map(|hash| (hash, at)));
        });
        let id = match self.find_binding(namespace, &object.name) {
            Some(id) => {
                let old = self.table.bindings.bytes(id);
                if old == bytes {
                    return (id, false);
                }
                let is_like = Record::read(old).zip(Record::read(&bytes));
                if is_like.is_some_and(|(old, new)| old.is_like(new)) {
                    // It stands elsewhere in its file, as all do behind a line that was added.
                    self.table.bindings.put(id, &bytes);
                    return (id, true);
                }
                self.use_role(role);
                self.drop_grants(id);
                id
            }
            None => {
                let id = self.free_bindings.pop().unwrap_or_else(|| self.table.bindings.next());
                self.binding_ids.add(self.binding_hash(namespace, &object.name), id);
                self.use_role(role);
                id
            }
        };
        self.table.bindings.put(id, &bytes);
        let grants =
            if scope.is_some() { &mut self.table.namespaced } else { &mut self.table.cluster };
        for (hash, subject) in subjects {
            grants.insert(hash, Grant { role, binding: id, subject }, &self.table.bindings);
        }
        (id, true)
    }

    pub(super) fn drop_binding(&mut self, id: BindingId) {
        let Some(record) = self.table.bindings.get(id) else { return };
        let hash = self.binding_hash(record.namespace, record.name);
        self.binding_ids.take_away(hash, id);
        self.drop_grants(id);
        self.table.bindings.put(id, &[]);
        self.free_bindings.push(id);
    }

    /// Takes away what a binding grants, and its use of its role.
    fn drop_grants(&mut self, id: BindingId) {
        let table = &mut self.table;
        let Some(record) = table.bindings.get(id) else { return };
        let scope = scope_of(record.namespace, table.key.text(record.namespace));
        let grants = if scope.is_some() { &mut table.namespaced } else { &mut table.cluster };
        let mut user = Vec::new();
        for subject in record.subjects() {
            if let Some(hash) = subject_hash(subject, scope, &table.key, &mut user) {
                grants.remove(hash, id);
            }
        }
        let role = record.role;
        self.let_go_of_role(role);
    }

    fn find_binding(&self, namespace: &str, name: &str) -> Option<BindingId> {
        self.binding_ids.id(self.binding_hash(namespace, name), |id| {
            let record = self.table.bindings.get(id);
            record.is_some_and(|record| (record.namespace, record.name) == (namespace, name))
        })
    }

    fn binding_hash(&self, namespace: &str, name: &str) -> u64 {
        HashKey::pair(self.table.key.text(namespace), self.table.key.text(name))
    }
}
