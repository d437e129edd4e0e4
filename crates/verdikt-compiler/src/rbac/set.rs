//! Permission sets: what the rules of a role permit together, each distinct one kept once.

use hashbrown::HashTable;
use verdikt_core::HashKey;

use super::matrix::{Matrix, Permitted};
use super::names::{NameListId, NameLists};
use super::permission::{Class, PatternId, Permissions};
use crate::number::as_u32;

/// Name of a permission set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SetId(pub(crate) u32);

impl SetId {
    /// Stands for a role that does not exist; permits nothing.
    pub(crate) const MISSING: Self = Self(u32::MAX);
}

impl Default for SetId {
    fn default() -> Self {
        Self::MISSING
    }
}

/// All permission sets of a policy.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    sets: Vec<Set>,
    /// Sorted patterns of the small sets.
    lists: Vec<PatternId>,
    /// One bit a pattern for the large sets.
    bits: Vec<u64>,
    /// Patterns that hold for some names only, set after set, sorted within each.
    named: Vec<(PatternId, NameListId)>,
    names: NameLists,
    /// Which sets permit which classes, where it pays to know ahead.
    matrix: Option<Matrix>,
    ids: HashTable<(u64, SetId)>,
    contents: Vec<Content>,
}

/// What a set holds, in the form in which two sets are compared when they are built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Content {
    /// Patterns that hold for every name; sorted, distinct.
    pub(super) patterns: Vec<PatternId>,
    /// Patterns that hold for a list of names; sorted, distinct, none of them in `patterns`.
    pub(super) named: Vec<(PatternId, NameListId)>,
}

#[derive(Clone, Copy, Debug)]
struct Set {
    mask: u64,
    start: u32,
    len: u32,
    kind: Kind,
    /// A range of [`Sets::named`].
    named: (u32, u32),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    List,
    Bits,
}

impl Sets {
    /// Whether the set permits some pattern of `class` for an object called `name`.
    #[inline]
    pub(crate) fn permits(&self, id: SetId, class: Class<'_>, name: &str, key: &HashKey) -> bool {
        if let (Some(matrix), Some(class)) = (&self.matrix, class.id) {
            match matrix.get(id, class) {
                Permitted::No => return false,
                Permitted::Yes => return true,
                Permitted::SomeNames => {}
            }
        }
        self.permits_pattern(id, class, name, key)
    }

    fn permits_pattern(&self, id: SetId, class: Class<'_>, name: &str, key: &HashKey) -> bool {
        let Some(set) = self.sets.get(id.0 as usize) else { return false };
        if set.mask & class.mask == 0 {
            return false;
        }
        class.patterns.iter().any(|&pattern| self.contains(set, pattern))
            || set.named.0 != set.named.1 && self.permits_name(set, class, name, key)
    }

    #[inline]
    fn contains(&self, set: &Set, pattern: PatternId) -> bool {
        let start = set.start as usize;
        let end = start + set.len as usize;
        match set.kind {
            Kind::List => {
                let list = self.lists.get(start..end).unwrap_or_default();
                if list.len() <= SCAN {
                    list.contains(&pattern)
                } else {
                    list.binary_search(&pattern).is_ok()
                }
            }
            Kind::Bits => {
                let word = start + (pattern.0 / 64) as usize;
                word < end
                    && self.bits.get(word).is_some_and(|bits| bits >> (pattern.0 % 64) & 1 == 1)
            }
        }
    }

    fn permits_name(&self, set: &Set, class: Class<'_>, name: &str, key: &HashKey) -> bool {
        let Some(name) = self.names.name(name, key) else { return false };
        let (start, end) = set.named;
        let named = self.named.get(start as usize..end as usize).unwrap_or_default();
        class.patterns.iter().any(|pattern| {
            named
                .binary_search_by_key(pattern, |&(pattern, _)| pattern)
                .ok()
                .and_then(|index| named.get(index))
                .is_some_and(|&(_, list)| self.names.contains(list, name))
        })
    }

    /// The id of the set with this content.
    pub(super) fn add(&mut self, content: Content) -> SetId {
        let hash = content_hash(&content);
        let known = self.ids.find(hash, |&(other, id)| {
            other == hash && self.contents.get(id.0 as usize) == Some(&content)
        });
        if let Some(&(_, id)) = known {
            return id;
        }
        let id = SetId(as_u32(self.sets.len()));
        let all = content.patterns.iter().chain(content.named.iter().map(|(pattern, _)| pattern));
        let mask = all.fold(0, |mask, pattern| mask | pattern.mask());
        let named_start = as_u32(self.named.len());
        self.named.extend_from_slice(&content.named);
        let named = (named_start, as_u32(self.named.len()));
        let (kind, start, len) = self.store(&content.patterns);
        self.sets.push(Set { mask, start, len, kind, named });
        self.ids.insert_unique(hash, (hash, id), |&(hash, _)| hash);
        self.contents.push(content);
        id
    }

    /// Stores sorted patterns as a list, or as bits where that is not much larger.
    fn store(&mut self, patterns: &[PatternId]) -> (Kind, u32, u32) {
        let words = patterns.last().map_or(0, |last| last.0 as usize / 64 + 1);
        if patterns.len() <= SCAN || words > patterns.len() * 2 {
            let start = as_u32(self.lists.len());
            self.lists.extend_from_slice(patterns);
            return (Kind::List, start, as_u32(patterns.len()));
        }
        let start = self.bits.len();
        self.bits.resize(start + words, 0);
        for pattern in patterns {
            if let Some(word) = self.bits.get_mut(start + (pattern.0 / 64) as usize) {
                *word |= 1 << (pattern.0 % 64);
            }
        }
        (Kind::Bits, as_u32(start), as_u32(words))
    }

    /// The lists of `resourceNames`, while a set is put together.
    pub(super) fn names_mut(&mut self) -> &mut NameLists {
        &mut self.names
    }

    /// Works out which sets permit which classes, and drops what only building needs.
    pub(super) fn finish(&mut self, permissions: &Permissions) {
        self.matrix = Matrix::new(&self.contents, permissions);
        self.ids = HashTable::new();
        self.contents = Vec::new();
        self.names.finish();
    }

    /// How many distinct sets there are.
    pub(super) fn len(&self) -> usize {
        self.sets.len()
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.sets.capacity() * size_of::<Set>()
            + self.lists.capacity() * size_of::<PatternId>()
            + self.bits.capacity() * size_of::<u64>()
            + self.named.capacity() * size_of::<(PatternId, NameListId)>()
            + self.matrix.as_ref().map_or(0, Matrix::heap_bytes)
            + self.names.heap_bytes()
    }
}

fn content_hash(content: &Content) -> u64 {
    use std::hash::BuildHasher as _;
    foldhash::fast::FixedState::default().hash_one(content)
}

/// Up to this many patterns, looking at each beats searching.
const SCAN: usize = 8;
