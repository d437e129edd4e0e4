//! Objects that are told of one by one, beside those that files bring.

use std::collections::BTreeMap;
use std::sync::Arc;

use verdikt_parser::Diagnostic;
use verdikt_parser::rbac::{Binding, ClusterRole, Role};

use super::compile::{Compiler, NewRole, cluster_roles, in_cluster, in_namespace, role};
use super::roles::RoleKind;

/// An object of RBAC.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are Kubernetes' kinds")]
#[non_exhaustive]
pub enum Object {
    Role(Role),
    ClusterRole(ClusterRole),
    RoleBinding(Binding),
    ClusterRoleBinding(Binding),
}

/// What happened to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is there, or is different from before.
    Put(Object),
    /// It is gone; all that is looked at is its kind, namespace and name.
    Deleted(Object),
}

/// Objects that events brought, by namespace and name.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    roles: BTreeMap<(String, String), Role>,
    cluster_roles: BTreeMap<(String, String), ClusterRole>,
    role_bindings: BTreeMap<(String, String), Binding>,
    cluster_role_bindings: BTreeMap<(String, String), Binding>,
}

impl Told {
    /// Roles of files and of events; of one that both bring, that of the event.
    pub(super) fn roles<'a>(&'a self, read: &'a [Role]) -> impl Iterator<Item = &'a Role> {
        either(read, &self.roles, |role| (&role.namespace, &role.name))
    }

    /// ClusterRoles likewise.
    pub(super) fn cluster_roles<'a>(
        &'a self,
        read: &'a [ClusterRole],
    ) -> impl Iterator<Item = &'a ClusterRole> {
        either(read, &self.cluster_roles, |role| ("", &role.name))
    }

    /// RoleBindings likewise.
    pub(super) fn role_bindings<'a>(
        &'a self,
        read: &'a [Binding],
    ) -> impl Iterator<Item = &'a Binding> {
        either(read, &self.role_bindings, |binding| (&binding.namespace, &binding.name))
    }

    /// ClusterRoleBindings likewise.
    pub(super) fn cluster_role_bindings<'a>(
        &'a self,
        read: &'a [Binding],
    ) -> impl Iterator<Item = &'a Binding> {
        either(read, &self.cluster_role_bindings, |binding| ("", &binding.name))
    }
}

/// What was read, without what was told, and then that.
fn either<'a, T>(
    read: &'a [T],
    told: &'a BTreeMap<(String, String), T>,
    name: impl Fn(&'a T) -> (&'a str, &'a str) + 'a,
) -> impl Iterator<Item = &'a T> {
    let is_told = move |object: &&'a T| {
        let (namespace, name) = name(object);
        !told.is_empty() && told.contains_key(&(namespace.to_owned(), name.to_owned()))
    };
    read.iter().filter(move |object| !is_told(object)).chain(told.values())
}

impl Compiler {
    /// Takes note of an event; tells whether anything is different now, and what is wrong with selectors.
    ///
    /// Costs in proportion to the object for a binding. For a role whose rules changed, what all roles
    /// permit is worked out anew.
    pub fn apply(&mut self, event: &Event) -> (bool, Vec<Diagnostic>) {
        match event {
            Event::Put(object) => self.put(object),
            Event::Deleted(object) => self.delete(object),
        }
    }

    fn put(&mut self, object: &Object) -> (bool, Vec<Diagnostic>) {
        let told = Arc::make_mut(&mut self.told);
        let changed = match object {
            Object::Role(new) => {
                told.roles.insert(names(&new.namespace, &new.name), new.clone());
                self.change_roles(&[role(new)], None)
            }
            Object::ClusterRole(role) => {
                told.cluster_roles.insert(names("", &role.name), role.clone());
                let all = Arc::make_mut(&mut self.cluster_roles);
                match all.iter_mut().find(|other| other.name == role.name) {
                    Some(other) => other.clone_from(role),
                    None => all.push(role.clone()),
                }
                return self.aggregate(None);
            }
            Object::RoleBinding(binding) => {
                let Binding { namespace, name, .. } = binding;
                told.role_bindings.insert(names(namespace, name), binding.clone());
                in_namespace(binding).is_some_and(|binding| self.put_binding(binding).1)
            }
            Object::ClusterRoleBinding(binding) => {
                told.cluster_role_bindings.insert(names("", &binding.name), binding.clone());
                self.put_binding(in_cluster(binding)).1
            }
        };
        (changed, Vec::new())
    }

    fn delete(&mut self, object: &Object) -> (bool, Vec<Diagnostic>) {
        let told = Arc::make_mut(&mut self.told);
        let changed = match object {
            Object::Role(old) => {
                told.roles.remove(&names(&old.namespace, &old.name));
                let NewRole { kind, key, .. } = role(old);
                self.change_roles(&[], Some((kind, &key)))
            }
            Object::ClusterRole(ClusterRole { name, .. }) => {
                told.cluster_roles.remove(&names("", name));
                Arc::make_mut(&mut self.cluster_roles).retain(|role| role.name != *name);
                return self.aggregate(Some(name));
            }
            Object::RoleBinding(Binding { namespace, name, .. }) => {
                told.role_bindings.remove(&names(namespace, name));
                !namespace.is_empty() && self.remove_binding(namespace, name)
            }
            Object::ClusterRoleBinding(Binding { name, .. }) => {
                told.cluster_role_bindings.remove(&names("", name));
                self.remove_binding("", name)
            }
        };
        (changed, Vec::new())
    }

    /// Works out ClusterRoles anew, each of which may select others; one may be gone.
    fn aggregate(&mut self, gone: Option<&str>) -> (bool, Vec<Diagnostic>) {
        let all = Arc::clone(&self.cluster_roles);
        let (roles, found) = cluster_roles(&all);
        let gone = gone.map(|name| (RoleKind::ClusterRole, name));
        (self.change_roles(&roles, gone), found)
    }
}

fn names(namespace: &str, name: &str) -> (String, String) {
    (namespace.to_owned(), name.to_owned())
}
