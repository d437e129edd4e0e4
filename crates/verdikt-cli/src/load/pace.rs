//! When calls begin: as soon as one can (a closed loop), or at a rate, whatever became of those before (an open one).
//!
//! In an open loop each call has a time at which it is to begin, and time is taken from there. If it has to wait for
//! its turn because the server is slow, that is part of what a user would have waited.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// Shared by all who make calls.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    /// Calls a second; none in a closed loop.
    rate: Option<f64>,
    begun: AtomicU64,
    turns: Semaphore,
    is_stopped: AtomicBool,
}

/// A call that is to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// The number of the call, from 0.
    pub(super) number: u64,
    /// When it should begin.
    pub(super) since: Instant,
}

impl Pace {
    /// Begins now.
    pub(super) fn new(rate: Option<f64>) -> Arc<Self> {
        let pace = Arc::new(Self {
            start: Instant::now(),
            rate,
            begun: AtomicU64::new(0),
            turns: Semaphore::new(0),
            is_stopped: AtomicBool::new(false),
        });
        if let Some(rate) = rate {
            let pace = Arc::clone(&pace);
            std::thread::spawn(move || pace.hand_out(rate));
        }
        pace
    }

    pub(super) fn start(&self) -> Instant {
        self.start
    }

    /// The next call, once it is due; none after the end.
    pub(super) async fn turn(&self) -> Option<Turn> {
        let Some(rate) = self.rate else {
            if self.is_stopped() {
                return None;
            }
            let number = self.begun.fetch_add(1, Ordering::Relaxed);
            return Some(Turn { number, since: Instant::now() });
        };
        self.turns.acquire().await.ok()?.forget();
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        Some(Turn { number, since: self.start + after(number, rate) })
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// No call begins any more.
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.turns.close();
    }

    /// How many calls have been due for a while, and have not begun.
    pub(super) fn unsent(&self) -> u64 {
        let Some(rate) = self.rate else { return 0 };
        let due = self.start.elapsed().saturating_sub(A_WHILE).as_secs_f64() * rate;
        (due as u64).saturating_sub(self.begun.load(Ordering::Relaxed))
    }

    /// On a thread of its own, since timers of the runtime are good to a millisecond only.
    fn hand_out(&self, rate: f64) {
        // Otherwise Linux may wake it 50 µs late. What cannot be had is done without.
        #[cfg(target_os = "linux")]
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        let mut handed = 0;
        while !self.is_stopped() {
            let due = (self.start.elapsed().as_secs_f64() * rate) as u64 + 1;
            if due > handed {
                self.turns.add_permits(usize::try_from(due - handed).unwrap_or(usize::MAX));
                handed = due;
            }
            let next = after(handed, rate).saturating_sub(self.start.elapsed());
            std::thread::sleep(next.clamp(SHORTEST_SLEEP, LONGEST_SLEEP));
        }
    }
}

/// From the start to a call.
fn after(number: u64, rate: f64) -> Duration {
    Duration::try_from_secs_f64(number as f64 / rate).unwrap_or(Duration::MAX)
}

/// No call is missed before.
const A_WHILE: Duration = Duration::from_millis(20);
/// At high rates several calls begin at once, rather than that a core does nothing but wake up.
const SHORTEST_SLEEP: Duration = Duration::from_micros(20);
/// The end is noticed by then.
const LONGEST_SLEEP: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calls_of_an_open_loop_are_due_at_even_distances_whoever_is_late() {
        let pace = Pace::new(Some(1_000.0));
        let mut all = Vec::new();
        for _ in 0..5 {
            all.push(pace.turn().await.unwrap());
        }
        for (number, turn) in all.iter().enumerate() {
            assert_eq!(turn.number, number as u64);
            assert_eq!(turn.since - pace.start(), Duration::from_millis(number as u64));
        }
        pace.stop();
        assert!(pace.turn().await.is_none());
    }

    #[tokio::test]
    async fn a_closed_loop_ends_when_it_is_stopped() {
        let pace = Pace::new(None);
        assert_eq!([pace.turn().await, pace.turn().await].map(|turn| turn.unwrap().number), [0, 1]);
        pace.stop();
        assert!(pace.turn().await.is_none());
        assert_eq!(pace.unsent(), 0);
    }
}
