//! Says of most hashes that are in no table that they are not, from memory that stays in the cache.
//!
//! Most subjects of a request have no grant in its namespace. A probe of a hash table for nothing
//! costs 4 ns when the table is cached and a trip to memory when it is not; two bits of one word
//! answer nearly all of them for a fraction of either (a Bloom filter of one word a key:
//! Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007).

/// Two bits for each hash that was inserted, in a word chosen by the hash.
#[derive(Debug)]
pub(crate) struct Filter {
    words: Vec<u64>,
    /// By how much a hash is shifted down to the index of its word.
    shift: u32,
}

impl Default for Filter {
    fn default() -> Self {
        Self::new(std::iter::empty(), 0)
    }
}

impl Filter {
    /// A filter that knows `hashes`, of which there are `count`.
    pub(crate) fn new(hashes: impl Iterator<Item = u64>, count: usize) -> Self {
        let words = (count * BITS_PER_KEY / 64).next_power_of_two().max(2);
        let mut filter = Self { words: vec![0; words], shift: 64 - words.trailing_zeros() };
        for hash in hashes {
            let index = filter.index(hash);
            if let Some(word) = filter.words.get_mut(index) {
                *word |= bits(hash);
            }
        }
        filter
    }

    /// False only if `hash` was not inserted.
    #[inline]
    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        let bits = bits(hash);
        self.words.get(self.index(hash)).is_some_and(|word| word & bits == bits)
    }

    #[inline]
    fn index(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}

#[inline]
fn bits(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63)
}

/// Between these and twice as many bits for a key: one hash in thirty, or fewer, passes for nothing.
const BITS_PER_KEY: usize = 12;

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
        }
    }
}
