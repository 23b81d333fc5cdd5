//! The cache: what upstreams have answered, until its TTLs run out and, for the case that they do not answer,
//! a while longer (RFC 8767).
//!
//! Decides which answer may be served when, and serves many workers at a time: it is cut into shards, each
//! with its lock, and a worker that finds a lock taken goes on as if nothing were cached. Not responsible for
//! evictions (`sieve`), or for asking.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, TryLockError};
use std::time::{Duration, Instant};

use super::settings::{CacheSettings, Prefetch};
use super::sieve::{CacheEntry, Limits, Refreshing, SieveCache};
use super::stored::{Age, Stored};
use crate::sync::lock;

/// Shards: with 16 of them eight workers meet at one in less than half of the batches, and none waits then.
const SHARDS: usize = 16;

/// RFC 8767's failure recheck timer (section 5): how long a stale answer is served at once after upstreams
/// did not answer, before they are asked again. Shorter than the half minute there: upstreams that are down
/// are not asked anyhow, so that this only delays the fresh answer.
const FAILURE_RECHECK_TIMER: Duration = Duration::from_secs(5);

/// An answer is refreshed in the last tenth of its lifetime.
const PREFETCH_PART: u64 = 10;

/// Queries for a name that make it worth a refresh.
const PREFETCH_QUERIES_MIN: u32 = 2;

/// A moment, in milliseconds since the cache was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CacheTime(u64);

impl CacheTime {
    /// The moment this long after the cache was made.
    #[cfg(feature = "fuzzing")]
    pub(super) fn at(since_start: Duration) -> Self {
        Self(milliseconds(since_start))
    }
}

/// The cache.
pub(super) struct Cache {
    shards: [Mutex<SieveCache>; SHARDS],
    hasher: RandomState,
    start: Instant,
}

/// What a worker finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look<T> {
    /// An answer that holds.
    Fresh(T),
    /// The same, and it is to be refreshed now.
    Due(T),
    /// A stale one, while upstreams do not answer.
    Stale(T),
    /// Nothing, or nothing that may be served.
    Missing,
}

/// For whom an answer is put into the cache.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// A client.
    Client,
    /// None: it is refreshed ahead of time.
    Prefetch,
}

impl Cache {
    pub(super) fn new(settings: &CacheSettings) -> Self {
        let limits = limits(settings);
        Self {
            shards: std::array::from_fn(|_| Mutex::new(SieveCache::new(limits))),
            hasher: RandomState::new(),
            start: Instant::now(),
        }
    }

    /// Applies other settings: evicts what is too much by them.
    pub(super) fn apply(&self, settings: &CacheSettings) {
        let limits = limits(settings);
        self.shards.iter().for_each(|shard| lock(shard).set_limits(limits));
    }

    /// Removes the answers that have aliases: these may lead to other servers now.
    pub(super) fn forget_aliases(&self) {
        self.shards.iter().for_each(|shard| lock(shard).remove_aliases());
    }

    /// Now.
    pub(super) fn now(&self) -> CacheTime {
        // 64 bits of milliseconds are 500 million years.
        CacheTime(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// What a worker may give out for a key. HOT: never waits.
    pub(super) fn look<T>(
        &self,
        key: &[u8],
        now: CacheTime,
        prefetch: Prefetch,
        write: impl FnOnce(&Stored, Age) -> T,
    ) -> Look<T> {
        let hash = self.hasher.hash_one(key);
        let shard = self.shard(hash).map(Mutex::try_lock);
        let mut shard = match shard {
            Some(Ok(shard)) => shard,
            Some(Err(TryLockError::Poisoned(poisoned))) => poisoned.into_inner(),
            Some(Err(TryLockError::WouldBlock)) | None => return Look::Missing,
        };
        let Some(entry) = shard.get(hash, key) else { return Look::Missing };
        if now.0 < entry.until {
            entry.queries = entry.queries.saturating_add(1);
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

    /// What may be served for a key when no upstream answers: also an answer that has been stale for at most
    /// `stale_max`, RFC 8767's maximum stale timer. The failure recheck timer starts then.
    pub(super) fn serve_stale<T>(
        &self,
        key: &[u8],
        now: CacheTime,
        stale_max: Duration,
        write: impl FnMut(&Stored, Age) -> T,
    ) -> Option<T> {
        let mut write = write;
        let hash = self.hasher.hash_one(key);
        let mut shard = lock(self.shard(hash)?);
        let entry = shard.get(hash, key)?;
        if now.0 < entry.until {
            return Some(write(&entry.stored, entry.age(now)));
        }
        if !entry.is_kept(now, stale_max) {
            return None;
        }
        entry.stale_until = now.0.saturating_add(milliseconds(FAILURE_RECHECK_TIMER));
        Some(write(&entry.stored, Age::Stale))
    }

    /// Whether there is an answer for the case that no upstream answers, however stale.
    pub(super) fn has_stale(&self, key: &[u8], now: CacheTime, stale_max: Duration) -> bool {
        let hash = self.hasher.hash_one(key);
        let Some(shard) = self.shard(hash) else { return false };
        lock(shard).get(hash, key).is_some_and(|entry| entry.is_kept(now, stale_max))
    }

    /// Keeps an answer that has a lifetime; the one before goes in any case.
    pub(super) fn keep(&self, key: &[u8], stored: Stored, now: CacheTime, asker: Asker) {
        let hash = self.hasher.hash_one(key);
        let Some(shard) = self.shard(hash) else { return };
        let mut shard = lock(shard);
        if stored.lifetime.is_zero() {
            shard.remove(hash);
            return;
        }
        shard.put(hash, key, stored, now.0, u32::from(asker == Asker::Client));
    }

    /// A refresh has failed; it may be tried again.
    pub(super) fn end_refresh(&self, key: &[u8]) {
        let hash = self.hasher.hash_one(key);
        if let Some(shard) = self.shard(hash)
            && let Some(entry) = lock(shard).get(hash, key)
        {
            entry.refreshing = Refreshing::No;
        }
    }

    /// Entries, their memory in bytes, and evictions.
    pub(super) fn totals(&self) -> (usize, usize, u64) {
        self.shards.iter().map(lock).fold((0, 0, 0), |(entries, bytes, evicted), shard| {
            (
                shard.len().saturating_add(entries),
                shard.bytes().saturating_add(bytes),
                shard.evicted().saturating_add(evicted),
            )
        })
    }

    fn shard(&self, hash: u64) -> Option<&Mutex<SieveCache>> {
        // The highest bits: the table of a shard goes by the lowest. Four bits are left.
        let place = usize::try_from(hash >> 60).unwrap_or(0);
        self.shards.get(place)
    }
}

impl CacheEntry {
    fn age(&self, now: CacheTime) -> Age {
        let seconds = now.0.saturating_sub(self.since).checked_div(1000).unwrap_or(0);
        // A duration: 136 years old is as old as anything gets.
        Age::Seconds(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    /// Whether it may be served when no upstream answers.
    fn is_kept(&self, now: CacheTime, stale_max: Duration) -> bool {
        self.stored.may_be_stale() && now.0 < self.until.saturating_add(milliseconds(stale_max))
    }

    /// Whether it is in use and nearly stale: once, for the first query that finds it so.
    fn begins_refresh(&mut self, now: CacheTime) -> bool {
        let lifetime = self.until.saturating_sub(self.since);
        let left = self.until.saturating_sub(now.0);
        let due = self.queries >= PREFETCH_QUERIES_MIN
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

/// The part of one shard.
fn limits(settings: &CacheSettings) -> Limits {
    Limits {
        entries: settings.entries.checked_div(SHARDS).unwrap_or(0),
        bytes: settings.bytes.checked_div(SHARDS).unwrap_or(0),
    }
}
