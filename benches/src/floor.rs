//! What a decision is measured against: a hit in a small map of strings, all of it in the cache.

use hashbrown::HashMap;

/// A hashbrown map of 4,096 strings of 42 bytes under foldhash, and equal strings in allocations of
/// their own to look them up by, in rotation.
pub struct Floor {
    map: HashMap<String, u32, foldhash::fast::RandomState>,
    keys: Vec<String>,
}

impl Floor {
    /// Fills the map.
    pub fn new() -> Self {
        let name = |index: u32| {
            format!("system:serviceaccount:namespace-{index:04}:app{:02}", index % 100)
        };
        let map = (0..ENTRIES).map(|index| (name(index), index)).collect();
        // The keys come in another order than the entries were made in.
        let keys =
            (0..ENTRIES).map(|index| name(index.wrapping_mul(2_654_435_761) % ENTRIES)).collect();
        Self { map, keys }
    }

    /// Looks every key up once; the sum keeps the work from being optimised away.
    pub fn pass(&self) -> u64 {
        self.keys
            .iter()
            .filter_map(|key| self.map.get(key.as_str()))
            .map(|&value| u64::from(value))
            .sum()
    }

    /// How many look-ups a pass makes.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Never: the map is made full.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl Default for Floor {
    fn default() -> Self {
        Self::new()
    }
}

const ENTRIES: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_42_bytes_and_all_are_found() {
        let floor = Floor::new();
        assert!(floor.keys.iter().all(|key| key.len() == 42), "{:?}", floor.keys.first());
        assert_eq!(floor.pass(), (0..u64::from(ENTRIES)).sum::<u64>());
    }
}
