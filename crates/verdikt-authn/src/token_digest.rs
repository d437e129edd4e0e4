//! What the cache knows a token by: a keyed hash of the token and its audiences, in place of both.
//!
//! An answer rests on equality of hashes alone, so no client may be able to find two tokens of one hash.
//! Up to 4 KiB the hash is NH (Black, Halevi, Krawczyk, Krovetz, Rogaway: *UMAC*, CRYPTO '99), twice, under
//! independent keys. With w-bit words, two messages of equal length have the same NH under at most 2^-w of
//! all keys, whatever the messages and without any assumption; words are of 64 bits here, so the two agree
//! under at most 2^-128 of them. Lengths are kept beside the hash and compared first.
//!
//! *Clients choose tokens one after another.* That helps them only if they learn something of the key on the
//! way, and all they see is that no token was taken for another. Where in a table an answer lies, which
//! may show in the time a look-up takes, comes from a third NH with a key of its own. So a client who presents
//! 2^40 tokens to a cache of 2^18 answers is taken for somebody else with a probability of 2^-70, and a keyed
//! cryptographic hash could promise no more. It would cost more than all else that is done for a token that is
//! remembered: ARCHITECTURE.md has the figures.
//!
//! *What NH is not* is one-way: who reads the key *and* an answer out of this process's memory can work out a
//! short token. Such a reader sees the tokens of the requests under way, too.
//!
//! Longer tokens are rare and take their time anyway; they are known by HMAC-SHA256.

use std::sync::OnceLock;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use verdikt_core::{HashKey, words};

/// What tokens are hashed with. Random, and one for the whole process: tables are what snapshots have of their
/// own.
pub(crate) struct DigestKey {
    /// For each 16 bytes of a message: two words for each of three sums.
    pairs: Box<[[u64; 6]]>,
    long: [u8; 64],
}

/// A token and the audiences it was presented for, as far as the cache knows them.
#[derive(Clone, Copy)]
pub(crate) struct Digest {
    position: u64,
    /// The token's length, and that of the whole message.
    lengths: [usize; 2],
    words: [u64; 4],
}

impl DigestKey {
    /// The key of this process; none if there is no randomness to make one of.
    pub(crate) fn of_process() -> Option<&'static Self> {
        static KEY: OnceLock<Option<DigestKey>> = OnceLock::new();
        KEY.get_or_init(Self::random).as_ref()
    }

    fn random() -> Option<Self> {
        let mut bytes = vec![0; PAIRS * 48];
        let mut long = [0; 64];
        getrandom::fill(&mut bytes).ok()?;
        getrandom::fill(&mut long).ok()?;
        let (numbers, _) = bytes.as_chunks::<8>();
        let numbers: Vec<u64> = numbers.iter().map(|&number| u64::from_le_bytes(number)).collect();
        let (pairs, _) = numbers.as_chunks::<6>();
        Some(Self { pairs: pairs.into(), long })
    }

    #[inline(always)]
    pub(crate) fn digest(&self, token: &[u8], audiences: &[String]) -> Digest {
        match self.short(token, audiences) {
            Some(digest) => digest,
            None => self.long(token, audiences),
        }
    }

    /// None if the message is longer than the key.
    #[inline(always)]
    fn short(&self, token: &[u8], audiences: &[String]) -> Option<Digest> {
        let mut sums = Sums { keys: &self.pairs, sums: [0; 3] };
        sums.add(token)?;
        for audience in audiences {
            sums.add_pair((audience.len() as u64, 0))?;
            sums.add(audience.as_bytes())?;
        }
        let [first, second, third] = sums.sums.map(halves);
        Some(Digest {
            position: HashKey::pair(third.0, third.1),
            lengths: [token.len(), PAIRS - sums.keys.len()],
            words: [first.0, first.1, second.0, second.1],
        })
    }

    #[cold]
    fn long(&self, token: &[u8], audiences: &[String]) -> Digest {
        let mut mac = <Hmac<Sha256> as Mac>::new(&self.long.into());
        mac.update(token);
        for audience in audiences {
            mac.update(&(audience.len() as u64).to_le_bytes());
            mac.update(audience.as_bytes());
        }
        let bytes: [u8; 32] = mac.finalize().into_bytes().into();
        let (numbers, _) = bytes.as_chunks::<8>();
        let mut numbers = numbers.iter().map(|&number| u64::from_le_bytes(number));
        let words = [(); 4].map(|()| numbers.next().unwrap_or_default());
        let [position, ..] = words;
        // No shorter message has as many pairs.
        Digest { position, lengths: [token.len(), usize::MAX], words }
    }
}

impl Digest {
    /// Where to look for it: says nothing of the hash itself.
    #[inline]
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Whether both are of one token for the same audiences. Takes the same time wherever hashes differ.
    #[inline]
    pub(crate) fn is(&self, other: &Self) -> bool {
        let [a, b, c, d] = self.words;
        let [e, f, g, h] = other.words;
        self.position == other.position
            && self.lengths == other.lengths
            && ((a ^ e) | (b ^ f) | (c ^ g) | (d ^ h)) == 0
    }
}

/// Three NH sums under way, and the keys that are left.
struct Sums<'k> {
    keys: &'k [[u64; 6]],
    sums: [u128; 3],
}

impl Sums<'_> {
    /// Adds bytes whose number is known otherwise.
    // Never called: the sums stay in registers, where no wide load waits for narrow stores.
    #[inline(always)]
    fn add(&mut self, bytes: &[u8]) -> Option<()> {
        let (whole, rest) = bytes.as_chunks::<16>();
        let (keys, left) = self.keys.split_at_checked(whole.len())?;
        self.keys = left;
        for (chunk, key) in whole.iter().zip(keys) {
            self.multiply(halves(u128::from_le_bytes(*chunk)), key);
        }
        if rest.is_empty() {
            return Some(());
        }
        // The end overlaps what came before, which loses nothing and needs no buffer.
        let end = match bytes.last_chunk::<16>() {
            Some(last) => halves(u128::from_le_bytes(*last)),
            None => words(bytes)?,
        };
        self.add_pair(end)
    }

    #[inline(always)]
    fn add_pair(&mut self, pair: (u64, u64)) -> Option<()> {
        let (key, left) = self.keys.split_first()?;
        self.keys = left;
        self.multiply(pair, key);
        Some(())
    }

    #[inline(always)]
    fn multiply(&mut self, (left, right): (u64, u64), key: &[u64; 6]) {
        let product =
            |k: u64, l: u64| u128::from(left.wrapping_add(k)) * u128::from(right.wrapping_add(l));
        let [a, b, c] = &mut self.sums;
        let [k0, k1, k2, k3, k4, k5] = *key;
        *a = a.wrapping_add(product(k0, k1));
        *b = b.wrapping_add(product(k2, k3));
        *c = c.wrapping_add(product(k4, k5));
    }
}

#[inline]
fn halves(both: u128) -> (u64, u64) {
    (both as u64, (both >> 64) as u64)
}

/// A message of 4 KiB, and 12 KiB of key.
const PAIRS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> DigestKey {
        DigestKey::random().unwrap()
    }

    /// Equal messages have equal digests, and others differ in each half of the hash.
    fn check(key: &DigestKey, messages: &[(Vec<u8>, Vec<String>)]) {
        let digests: Vec<Digest> =
            messages.iter().map(|(token, audiences)| key.digest(token, audiences)).collect();
        for ((one, (token, audiences)), at) in digests.iter().zip(messages).zip(0..) {
            assert!(one.is(&key.digest(&token.clone(), &audiences.clone())));
            for (other, also) in digests.iter().zip(messages).skip(at + 1) {
                assert!(!one.is(other), "{:?} and {also:?}", (token, audiences));
                if one.lengths == other.lengths {
                    assert_ne!(one.words[..2], other.words[..2], "{:?}", (token, also));
                    assert_ne!(one.words[2..], other.words[2..], "{:?}", (token, also));
                }
            }
        }
    }

    #[test]
    fn tokens_that_differ_anywhere_have_other_digests() {
        let key = key();
        for length in (0..70).chain([1_023, 1_024, 1_025]) {
            let mut messages = vec![(vec![b'a'; length], vec![])];
            for at in (0..length).step_by(1 + length / 70) {
                let mut token = vec![b'a'; length];
                token[at] = b'b';
                messages.push((token, vec![]));
            }
            messages.push((vec![b'a'; length + 1], vec![]));
            messages.push(([vec![b'a'; length], vec![0]].concat(), vec![]));
            check(&key, &messages);
        }
    }

    #[test]
    fn audiences_differ_by_number_order_and_bounds() {
        let lists: &[&[&str]] = &[
            &[],
            &[""],
            &["", ""],
            &["a"],
            &["a", ""],
            &["", "a"],
            &["a", "b"],
            &["b", "a"],
            &["ab"],
            &["https://kubernetes.default.svc"],
            &["https://kubernetes.default.sv", "c"],
            &["https://kubernetes.default.svc", "https://kubernetes.default.svc"],
        ];
        let list = |names: &&[&str]| names.iter().map(|&name| name.to_owned()).collect();
        for length in [1, 16, 40, PAIRS * 16] {
            let message = |names| (vec![b'a'; length], list(names));
            check(&key(), &lists.iter().map(message).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_longer_than_the_key_is_told_apart_as_well() {
        let key = key();
        let mut messages = Vec::new();
        for length in [PAIRS * 16 - 1, PAIRS * 16, PAIRS * 16 + 1, PAIRS * 16 + 2, PAIRS * 64] {
            for at in [0, length / 2, length - 1] {
                let mut token = vec![b'a'; length];
                token[at] = b'b';
                messages.push((token, vec![]));
            }
        }
        check(&key, &messages);
        assert!(key.short(&vec![0; PAIRS * 16], &[]).is_some());
        assert!(key.short(&vec![0; PAIRS * 16 + 1], &[]).is_none());
    }

    #[test]
    fn sums_are_those_of_the_paper() {
        let key = key();
        let token: Vec<u8> = (0..64).collect();
        let word = |at: usize| u64::from_le_bytes(*token[at * 8..].first_chunk::<8>().unwrap());
        let expected = [0, 2].map(|lane| {
            (0..4).fold(0_u128, |sum, pair| {
                let left = word(2 * pair).wrapping_add(key.pairs[pair][lane]);
                let right = word(2 * pair + 1).wrapping_add(key.pairs[pair][lane + 1]);
                sum.wrapping_add(u128::from(left) * u128::from(right))
            })
        });
        let [first, second] = expected.map(halves);
        let digest = key.digest(&token, &[]);
        assert_eq!(digest.words, [first.0, first.1, second.0, second.1]);
    }

    #[test]
    fn keys_differ() {
        for length in [8, 40, PAIRS * 32] {
            let token = vec![b'a'; length];
            assert!(!key().digest(&token, &[]).is(&key().digest(&token, &[])), "{length}");
        }
    }
}
