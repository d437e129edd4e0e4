//! Ids of requests that bring none: UUIDs, which nobody can foresee.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Builder;
use uuid::fmt::Hyphenated;

/// Makes ids. A counter, hashed under keys of this process: no call of the system for each request.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    high: RandomState,
    low: RandomState,
    count: AtomicU64,
}

impl Ids {
    /// A new id in the form of a random (version 4) UUID.
    pub(crate) fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let (high, low) = (self.high.hash_one(count), self.low.hash_one(count));
        let random = (u128::from(high) << 64) | u128::from(low);
        let id = Builder::from_random_bytes(random.to_ne_bytes()).into_uuid();
        let mut text = vec![0; Hyphenated::LENGTH];
        id.hyphenated().encode_lower(&mut text);
        String::from_utf8(text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_4_uuids_that_differ() {
        let ids = Ids::default();
        let (a, b) = (ids.next(), ids.next());
        assert_ne!(a, b);
        for id in [a, b] {
            let parts: Vec<&str> = id.split('-').collect();
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
            assert!(parts[2].starts_with('4'), "{id}");
            assert!(parts[3].starts_with(['8', '9', 'a', 'b']), "{id}");
        }
    }
}
