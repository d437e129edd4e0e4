//! Strings of a policy, each kept once and named by a small number.

use hashbrown::HashTable;
use verdikt_core::{HashKey, same};

/// Name of a string in an [`Interner`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StrId(pub(crate) u32);

/// Where a string lies in an [`Interner`]: one step nearer than its [`StrId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

/// A growing set of strings in one allocation.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    text: String,
    ends: Vec<u32>,
    ids: HashTable<StrId>,
}

impl Interner {
    /// The id of `text`, which is added if it is new.
    pub(crate) fn intern(&mut self, text: &str, key: &HashKey) -> StrId {
        let hash = key.text(text);
        if let Some(id) = self.find(text, hash) {
            return id;
        }
        let id = self.push(text);
        let Self { text, ends, ids } = self;
        ids.insert_unique(hash, id, |&id| key.text(slice(text, ends, id)));
        id
    }

    /// Adds `text` without looking whether it is there; for names that are unique anyway.
    pub(crate) fn push(&mut self, text: &str) -> StrId {
        let id = StrId(u32::try_from(self.ends.len()).unwrap_or(u32::MAX));
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        id
    }

    /// The id of `text`, if it was interned.
    #[inline]
    pub(crate) fn get(&self, text: &str, key: &HashKey) -> Option<StrId> {
        self.find(text, key.text(text))
    }

    /// The string of `id`; empty for an id of another interner.
    #[inline]
    pub(crate) fn str(&self, id: StrId) -> &str {
        slice(&self.text, &self.ends, id)
    }

    /// Where the string of `id` lies.
    #[inline]
    pub(crate) fn span(&self, id: StrId) -> Span {
        span(&self.ends, id)
    }

    /// The bytes at `span`. Comparing bytes saves looking for the borders of characters.
    #[inline]
    pub(crate) fn bytes_at(&self, Span { start, end }: Span) -> &[u8] {
        self.text.as_bytes().get(start as usize..end as usize).unwrap_or_default()
    }

    /// Whether more was added than ids and offsets can name; what came last cannot be found then.
    pub(crate) fn overflowed(&self) -> bool {
        u32::try_from(self.text.len()).is_err() || self.ends.len() >= 1 << 31
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * 4 + self.ids.allocation_size()
    }

    #[inline]
    fn find(&self, text: &str, hash: u64) -> Option<StrId> {
        let is_it = |&id: &StrId| same(self.bytes_at(self.span(id)), text.as_bytes());
        self.ids.find(hash, is_it).copied()
    }
}

#[inline]
fn slice<'a>(text: &'a str, ends: &[u32], id: StrId) -> &'a str {
    let Span { start, end } = span(ends, id);
    text.get(start as usize..end as usize).unwrap_or_default()
}

#[inline]
fn span(ends: &[u32], id: StrId) -> Span {
    let index = id.0 as usize;
    let start = index.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    Span { start, end: ends.get(index).copied().unwrap_or(start) }
}
