//! A hash table in pages that copies share until one of them is written.
//!
//! Linear hashing (Litwin, 1980): when there are too many entries for the pages, one page is split in
//! two, so that growing never rebuilds the table. Within a page, linear probing by buckets; of an entry 32 bits of
//! its hash are kept, which split pages without looking at what the entry is about.

use std::sync::Arc;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use crate::cow::CowVec;

/// An entry of a [`Paged`] table. Small, and plain to copy; the default is a free slot.
pub(crate) trait Slot: Copy + Default + Send + Sync {
    /// What [`short`] keeps of the hash it is looked for by.
    fn hash(&self) -> u32;

    /// Whether there is nothing in it.
    fn is_free(&self) -> bool;
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Paged<S> {
    /// Never empty.
    pages: CowVec<Page<S>>,
    len: usize,
}

/// At most three quarters of the slots are taken; there are none at all to begin with.
#[derive(Clone, Debug)]
struct Page<S> {
    slots: Arc<[S]>,
    used: usize,
}

impl<S> Default for Page<S> {
    fn default() -> Self {
        Self { slots: Arc::default(), used: 0 }
    }
}

impl<S: Slot> Default for Paged<S> {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl<S: Slot> Paged<S> {
    /// A table that will hold about `len` entries.
    pub(crate) fn with_capacity(len: usize) -> Self {
        let mut pages = CowVec::new();
        for _ in 0..(len / PAGE).max(1) {
            pages.push(Page::default());
        }
        Self { pages, len: 0 }
    }

    /// The table of these entries, packed more tightly than one that grows.
    pub(crate) fn of(entries: &[S]) -> Self {
        let mut table = Self::with_capacity(entries.len());
        let mut by_page: Vec<Vec<S>> =
            (0..table.pages.len()).map(|_| Vec::with_capacity(PAGE + PAGE / 4)).collect();
        for entry in entries {
            if let Some(page) = by_page.get_mut(table.page_of(entry.hash())) {
                page.push(*entry);
            }
        }
        let pages: Vec<Page<S>> = by_page
            .into_par_iter()
            .map(|entries| Page::of(&entries, entries.len() * 7 / 5))
            .collect();
        table.pages = pages.into_iter().collect();
        table.len = entries.len();
        table
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The entry under `hash` for which `is_it` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u32, is_it: impl Fn(&S) -> bool) -> Option<&S> {
        let page = self.pages.get(self.page_of(hash))?;
        page.find(hash, is_it).map(|(_, entry)| entry)
    }

    /// The same, to be changed in all but its hash.
    pub(crate) fn find_mut(&mut self, hash: u32, is_it: impl Fn(&S) -> bool) -> Option<&mut S> {
        let index = self.page_of(hash);
        let (at, _) = self.pages.get(index)?.find(hash, is_it)?;
        Arc::make_mut(&mut self.pages.get_mut(index)?.slots).get_mut(at)
    }

    /// Adds an entry that is not there.
    pub(crate) fn insert(&mut self, entry: S) {
        let index = self.page_of(entry.hash());
        let Some(page) = self.pages.get_mut(index) else { return };
        page.insert(entry);
        self.len += 1;
        if self.len > self.pages.len() * PAGE {
            self.split();
        }
    }

    /// Takes an entry away.
    pub(crate) fn remove(&mut self, hash: u32, is_it: impl Fn(&S) -> bool) -> Option<S> {
        let index = self.page_of(hash);
        let (at, entry) = self.pages.get(index)?.find(hash, is_it)?;
        let entry = *entry;
        self.pages.get_mut(index)?.remove(at);
        self.len -= 1;
        if self.pages.len() > 1 && self.len < self.pages.len() * (PAGE / 4) {
            self.merge();
        }
        Some(entry)
    }

    /// All entries, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = S> {
        self.pages.iter().flat_map(Page::entries)
    }

    #[inline]
    fn page_of(&self, hash: u32) -> usize {
        let pages = self.pages.len();
        // All bits that any page number has, or one less for pages that have not been split.
        let page = hash as usize & (pages.next_power_of_two() - 1);
        if page < pages { page } else { page & (pages.next_power_of_two() / 2 - 1) }
    }

    /// Moves about half of the next page in turn to a new last page.
    fn split(&mut self) {
        let new = self.pages.push(Page::default());
        let old = partner(new);
        let Some(page) = self.pages.get_mut(old).map(std::mem::take) else { return };
        let (moving, staying): (Vec<S>, Vec<S>) =
            page.entries().partition(|entry| self.page_of(entry.hash()) == new);
        for (index, entries) in [(old, staying), (new, moving)] {
            if let Some(page) = self.pages.get_mut(index) {
                *page = Page::roomy(&entries);
            }
        }
    }

    /// Moves the last page back to the one it was split from.
    fn merge(&mut self) {
        let Some(last) = self.pages.pop() else { return };
        let partner = partner(self.pages.len());
        if let Some(page) = self.pages.get_mut(partner) {
            let both: Vec<S> = page.entries().chain(last.entries()).collect();
            *page = Page::roomy(&both);
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let slots: usize = self.pages.iter().map(|page| page.slots.len()).sum();
        self.pages.heap_bytes() + slots * size_of::<S>()
    }
}

impl<S: Slot> Page<S> {
    /// With room for as many again.
    fn roomy(entries: &[S]) -> Self {
        Self::of(entries, entries.len() * 9 / 5)
    }

    fn of(entries: &[S], slots: usize) -> Self {
        // One slot at least stays free: a search ends there.
        let slots = slots.max(entries.len() + 1).max(MIN_SLOTS).next_multiple_of(BUCKET);
        let mut page = Self { slots: std::iter::repeat_n(S::default(), slots).collect(), used: 0 };
        for entry in entries {
            page.put(*entry);
        }
        page
    }

    fn entries(&self) -> impl Iterator<Item = S> {
        self.slots.iter().copied().filter(|entry| !entry.is_free())
    }

    /// The first entry for which `is_it` holds, of those that lie where `hash` is looked for: from there
    /// up to the first bucket with a free slot, of which there always is one. The hashes of a bucket are
    /// compared together, so that the processor has little to guess.
    #[inline]
    fn find(&self, hash: u32, is_it: impl Fn(&S) -> bool) -> Option<(usize, &S)> {
        let slots = &*self.slots;
        let mut at = self.start(hash);
        loop {
            let bucket: &[S; BUCKET] = slots.get(at..)?.first_chunk()?;
            let (mut hits, mut is_full) = (0_u32, true);
            for (index, entry) in bucket.iter().enumerate() {
                hits |= u32::from(entry.hash() == hash && !entry.is_free()) << index;
                is_full &= !entry.is_free();
            }
            while let Some(rest) = hits.checked_sub(1) {
                let index = hits.trailing_zeros() as usize;
                hits &= rest;
                if let Some(entry) = bucket.get(index).filter(|entry| is_it(entry)) {
                    return Some((at + index, entry));
                }
            }
            if !is_full {
                return None;
            }
            at += BUCKET;
            if at == slots.len() {
                at = 0;
            }
        }
    }

    /// The first slot of a bucket. The high bits say where in a page, the low ones in which.
    #[inline]
    fn start(&self, hash: u32) -> usize {
        let buckets = (self.slots.len() / BUCKET) as u64;
        ((u64::from(hash) * buckets) >> 32) as usize * BUCKET
    }

    fn insert(&mut self, entry: S) {
        if self.used * 4 >= self.slots.len() * 3 {
            let entries: Vec<S> = self.entries().collect();
            *self = Self::roomy(&entries);
        }
        self.put(entry);
    }

    /// Puts an entry that is not there into the first free slot; there is one.
    fn put(&mut self, entry: S) {
        let mut at = self.start(entry.hash());
        let slots = Arc::make_mut(&mut self.slots);
        while slots.get(at).is_some_and(|slot| !slot.is_free()) {
            at = (at + 1) % slots.len();
        }
        if let Some(slot) = slots.get_mut(at) {
            *slot = entry;
            self.used += 1;
        }
    }

    fn remove(&mut self, at: usize) {
        if let Some(slot) = Arc::make_mut(&mut self.slots).get_mut(at) {
            *slot = S::default();
        }
        self.used -= 1;
        if self.slots.len() > MIN_SLOTS && self.used * 8 < self.slots.len() {
            let entries: Vec<S> = self.entries().collect();
            *self = Self::roomy(&entries);
        } else {
            self.close(at);
        }
    }

    /// Moves entries behind a slot that became free into it, so that none is cut off from where it is
    /// looked for.
    fn close(&mut self, mut free: usize) {
        let len = self.slots.len();
        let mut at = free;
        loop {
            at = (at + 1) % len;
            let Some(entry) = self.slots.get(at).copied().filter(|entry| !entry.is_free()) else {
                return;
            };
            // How far the entry lies behind where it is looked for first, and how far behind the free slot.
            let distance = (at + len - self.start(entry.hash())) % len;
            if distance >= (at + len - free) % len {
                let slots = Arc::make_mut(&mut self.slots);
                if let Some(slot) = slots.get_mut(free) {
                    *slot = entry;
                }
                if let Some(slot) = slots.get_mut(at) {
                    *slot = S::default();
                }
                free = at;
            }
        }
    }
}

/// The page that page `new` is split from: its number without its highest bit.
fn partner(new: usize) -> usize {
    match new.checked_ilog2() {
        Some(bit) => new & !(1 << bit),
        None => 0,
    }
}

/// The bits of a hash that are kept.
#[inline]
pub(crate) fn short(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Entries in a page on average: copying one for a change costs as much as a cache miss or two, and few
/// pages mean few pointers to copy above them.
const PAGE: usize = 768;

const MIN_SLOTS: usize = 8;

/// Slots that are looked at together: a cache line of small ones.
const BUCKET: usize = 4;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use verdikt_core::HashKey;

    use super::*;

    /// An entry that is told from others of its hash by a number, which is never 0.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    struct Number {
        hash: u32,
        number: u32,
    }

    impl Slot for Number {
        fn hash(&self) -> u32 {
            self.hash
        }

        fn is_free(&self) -> bool {
            self.number == 0
        }
    }

    fn entry(number: u32, wrap: u64) -> Number {
        // Few distinct hashes make long runs, and equal hashes of different entries.
        let hash = HashKey::pair(number.into(), 1) % wrap;
        Number { hash: hash as u32, number }
    }

    fn has(table: &Paged<Number>, wanted: Number) -> bool {
        table.find(wanted.hash, |entry| *entry == wanted).is_some()
    }

    #[test]
    fn entries_come_and_go_as_in_a_plain_set() {
        for (wrap, numbers) in [(1, 15), (7, 400), (1 << 32, 20_000), (1 << 32, 120)] {
            let mut table = Paged::default();
            let mut wanted = BTreeSet::new();
            for index in 0..60_000_u64 {
                let random = HashKey::pair(wrap, index);
                let number = (random >> 8) as u32 % numbers + 1;
                let entry = entry(number, wrap);
                // First more are added than taken away, then fewer.
                if random % 10 < if index < 30_000 { 7 } else { 2 } {
                    if wanted.insert(number) {
                        table.insert(entry);
                    }
                } else {
                    let removed = table.remove(entry.hash, |other| *other == entry);
                    assert_eq!(removed.is_some(), wanted.remove(&number));
                }
            }
            assert_eq!(table.len(), wanted.len());
            for number in 1..=numbers {
                assert_eq!(has(&table, entry(number, wrap)), wanted.contains(&number), "{number}");
            }
            let all: Vec<Number> = table.iter().collect();
            let built = Paged::of(&all);
            assert!(all.iter().all(|entry| has(&built, *entry)) && built.len() == all.len());
        }
    }

    #[test]
    fn a_table_that_grew_shrinks_again() {
        let mut table = Paged::default();
        for number in 1..50_000 {
            table.insert(entry(number, 1 << 32));
        }
        let grown = table.heap_bytes();
        assert!(table.pages.len() > 50, "{}", table.pages.len());
        for number in 1..50_000 {
            let entry = entry(number, 1 << 32);
            assert_eq!(table.remove(entry.hash, |other| *other == entry), Some(entry));
        }
        assert_eq!((table.len(), table.pages.len()), (0, 1));
        assert!(table.heap_bytes() < grown / 50, "{} of {grown}", table.heap_bytes());
    }

    #[test]
    fn a_copy_stays_as_it_was() {
        let entries: Vec<Number> = (1..5_000).map(|number| entry(number, 1 << 32)).collect();
        let mut table = Paged::of(&entries);
        let copy = table.clone();
        for wanted in &entries {
            if wanted.number % 2 == 0 {
                table.remove(wanted.hash, |entry| entry == wanted);
            } else if let Some(entry) = table.find_mut(wanted.hash, |entry| entry == wanted) {
                entry.number += 10_000;
            }
        }
        assert!(entries.iter().all(|entry| has(&copy, *entry)));
        assert!(!entries.iter().any(|entry| has(&table, *entry)));
    }
}
