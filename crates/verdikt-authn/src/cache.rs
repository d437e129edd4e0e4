//! Remembers what slow authenticators said of a token, for a few seconds and within bounds.
//!
//! Follows apiserver's `pkg/authentication/token/cache`. Differences: an answer is never kept past the
//! moment from which it may be another, all answers go with the policy they were made from, and there is
//! a bound on their bytes. Concurrent look-ups of one token are made once.
//!
//! Tokens themselves are not kept: a keyed hash stands for them, and `token_digest.rs` says why that is safe.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::HashTable;
use verdikt_core::metrics::Metrics;

use crate::cache_metrics::CacheMetrics;
use crate::ticks::Ticks;
use crate::time::{Clock, Moment};
use crate::token_digest::{Digest, DigestKey};
use crate::{Error, Outcome};

/// For how long answers are kept, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// For how long it is kept whose a token is.
    pub success_ttl: Duration,
    /// For how long it is kept that a token is unknown or no good.
    pub failure_ttl: Duration,
    /// Bound on the bytes of the answers of either kind, users included.
    pub bytes: usize,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self { success_ttl: Duration::from_secs(10), failure_ttl: Duration::ZERO, bytes: 64 << 20 }
    }
}

/// The answers of one policy.
pub(crate) struct TokenCache {
    /// Without randomness nothing is remembered, and everybody asked again.
    key: Option<&'static DigestKey>,
    options: CacheOptions,
    clock: Clock,
    /// Apart, so that tokens anybody can make up do not drive out those that are good.
    good: Store,
    bad: Store,
    under_way: Mutex<Vec<Arc<LookUp>>>,
    counts: CacheMetrics,
}

/// Answers in shards, so that those who look do not wait for each other.
#[derive(Default)]
struct Store([Mutex<Shard>; SHARDS]);

/// Answers, the oldest first to go.
#[derive(Default)]
struct Shard {
    entries: HashTable<Arc<Entry>>,
    order: VecDeque<Arc<Entry>>,
    /// Of all in `order`.
    bytes: usize,
}

struct Entry {
    question: Digest,
    outcome: Outcome,
    until: Ticks,
    bytes: usize,
}

/// A look-up that others may wait for.
struct LookUp {
    question: Digest,
    outcome: Mutex<Option<Outcome>>,
    done: Condvar,
}

impl TokenCache {
    pub(crate) fn new(options: CacheOptions, clock: &Clock, metrics: &Metrics) -> Self {
        Self {
            counts: CacheMetrics::new(metrics),
            key: DigestKey::of_process(),
            options,
            clock: clock.clone(),
            good: Store::default(),
            bad: Store::default(),
            under_way: Mutex::default(),
        }
    }

    /// What was said of the token, or else what `ask` says now, and until when that holds at most.
    #[inline]
    pub(crate) fn get(
        &self,
        token: &[u8],
        audiences: &[String],
        ask: impl FnOnce() -> (Outcome, Option<Moment>),
    ) -> Outcome {
        let Some(key) = self.key else { return ask().0 };
        let question = key.digest(token, audiences);
        match self.find(&question) {
            Some(outcome) => {
                self.counts.hit();
                outcome
            }
            None => {
                let _waits = self.counts.miss();
                self.ask_once(question, ask)
            }
        }
    }

    #[inline]
    fn find(&self, question: &Digest) -> Option<Outcome> {
        let in_good = self.good.find(question);
        if in_good.is_some() || self.options.failure_ttl.is_zero() {
            return in_good;
        }
        self.bad.find(question)
    }

    /// Asks, unless somebody is asking already.
    #[cold]
    #[inline(never)]
    fn ask_once(
        &self,
        question: Digest,
        ask: impl FnOnce() -> (Outcome, Option<Moment>),
    ) -> Outcome {
        let mut under_way = lock(&self.under_way);
        let mut others = under_way.iter();
        if let Some(other) = others.find(|other| other.question.is(&question)) {
            let other = Arc::clone(other);
            drop(under_way);
            return other.wait();
        }
        let look_up =
            Arc::new(LookUp { question, outcome: Mutex::default(), done: Condvar::new() });
        under_way.push(Arc::clone(&look_up));
        drop(under_way);
        // Whatever happens from here on, nobody waits for ever.
        let _finish = Finish { cache: self, look_up: &look_up };
        // Somebody may have finished between the two looks.
        let outcome = self.find(&question).unwrap_or_else(|| {
            let fetch = self.counts.fetch();
            let (outcome, until) = ask();
            fetch.brought(&outcome);
            self.keep(question, &outcome, until);
            outcome
        });
        *lock(&look_up.outcome) = Some(outcome.clone());
        outcome
    }

    fn keep(&self, question: Digest, outcome: &Outcome, until: Option<Moment>) {
        let (store, ttl, bytes) = match outcome {
            Outcome::Authenticated(who) => (&self.good, self.options.success_ttl, who.bytes()),
            Outcome::NoOpinion => (&self.bad, self.options.failure_ttl, 0),
            Outcome::Failed(error) => (&self.bad, self.options.failure_ttl, error.bytes()),
        };
        let ttl = until.map_or(ttl, |until| ttl.min(until.since(self.clock.now())));
        // The cheap clock is behind, but never by more than this.
        let Some(ttl) = ttl.checked_sub(Ticks::LATENESS).filter(|ttl| !ttl.is_zero()) else {
            return;
        };
        let until = Ticks::now().plus(ttl);
        let entry = Entry { question, outcome: outcome.clone(), until, bytes: ENTRY_BYTES + bytes };
        store.insert(Arc::new(entry), self.options.bytes / SHARDS);
    }
}

impl Store {
    #[inline]
    fn shard(&self, question: &Digest) -> Option<MutexGuard<'_, Shard>> {
        // The tables inside go by the lowest bits and the highest.
        self.0.get((question.position() >> 32) as usize % SHARDS).map(lock)
    }

    #[inline]
    fn find(&self, question: &Digest) -> Option<Outcome> {
        let shard = self.shard(question)?;
        let is_it = |entry: &Arc<Entry>| entry.question.is(question);
        let entry = shard.entries.find(question.position(), is_it)?;
        (Ticks::now() < entry.until).then(|| entry.outcome.clone())
    }

    fn insert(&self, entry: Arc<Entry>, most: usize) {
        let Some(mut shard) = self.shard(&entry.question).filter(|_| entry.bytes <= most) else {
            return;
        };
        let now = Ticks::now();
        let room = most - entry.bytes;
        while shard.bytes > room || shard.order.front().is_some_and(|first| first.until <= now) {
            shard.drop_oldest();
        }
        shard.bytes += entry.bytes;
        shard.order.push_back(Arc::clone(&entry));
        let position = entry.question.position();
        let same = |other: &Arc<Entry>| other.question.is(&entry.question);
        match shard.entries.find_mut(position, same) {
            Some(older) => *older = entry,
            None => {
                shard.entries.insert_unique(position, entry, |entry| entry.question.position());
            }
        }
    }
}

impl Shard {
    fn drop_oldest(&mut self) {
        let Some(oldest) = self.order.pop_front() else {
            self.bytes = 0;
            return;
        };
        self.bytes -= oldest.bytes;
        // A newer answer to the same question may have taken its place.
        let is_it = |entry: &Arc<Entry>| Arc::ptr_eq(entry, &oldest);
        if let Ok(entry) = self.entries.find_entry(oldest.question.position(), is_it) {
            entry.remove();
        }
    }
}

impl LookUp {
    /// Waits for whoever is asking.
    fn wait(&self) -> Outcome {
        let outcome = lock(&self.outcome);
        let waited = self.done.wait_timeout_while(outcome, PATIENCE, |outcome| outcome.is_none());
        let (outcome, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let late = || Outcome::Failed(Error::new("token-cache", "context deadline exceeded"));
        outcome.clone().unwrap_or_else(late)
    }
}

/// Ends a look-up when it is dropped: those who wait are told, at the worst that it broke.
struct Finish<'c> {
    cache: &'c TokenCache,
    look_up: &'c Arc<LookUp>,
}

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        let broke = "Internal error occurred: authentication failed unexpectedly";
        lock(&self.look_up.outcome)
            .get_or_insert_with(|| Outcome::Failed(Error::new("token-cache", broke)));
        self.look_up.done.notify_all();
        lock(&self.cache.under_way).retain(|other| !Arc::ptr_eq(other, self.look_up));
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("options", &self.options).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const SHARDS: usize = 32;
/// What an answer takes beside its texts.
const ENTRY_BYTES: usize = 256;
/// What a text takes beside its letters.
pub(crate) const TEXT: usize = size_of::<String>();
/// For how long one waits for a look-up that somebody else makes.
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use verdikt_core::{HashKey, Identity, User};

    use super::*;
    use crate::{Authenticated, Method};

    fn good(name: &str) -> Outcome {
        let identity = Identity::new(User::new(name, ["g"]), &HashKey::random());
        Outcome::Authenticated(Authenticated::new(Arc::new(identity), Method::ServiceAccount))
    }

    fn bad() -> Outcome {
        Outcome::Failed(Error::new("a", "no good"))
    }

    fn cache(success: u64, failure: u64, bytes: usize) -> TokenCache {
        let options = CacheOptions {
            success_ttl: Duration::from_secs(success),
            failure_ttl: Duration::from_secs(failure),
            bytes,
        };
        TokenCache::new(options, &Clock::standing(1_000), &Metrics::default())
    }

    /// How often it is asked, when the same is asked twice.
    fn asked(cache: &TokenCache, outcome: &Outcome, until: Option<i64>) -> usize {
        let count = AtomicUsize::new(0);
        for _ in 0..2 {
            cache.get(b"token", &[], || {
                count.fetch_add(1, Ordering::Relaxed);
                (outcome.clone(), until.map(Moment::from_unix))
            });
        }
        count.into_inner()
    }

    #[test]
    fn successes_are_kept_for_ten_seconds_and_failures_not_at_all_unless_said_otherwise() {
        let options = CacheOptions::default();
        assert_eq!(options.success_ttl, Duration::from_secs(10));
        for (outcome, expected) in [(good("jane"), 1), (bad(), 2), (Outcome::NoOpinion, 2)] {
            let cache = TokenCache::new(options, &Clock::standing(1_000), &Metrics::default());
            assert_eq!(asked(&cache, &outcome, None), expected, "{outcome:?}");
        }
    }

    #[test]
    fn random_tokens_leave_nothing_behind_unless_failures_are_kept() {
        let cache = cache(10, 0, 1 << 20);
        for index in 0..1_000 {
            cache.get(format!("made up {index}").as_bytes(), &[], || (bad(), None));
        }
        for store in [&cache.good, &cache.bad] {
            assert!(store.0.iter().all(|shard| lock(shard).order.is_empty()));
        }
        assert!(lock(&cache.under_way).is_empty());
    }

    #[test]
    fn answers_are_kept_as_long_as_they_may_be() {
        for (success, failure, outcome, until, expected) in [
            (10, 0, good("jane"), None, 1),
            (10, 0, good("jane"), Some(1_010), 1),
            (10, 0, good("jane"), Some(1_000), 2),
            (10, 0, good("jane"), Some(900), 2),
            (0, 10, good("jane"), None, 2),
            (10, 0, bad(), None, 2),
            (10, 0, Outcome::NoOpinion, None, 2),
            (0, 10, bad(), None, 1),
            (0, 10, Outcome::NoOpinion, None, 1),
        ] {
            let cache = cache(success, failure, 1 << 20);
            assert_eq!(asked(&cache, &outcome, until), expected, "{success} {failure} {until:?}");
        }
    }

    #[test]
    fn a_token_is_another_for_other_audiences() {
        let cache = cache(10, 0, 1 << 20);
        let audiences = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
        for (audience, expected) in
            [(vec![], "0"), (vec!["a"], "1"), (vec!["a", "b"], "2"), (vec!["b", "a"], "3")]
        {
            let outcome = cache.get(b"token", &audiences(&audience), || (good(expected), None));
            let again = cache.get(b"token", &audiences(&audience), || (bad(), None));
            for outcome in [outcome, again] {
                let Outcome::Authenticated(who) = outcome else { panic!("{audience:?}") };
                assert_eq!(who.user().name, expected, "{audience:?}");
            }
        }
    }

    #[test]
    fn bytes_are_bounded_and_bad_tokens_do_not_drive_out_good_ones() {
        let cache = cache(100, 100, SHARDS * 4_096);
        cache.get(b"good", &[], || (good("jane"), None));
        for index in 0..10_000 {
            cache.get(format!("made up {index}").as_bytes(), &[], || (bad(), None));
        }
        let bytes = |store: &Store| store.0.iter().map(|shard| lock(shard).bytes).sum::<usize>();
        assert!(bytes(&cache.bad) <= SHARDS * 4_096, "{}", bytes(&cache.bad));
        let entries: usize = cache.bad.0.iter().map(|shard| lock(shard).entries.len()).sum();
        assert!(entries <= SHARDS * 4_096 / ENTRY_BYTES, "{entries}");
        let outcome = cache.get(b"good", &[], || (bad(), None));
        assert!(matches!(outcome, Outcome::Authenticated(_)));
        let large = "x".repeat(5_000);
        cache.get(b"large", &[], || (good(&large), None));
        let outcome = cache.get(b"large", &[], || (bad(), None));
        assert!(matches!(outcome, Outcome::Failed(_)), "what has no room is not kept");
    }

    #[test]
    fn concurrent_look_ups_of_one_token_are_made_once() {
        let cache = cache(0, 0, 1 << 20);
        let (count, started) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    started.fetch_add(1, Ordering::SeqCst);
                    let outcome = cache.get(b"token", &[], || {
                        count.fetch_add(1, Ordering::SeqCst);
                        while started.load(Ordering::SeqCst) < 8 {
                            thread::yield_now();
                        }
                        // The last to start may still be on the way to the list of look-ups.
                        thread::sleep(Duration::from_millis(50));
                        (good("jane"), None)
                    });
                    assert!(matches!(outcome, Outcome::Authenticated(_)));
                });
            }
        });
        assert_eq!(count.into_inner(), 1);
        assert!(lock(&cache.under_way).is_empty());
    }

    #[test]
    fn a_look_up_that_breaks_leaves_nobody_waiting() {
        let cache = cache(10, 10, 1 << 20);
        thread::scope(|scope| {
            let broken = scope.spawn(|| cache.get(b"token", &[], || panic!("made to break")));
            assert!(broken.join().is_err());
        });
        assert!(lock(&cache.under_way).is_empty());
        let outcome = cache.get(b"token", &[], || (good("jane"), None));
        assert!(matches!(outcome, Outcome::Authenticated(_)));
    }
}
