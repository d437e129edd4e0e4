//! Which subject is granted what in one kind of scope: the cluster, or all namespaces.

use std::sync::Arc;

use rayon::slice::ParallelSliceMut as _;

use super::records::{BindingId, Records};
use super::roles::RoleId;
use crate::cow::CowVec;
use crate::filter::Filter;
use crate::number::as_u32;
use crate::paged::{Paged, Slot, short};

/// One role, granted to one subject by one binding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) role: RoleId,
    pub(super) binding: BindingId,
    /// Where in the binding's record the subject stands. Never 0: the namespace stands there.
    pub(super) subject: u32,
}

/// Grants by hash of subject and namespace.
///
/// Invariant (one-slot-a-hash): the grants of one hash lie in one slot, and if they are several, in one
/// list. They may be of several subjects, though nearly never are, so each is compared by its text
/// before it counts.
/// Invariant (lists-in-order): the grants of a list are in the order in which bindings are looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Grants {
    slots: Paged<GrantSlot>,
    filter: Filter,
    /// How many hashes the filter has been told of.
    filtered: usize,
    lists: CowVec<Arc<[Grant]>>,
    /// Lists that are not in use: each holds the number of the next in place of a grant.
    free_lists: Option<u32>,
}

/// Sixteen bytes, so that four fill a cache line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GrantSlot {
    hash: u32,
    grant: Grant,
}

impl Slot for GrantSlot {
    #[inline]
    fn hash(&self) -> u32 {
        self.hash
    }

    #[inline]
    fn is_free(&self) -> bool {
        self.grant.subject == 0
    }
}

impl GrantSlot {
    pub(super) fn new(hash: u64, grant: Grant) -> Self {
        Self { hash: short(hash), grant }
    }

    fn of_list(hash: u32, list: u32) -> Self {
        Self { hash, grant: Grant { role: LIST, binding: list, subject: 1 } }
    }
}

impl Grants {
    /// All at once.
    pub(super) fn of(mut slots: Vec<GrantSlot>, records: &Records) -> Self {
        slots.par_sort_unstable_by_key(|slot| slot.hash);
        let mut lists = Vec::new();
        let mut packed = Vec::with_capacity(slots.len());
        for group in slots.chunk_by(|left, right| left.hash == right.hash) {
            match group {
                [one] => packed.push(*one),
                [first, ..] => {
                    packed.push(GrantSlot::of_list(first.hash, as_u32(lists.len())));
                    let mut list: Vec<Grant> = group.iter().map(|slot| slot.grant).collect();
                    list.sort_by_key(|grant| (records.order(grant.binding), grant.subject));
                    lists.push(list.into());
                }
                [] => {}
            }
        }
        let lists = lists.into_iter().collect();
        let filter = filter(packed.iter().copied(), packed.len());
        let filtered = packed.len();
        Self { slots: Paged::of(&packed), filter, filtered, lists, free_lists: None }
    }

    /// False only if there is no grant under this hash.
    #[inline]
    pub(super) fn may_contain(&self, hash: u64) -> bool {
        self.filter.may_contain(spread(short(hash)))
    }

    /// The grants under this hash, in order.
    #[inline]
    pub(super) fn find(&self, hash: u64) -> &[Grant] {
        let Some(slot) = self.slots.find(short(hash), |_| true) else { return &[] };
        if slot.grant.role == LIST {
            return self.list(slot.grant.binding);
        }
        std::slice::from_ref(&slot.grant)
    }

    fn list(&self, list: u32) -> &[Grant] {
        self.lists.get(list as usize).map_or(&[], |list| list)
    }

    /// Adds a grant, in its place among those of the same hash.
    pub(super) fn insert(&mut self, hash: u64, grant: Grant, records: &Records) {
        let Some(slot) = self.slots.find(short(hash), |_| true).copied() else {
            self.slots.insert(GrantSlot::new(hash, grant));
            return self.note(hash);
        };
        let mut grants = self.find(hash).to_vec();
        let at = grants
            .partition_point(|other| records.order(other.binding) <= records.order(grant.binding));
        grants.insert(at, grant);
        self.put_list(slot, grants);
    }

    /// Takes all grants of a binding away from those of a hash.
    pub(super) fn remove(&mut self, hash: u64, binding: BindingId) {
        let Some(slot) = self.slots.find(short(hash), |_| true).copied() else { return };
        let all = self.find(hash);
        let left: Vec<Grant> =
            all.iter().copied().filter(|grant| grant.binding != binding).collect();
        if left.len() < all.len() {
            self.put_list(slot, left);
        }
    }

    /// Puts other grants in the place of those of a slot.
    fn put_list(&mut self, slot: GrantSlot, grants: Vec<Grant>) {
        let old = (slot.grant.role == LIST).then_some(slot.grant.binding);
        let new = match *grants {
            [] => None,
            [one] => Some(GrantSlot { hash: slot.hash, grant: one }),
            _ => {
                let list = match old {
                    Some(list) => list,
                    None => self.free_list(),
                };
                if let Some(place) = self.lists.get_mut(list as usize) {
                    *place = grants.into();
                }
                Some(GrantSlot::of_list(slot.hash, list))
            }
        };
        let still_a_list = new.is_some_and(|slot| slot.grant.role == LIST);
        if let Some(list) = old.filter(|_| !still_a_list)
            && let Some(place) = self.lists.get_mut(list as usize)
        {
            let next = self.free_lists.map(|next| Grant { binding: next, ..Grant::default() });
            *place = next.into_iter().collect();
            self.free_lists = Some(list);
        }
        match new {
            Some(new) => {
                if let Some(place) = self.slots.find_mut(slot.hash, |_| true) {
                    *place = new;
                }
            }
            None => {
                self.slots.remove(slot.hash, |_| true);
            }
        }
    }

    /// A list that is not in use.
    fn free_list(&mut self) -> u32 {
        let Some(list) = self.free_lists else {
            return as_u32(self.lists.push(Arc::default()));
        };
        self.free_lists = self.list(list).first().map(|next| next.binding);
        list
    }

    /// Tells the filter of a hash. The bits of what is gone stay until the filter is full and made anew.
    fn note(&mut self, hash: u64) {
        self.filtered += 1;
        if self.filtered > self.filter.capacity() {
            // With room to spare, so that a table that stays as large as it is does without for long.
            let room = self.slots.len() + self.slots.len() / 4;
            self.filter = filter(self.slots.iter(), room);
            self.filtered = self.slots.len();
        } else {
            self.filter.insert(spread(short(hash)));
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let lists = self.lists.iter().map(|list| size_of_val(&**list) + 16);
        self.slots.heap_bytes()
            + self.filter.heap_bytes()
            + self.lists.heap_bytes()
            + lists.sum::<usize>()
    }
}

/// A filter that knows the hashes of these slots, and has room for so many.
fn filter(slots: impl Iterator<Item = GrantSlot>, room: usize) -> Filter {
    Filter::new(slots.map(|slot| spread(slot.hash)), room)
}

/// What is kept of a hash, at both ends of the word: a filter looks at both.
#[inline]
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// In place of a role: the grants lie in the list whose number stands in place of the binding.
const LIST: RoleId = RoleId(u32::MAX);
