//! The compiled form of RBAC: `compile.rs` and `update.rs` write it, `lookup.rs` and `explain.rs` read it.
//!
//! All its parts are shared with copies of it until one of the copies is changed, so that a change costs
//! as much as it touches, and what decides keeps what it began with.
//!
//! Bindings are looked at in this order: ClusterRoleBindings by name, then RoleBindings by namespace and
//! name. Of two that allow, the first is the reason. Numbers of bindings say nothing about the order.

use std::sync::Arc;

use verdikt_core::HashKey;

use super::grants::Grants;
use super::permission::Permissions;
use super::record::Record;
use super::records::{BindingId, Records};
use super::roles::{RoleRecord, Roles};
use super::set::Sets;
use crate::cow::CowVec;

/// RBAC, ready to be asked.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) key: HashKey,
    pub(super) permissions: Arc<Permissions>,
    pub(super) sets: Arc<Sets>,
    pub(super) roles: Roles,
    pub(super) bindings: Records,
    /// What ClusterRoleBindings grant.
    pub(super) cluster: Grants,
    /// What RoleBindings grant.
    pub(super) namespaced: Grants,
    pub(super) files: CowVec<Arc<str>>,
}

/// The hash under which a subject's grants in a namespace are found.
#[inline]
pub(super) fn hash_in(subject: u64, namespace: u64) -> u64 {
    HashKey::pair(subject, namespace)
}

/// Sizes of a [`Table`], for status and benches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// ClusterRoleBindings and RoleBindings.
    pub bindings: usize,
    /// Distinct permission sets.
    pub permission_sets: usize,
    /// Distinct patterns: (verb, group, resource) and (verb, URL), wildcards included.
    pub patterns: usize,
    /// Bytes on the heap, without what the allocator adds; shared rule lists are left out.
    pub heap_bytes: usize,
}

impl Table {
    /// The key its hashes were made with.
    pub fn key(&self) -> &HashKey {
        &self.key
    }

    /// Sizes, for status and benches.
    pub fn stats(&self) -> Stats {
        Stats {
            bindings: self.bindings.live(),
            permission_sets: self.sets.len(),
            patterns: self.permissions.patterns.len(),
            heap_bytes: self.heap_bytes(),
        }
    }

    fn heap_bytes(&self) -> usize {
        self.permissions.heap_bytes()
            + self.sets.heap_bytes()
            + self.roles.heap_bytes()
            + self.bindings.heap_bytes()
            + self.cluster.heap_bytes()
            + self.namespaced.heap_bytes()
            + self.files.heap_bytes()
    }

    pub(super) fn binding(&self, id: BindingId) -> Option<Record<'_>> {
        self.bindings.get(id)
    }

    /// The role of a binding, as long as it is there.
    pub(super) fn role_of(&self, binding: Record<'_>) -> Option<&RoleRecord> {
        self.roles.get(binding.role).filter(|role| role.rules.is_some())
    }
}
