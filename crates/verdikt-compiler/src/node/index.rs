//! One state of what nodes reach: what decisions are made from.

use verdikt_core::HashKey;

use super::graph::Id;
use super::pairs::Pairs;
use super::record::{Kind, Record};
use crate::cow::CowVec;

/// Which node reaches which object. A copy shares everything with the original until one of them is
/// changed, and none that serves ever is.
#[derive(Clone, Debug)]
pub struct Index {
    pub(super) key: HashKey,
    pub(super) pairs: Pairs,
    pub(super) records: CowVec<Record>,
}

/// The size of an [`Index`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Pairs of a node and an object that it reaches.
    pub pairs: usize,
    /// Bytes on the heap.
    pub heap_bytes: usize,
}

impl Index {
    pub(super) fn new(key: HashKey, pairs: usize) -> Self {
        Self { key, pairs: Pairs::with_capacity(pairs), records: CowVec::new() }
    }

    /// In how many ways the node reaches the object; 0 if it does not.
    #[inline]
    pub(super) fn ways(&self, node: &str, kind: Kind, namespace: &str, name: &str) -> u32 {
        let object = self.hash(kind, namespace, name);
        let hash = HashKey::pair(self.hash(Kind::Node, "", node), object);
        let found = self.pairs.find(hash, |pair| {
            self.is(pair.object, kind, namespace, name) && self.is(pair.node, Kind::Node, "", node)
        });
        found.map_or(0, |pair| pair.ways)
    }

    /// Whether an id is that of this object, by its name.
    #[inline]
    pub(super) fn is(&self, id: Id, kind: Kind, namespace: &str, name: &str) -> bool {
        self.record(id).is_some_and(|record| record.is(kind, namespace, name))
    }

    #[inline]
    pub(super) fn record(&self, id: Id) -> Option<&Record> {
        self.records.get(id.0 as usize)
    }

    #[inline]
    pub(super) fn hash(&self, kind: Kind, namespace: &str, name: &str) -> u64 {
        let name = self.key.text(name);
        if kind == Kind::Node {
            return name;
        }
        // What is added keeps objects of one name and different kinds apart.
        let namespace = self.key.text(namespace).wrapping_add(KINDS.wrapping_mul(kind as u64));
        HashKey::pair(namespace, name)
    }

    /// Its size.
    pub fn stats(&self) -> Stats {
        let records: usize = self.records.iter().map(Record::heap_bytes).sum();
        let heap_bytes = self.pairs.heap_bytes() + self.records.heap_bytes() + records;
        Stats { pairs: self.pairs.len(), heap_bytes }
    }
}

/// Arbitrary and odd.
const KINDS: u64 = 0xd6e8_feb8_6659_fd93;
