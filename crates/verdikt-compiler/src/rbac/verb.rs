//! Verbs as columns of the class rows.

use hashbrown::HashTable;
use verdikt_core::{HashKey, words};

use crate::intern::{Interner, StrId};

/// Which column of a class row a verb has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// A column of its own, or the first one, shared by all verbs that no rule names.
    Listed(u32),
    /// Rules name more verbs than rows have columns, and this is one of the rest.
    Unlisted(StrId),
}

/// The verbs rules name. Nearly all verbs are short enough to be compared as two words.
#[derive(Debug, Default)]
pub(super) struct Verbs {
    short: HashTable<Short>,
    long: HashTable<(StrId, Column)>,
    named: Vec<StrId>,
}

/// A verb of up to 16 bytes.
#[derive(Clone, Copy, Debug)]
struct Short {
    len: usize,
    words: (u64, u64),
    column: Column,
}

impl Verbs {
    /// Gives the first `limit` of `verbs` a column each, in order.
    pub(super) fn new(verbs: &[StrId], limit: usize, names: &Interner) -> Self {
        let mut table = Self { named: verbs.to_vec(), ..Self::default() };
        table.named.truncate(limit);
        for (index, &verb) in verbs.iter().enumerate() {
            let column = match u32::try_from(index + 1) {
                Ok(column) if index < limit => Column::Listed(column),
                _ => Column::Unlisted(verb),
            };
            let text = names.str(verb).as_bytes();
            match words(text) {
                Some(words) => {
                    let short = Short { len: text.len(), words, column };
                    table
                        .short
                        .insert_unique(short_hash(words), short, |verb| short_hash(verb.words));
                }
                None => {
                    table.long.insert_unique(long_hash(verb), (verb, column), |&(verb, _)| {
                        long_hash(verb)
                    });
                }
            }
        }
        table
    }

    /// How many columns a row has.
    #[inline]
    pub(super) fn columns(&self) -> usize {
        self.named.len() + 1
    }

    /// The verb of each column but the first.
    pub(super) fn named(&self) -> &[StrId] {
        &self.named
    }

    #[inline]
    pub(super) fn column(&self, verb: &str, names: &Interner, key: &HashKey) -> Column {
        let Some(words) = words(verb.as_bytes()) else { return self.long_column(verb, names, key) };
        let is_it = |short: &Short| short.words == words && short.len == verb.len();
        self.short.find(short_hash(words), is_it).map_or(Column::Listed(0), |short| short.column)
    }

    #[cold]
    fn long_column(&self, verb: &str, names: &Interner, key: &HashKey) -> Column {
        let Some(verb) = names.get(verb, key) else { return Column::Listed(0) };
        let found = self.long.find(long_hash(verb), |&(other, _)| other == verb);
        found.map_or(Column::Listed(0), |&(_, column)| column)
    }
}

/// The table is small and holds what policy names: mixing needs no key.
#[inline]
fn short_hash((first, last): (u64, u64)) -> u64 {
    HashKey::pair(first, last)
}

fn long_hash(verb: StrId) -> u64 {
    HashKey::pair(u64::from(verb.0), 0)
}
