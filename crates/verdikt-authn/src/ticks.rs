//! A clock that is read in a fraction of the time others take, and is behind them by a few milliseconds.

use std::time::Duration;

/// A point in time, as far as this process is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticks(u64);

impl Ticks {
    /// By how much it may be behind: a tick of the slowest kernels there are (100 Hz).
    pub(crate) const LATENESS: Duration = Duration::from_millis(10);

    /// Now, or a little before.
    #[cfg(target_os = "linux")]
    #[inline]
    pub(crate) fn now() -> Self {
        use rustix::time::{ClockId, clock_gettime};
        let now = clock_gettime(ClockId::MonotonicCoarse);
        let (seconds, nanoseconds) = (now.tv_sec as u64, now.tv_nsec as u64);
        Self(seconds.wrapping_mul(1_000_000_000).wrapping_add(nanoseconds))
    }

    /// Now.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn now() -> Self {
        use std::sync::OnceLock;
        use std::time::Instant;
        static START: OnceLock<Instant> = OnceLock::new();
        let since = START.get_or_init(Instant::now).elapsed();
        Self(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    /// The point this much later.
    pub(crate) fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(later.as_nanos()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn it_goes_on_and_is_behind_by_no_more_than_it_says() {
        let (start, first) = (Instant::now(), Ticks::now());
        while start.elapsed() < Duration::from_millis(40) {
            std::hint::spin_loop();
        }
        let shown = Ticks::now();
        assert!(shown > first.plus(Duration::from_millis(40) - 2 * Ticks::LATENESS), "{shown:?}");
    }
}
