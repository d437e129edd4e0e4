//! The compiled form of an ABAC policy: `compile.rs` writes it, `lookup.rs` reads it.
//!
//! Each policy stands under its subject (a user, a group, a user in a group, or anyone) and its two
//! targets (resources, and paths). Wildcards are part of a target, so one probe answers whether a
//! subject has a policy of a certain shape.
//! Invariant (first-in-file): an [`Entry`] has the smallest index of the policies that stand under it.

use std::iter;

use hashbrown::HashTable;
use verdikt_core::HashKey;
use verdikt_parser::abac::Policy;

use super::prefixes::Prefixes;
use crate::intern::{Interner, StrId};

/// ABAC, ready to be asked.
#[derive(Debug)]
pub struct Table {
    pub(super) key: HashKey,
    pub(super) policies: Box<[Policy]>,
    /// Names of users and groups.
    pub(super) names: Interner,
    /// Namespaces, resources, API groups, paths and prefixes of paths.
    pub(super) words: Interner,
    pub(super) prefixes: Prefixes,
    /// Users and groups.
    pub(super) named: HashTable<Named>,
    /// Users that have to be in a group as well.
    pub(super) members: HashTable<Member>,
    /// Whoever it is.
    pub(super) anyone: Subject,
    pub(super) entries: HashTable<Entry>,
}

/// Number of a subject that policies are for; 0 is anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SubjectId(pub(super) u32);

/// Those whom some policies are for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) id: SubjectId,
    /// Which shapes of resource targets those policies have.
    pub(super) shapes: Shapes,
}

/// A user or a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub(super) hash: u64,
    pub(super) kind: Kind,
    pub(super) name: StrId,
    pub(super) subject: Subject,
    /// Whether this is a user that some [`Member`] is made of.
    pub(super) has_members: bool,
}

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
}

/// A user in a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) user: SubjectId,
    pub(super) group: SubjectId,
    pub(super) subject: Subject,
}

/// The policies of one subject for one target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) subject: SubjectId,
    pub(super) target: Target,
    /// Index of the first of them.
    pub(super) first: u32,
    /// Index of the first that is not read-only.
    pub(super) first_writing: Option<u32>,
}

/// What a policy is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Namespace, resource and API group; none is `*`.
    Resource([Option<StrId>; 3]),
    AnyPath,
    Path(StrId),
    Prefix(StrId),
}

/// A set of shapes. A shape has a bit for each field of a resource target that is not `*`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shapes(u8);

impl Table {
    /// The policy at `index`, counted from 0 in the order of the file.
    pub fn policy(&self, index: u32) -> Option<&Policy> {
        self.policies.get(index as usize)
    }

    /// Bytes on the heap, without the texts of the policies themselves.
    pub fn heap_bytes(&self) -> usize {
        self.policies.len() * size_of::<Policy>()
            + self.names.heap_bytes()
            + self.words.heap_bytes()
            + self.named.allocation_size()
            + self.members.allocation_size()
            + self.entries.allocation_size()
    }

    /// All policies, in the order of the file.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }
}

impl Named {
    #[inline]
    pub(super) fn is(&self, hash: u64, kind: Kind, name: &str, names: &Interner) -> bool {
        self.hash == hash && self.kind == kind && names.str(self.name) == name
    }
}

impl Member {
    #[inline]
    pub(super) fn hash(user: SubjectId, group: SubjectId) -> u64 {
        HashKey::pair(u64::from(user.0), u64::from(group.0))
    }
}

impl Target {
    /// Ids come from policy, not from clients: mixing them needs no key.
    #[inline]
    pub(super) fn hash(self, subject: SubjectId) -> u64 {
        let [a, b, c] = match self {
            Self::Resource(fields) => fields.map(|word| word.map_or(u32::MAX, |word| word.0)),
            Self::AnyPath => [PATH, 0, 0],
            Self::Path(path) => [PATH, 1, path.0],
            Self::Prefix(prefix) => [PATH, 2, prefix.0],
        };
        let join = |high: u32, low: u32| (u64::from(high) << 32) | u64::from(low);
        HashKey::pair(join(subject.0, a), join(b, c))
    }
}

impl Shapes {
    /// Adds the shape of a resource target.
    pub(super) fn insert(&mut self, fields: &[Option<StrId>; 3]) {
        let bits = fields.iter().enumerate().map(|(bit, field)| u32::from(field.is_some()) << bit);
        self.0 |= 1 << bits.sum::<u32>();
    }

    /// The shapes, as bits.
    #[inline]
    pub(super) fn iter(self) -> impl Iterator<Item = u32> {
        let mut left = self.0;
        iter::from_fn(move || {
            let less = left.checked_sub(1)?;
            let shape = left.trailing_zeros();
            left &= less;
            Some(shape)
        })
    }
}

/// Keeps the hashes of paths apart from those of resources.
const PATH: u32 = u32::MAX - 1;
