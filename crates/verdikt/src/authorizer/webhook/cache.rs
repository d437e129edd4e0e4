//! What a webhook has said, for a while.
//!
//! Follows apimachinery's `pkg/util/cache/lruexpirecache.go`, but counts bytes, keys included, and is fair:
//! what has to go is the oldest of whichever user has most in it. A client who asks ever new questions
//! drives out its own answers, and nobody else's.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::review::Status;

/// Answers by the spec that was sent, as JSON.
#[derive(Debug)]
pub(super) struct Cache {
    most_bytes: usize,
    store: Mutex<Store>,
}

#[derive(Debug, Default)]
struct Store {
    /// Of each user. The maps hash with keys of their own, so that clients cannot aim at collisions.
    users: HashMap<Arc<str>, Share>,
    /// The users by how much they have.
    by_bytes: BTreeSet<(usize, Arc<str>)>,
    bytes: usize,
    clock: u64,
}

#[derive(Debug, Default)]
struct Share {
    answers: HashMap<Arc<str>, Entry>,
    /// By when they were last asked for.
    by_age: BTreeMap<u64, Arc<str>>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    status: Status,
    until: Instant,
    used: u64,
    bytes: usize,
}

impl Cache {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self { most_bytes, store: Mutex::default() }
    }

    /// What was said, if it still counts.
    pub(super) fn get(&self, user: &str, key: &str, now: Instant) -> Option<Status> {
        let mut store = self.lock();
        let Store { users, clock, .. } = &mut *store;
        let share = users.get_mut(user)?;
        let entry = share.answers.get_mut(key)?;
        if entry.until <= now {
            store.remove(user, key);
            return None;
        }
        *clock += 1;
        if let Some(key) = share.by_age.remove(&entry.used) {
            share.by_age.insert(*clock, key);
        }
        entry.used = *clock;
        Some(entry.status.clone())
    }

    /// Keeps an answer, unless it is too large to be worth it.
    pub(super) fn put(&self, user: &str, key: &str, status: &Status, ttl: Duration, now: Instant) {
        let bytes = 2 * key.len() + status.reason.len() + ENTRY_BYTES;
        let Some(until) = now.checked_add(ttl).filter(|_| !ttl.is_zero()) else { return };
        if bytes > self.most_bytes / LARGEST_SHARE {
            return;
        }
        let mut store = self.lock();
        store.remove(user, key);
        store.insert(user, key, Entry { status: status.clone(), until, used: 0, bytes });
        while store.bytes > self.most_bytes && store.remove_oldest_of_largest() {}
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    fn insert(&mut self, user: &str, key: &str, mut entry: Entry) {
        self.clock += 1;
        entry.used = self.clock;
        let known = self.users.get_key_value(user).map(|(user, _)| Arc::clone(user));
        let user: Arc<str> = known.unwrap_or_else(|| user.into());
        let key: Arc<str> = key.into();
        let share = self.users.entry(Arc::clone(&user)).or_default();
        let had = share.bytes;
        if share.answers.is_empty() {
            share.bytes = USER_BYTES + user.len();
        }
        share.bytes += entry.bytes;
        share.by_age.insert(entry.used, Arc::clone(&key));
        share.answers.insert(key, entry);
        let has = share.bytes;
        self.bytes = self.bytes + has - had;
        self.by_bytes.remove(&(had, Arc::clone(&user)));
        self.by_bytes.insert((has, user));
    }

    fn remove(&mut self, user: &str, key: &str) {
        let Some((name, _)) = self.users.get_key_value(user) else { return };
        let name = Arc::clone(name);
        let Some(share) = self.users.get_mut(user) else { return };
        let Some(entry) = share.answers.remove(key) else { return };
        share.by_age.remove(&entry.used);
        let had = share.bytes;
        let is_empty = share.answers.is_empty();
        share.bytes = if is_empty { 0 } else { had.saturating_sub(entry.bytes) };
        let has = share.bytes;
        self.bytes = self.bytes.saturating_sub(had - has);
        self.by_bytes.remove(&(had, Arc::clone(&name)));
        if is_empty {
            self.users.remove(user);
        } else {
            self.by_bytes.insert((has, name));
        }
    }

    /// Whether there was anything to remove.
    fn remove_oldest_of_largest(&mut self) -> bool {
        let Some((_, user)) = self.by_bytes.last().cloned() else { return false };
        let oldest = self.users.get(&user).and_then(|share| share.by_age.values().next().cloned());
        let Some(key) = oldest else { return false };
        self.remove(&user, &key);
        true
    }
}

/// What an entry takes beside its texts, its key being in two maps.
const ENTRY_BYTES: usize = 256;
const USER_BYTES: usize = 512;
/// No answer may take more than this part of all.
const LARGEST_SHARE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(10);

    fn status(reason: &str) -> Status {
        Status { allowed: true, denied: false, reason: reason.to_owned() }
    }

    #[test]
    fn answers_count_until_their_time_is_over() {
        let (cache, now) = (Cache::new(1 << 20), Instant::now());
        cache.put("u", "k", &status("r"), TTL, now);
        cache.put("u", "none", &status("r"), Duration::ZERO, now);
        assert_eq!(cache.get("u", "k", now), Some(status("r")));
        assert_eq!(cache.get("v", "k", now), None);
        assert_eq!(cache.get("u", "none", now), None);
        assert_eq!(cache.get("u", "k", now + TTL), None);
        assert_eq!(cache.lock().bytes, 0);
    }

    #[test]
    fn a_client_drives_out_only_its_own_answers() {
        let (cache, now) = (Cache::new(1 << 20), Instant::now());
        for name in ["a", "b", "c"] {
            cache.put(name, "k", &status("r"), TTL, now);
        }
        for number in 0..20_000 {
            cache.put("greedy", &format!("{number:0>100}"), &status("r"), TTL, now);
        }
        assert!(cache.lock().bytes <= 1 << 20);
        for name in ["a", "b", "c"] {
            assert!(cache.get(name, "k", now).is_some(), "{name}");
        }
        assert!(cache.get("greedy", &format!("{:0>100}", 19_999), now).is_some());
        assert!(cache.get("greedy", &format!("{:0>100}", 0), now).is_none());
    }

    #[test]
    fn the_oldest_goes_first_and_what_is_asked_for_stays() {
        let (cache, now) = (Cache::new(1 << 20), Instant::now());
        cache.put("u", "asked", &status("r"), TTL, now);
        for number in 0..20_000 {
            cache.put("u", &format!("{number:0>100}"), &status("r"), TTL, now);
            cache.get("u", "asked", now);
        }
        assert!(cache.get("u", "asked", now).is_some());
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let (cache, now) = (Cache::new(1 << 20), Instant::now());
        cache.put("u", "k", &status(&"r".repeat(1 << 16)), TTL, now);
        assert_eq!(cache.get("u", "k", now), None);
    }

    #[test]
    fn bytes_are_counted_exactly_whatever_comes_and_goes() {
        let (cache, now) = (Cache::new(1 << 14), Instant::now());
        for number in 0..2_000_u64 {
            let user = format!("u{}", number * 7 % 13);
            let key = format!("k{}", number * 11 % 37);
            cache.put(&user, &key, &status("r"), TTL, now + Duration::from_secs(number / 100));
            cache.get(&user, "k1", now + Duration::from_secs(number / 50));
        }
        let store = cache.lock();
        let shares: usize = store.users.values().map(|share| share.bytes).sum();
        assert_eq!(store.bytes, shares);
        assert_eq!(store.users.len(), store.by_bytes.len());
    }
}
