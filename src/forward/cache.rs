//! The cache: what upstreams have answered, for as long as it holds and, for
//! the case that they fall silent, a while longer (RFC 8767).
//!
//! Responsible for what may be given out when, and for many workers at a
//! time: it is cut into shelves, each with its lock, and a worker that would
//! have to wait for one goes on as if there were nothing.
//! Not responsible for what makes room (`shelf`), or for asking.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::settings::{CacheSettings, Prefetch};
use super::shelf::{Entry, Limits, Refreshing, Shelf};
use super::stored::{Age, Stored};

/// Shelves: with 16 of them eight workers meet at one in less than half of
/// the batches, and none waits then.
const SHELVES: usize = 16;

/// How long an answer whose time is over is given out at once after an
/// upstream did not answer, before one is asked again. Shorter than the half
/// minute of RFC 8767, section 5: upstreams that are silent are not asked
/// anyhow, so that this only delays the fresh answer.
const STALE_HOLD: Duration = Duration::from_secs(5);

/// An answer is asked for again in this part of its time.
const PREFETCH_PART: u64 = 10;

/// So often a name must have been asked for to be in use.
const PREFETCH_ASKED_MIN: u32 = 2;

/// A moment, in milliseconds since the cache was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

impl Moment {
    /// So long after the cache was made.
    pub(super) fn at(since_start: Duration) -> Self {
        Self(milliseconds(since_start))
    }
}

/// The cache.
pub(super) struct Cache {
    shelves: [Mutex<Shelf>; SHELVES],
    hasher: RandomState,
    start: Instant,
}

/// What a worker finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look<T> {
    /// An answer that holds.
    Fresh(T),
    /// The same, and now is the time to ask for it again.
    Due(T),
    /// One whose time is over, while upstreams do not answer.
    Stale(T),
    /// Nothing that may be given out.
    Missing,
}

/// Who asked for what is put into the cache.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// A client.
    Client,
    /// Nobody: it was asked for ahead.
    Prefetch,
}

impl Cache {
    pub(super) fn new(settings: &CacheSettings) -> Self {
        let limits = limits(settings);
        Self {
            shelves: std::array::from_fn(|_| Mutex::new(Shelf::new(limits))),
            hasher: RandomState::new(),
            start: Instant::now(),
        }
    }

    /// Keeps no more than the settings say from now on.
    pub(super) fn follow(&self, settings: &CacheSettings) {
        let limits = limits(settings);
        self.shelves.iter().for_each(|shelf| lock(shelf).set_limits(limits));
    }

    /// Forgets the answers that have aliases: these may lead to others now.
    pub(super) fn forget_aliases(&self) {
        self.shelves.iter().for_each(|shelf| lock(shelf).remove_aliases());
    }

    /// Now.
    pub(super) fn now(&self) -> Moment {
        // 64 bits of milliseconds are 500 million years.
        Moment(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// What a worker may give out for a key. HOT: waits for nobody.
    pub(super) fn look<T>(
        &self,
        key: &[u8],
        now: Moment,
        prefetch: Prefetch,
        write: impl FnOnce(&Stored, Age) -> T,
    ) -> Look<T> {
        let hash = self.hasher.hash_one(key);
        let shelf = self.shelf(hash).map(Mutex::try_lock);
        let mut shelf = match shelf {
            Some(Ok(shelf)) => shelf,
            Some(Err(TryLockError::Poisoned(poisoned))) => poisoned.into_inner(),
            Some(Err(TryLockError::WouldBlock)) | None => return Look::Missing,
        };
        let Some(entry) = shelf.get(hash, key) else { return Look::Missing };
        if now.0 < entry.until {
            entry.asked = entry.asked.saturating_add(1);
            let written = write(&entry.stored, entry.age(now));
            return if prefetch == Prefetch::On && entry.begins_refresh(now) {
                Look::Due(written)
            } else {
                Look::Fresh(written)
            };
        }
        if now.0 < entry.stale_until {
            return Look::Stale(write(&entry.stored, Age::Stale));
        }
        Look::Missing
    }

    /// What may be given out for a key when no upstream answers: also an
    /// answer that has been over for at most `grace`. It is given out at
    /// once for a while then.
    pub(super) fn last_resort<T>(
        &self,
        key: &[u8],
        now: Moment,
        grace: Duration,
        write: impl FnMut(&Stored, Age) -> T,
    ) -> Option<T> {
        let mut write = write;
        let hash = self.hasher.hash_one(key);
        let mut shelf = lock(self.shelf(hash)?);
        let entry = shelf.get(hash, key)?;
        if now.0 < entry.until {
            return Some(write(&entry.stored, entry.age(now)));
        }
        if !entry.is_kept(now, grace) {
            return None;
        }
        entry.stale_until = now.0.saturating_add(milliseconds(STALE_HOLD));
        Some(write(&entry.stored, Age::Stale))
    }

    /// Whether there is an answer for the case that no upstream answers.
    pub(super) fn has_last_resort(&self, key: &[u8], now: Moment, grace: Duration) -> bool {
        let hash = self.hasher.hash_one(key);
        let Some(shelf) = self.shelf(hash) else { return false };
        lock(shelf).get(hash, key).is_some_and(|entry| entry.is_kept(now, grace))
    }

    /// Keeps an answer, if it holds for any time at all.
    pub(super) fn keep(&self, key: &[u8], stored: Stored, now: Moment, asker: Asker) {
        let hash = self.hasher.hash_one(key);
        let Some(shelf) = self.shelf(hash) else { return };
        let mut shelf = lock(shelf);
        if stored.lifetime.is_zero() {
            // What it replaces is not true any more.
            shelf.remove(hash);
            return;
        }
        shelf.put(hash, key, stored, now.0, u32::from(asker == Asker::Client));
    }

    /// Asking ahead has come to nothing; it may be tried again.
    pub(super) fn end_refresh(&self, key: &[u8]) {
        let hash = self.hasher.hash_one(key);
        if let Some(shelf) = self.shelf(hash)
            && let Some(entry) = lock(shelf).get(hash, key)
        {
            entry.refreshing = Refreshing::No;
        }
    }

    /// Entries, their memory in bytes, and how many had to make room.
    pub(super) fn totals(&self) -> (usize, usize, u64) {
        self.shelves.iter().map(lock).fold((0, 0, 0), |(entries, bytes, evicted), shelf| {
            (
                shelf.len().saturating_add(entries),
                shelf.bytes().saturating_add(bytes),
                shelf.evicted().saturating_add(evicted),
            )
        })
    }

    fn shelf(&self, hash: u64) -> Option<&Mutex<Shelf>> {
        // The highest bits: the table of a shelf goes by the lowest.
        // Four bits are left.
        let place = usize::try_from(hash >> 60).unwrap_or(0);
        self.shelves.get(place)
    }
}

impl Entry {
    fn age(&self, now: Moment) -> Age {
        let seconds = now.0.saturating_sub(self.since).checked_div(1000).unwrap_or(0);
        // A duration: 136 years old is as old as anything gets.
        Age::Seconds(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    fn is_kept(&self, now: Moment, grace: Duration) -> bool {
        self.stored.may_be_stale() && now.0 < self.until.saturating_add(milliseconds(grace))
    }

    /// Whether it is in use and its time is nearly over, for the first who asks.
    fn begins_refresh(&mut self, now: Moment) -> bool {
        let lifetime = self.until.saturating_sub(self.since);
        let left = self.until.saturating_sub(now.0);
        let due = self.asked >= PREFETCH_ASKED_MIN
            && self.refreshing == Refreshing::No
            && left.saturating_mul(PREFETCH_PART) <= lifetime;
        if due {
            self.refreshing = Refreshing::Yes;
        }
        due
    }
}

fn milliseconds(duration: Duration) -> u64 {
    // 64 bits of milliseconds are 500 million years.
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Each shelf has its part.
fn limits(settings: &CacheSettings) -> Limits {
    Limits {
        entries: settings.entries.checked_div(SHELVES).unwrap_or(0),
        bytes: settings.bytes.checked_div(SHELVES).unwrap_or(0),
    }
}

/// A poisoned lock is used on: each holder leaves the shelf whole.
fn lock(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}
