//! The compiled form of RBAC: `compile.rs` writes it, `lookup.rs` and `explain.rs` read it.
//!
//! Invariant (binding-order): binding ids ascend with ClusterRoleBindings by name, then RoleBindings
//! by namespace and name. Of two bindings that allow, the one with the smaller id is the reason.
//! Invariant (sorted-grants): the grants of an [`Entry`] ascend by binding id.

use std::sync::Arc;

use hashbrown::HashTable;
use verdikt_core::HashKey;
use verdikt_parser::rbac::PolicyRule;

use super::permission::Permissions;
use super::set::{SetId, Sets};
use crate::filter::Filter;
use crate::intern::{Interner, Span, StrId};

/// RBAC, ready to be asked.
#[derive(Debug)]
pub struct Table {
    pub(super) key: HashKey,
    pub(super) permissions: Permissions,
    pub(super) sets: Sets,
    /// Grants by subject, for the whole cluster.
    pub(super) cluster: Entries,
    /// Grants by subject and namespace.
    pub(super) namespaced: Entries,
    /// Grants of the entries that have more than one.
    pub(super) grants: Vec<Grant>,
    pub(super) namespaces: Namespaces,
    pub(super) names: Interner,
    pub(super) bindings: Vec<BindingRecord>,
    /// Whether any of them refers to a role that is not there.
    pub(super) lacks_roles: bool,
    /// How many of `bindings`, from the start, are ClusterRoleBindings.
    pub(super) cluster_bindings: u32,
    pub(super) subjects: Vec<SubjectRecord>,
    pub(super) roles: Vec<RoleRecord>,
    pub(super) files: Vec<Arc<str>>,
}

/// Entries by hash.
///
/// Invariant (one-entry-a-hash): no two entries of `table` have one hash, so the one that is found is
/// the only one to look at. Should two subjects ever share a hash of 64 bits, the second is set aside
/// and looked at as well; only then.
#[derive(Debug, Default)]
pub(super) struct Entries {
    filter: Filter,
    table: HashTable<Entry>,
    aside: Vec<Entry>,
}

impl Entries {
    pub(super) fn new(entries: Vec<Entry>) -> Self {
        let hashes = entries.iter().map(|entry| entry.hash);
        let filter = Filter::new(hashes, entries.len());
        let mut new =
            Self { filter, table: HashTable::with_capacity(entries.len()), aside: Vec::new() };
        for entry in entries {
            match new.table.find(entry.hash, |other| other.hash == entry.hash) {
                Some(_) => new.aside.push(entry),
                None => {
                    new.table.insert_unique(entry.hash, entry, |entry| entry.hash);
                }
            }
        }
        new
    }

    /// False only if there is no entry of this hash.
    #[inline]
    pub(super) fn may_contain(&self, hash: u64) -> bool {
        self.filter.may_contain(hash)
    }

    #[inline]
    pub(super) fn find(&self, hash: u64) -> Option<&Entry> {
        self.table.find(hash, |entry| entry.hash == hash)
    }

    /// Entries whose hash another one has, which `find` does not find. Nearly always empty.
    #[inline]
    pub(super) fn aside(&self) -> &[Entry] {
        &self.aside
    }

    fn heap_bytes(&self) -> usize {
        self.filter.heap_bytes()
            + self.table.allocation_size()
            + self.aside.capacity() * size_of::<Entry>()
    }
}

/// What one subject is granted in one scope.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) hash: u64,
    pub(super) first: Grant,
    /// Further grants: a range of [`Table::grants`].
    pub(super) more: (u32, u32),
    pub(super) subject: SubjectKey,
    /// The name of the subject, without the way over its id.
    pub(super) name: Span,
    /// Not looked at in the table of the cluster.
    pub(super) namespace: NamespaceId,
}

/// Number of a namespace that has RoleBindings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NamespaceId(pub(super) u32);

/// The namespaces that have RoleBindings. A request in any other needs no probe for them. Their names
/// lie together, so that they stay in the cache however many other names there are.
#[derive(Debug, Default)]
pub(super) struct Namespaces(Interner);

impl Namespaces {
    pub(super) fn intern(&mut self, name: &str, key: &HashKey) -> NamespaceId {
        NamespaceId(self.0.intern(name, key).0)
    }

    #[inline]
    pub(super) fn get(&self, name: &str, key: &HashKey) -> Option<NamespaceId> {
        self.0.get(name, key).map(|id| NamespaceId(id.0))
    }

    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}

impl Entry {
    /// The hash under which a subject's grants in a namespace are found.
    #[inline]
    pub(super) fn hash_in(subject: u64, namespace: NamespaceId) -> u64 {
        HashKey::pair(subject, u64::from(namespace.0))
    }
}

/// One role, granted by one binding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grant {
    pub(super) binding: u32,
    pub(super) set: SetId,
}

/// A user or a group; service accounts are users of a certain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum SubjectKey {
    User(StrId),
    Group(StrId),
}

impl SubjectKey {
    pub(super) fn name(self) -> StrId {
        match self {
            Self::User(name) | Self::Group(name) => name,
        }
    }
}

/// A binding, as far as reasons and explanations need it.
#[derive(Clone, Copy, Debug)]
pub(super) struct BindingRecord {
    pub(super) name: StrId,
    /// Empty for a ClusterRoleBinding.
    pub(super) namespace: StrId,
    pub(super) role_kind: StrId,
    pub(super) role_name: StrId,
    /// Index into [`Table::roles`]; [`NO_ROLE`] if there is no such role.
    pub(super) role: u32,
    /// A range of [`Table::subjects`].
    pub(super) subjects: (u32, u32),
    pub(super) place: PlaceRecord,
}

/// A subject as it stands in a binding.
#[derive(Clone, Copy, Debug)]
pub(super) struct SubjectRecord {
    pub(super) kind: SubjectKind,
    pub(super) name: StrId,
    /// Namespace of a service account, the binding's own filled in.
    pub(super) namespace: StrId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubjectKind {
    User,
    Group,
    ServiceAccount,
    /// Matches nobody.
    Other,
}

/// A role's rules; identical lists are shared.
#[derive(Clone, Debug)]
pub(super) struct RoleRecord {
    pub(super) rules: Arc<[PolicyRule]>,
    pub(super) set: SetId,
    pub(super) place: PlaceRecord,
}

/// A line of one of [`Table::files`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PlaceRecord {
    pub(super) file: u32,
    pub(super) line: u32,
}

/// [`BindingRecord::role`] of a binding whose role does not exist.
pub(super) const NO_ROLE: u32 = u32::MAX;

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
            bindings: self.bindings.len(),
            permission_sets: self.sets.len(),
            patterns: self.permissions.patterns.len(),
            heap_bytes: self.heap_bytes(),
        }
    }

    fn heap_bytes(&self) -> usize {
        self.permissions.heap_bytes()
            + self.sets.heap_bytes()
            + self.cluster.heap_bytes()
            + self.namespaced.heap_bytes()
            + self.grants.capacity() * size_of::<Grant>()
            + self.namespaces.heap_bytes()
            + self.names.heap_bytes()
            + self.bindings.capacity() * size_of::<BindingRecord>()
            + self.subjects.capacity() * size_of::<SubjectRecord>()
            + self.roles.capacity() * size_of::<RoleRecord>()
    }

    pub(super) fn binding(&self, id: u32) -> Option<&BindingRecord> {
        self.bindings.get(id as usize)
    }

    pub(super) fn subjects_of(&self, binding: &BindingRecord) -> &[SubjectRecord] {
        let (start, end) = binding.subjects;
        self.subjects.get(start as usize..end as usize).unwrap_or_default()
    }

    pub(super) fn role_of(&self, binding: &BindingRecord) -> Option<&RoleRecord> {
        self.roles.get(binding.role as usize)
    }

    pub(super) fn more_grants(&self, entry: &Entry) -> &[Grant] {
        let (start, end) = entry.more;
        self.grants.get(start as usize..end as usize).unwrap_or_default()
    }
}
