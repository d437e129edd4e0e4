//! Durations, counted in buckets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::counter::{PLACES, place};
use super::reading::Value;

/// How long something took, each time. Telling it costs a few nanoseconds.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    places: [Place; PLACES],
}

#[derive(Debug)]
#[repr(align(64))]
struct Place {
    nanoseconds: AtomicU64,
    /// One for each bound, and one for what is beyond.
    counts: Box<[AtomicU64]>,
}

impl Histogram {
    /// One with these bounds, in seconds and rising.
    pub fn new(bounds: &'static [f64]) -> Self {
        let place = |_| Place {
            nanoseconds: AtomicU64::new(0),
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
        };
        Self { bounds, places: std::array::from_fn(place) }
    }

    /// Says that it took so long.
    pub fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = self.bounds.partition_point(|bound| *bound < seconds);
        let Some(place) = self.places.get(place()) else { return };
        if let Some(count) = place.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        place.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// How often it was told something.
    pub fn count(&self) -> u64 {
        let counts = self.places.iter().flat_map(|place| &place.counts);
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// What it was told.
    pub fn read(&self) -> Value {
        let in_bucket = |index: usize| -> u64 {
            let counts = self.places.iter().filter_map(|place| place.counts.get(index));
            counts.map(|count| count.load(Ordering::Relaxed)).sum()
        };
        let mut count = 0;
        let mut buckets = Vec::with_capacity(self.bounds.len());
        for (index, bound) in self.bounds.iter().enumerate() {
            count += in_bucket(index);
            buckets.push((*bound, count));
        }
        count += in_bucket(self.bounds.len());
        let nanoseconds = self.places.iter().map(|place| &place.nanoseconds);
        let sum = nanoseconds.map(|sum| Duration::from_nanos(sum.load(Ordering::Relaxed)));
        Value::Histogram { buckets, sum: sum.sum::<Duration>().as_secs_f64(), count }
    }
}
