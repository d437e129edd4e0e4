//! The compiled form of an ABAC policy: `compile.rs` writes it, `lookup.rs` reads it.
//!
//! Each policy stands under its subject (a user, a group, a user in a group, or anyone) together with
//! each of its two targets (resources, and paths). Wildcards are part of a target, so one probe answers
//! whether a subject has a policy of a certain shape, and a filter answers most probes with no.
//! Invariant (first-in-file): an [`Entry`] has the smallest index of the policies that stand under it.

use std::iter;

use hashbrown::HashTable;
use verdikt_core::HashKey;
use verdikt_parser::abac::Policy;

use super::prefixes::Prefixes;
use crate::filter::Filter;
use crate::intern::{Interner, StrId};

/// ABAC, ready to be asked.
#[derive(Debug)]
pub struct Table {
    pub(super) key: HashKey,
    pub(super) policies: Box<[Policy]>,
    /// Names of users and groups, namespaces, resources, API groups, paths and prefixes of paths.
    pub(super) words: Interner,
    pub(super) prefixes: Prefixes,
    /// Which shapes of resource targets there are.
    pub(super) shapes: Shapes,
    /// Users of whom some policy says that they have to be in a group as well.
    pub(super) members: Filter,
    pub(super) resources: Entries,
    pub(super) paths: Entries,
}

/// Policies by subject and target.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) table: HashTable<Entry>,
    /// Knows the hashes of `table`.
    pub(super) filter: Filter,
}

/// The policies of one subject for one target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) hash: u64,
    pub(super) subject: Subject,
    pub(super) target: Target,
    /// Index of the first of them.
    pub(super) first: u32,
    /// Index of the first that is not read-only, or [`NONE`].
    pub(super) first_writing: u32,
}

/// Whom a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) user: Field,
    pub(super) group: Field,
}

/// What a policy is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Namespace, resource and API group.
    Resource([Field; 3]),
    AnyPath,
    Path(StrId),
    Prefix(StrId),
}

/// A field of a policy: a text to be equalled, or anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field(StrId);

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
            + self.words.heap_bytes()
            + self.members.heap_bytes()
            + self.resources.heap_bytes()
            + self.paths.heap_bytes()
    }

    /// All policies, in the order of the file.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }
}

impl Entries {
    fn heap_bytes(&self) -> usize {
        self.table.allocation_size() + self.filter.heap_bytes()
    }
}

impl Field {
    pub(super) const ANY: Self = Self(StrId(NONE));

    pub(super) fn of(text: StrId) -> Self {
        Self(text)
    }

    /// The text to be equalled, if there is one.
    #[inline]
    pub(super) fn text(self) -> Option<StrId> {
        (self != Self::ANY).then_some(self.0)
    }
}

/// Hashes of subjects. A user and a group of one name have different ones.
impl Subject {
    pub(super) const ANYONE_HASH: u64 = 0;

    #[inline]
    pub(super) fn member_hash(user: u64, group: u64) -> u64 {
        HashKey::pair(user, group)
    }
}

/// Hashes of targets. They need not tell all targets apart: whatever they find is compared.
impl Target {
    pub(super) const ANY_PATH_HASH: u64 = 0;

    /// The hash of the target of this shape, given the hashes of its fields.
    #[inline]
    pub(super) fn resource_hash(fields: [u64; 3], shape: u32) -> u64 {
        let mut hash = u64::from(shape);
        for (bit, field) in (0..).zip(fields) {
            // All ones where the field counts.
            let mask = 0_u64.wrapping_sub(u64::from(shape >> bit & 1));
            hash = hash.rotate_left(21).wrapping_add(field & mask);
        }
        hash
    }

    #[inline]
    pub(super) fn path_hash(path: &str, key: &HashKey) -> u64 {
        key.text(path)
    }

    #[inline]
    pub(super) fn prefix_hash(prefix: &str, key: &HashKey) -> u64 {
        !key.text(prefix)
    }
}

impl Shapes {
    /// How many there can be.
    pub(super) const MOST: usize = 8;

    /// Adds a shape.
    pub(super) fn insert(&mut self, shape: u32) {
        self.0 |= 1 << shape;
    }

    /// The shape of a resource target.
    pub(super) fn of(fields: &[Field; 3]) -> u32 {
        let bits = (0..).zip(fields).map(|(bit, &field)| u32::from(field != Field::ANY) << bit);
        bits.sum()
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

/// In place of an index: none.
pub(super) const NONE: u32 = u32::MAX;
