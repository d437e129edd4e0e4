//! All bindings of a table, by number, in pages that copies share until one of them is written.

use std::sync::Arc;

use super::record::{self, Record};
use crate::cow::CowVec;
use crate::number::as_u32;

/// Number of a binding. It stays while the binding does, whatever happens to others.
pub(super) type BindingId = u32;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    pages: CowVec<Page>,
    /// How many numbers were given, those of bindings that went included.
    len: u32,
    /// How many bindings there are.
    live: usize,
}

/// Where each record ends (4 bytes, little-endian), then the records. No bytes are no binding.
type Page = Arc<[u8]>;

impl Records {
    /// `len` records on pages of [`write_page`], which are full but for the last.
    pub(super) fn of(pages: impl Iterator<Item = Page>, len: u32) -> Self {
        Self { pages: pages.collect(), len, live: len as usize }
    }

    /// How many bindings there are.
    pub(super) fn live(&self) -> usize {
        self.live
    }

    /// Bytes of the binding; none if there is none of this number.
    #[inline]
    pub(super) fn bytes(&self, id: BindingId) -> &[u8] {
        let page = self.pages.get(id as usize / PER_PAGE);
        page.map_or(&[], |page| slice(page, id as usize % PER_PAGE))
    }

    pub(super) fn get(&self, id: BindingId) -> Option<Record<'_>> {
        Record::read(self.bytes(id))
    }

    /// All bindings, in order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (BindingId, Record<'_>)> {
        (0..self.len).filter_map(|id| Some((id, self.get(id)?)))
    }

    /// What bindings are sorted by in the order in which they are looked at: by namespace, that of the
    /// cluster first, then by name.
    pub(super) fn order(&self, id: BindingId) -> impl Ord + use<'_> {
        (record::key(self.bytes(id)), id)
    }

    /// Sorts bindings into that order, each once.
    pub(super) fn put_in_order(&self, ids: &mut Vec<BindingId>) {
        ids.sort_by_cached_key(|&id| self.order(id));
        ids.dedup();
    }

    /// The next number, which [`Self::put`] takes.
    pub(super) fn next(&self) -> BindingId {
        self.len
    }

    /// Writes a binding under a number that was given before, or the next one; no bytes take it away.
    pub(super) fn put(&mut self, id: BindingId, bytes: &[u8]) {
        if id == self.len {
            self.len += 1;
            if id as usize / PER_PAGE == self.pages.len() {
                self.pages.push(Page::default());
            }
        }
        let Some(page) = self.pages.get_mut(id as usize / PER_PAGE) else { return };
        let index = id as usize % PER_PAGE;
        let was_there = !slice(page, index).is_empty();
        let records: [&[u8]; PER_PAGE] =
            std::array::from_fn(|at| if at == index { bytes } else { slice(page, at) });
        *page = write_page(&records);
        self.live = self.live + usize::from(!bytes.is_empty()) - usize::from(was_there);
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let pages: usize = self.pages.iter().map(|page| page.len() + 2 * size_of::<usize>()).sum();
        self.pages.heap_bytes() + pages
    }
}

/// A page of up to [`PER_PAGE`] records.
pub(super) fn write_page(records: &[&[u8]]) -> Page {
    let total: usize = records.iter().map(|record| record.len()).sum();
    let mut page = Vec::with_capacity(HEADER + total);
    let mut end = HEADER;
    for index in 0..PER_PAGE {
        end += records.get(index).map_or(0, |record| record.len());
        page.extend_from_slice(&as_u32(end).to_le_bytes());
    }
    page.extend(records.iter().flat_map(|record| record.iter()));
    page.into()
}

#[inline]
fn slice(page: &[u8], index: usize) -> &[u8] {
    let end = |index: usize| {
        let bytes = page.get(index * 4..)?.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*bytes) as usize)
    };
    let start = match index.checked_sub(1) {
        None => Some(HEADER),
        Some(before) => end(before),
    };
    start.zip(end(index)).and_then(|(start, end)| page.get(start..end)).unwrap_or_default()
}

/// Bindings in a page: a change copies some two kilobytes.
pub(super) const PER_PAGE: usize = 32;

const HEADER: usize = PER_PAGE * 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_change_and_go() {
        let mut records = Records::default();
        let bytes = |id: u32, round: usize| vec![id as u8 + 1; id as usize % 7 * 40 + round];
        for id in 0..100 {
            assert_eq!(records.next(), id);
            records.put(id, &bytes(id, 1));
        }
        let copy = records.clone();
        for id in (0..100).step_by(3) {
            records.put(id, &bytes(id, 2));
        }
        for id in (0..100).step_by(5) {
            records.put(id, &[]);
        }
        assert_eq!((records.live(), copy.live()), (80, 100));
        for id in 0..100 {
            assert_eq!(copy.bytes(id), bytes(id, 1));
            let wanted = match (id % 5, id % 3) {
                (0, _) => Vec::new(),
                (_, 0) => bytes(id, 2),
                _ => bytes(id, 1),
            };
            assert_eq!(records.bytes(id), wanted, "{id}");
        }
        assert!(records.bytes(100).is_empty());
    }
}
