//! Wakes the watching thread: rung any number of times before someone listens, it has rung once.

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Holds no queue, so that no flood of events can fill one.
#[derive(Debug, Default)]
pub(super) struct Bell {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    rung: bool,
    stopped: bool,
}

/// Why [`Bell::wait`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// Someone rang since the last time.
    Rung,
    /// Nobody rang in the time given.
    Quiet,
    /// Nobody is to wait any more.
    Stopped,
}

impl Bell {
    pub(super) fn ring(&self) {
        self.lock().rung = true;
        self.changed.notify_all();
    }

    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Waits until someone rings, or has rung since the last call; at most for `time`.
    pub(super) fn wait(&self, time: Duration) -> Woken {
        let idle = |state: &mut State| !state.rung && !state.stopped;
        let (mut state, _) = self
            .changed
            .wait_timeout_while(self.lock(), time, idle)
            .unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            return Woken::Stopped;
        }
        if mem::take(&mut state.rung) { Woken::Rung } else { Woken::Quiet }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rings_wake_once_and_stop_outlasts_them() {
        let bell = Bell::default();
        assert_eq!(bell.wait(Duration::ZERO), Woken::Quiet);
        bell.ring();
        bell.ring();
        assert_eq!(bell.wait(Duration::MAX), Woken::Rung);
        assert_eq!(bell.wait(Duration::ZERO), Woken::Quiet);
        bell.ring();
        bell.stop();
        assert_eq!(bell.wait(Duration::MAX), Woken::Stopped);
        assert_eq!(bell.wait(Duration::MAX), Woken::Stopped);
    }
}
