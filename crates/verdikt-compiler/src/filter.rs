//! Says of most hashes that are in no table that they are not, from memory that stays in the cache.
//!
//! Most subjects of a request have no grant in its namespace. A probe of a hash table for nothing
//! costs 4 ns when the table is cached and a trip to memory when it is not; two bits of one word
//! answer nearly all of them for a fraction of either (a Bloom filter of one word a key:
//! Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).

use std::sync::Arc;

/// Two bits for each hash that was inserted, in a word chosen by the hash. The words lie in chunks that
/// copies share until one of them is written.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    chunks: Arc<[Arc<Chunk>]>,
    /// By how much a hash is shifted down to the index of its word.
    shift: u32,
}

type Chunk = [u64; CHUNK];

impl Default for Filter {
    fn default() -> Self {
        Self::new(std::iter::empty(), 0)
    }
}

impl Filter {
    /// A filter that knows `hashes`, of which there are `count`.
    pub(crate) fn new(hashes: impl Iterator<Item = u64>, count: usize) -> Self {
        let words = (count * BITS_PER_KEY / 64).next_power_of_two().max(2);
        let shift = 64 - words.trailing_zeros();
        let mut chunks = vec![[0; CHUNK]; words.div_ceil(CHUNK)];
        for hash in hashes {
            let (chunk, word) = place(hash, shift);
            if let Some(word) = chunks.get_mut(chunk).and_then(|chunk| chunk.get_mut(word)) {
                *word |= bits(hash);
            }
        }
        Self { chunks: chunks.into_iter().map(Arc::new).collect(), shift }
    }

    /// Lets one more hash pass. With many more than it was made for, it lets everything pass.
    pub(crate) fn insert(&mut self, hash: u64) {
        let (chunk, word) = place(hash, self.shift);
        let Some(chunk) = Arc::make_mut(&mut self.chunks).get_mut(chunk) else { return };
        if let Some(word) = Arc::make_mut(chunk).get_mut(word) {
            *word |= bits(hash);
        }
    }

    /// How many hashes it can hold before it should be made anew.
    pub(crate) fn capacity(&self) -> usize {
        (1_usize << (64 - self.shift)) * 64 / BITS_PER_KEY
    }

    /// False only if `hash` was not inserted.
    #[inline]
    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        let bits = bits(hash);
        let (chunk, word) = place(hash, self.shift);
        let word = self.chunks.get(chunk).and_then(|chunk| chunk.get(word));
        word.is_some_and(|word| word & bits == bits)
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.chunks.len() * (size_of::<Chunk>() + 3 * size_of::<usize>())
    }
}

/// The chunk of a hash's word, and where in it.
#[inline]
fn place(hash: u64, shift: u32) -> (usize, usize) {
    let index = (hash >> shift) as usize;
    (index / CHUNK, index % CHUNK)
}

#[inline]
fn bits(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63)
}

/// Between these and twice as many bits for a key: one hash in thirty, or fewer, passes for nothing.
const BITS_PER_KEY: usize = 12;

/// Words in a chunk: a page of memory.
const CHUNK: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use verdikt_core::HashKey;

    #[test]
    fn what_was_inserted_is_never_missed_and_little_else_passes() {
        let hash = |index: u64| HashKey::pair(index, 7);
        for count in [0, 1, 2, 5, 64, 1_000, 50_000] {
            let filter = Filter::new((0..count).map(hash), count as usize);
            assert!((0..count).all(|index| filter.may_contain(hash(index))), "{count}");
            let passed =
                (count..count + 10_000).filter(|&index| filter.may_contain(hash(index))).count();
            assert!(passed < 600, "{passed} of 10000 pass a filter of {count}");
            let mut grown = filter.clone();
            (count..count + 100).for_each(|index| grown.insert(hash(index)));
            assert!((0..count + 100).all(|index| grown.may_contain(hash(index))), "{count}");
            let still = (count..count + 10_000).filter(|&index| filter.may_contain(hash(index)));
            assert_eq!(still.count(), passed, "the original stays as it was");
        }
    }
}
