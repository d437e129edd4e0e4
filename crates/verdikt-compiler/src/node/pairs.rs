//! The table of pairs: a hash table in pages that copies share until one of them is written.
//!
//! Linear hashing (Litwin, 1980): when there are too many entries for the pages, one page is split in
//! two, so that growing never rebuilds the table. Within a page, linear probing; of an entry 32 bits of
//! its hash are kept, which split pages without looking at names.

use std::sync::Arc;

use super::cow::CowVec;
use super::graph::Id;

/// How many ways lead from a node to an object. Small, and plain to copy.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pair {
    hash: u32,
    /// 0 in a free slot.
    pub(super) ways: u32,
    pub(super) node: Id,
    pub(super) object: Id,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Pairs {
    /// Never empty.
    pages: CowVec<Page>,
    len: usize,
}

/// Between a half and three quarters of the slots are taken; there are none at all to begin with.
#[derive(Clone, Debug, Default)]
struct Page {
    slots: Arc<[Pair]>,
    used: usize,
}

impl Pairs {
    /// A table that will hold about `len` pairs.
    pub(super) fn with_capacity(len: usize) -> Self {
        let mut pages = CowVec::new();
        for _ in 0..(len / PAGE).max(1) {
            pages.push(Page::default());
        }
        Self { pages, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The pair under `hash` for which `is_it` holds.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(&Pair) -> bool) -> Option<&Pair> {
        let hash = short(hash);
        let page = self.pages.get(self.page_of(hash))?;
        page.find(hash, is_it).map(|(_, pair)| pair)
    }

    /// One more way from `node` to `object`; tells how many there are now.
    pub(super) fn add(&mut self, hash: u64, node: Id, object: Id) -> u32 {
        let hash = short(hash);
        let index = self.page_of(hash);
        let Some(page) = self.pages.get_mut(index) else { return 0 };
        let ways = page.add(Pair { hash, ways: 1, node, object });
        if ways == 1 {
            self.len += 1;
            if self.len > self.pages.len() * PAGE {
                self.split();
            }
        }
        ways
    }

    /// One way less; tells how many are left.
    pub(super) fn remove(&mut self, hash: u64, node: Id, object: Id) -> u32 {
        let hash = short(hash);
        let index = self.page_of(hash);
        let Some(page) = self.pages.get_mut(index) else { return 0 };
        let Some(ways) = page.remove(hash, node, object) else { return 0 };
        if ways == 0 {
            self.len -= 1;
            if self.pages.len() > 1 && self.len < self.pages.len() * (PAGE / 4) {
                self.merge();
            }
        }
        ways
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
        let (moving, staying): (Vec<Pair>, Vec<Pair>) =
            page.pairs().partition(|pair| self.page_of(pair.hash) == new);
        for (index, pairs) in [(old, staying), (new, moving)] {
            if let Some(page) = self.pages.get_mut(index) {
                *page = Page::of(&pairs);
            }
        }
    }

    /// Moves the last page back to the one it was split from.
    fn merge(&mut self) {
        let Some(last) = self.pages.pop() else { return };
        let partner = partner(self.pages.len());
        if let Some(page) = self.pages.get_mut(partner) {
            let both: Vec<Pair> = page.pairs().chain(last.pairs()).collect();
            *page = Page::of(&both);
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let slots: usize = self.pages.iter().map(|page| page.slots.len()).sum();
        self.pages.heap_bytes() + slots * size_of::<Pair>()
    }
}

impl Page {
    fn of(pairs: &[Pair]) -> Self {
        let slots = (pairs.len() * 9 / 5).max(MIN_SLOTS);
        let mut page =
            Self { slots: std::iter::repeat_n(Pair::default(), slots).collect(), used: 0 };
        for pair in pairs {
            page.put(*pair);
        }
        page
    }

    fn pairs(&self) -> impl Iterator<Item = Pair> {
        self.slots.iter().copied().filter(|pair| pair.ways > 0)
    }

    /// The first pair for which `is_it` holds, of those that lie where `hash` is looked for: from there up
    /// to the first free slot, of which there always is one.
    #[inline]
    fn find(&self, hash: u32, is_it: impl Fn(&Pair) -> bool) -> Option<(usize, &Pair)> {
        let slots = &*self.slots;
        let mut at = self.start(hash);
        loop {
            let pair = slots.get(at)?;
            if pair.ways == 0 {
                return None;
            }
            if pair.hash == hash && is_it(pair) {
                return Some((at, pair));
            }
            at += 1;
            if at == slots.len() {
                at = 0;
            }
        }
    }

    /// The high bits say where in a page, the low ones in which.
    #[inline]
    fn start(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.slots.len() as u64) >> 32) as usize
    }

    fn add(&mut self, pair: Pair) -> u32 {
        if let Some(at) = self.position(pair.hash, pair.node, pair.object) {
            let Some(there) = Arc::make_mut(&mut self.slots).get_mut(at) else { return 0 };
            there.ways = there.ways.saturating_add(1);
            return there.ways;
        }
        if self.used * 4 >= self.slots.len() * 3 {
            let pairs: Vec<Pair> = self.pairs().collect();
            *self = Self::of(&pairs);
        }
        self.put(pair);
        1
    }

    /// Puts a pair that is not there into the first free slot; there is one.
    fn put(&mut self, pair: Pair) {
        let mut at = self.start(pair.hash);
        let slots = Arc::make_mut(&mut self.slots);
        while slots.get(at).is_some_and(|slot| slot.ways > 0) {
            at = (at + 1) % slots.len();
        }
        if let Some(slot) = slots.get_mut(at) {
            *slot = pair;
            self.used += 1;
        }
    }

    /// Tells how many ways are left; nothing if there was none.
    fn remove(&mut self, hash: u32, node: Id, object: Id) -> Option<u32> {
        let at = self.position(hash, node, object)?;
        let pair = Arc::make_mut(&mut self.slots).get_mut(at)?;
        pair.ways -= 1;
        if pair.ways > 0 {
            return Some(pair.ways);
        }
        self.used -= 1;
        if self.slots.len() > MIN_SLOTS && self.used * 8 < self.slots.len() {
            let pairs: Vec<Pair> = self.pairs().collect();
            *self = Self::of(&pairs);
        } else {
            self.close(at);
        }
        Some(0)
    }

    /// Moves pairs behind a slot that became free into it, so that none is cut off from where it is
    /// looked for.
    fn close(&mut self, mut free: usize) {
        let len = self.slots.len();
        let mut at = free;
        loop {
            at = (at + 1) % len;
            let Some(pair) = self.slots.get(at).copied().filter(|pair| pair.ways > 0) else {
                return;
            };
            // How far the pair lies behind where it is looked for first, and how far behind the free slot.
            let distance = (at + len - self.start(pair.hash)) % len;
            if distance >= (at + len - free) % len {
                let slots = Arc::make_mut(&mut self.slots);
                if let Some(slot) = slots.get_mut(free) {
                    *slot = pair;
                }
                if let Some(slot) = slots.get_mut(at) {
                    *slot = Pair::default();
                }
                free = at;
            }
        }
    }

    fn position(&self, hash: u32, node: Id, object: Id) -> Option<usize> {
        self.find(hash, |pair| pair.node == node && pair.object == object).map(|(at, _)| at)
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
fn short(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Pairs in a page on average: copying one for a change costs as much as a cache miss or two, and few
/// pages mean few pointers to copy above them.
const PAGE: usize = 768;

const MIN_SLOTS: usize = 8;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use verdikt_core::HashKey;

    use super::*;

    fn hash(node: u32, object: u32, wrap: u64) -> u64 {
        // Few distinct hashes make long runs, and equal hashes of different pairs.
        (HashKey::pair(node.into(), object.into()) % wrap) << 32
    }

    fn check(wrap: u64, changes: impl Iterator<Item = (bool, u32, u32)>) {
        let mut pairs = Pairs::with_capacity(0);
        let mut wanted: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for (is_more, node, object) in changes {
            let (hash, ids) = (hash(node, object, wrap), (Id(node), Id(object)));
            let ways = wanted.entry((node, object)).or_default();
            if is_more {
                *ways += 1;
                assert_eq!(pairs.add(hash, ids.0, ids.1), *ways);
            } else {
                *ways = ways.saturating_sub(1);
                assert_eq!(pairs.remove(hash, ids.0, ids.1), *ways);
            }
        }
        for (&(node, object), &ways) in &wanted {
            let is_it = |pair: &Pair| (pair.node, pair.object) == (Id(node), Id(object));
            let found = pairs.find(hash(node, object, wrap), is_it).map_or(0, |pair| pair.ways);
            assert_eq!(found, ways, "{node} {object}");
        }
        assert_eq!(pairs.len(), wanted.values().filter(|&&ways| ways > 0).count());
    }

    fn random(seed: u64) -> impl Iterator<Item = u64> {
        (1_u64..).map(move |index| HashKey::pair(seed, index))
    }

    #[test]
    fn pairs_come_and_go_as_in_a_plain_map() {
        for (wrap, nodes, objects) in [(1, 3, 5), (7, 20, 20), (1 << 32, 50, 400), (1 << 32, 3, 40)]
        {
            let changes = random(wrap).take(60_000).enumerate().map(|(index, random)| {
                // First more are added than taken away, then fewer.
                let is_more = random % 10 < if index < 30_000 { 7 } else { 2 };
                (is_more, (random >> 8) as u32 % nodes, (random >> 32) as u32 % objects)
            });
            check(wrap, changes);
        }
    }

    #[test]
    fn a_table_that_grew_shrinks_again() {
        let mut pairs = Pairs::with_capacity(0);
        for object in 0..50_000 {
            pairs.add(hash(1, object, 1 << 32), Id(1), Id(object));
        }
        let grown = pairs.heap_bytes();
        assert!(pairs.pages.len() > 50, "{}", pairs.pages.len());
        for object in 0..50_000 {
            assert_eq!(pairs.remove(hash(1, object, 1 << 32), Id(1), Id(object)), 0);
        }
        assert_eq!((pairs.len(), pairs.pages.len()), (0, 1));
        assert!(pairs.heap_bytes() < grown / 50, "{} of {grown}", pairs.heap_bytes());
    }

    #[test]
    fn a_copy_stays_as_it_was() {
        let mut pairs = Pairs::with_capacity(0);
        for object in 0..5_000 {
            pairs.add(hash(1, object, 1 << 32), Id(1), Id(object));
        }
        let copy = pairs.clone();
        for object in 0..5_000 {
            pairs.remove(hash(1, object, 1 << 32), Id(1), Id(object));
        }
        let is_there =
            |object| copy.find(hash(1, object, 1 << 32), |pair| pair.object == Id(object));
        assert!((0..5_000).all(|object| is_there(object).is_some()));
    }
}
