//! The table of pairs: how many ways lead from each node to each object that it reaches.

use super::graph::Id;
use crate::paged::{Paged, Slot, short};

/// How many ways lead from a node to an object.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pair {
    hash: u32,
    /// 0 in a free slot.
    pub(super) ways: u32,
    pub(super) node: Id,
    pub(super) object: Id,
}

impl Slot for Pair {
    #[inline]
    fn hash(&self) -> u32 {
        self.hash
    }

    #[inline]
    fn is_free(&self) -> bool {
        self.ways == 0
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Pairs(Paged<Pair>);

impl Pairs {
    /// A table that will hold about `len` pairs.
    pub(super) fn with_capacity(len: usize) -> Self {
        Self(Paged::with_capacity(len))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The pair under `hash` for which `is_it` holds.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(&Pair) -> bool) -> Option<&Pair> {
        self.0.find(short(hash), is_it)
    }

    /// One more way from `node` to `object`; tells how many there are now.
    pub(super) fn add(&mut self, hash: u64, node: Id, object: Id) -> u32 {
        let hash = short(hash);
        if let Some(pair) = self.0.find_mut(hash, |pair| pair.is(node, object)) {
            pair.ways = pair.ways.saturating_add(1);
            return pair.ways;
        }
        self.0.insert(Pair { hash, ways: 1, node, object });
        1
    }

    /// One way less; tells how many are left.
    pub(super) fn remove(&mut self, hash: u64, node: Id, object: Id) -> u32 {
        let hash = short(hash);
        let is_it = |pair: &Pair| pair.is(node, object);
        match self.0.find(hash, is_it).map(|pair| pair.ways) {
            None => 0,
            Some(1) => {
                self.0.remove(hash, is_it);
                0
            }
            Some(ways) => {
                if let Some(pair) = self.0.find_mut(hash, is_it) {
                    pair.ways = ways - 1;
                }
                ways - 1
            }
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}

impl Pair {
    fn is(&self, node: Id, object: Id) -> bool {
        self.node == node && self.object == object
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use verdikt_core::HashKey;

    use super::*;

    #[test]
    fn ways_are_counted() {
        let mut pairs = Pairs::with_capacity(0);
        let mut wanted: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        let hash = |node: u32, object: u32| HashKey::pair(node.into(), object.into());
        for index in 0..60_000_u64 {
            let random = HashKey::pair(7, index);
            let (node, object) = ((random >> 8) as u32 % 20, (random >> 32) as u32 % 20);
            let ways = wanted.entry((node, object)).or_default();
            let (hash, ids) = (hash(node, object), (Id(node), Id(object)));
            if random % 10 < if index < 30_000 { 7 } else { 2 } {
                *ways += 1;
                assert_eq!(pairs.add(hash, ids.0, ids.1), *ways);
            } else {
                *ways = ways.saturating_sub(1);
                assert_eq!(pairs.remove(hash, ids.0, ids.1), *ways);
            }
        }
        for (&(node, object), &ways) in &wanted {
            let found = pairs.find(hash(node, object), |pair| pair.is(Id(node), Id(object)));
            assert_eq!(found.map_or(0, |pair| pair.ways), ways, "{node} {object}");
        }
        assert_eq!(pairs.len(), wanted.values().filter(|&&ways| ways > 0).count());
    }
}
