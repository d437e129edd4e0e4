//! Finds the first ClusterRoleBinding or RoleBinding that allows a request.
//!
//! Follows `plugin/pkg/auth/authorizer/rbac/rbac.go`, with a fixed order of bindings. Costs one probe
//! for the class of the request and one for each subject and scope. Allocates nothing, and allows
//! nothing on a hash alone: whatever would allow is compared as text first.

use verdikt_core::{Attributes, User, same};

use super::permission::{Class, Found};
use super::table::{Entry, Grant, NamespaceId, SubjectKey, Table};

impl Table {
    /// The id of the binding that allows the request, for [`verdikt_core::Reason::RbacBinding`];
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
            name => self.namespaces.get(name, &self.key),
        };
        let search = Search { table: self, name: request.name, class, namespace };
        let groups = &user.user().groups;
        match user.subjects(&self.key) {
            Some(subjects) => {
                let hashes =
                    std::iter::once(subjects.name()).chain(subjects.groups().iter().copied());
                search.first(user.user(), hashes)
            }
            None => {
                let groups = groups.iter().map(|group| self.key.group(group));
                search.first(user.user(), std::iter::once(self.key.user(&user.name)).chain(groups))
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Search<'a> {
    table: &'a Table,
    /// Of the object asked for.
    name: &'a str,
    class: Class<'a>,
    /// None if the request has no namespace, or one without bindings.
    namespace: Option<NamespaceId>,
}

impl Search<'_> {
    /// The first binding that allows the request. `subjects` are the hashes of the user's name and then
    /// of the groups.
    #[inline]
    fn first(self, user: &User, mut subjects: impl Iterator<Item = u64>) -> Option<u32> {
        let mut best = NONE;
        let mut start = 0;
        let mut batch = Batch { hashes: [[0; BATCH]; 2], len: 0, candidates: 0 };
        loop {
            batch.gather(self.table, self.namespace, &mut subjects);
            for bit in bits(batch.candidates) {
                // INVARIANT (binding-order): the smallest id is the first, ClusterRoleBindings before
                // RoleBindings.
                best = best.min(self.probe(&batch, bit, user, start));
            }
            if batch.len < BATCH {
                return (best != NONE).then_some(best);
            }
            start += BATCH;
        }
    }

    #[inline]
    fn probe(self, batch: &Batch, bit: usize, user: &User, start: usize) -> u32 {
        let (index, namespaced) = (bit % BATCH, bit >= BATCH);
        let (hash, subject) = (batch.hash(bit), start + index);
        let entries = if namespaced { &self.table.namespaced } else { &self.table.cluster };
        let namespace = if namespaced { self.namespace } else { None };
        let found = match entries.find(hash) {
            Some(entry) => self.first_allowing(entry, namespace, user, subject),
            None => NONE,
        };
        // INVARIANT (one-entry-a-hash): what is not found is aside, and that is nearly always nothing.
        let aside = entries.aside().iter().filter(|entry| entry.hash == hash);
        aside.fold(found, |best, entry| {
            best.min(self.first_allowing(entry, namespace, user, subject))
        })
    }

    /// The first binding of the entry whose role permits the request, if the entry is the subject's.
    #[inline]
    fn first_allowing(
        self,
        entry: &Entry,
        namespace: Option<NamespaceId>,
        user: &User,
        subject: usize,
    ) -> u32 {
        // INVARIANT (sorted-grants): the first that permits has the smallest id.
        let binding =
            if self.permits(entry.first) { entry.first.binding } else { self.among(entry) };
        if binding != NONE && self.is_for(entry, namespace, user, subject) { binding } else { NONE }
    }

    /// The first further binding of the entry that permits the request.
    #[inline]
    fn among(self, entry: &Entry) -> u32 {
        let mut grants = self.table.more_grants(entry).iter();
        grants.find(|grant| self.permits(**grant)).map_or(NONE, |grant| grant.binding)
    }

    #[inline]
    fn permits(self, grant: Grant) -> bool {
        self.table.sets.permits(grant.set, self.class, self.name, &self.table.key)
    }

    /// Whether the entry is for this subject, by comparison: 0 is the user, then come the groups.
    #[inline]
    fn is_for(
        self,
        entry: &Entry,
        namespace: Option<NamespaceId>,
        user: &User,
        subject: usize,
    ) -> bool {
        let text = match (entry.subject, subject.checked_sub(1)) {
            (SubjectKey::User(_), None) => Some(&user.name),
            (SubjectKey::Group(_), Some(group)) => user.groups.get(group),
            _ => None,
        };
        text.is_some_and(|text| same(self.table.names.bytes_at(entry.name), text.as_bytes()))
            && namespace.is_none_or(|namespace| entry.namespace == namespace)
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
        namespace: Option<NamespaceId>,
        subjects: &mut impl Iterator<Item = u64>,
    ) {
        let scope = namespace.unwrap_or_default();
        let (mut cluster, mut namespaced) = (0, 0);
        self.len = 0;
        let [in_cluster, in_namespace] = &mut self.hashes;
        for ((slot, scoped_slot), hash) in in_cluster.iter_mut().zip(in_namespace).zip(subjects) {
            let scoped = Entry::hash_in(hash, scope);
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
const NONE: u32 = u32::MAX;

/// Subjects in a batch: a user and seven groups, more than most have.
const BATCH: usize = 8;
