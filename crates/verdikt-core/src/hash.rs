//! Keyed hashes of names, and comparison of names, made for the lengths names have.
//!
//! Names in requests are mostly below 33 bytes. Up to there both hash and comparison work on words
//! that overlap where needed, without a loop or a call; measured against foldhash and `memcmp` this
//! takes a third off a decision. (Gathering several names in one buffer, to hash and compare them at
//! once, is slower than either: the wide loads stall on the narrow stores just before them.)

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::FixedState;

/// The key of all hashes of one engine; random, so that clients cannot aim at collisions.
///
/// Whoever resolves users ahead of a decision and whoever builds the tables must use the same key.
/// Nothing is ever allowed because two hashes are equal: they only find what is then compared.
#[derive(Clone, Debug)]
pub struct HashKey {
    id: u64,
    words: [u64; 4],
    long: FixedState,
}

impl HashKey {
    /// A fresh random key.
    pub fn random() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let random = foldhash::quality::RandomState::default();
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            words: [1_u64, 2, 3, 4].map(|word| random.hash_one(word)),
            long: FixedState::with_seed(random.hash_one(5_u64)),
        }
    }

    /// Which key this is; no two of a process are equal.
    #[inline]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Hash of a user name.
    #[inline]
    pub fn user(&self, name: &str) -> u64 {
        self.text(name) ^ USER
    }

    /// Hash of a group.
    #[inline]
    pub fn group(&self, name: &str) -> u64 {
        self.text(name) ^ GROUP
    }

    /// Hash of any text.
    #[inline]
    pub fn text(&self, text: &str) -> u64 {
        self.bytes(text.as_bytes())
    }

    /// Hash of any bytes; that of a text is that of its bytes.
    #[inline]
    pub fn bytes(&self, bytes: &[u8]) -> u64 {
        let [k0, k1, k2, k3] = self.words;
        let len = bytes.len() as u64;
        if let Some((a, b)) = words(bytes) {
            return fold(a ^ k0.wrapping_add(len), b ^ k1);
        }
        if let Some(((a, b), (c, d))) = more_words(bytes) {
            return fold(a ^ k0.wrapping_add(len), b ^ k1) ^ fold(c ^ k2, d ^ k3);
        }
        self.long_bytes(bytes)
    }

    #[inline(never)]
    fn long_bytes(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.long.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }

    /// Hash of a pair of hashes, order included.
    #[inline]
    pub fn pair(first: u64, second: u64) -> u64 {
        fold(first ^ PAIR_LEFT, second ^ PAIR_RIGHT)
    }
}

/// Whether two names are equal: `==`, but faster for the lengths names have.
#[inline]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    if let (Some(left), Some(right)) = (words(left), words(right)) {
        return left == right;
    }
    if let (Some(left), Some(right)) = (more_words(left), more_words(right)) {
        return left == right;
    }
    left == right
}

/// Up to 16 bytes as two words. Of two texts of one length, the words are equal only if the texts are.
#[inline]
pub fn words(bytes: &[u8]) -> Option<(u64, u64)> {
    if bytes.len() > 16 {
        return None;
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return Some((u64::from_le_bytes(*first), u64::from_le_bytes(*last)));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return Some((u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into()));
    }
    let byte = |at: usize| bytes.get(at).copied().map_or(0, u64::from);
    Some((byte(0) | byte(1) << 8 | byte(2) << 16, 0))
}

/// 16 to 32 bytes as four words, likewise.
#[inline]
fn more_words(bytes: &[u8]) -> Option<((u64, u64), (u64, u64))> {
    if bytes.len() > 32 {
        return None;
    }
    let (first, last) = (bytes.first_chunk::<16>()?, bytes.last_chunk::<16>()?);
    Some((halves(*first), halves(*last)))
}

#[inline]
fn halves(bytes: [u8; 16]) -> (u64, u64) {
    let both = u128::from_le_bytes(bytes);
    (both as u64, (both >> 64) as u64)
}

/// Multiplies to 128 bits and folds the halves together, as wyhash and foldhash do.
#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product as u64) ^ ((product >> 64) as u64)
}

// Arbitrary odd constants: they keep a user and a group of one name, and (a, b) and (b, a), apart.
const USER: u64 = 0x9e37_79b9_7f4a_7c15;
const GROUP: u64 = 0xc2b2_ae3d_27d4_eb4f;
const PAIR_LEFT: u64 = 0xa076_1d64_78bd_642f;
const PAIR_RIGHT: u64 = 0xe703_7ed1_a0b4_28db;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn same_is_equality_at_every_length() {
        for len in 0..80 {
            let text: String = ('a'..='z').cycle().take(len).collect();
            assert!(same(text.as_bytes(), text.clone().as_bytes()), "length {len}");
            for at in 0..len {
                let mut other = text.clone().into_bytes();
                other[at] = b'*';
                assert!(!same(text.as_bytes(), &other), "length {len}, difference at {at}");
            }
            assert!(
                !same(text.as_bytes(), format!("{text}\0").as_bytes()),
                "length {len} and one more"
            );
        }
    }

    #[test]
    fn hashes_differ_where_texts_do() {
        let key = HashKey::random();
        let mut hashes = BTreeSet::new();
        let mut texts = 0;
        for len in 0..80 {
            let text: String = "\0".repeat(len);
            for at in 0..=len {
                let mut other = text.clone().into_bytes();
                if let Some(byte) = other.get_mut(at) {
                    *byte = b'*';
                }
                hashes.insert(key.bytes(&other));
                texts += 1;
            }
        }
        assert_eq!(hashes.len(), texts);
    }

    #[test]
    fn keys_differ() {
        let (a, b) = (HashKey::random(), HashKey::random());
        assert_ne!(a.text("jane"), b.text("jane"));
        assert_ne!(a.user("jane"), a.group("jane"));
        assert_ne!(HashKey::pair(1, 2), HashKey::pair(2, 1));
    }
}
