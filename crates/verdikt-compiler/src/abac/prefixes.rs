//! The path prefixes of a policy, and those among them that a path starts with.

use std::iter;

use crate::intern::{Interner, StrId};

/// Path prefixes, in the order of their bytes.
///
/// Invariant (nested): what a prefix starts with stands before it, and is its `shorter`, or the
/// `shorter` of that, and so on. Hence the prefixes of any path are a chain that begins at or above the
/// last prefix not after the path.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    sorted: Vec<Prefix>,
}

#[derive(Clone, Copy, Debug)]
struct Prefix {
    text: StrId,
    /// Index of the longest other prefix that this one starts with.
    shorter: Option<usize>,
}

impl Prefixes {
    /// Orders and links prefixes, which may repeat; their texts are in `words`.
    pub(super) fn new(mut texts: Vec<StrId>, words: &Interner) -> Self {
        texts.sort_unstable_by_key(|&text| words.str(text));
        texts.dedup();
        let mut prefixes = Self { sorted: Vec::with_capacity(texts.len()) };
        for text in texts {
            let before = prefixes.sorted.len().checked_sub(1);
            let shorter = prefixes.climb(before, words.str(text), words);
            prefixes.sorted.push(Prefix { text, shorter });
        }
        prefixes
    }

    /// Where the longest prefix that `path` starts with stands.
    #[inline]
    pub(super) fn longest(&self, path: &str, words: &Interner) -> Option<usize> {
        let after = self.sorted.partition_point(|prefix| words.str(prefix.text) <= path);
        self.climb(after.checked_sub(1), path, words)
    }

    /// The prefix at `index` and all that it starts with itself.
    #[inline]
    pub(super) fn chain(&self, index: Option<usize>) -> impl Iterator<Item = StrId> {
        let at = |index: usize| self.sorted.get(index);
        iter::successors(index.and_then(at), move |prefix| prefix.shorter.and_then(at))
            .map(|prefix| prefix.text)
    }

    /// The first prefix that `path` starts with, from the one at `index` on to shorter ones.
    fn climb(&self, mut index: Option<usize>, path: &str, words: &Interner) -> Option<usize> {
        while let Some(prefix) = index.and_then(|index| self.sorted.get(index)) {
            if path.starts_with(words.str(prefix.text)) {
                return index;
            }
            index = prefix.shorter;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use verdikt_core::HashKey;

    use super::*;

    fn check(prefixes: &[&str], path: &str, expected: &[&str]) {
        let key = HashKey::random();
        let mut words = Interner::default();
        let texts = prefixes.iter().map(|prefix| words.intern(prefix, &key)).collect();
        let prefixes = Prefixes::new(texts, &words);
        let longest = prefixes.longest(path, &words);
        let found: Vec<&str> = prefixes.chain(longest).map(|text| words.str(text)).collect();
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn all_prefixes_of_a_path_are_found_longest_first() {
        let prefixes = ["/a/", "/a", "/a/b", "/a/bc", "/b", "/", "/a/"];
        check(&prefixes, "/a/bc/d", &["/a/bc", "/a/b", "/a/", "/a", "/"]);
        check(&prefixes, "/a/b", &["/a/b", "/a/", "/a", "/"]);
        check(&prefixes, "/a/zz", &["/a/", "/a", "/"]);
        check(&prefixes, "/ab", &["/a", "/"]);
        check(&prefixes, "/c", &["/"]);
        check(&prefixes, "", &[]);
    }

    #[test]
    fn a_path_before_or_without_prefixes_has_none() {
        check(&[], "/a", &[]);
        check(&["/b", "/c"], "/a", &[]);
        check(&["/b", "/c"], "/d", &[]);
    }

    #[test]
    fn prefixes_end_at_characters() {
        check(&["/é", "/è"], "/é/x", &["/é"]);
        check(&["/é"], "/ê", &[]);
    }
}
