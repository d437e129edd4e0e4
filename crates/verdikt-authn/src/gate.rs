//! Bounds how much costly checking goes on at a time, whatever clients send.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Lets one caller check at a time, and a few wait; more are turned away.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    inside: Mutex<()>,
    present: AtomicUsize,
}

impl Gate {
    /// Runs `check`, or not: none if too many are waiting already.
    pub(crate) fn pass<T>(&self, check: impl FnOnce() -> T) -> Option<T> {
        if self.present.fetch_add(1, Ordering::AcqRel) >= MOST_PRESENT {
            self.present.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let result = check();
        drop(inside);
        self.present.fetch_sub(1, Ordering::AcqRel);
        Some(result)
    }
}

/// What those who are turned away are told in the log.
pub(crate) const TOO_MANY: &str = "too many password verifications in flight";

const MOST_PRESENT: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_beyond_the_bound_are_turned_away() {
        let gate = Gate::default();
        gate.present.store(MOST_PRESENT, Ordering::Release);
        assert_eq!(gate.pass(|| 1), None);
        gate.present.store(MOST_PRESENT - 1, Ordering::Release);
        assert_eq!(gate.pass(|| 1), Some(1));
        assert_eq!(gate.present.load(Ordering::Acquire), MOST_PRESENT - 1);
    }
}
