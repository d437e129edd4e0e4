//! From names to numbers, for what changes the tables; deciding does without.

use crate::paged::{Paged, Slot, short};

/// Numbers by hash of a name.
pub(super) type Ids = Paged<IdSlot>;

/// A number, kept as the one after it, so that 0 is none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IdSlot {
    hash: u32,
    /// The number after it; 0 in a free slot.
    next: u32,
}

impl Slot for IdSlot {
    #[inline]
    fn hash(&self) -> u32 {
        self.hash
    }

    #[inline]
    fn is_free(&self) -> bool {
        self.next == 0
    }
}

impl IdSlot {
    pub(super) fn new(hash: u64, id: u32) -> Self {
        Self { hash: short(hash), next: id.saturating_add(1) }
    }

    pub(super) fn id(self) -> u32 {
        self.next.wrapping_sub(1)
    }

    /// By hash, then by number.
    pub(super) fn order(&self) -> (u32, u32) {
        (self.hash, self.next)
    }

    pub(super) fn has_hash_of(self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Ids {
    /// The number under this hash for which `is_it` holds.
    pub(super) fn id(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.find(short(hash), |slot| is_it(slot.id())).map(|slot| slot.id())
    }

    /// Adds a number.
    pub(super) fn add(&mut self, hash: u64, id: u32) {
        self.insert(IdSlot::new(hash, id));
    }

    /// Takes a number away.
    pub(super) fn take_away(&mut self, hash: u64, id: u32) {
        self.remove(short(hash), |slot| slot.id() == id);
    }
}
