//! Numbers that threads add to without taking them from each other.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A count, kept in several places. Adding to it costs a few nanoseconds, however many threads do.
#[derive(Debug, Default)]
pub struct Counter([Place; PLACES]);

#[derive(Debug, Default)]
#[repr(align(64))]
struct Place(AtomicU64);

/// A number that is set, or goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Counter {
    /// Counts `more` of it.
    #[inline]
    pub fn add(&self, more: u64) {
        if let Some(Place(count)) = self.0.get(place()) {
            count.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.iter().map(|Place(count)| count.load(Ordering::Relaxed)).sum()
    }
}

impl Gauge {
    /// Says what it is now.
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    /// Says how much it differs from what it was.
    pub fn change(&self, by: f64) {
        let add = |bits| Some((f64::from_bits(bits) + by).to_bits());
        // The closure never declines.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// What it is.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// Which of the places a thread adds to.
#[inline]
pub(super) fn place() -> usize {
    PLACE.with(Cell::get)
}

thread_local! {
    static PLACE: Cell<usize> = Cell::new({
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed) % PLACES
    });
}

pub(super) const PLACES: usize = 8;
