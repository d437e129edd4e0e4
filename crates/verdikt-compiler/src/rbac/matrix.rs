//! Which permission sets permit which classes of requests, as bits: one load instead of a search.
//!
//! Rows are sets, columns classes; a wildcard in a rule fills many columns. Policies whose rows and
//! columns would take too much room do without, and search the sets' patterns instead.

use super::permission::{PatternId, Permissions};
use super::set::{Content, SetId};

/// Two bits for every set and class.
#[derive(Debug)]
pub(super) struct Matrix {
    words: Vec<u64>,
    /// Words in a row.
    stride: usize,
}

/// What a set permits of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permitted {
    No,
    /// Whatever the object is called.
    Yes,
    /// Depends on the name.
    SomeNames,
}

impl Matrix {
    /// None if it would be larger than it is worth.
    pub(super) fn new(sets: &[Content], permissions: &Permissions) -> Option<Self> {
        let stride = permissions.class_count().div_ceil(CLASSES_PER_WORD);
        let words = stride.checked_mul(sets.len()).filter(|&words| words <= MAX_WORDS)?;
        let mut matrix = Self { words: vec![0; words], stride };
        let classes = permissions.classes_by_pattern();
        for (row, content) in sets.iter().enumerate() {
            for &pattern in &content.patterns {
                matrix.fill(row, classes.of(pattern), YES);
            }
            for &(pattern, _) in &content.named {
                matrix.fill(row, classes.of(pattern), SOME_NAMES);
            }
        }
        Some(matrix)
    }

    fn fill(&mut self, row: usize, classes: &[u32], bit: u64) {
        for &class in classes {
            let (word, shift) = place(class);
            if let Some(word) = self.words.get_mut(row * self.stride + word) {
                *word |= bit << shift;
            }
        }
    }

    /// No for a set that does not exist.
    #[inline]
    pub(super) fn get(&self, set: SetId, class: u32) -> Permitted {
        let (word, shift) = place(class);
        let index = (set.0 as usize).saturating_mul(self.stride) + word;
        let bits = self.words.get(index).map_or(0, |word| word >> shift);
        if bits & YES != 0 {
            Permitted::Yes
        } else if bits & SOME_NAMES != 0 {
            Permitted::SomeNames
        } else {
            Permitted::No
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}

/// The classes that contain each pattern.
pub(super) struct ClassesByPattern {
    starts: Vec<u32>,
    classes: Vec<u32>,
}

impl ClassesByPattern {
    /// From the patterns of each class, in the order of the classes.
    pub(super) fn new<'c>(
        patterns: usize,
        of_class: impl Iterator<Item = &'c [PatternId]>,
    ) -> Self {
        let mut pairs: Vec<(PatternId, u32)> = (0..)
            .zip(of_class)
            .flat_map(|(class, patterns)| patterns.iter().map(move |&pattern| (pattern, class)))
            .collect();
        pairs.sort_unstable();
        let mut starts = vec![0; patterns + 1];
        for (pattern, _) in &pairs {
            if let Some(start) = starts.get_mut(pattern.0 as usize + 1) {
                *start += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        Self { starts, classes: pairs.into_iter().map(|(_, class)| class).collect() }
    }

    fn of(&self, pattern: PatternId) -> &[u32] {
        let bound = |at: usize| self.starts.get(at).map_or(0, |&start| start as usize);
        let at = pattern.0 as usize;
        self.classes.get(bound(at)..bound(at + 1)).unwrap_or_default()
    }
}

#[inline]
fn place(class: u32) -> (usize, u32) {
    (class as usize / CLASSES_PER_WORD, class % 32 * 2)
}

const YES: u64 = 1;
const SOME_NAMES: u64 = 2;
const CLASSES_PER_WORD: usize = 32;

/// 64 MiB: a hundred thousand distinct roles over two thousand classes.
const MAX_WORDS: usize = 1 << 23;
