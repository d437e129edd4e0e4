//! Finds the first ClusterRoleBinding or RoleBinding that allows a request.
//!
//! Follows `plugin/pkg/auth/authorizer/rbac/rbac.go`, with a fixed order of bindings. Costs one probe
//! for the class of the request and one for each subject and scope. Allocates nothing, and allows
//! nothing on a hash alone: whatever would allow is compared as text first.

use verdikt_core::{Attributes, User, same};

use super::grants::Grant;
use super::permission::{Class, Found};
use super::record::subject_at;
use super::records::BindingId;
use super::table::{Table, hash_in};

impl Table {
    /// The number of the binding that allows the request, for [`verdikt_core::Reason::RbacBinding`];
    /// none if RBAC has no opinion. It never denies.
    #[inline]
    pub fn lookup(&self, request: &Attributes<'_>) -> Option<u32> {
        let user = request.user?;
        let mut found = Found::new();
        let class = self.permissions.class(request, &self.key, &mut found);
        if class.mask == 0 {
            return None;
        }
        let namespace = match request.namespace {
            "" => None,
            name => Some(self.key.text(name)),
        };
        let search = Search { table: self, request, class, user: user.user() };
        let groups = &user.user().groups;
        match user.subjects(&self.key) {
            Some(subjects) => {
                let hashes =
                    std::iter::once(subjects.name()).chain(subjects.groups().iter().copied());
                search.first(namespace, hashes)
            }
            None => {
                let groups = groups.iter().map(|group| self.key.group(group));
                let name = self.key.user(&user.user().name);
                search.first(namespace, std::iter::once(name).chain(groups))
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Search<'a> {
    table: &'a Table,
    request: &'a Attributes<'a>,
    class: Class<'a>,
    user: &'a User,
}

impl Search<'_> {
    /// The first binding that allows the request. `subjects` are the hashes of the user's name and then
    /// of the groups, `namespace` that of the namespace, if there is one.
    #[inline]
    fn first(
        self,
        namespace: Option<u64>,
        mut subjects: impl Iterator<Item = u64>,
    ) -> Option<BindingId> {
        // By scope: a binding for the whole cluster comes before any other.
        let mut best = [NONE; 2];
        let mut start = 0;
        let mut batch = Batch { hashes: [[0; BATCH]; 2], len: 0, candidates: 0 };
        loop {
            batch.gather(self.table, namespace, &mut subjects);
            for bit in bits(batch.candidates) {
                let [in_cluster, in_namespace] = &mut best;
                if bit < BATCH {
                    self.probe(&batch, bit, start, in_cluster);
                } else if *in_cluster == NONE {
                    self.probe(&batch, bit, start, in_namespace);
                }
            }
            if batch.len < BATCH {
                let [in_cluster, in_namespace] = best;
                let first = if in_cluster == NONE { in_namespace } else { in_cluster };
                return (first != NONE).then_some(first);
            }
            start += BATCH;
        }
    }

    /// Looks at the grants of one subject in one scope; `best` is what was found for others.
    #[inline]
    fn probe(self, batch: &Batch, bit: usize, start: usize, best: &mut BindingId) {
        let is_namespaced = bit >= BATCH;
        let grants = if is_namespaced { &self.table.namespaced } else { &self.table.cluster };
        let subject = start + bit % BATCH;
        // INVARIANT (lists-in-order): the first that allows comes before the others.
        let found = grants
            .find(batch.hash(bit))
            .iter()
            .find(|grant| self.permits(grant) && self.is_for(grant, is_namespaced, subject));
        if let Some(found) = found
            && (*best == NONE || self.comes_before(found.binding, *best))
        {
            *best = found.binding;
        }
    }

    /// Rarely asked: only where several subjects of one user are granted the same.
    #[cold]
    fn comes_before(self, first: BindingId, second: BindingId) -> bool {
        self.table.bindings.order(first) < self.table.bindings.order(second)
    }

    #[inline]
    fn permits(self, grant: &Grant) -> bool {
        let set = self.table.roles.set(grant.role);
        self.table.sets.permits(set, self.class, self.request.name, &self.table.key)
    }

    /// Whether the grant is for this subject, by comparison: 0 is the user, then come the groups.
    #[inline]
    fn is_for(self, grant: &Grant, is_namespaced: bool, subject: usize) -> bool {
        let (text, is_user) = match subject.checked_sub(1) {
            None => (Some(&self.user.name), true),
            Some(group) => (self.user.groups.get(group), false),
        };
        let record = self.table.bindings.bytes(grant.binding);
        let Some((text, (namespace, named))) = text.zip(subject_at(record, grant.subject)) else {
            return false;
        };
        named.is(text, is_user)
            && (!is_namespaced || same(namespace, self.request.namespace.as_bytes()))
    }
}

/// Subjects gathered before any table is probed: first all filters are asked, which waits for nothing
/// and guesses nothing, then the tables for the few subjects that pass.
struct Batch {
    /// Of the subjects for the whole cluster, then of the same subjects in the namespace.
    hashes: [[u64; BATCH]; 2],
    len: usize,
    /// One bit for each of `hashes` under which there may be grants.
    candidates: u32,
}

impl Batch {
    /// In place: a batch is too large to be handed around.
    #[inline]
    fn gather(
        &mut self,
        table: &Table,
        namespace: Option<u64>,
        subjects: &mut impl Iterator<Item = u64>,
    ) {
        let scope = namespace.unwrap_or_default();
        let (mut cluster, mut namespaced) = (0, 0);
        self.len = 0;
        let [in_cluster, in_namespace] = &mut self.hashes;
        for ((slot, scoped_slot), hash) in in_cluster.iter_mut().zip(in_namespace).zip(subjects) {
            let scoped = hash_in(hash, scope);
            (*slot, *scoped_slot) = (hash, scoped);
            cluster |= u32::from(table.cluster.may_contain(hash)) << self.len;
            namespaced |= u32::from(table.namespaced.may_contain(scoped)) << self.len;
            self.len += 1;
        }
        self.candidates = cluster;
        if namespace.is_some() {
            self.candidates |= namespaced << BATCH;
        }
    }

    #[inline]
    fn hash(&self, bit: usize) -> u64 {
        self.hashes.as_flattened().get(bit).copied().unwrap_or_default()
    }
}

/// Indices of the bits that are set, ascending.
#[inline]
fn bits(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let index = mask.trailing_zeros() as usize;
        mask &= mask.checked_sub(1)?;
        Some(index)
    })
}

/// In place of a binding: none.
const NONE: BindingId = BindingId::MAX;

/// Subjects in a batch: a user and seven groups, more than most have.
const BATCH: usize = 8;
