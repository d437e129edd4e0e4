//! Notices that files have changed: told by the operating system, and by looking from time to time.
//!
//! inotify and its like follow what lies in a folder, not what a path leads to: a folder that is
//! removed and made again, or a link that is swapped, leaves the old watch behind. So after every
//! change all watches are made anew, for what the paths lead to then. Network file systems tell
//! nothing, and watches can run out: polling finds what was not told.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fmt, io, mem};

use notify::{ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::bell::{Bell, Woken};
use super::files::{FileSet, Named};
use super::listing::Listing;
use super::places::Places;

/// How files are watched.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WatchOptions {
    /// How often files are looked at (not read) even if nothing announced a change; 5 s by default,
    /// at least 10 ms.
    pub poll_interval: Duration,
    /// How long nothing must happen after a change before files are read; 50 ms by default. Most
    /// changes come as several events.
    pub debounce: Duration,
    /// How long reading is put off at most while changes go on; 500 ms by default.
    pub max_delay: Duration,
    /// Whether the operating system is asked to announce changes; if not, polling must find them.
    pub notifications: bool,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_secs(5),
            debounce: Duration::from_millis(50),
            max_delay: Duration::from_millis(500),
            notifications: true,
        }
    }
}

/// Calls back when files may have changed, until it is dropped.
pub struct Watcher {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Watches `files` in a thread of its own, and calls `on_change` there: once at the start, for
    /// what changed since the files were read, then whenever they may have changed again.
    ///
    /// # Errors
    /// If no thread can be started. That changes cannot be announced is none: it is logged, and
    /// polling finds them.
    pub fn spawn(
        files: &FileSet,
        options: WatchOptions,
        on_change: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let bell = Arc::new(Bell::default());
        let watch = Watch {
            named: files.named(),
            files: files.clone(),
            options,
            bell: Arc::clone(&bell),
            impaired: false,
        };
        let thread = thread::Builder::new()
            .name("verdikt-watch".to_owned())
            .spawn(move || watch.run(on_change))?;
        Ok(Self { bell, thread: Some(thread) })
    }
}

/// Waits for a call of `on_change` that is under way, unless it is dropped from within that call.
impl Drop for Watcher {
    fn drop(&mut self) {
        self.bell.stop();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            // A panic has been reported where it happened.
            drop(thread.join());
        }
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").finish_non_exhaustive()
    }
}

/// What the thread works with.
struct Watch {
    files: FileSet,
    /// What is watched because other files name it.
    named: Named,
    options: WatchOptions,
    bell: Arc<Bell>,
    /// Whether not every change is announced; kept so that it is logged once.
    impaired: bool,
}

impl Watch {
    fn run(mut self, on_change: impl Fn()) {
        let mut seen = self.files.list();
        let mut listener = self.listen(&seen);
        self.call(&on_change, &mut seen, &mut listener);
        // Whether the last change was found by polling: clocks of file systems are coarse, and what
        // changed again within one tick looks the same. Reading once more settles it.
        let mut doubtful = false;
        loop {
            let woken = self.bell.wait(self.options.poll_interval.max(MIN_POLL_INTERVAL));
            if woken == Woken::Stopped {
                return;
            }
            let now = self.files.list();
            let found_by_polling = woken == Woken::Quiet && now != seen;
            if woken == Woken::Quiet && !found_by_polling && !doubtful {
                continue;
            }
            doubtful = found_by_polling;
            let Some(settled) = self.settle(woken, now) else { return };
            seen = settled;
            // The new listener listens before the old one stops, and before anything is read.
            drop(mem::replace(&mut listener, self.listen(&seen)));
            self.call(&on_change, &mut seen, &mut listener);
        }
    }

    /// Has the files read. Where what is read names other files than before, those are listened to from now
    /// on, and all is read once more: they may have changed before that.
    fn call(
        &mut self,
        on_change: &impl Fn(),
        seen: &mut Listing,
        listener: &mut Option<RecommendedWatcher>,
    ) {
        on_change();
        let named = self.files.named();
        if named != self.named {
            self.named = named;
            *seen = self.files.list();
            drop(mem::replace(listener, self.listen(seen)));
            on_change();
        }
    }

    /// Waits until no more happens; what polling found must look the same twice. None if stopped.
    fn settle(&self, woken: Woken, mut last: Listing) -> Option<Listing> {
        let start = Instant::now();
        loop {
            let left = self.options.max_delay.saturating_sub(start.elapsed());
            match self.bell.wait(self.options.debounce.min(left)) {
                Woken::Stopped => return None,
                Woken::Rung if !left.is_zero() => continue,
                _ => {}
            }
            let now = self.files.list();
            if woken == Woken::Rung || now == last || left.is_zero() {
                return Some(now);
            }
            last = now;
        }
    }

    /// Has changes announced wherever they would show; where that fails, polling remains.
    fn listen(&mut self, listing: &Listing) -> Option<RecommendedWatcher> {
        if !self.options.notifications {
            return None;
        }
        let (listener, problem) = match self.try_to_listen(listing) {
            Ok((listener, problem)) => (Some(listener), problem),
            Err(problem) => (None, Some(problem)),
        };
        match &problem {
            Some(error) if !self.impaired => tracing::warn!(
                poll_interval = ?self.options.poll_interval,
                "not all changes of policy files are announced, polling for them: {error}"
            ),
            None if self.impaired => tracing::info!("changes of policy files are announced again"),
            _ => {}
        }
        self.impaired = problem.is_some();
        listener
    }

    /// With the first folder's problem, if some cannot be watched.
    fn try_to_listen(
        &self,
        listing: &Listing,
    ) -> notify::Result<(RecommendedWatcher, Option<notify::Error>)> {
        let places = Arc::new(Places::of(&self.files, listing));
        let (bell, heard) = (Arc::clone(&self.bell), Arc::clone(&places));
        let mut listener = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let relevant = match event {
                Ok(event) => heard.concern(&event),
                // Something may have been missed.
                Err(_) => true,
            };
            if relevant {
                bell.ring();
            }
        })?;
        let mut problem = None;
        for folder in places.folders() {
            if let Err(error) = listener.watch(folder, RecursiveMode::NonRecursive)
                // A folder that is gone by now was seen to go, in the one that holds it.
                && !matches!(error.kind, ErrorKind::PathNotFound)
            {
                problem.get_or_insert(error);
            }
        }
        // What moved while watches were being made may now be elsewhere than where they are.
        if Places::of(&self.files, &self.files.list()) != *places {
            self.bell.ring();
        }
        Ok((listener, problem))
    }
}

const MIN_POLL_INTERVAL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::sync::{Mutex, PoisonError};

    use verdikt_parser::Limits;

    use super::*;

    #[test]
    fn a_watcher_may_be_dropped_by_its_own_callback() {
        let slot: Arc<Mutex<Option<Watcher>>> = Arc::default();
        let (done, ended) = channel();
        // The callback waits here until the watcher it is to drop has been put into the slot.
        let mut filling = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = Arc::clone(&slot);
        let on_change = move || {
            drop(taken.lock().unwrap_or_else(PoisonError::into_inner).take());
            done.send(()).unwrap();
        };
        let files = FileSet::new(Vec::new(), None, None, None, Limits::default());
        *filling = Some(Watcher::spawn(&files, WatchOptions::default(), on_change).unwrap());
        drop(filling);
        assert_eq!(ended.recv_timeout(Duration::from_secs(30)), Ok(()));
        // The thread ends, and its half of the channel with it.
        assert!(ended.recv_timeout(Duration::from_secs(30)).is_err());
    }
}
