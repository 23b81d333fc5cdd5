//! A bounded cache of answers that evicts by SIEVE.
//!
//! A queue with a hand that walks from the oldest entry to the newest, spares each that was asked for since
//! it last came by, and evicts the first that was not. A hit only sets a flag, names that are asked for once
//! leave soon, and a scan of new names cannot empty the cache of what is in use. Not responsible for locks,
//! or for time.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::stored::{ChainEnd, Stored};

/// Memory of an entry besides its key and answer, in bytes: its slot, and its place in the table.
const ENTRY_BYTES: usize = size_of::<CacheEntry>() + 32;

/// No entry.
const NONE: u32 = u32::MAX;

/// The cache.
pub(super) struct SieveCache {
    /// The hash of a key, and where its entry is. Hashes are keyed: names that collide cannot be found out.
    places: HashMap<u64, u32, BuildHasherDefault<Ready>>,
    entries: Vec<CacheEntry>,
    /// Slots that can be used again.
    free: Vec<u32>,
    newest: u32,
    oldest: u32,
    hand: u32,
    bytes: usize,
    limits: Limits,
    evicted: u64,
}

/// How much the cache may hold.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

/// A cached answer.
pub(super) struct CacheEntry {
    key: Box<[u8]>,
    hash: u64,
    newer: u32,
    older: u32,
    /// ClientQuery for since the hand came by.
    visited: Visited,
    pub(super) stored: Stored,
    /// When it was cached, in milliseconds.
    pub(super) since: u64,
    /// Until when it is fresh.
    pub(super) until: u64,
    /// Until when it is served at once although it is stale.
    pub(super) stale_until: u64,
    /// How often it was asked for.
    pub(super) queries: u32,
    pub(super) refreshing: Refreshing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visited {
    Yes,
    No,
}

/// Whether it is being refreshed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refreshing {
    Yes,
    No,
}

/// Keys are hashes already.
#[derive(Default)]
pub(super) struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl SieveCache {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            places: HashMap::default(),
            entries: Vec::new(),
            free: Vec::new(),
            newest: NONE,
            oldest: NONE,
            hand: NONE,
            bytes: 0,
            limits,
            evicted: 0,
        }
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The memory they take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many were evicted.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Applies these limits from now on.
    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.evict_surplus();
    }

    /// The entry of a key. HOT.
    pub(super) fn get(&mut self, hash: u64, key: &[u8]) -> Option<&mut CacheEntry> {
        let place = *self.places.get(&hash)?;
        let entry = self.entry(place)?;
        if *entry.key != *key {
            return None;
        }
        entry.visited = Visited::Yes;
        Some(entry)
    }

    /// Caches an answer, in place of the one that the key has. `queries`: how often it was asked for so far.
    pub(super) fn put(&mut self, hash: u64, key: &[u8], stored: Stored, since: u64, queries: u32) {
        self.remove(hash);
        // 64 bits of milliseconds are 500 million years.
        let lifetime = u64::try_from(stored.lifetime.as_millis()).unwrap_or(u64::MAX);
        let entry = CacheEntry {
            key: key.into(),
            hash,
            newer: NONE,
            older: self.newest,
            visited: Visited::No,
            stored,
            since,
            until: since.saturating_add(lifetime),
            stale_until: 0,
            queries,
            refreshing: Refreshing::No,
        };
        self.bytes = self.bytes.saturating_add(entry.bytes());
        let place = match self.free.pop() {
            Some(place) => {
                if let Some(slot) = self.entry(place) {
                    *slot = entry;
                }
                place
            }
            None => {
                let Ok(place) = u32::try_from(self.entries.len()) else { return };
                self.entries.push(entry);
                place
            }
        };
        let before = std::mem::replace(&mut self.newest, place);
        match self.entry(before) {
            Some(before) => before.newer = place,
            None => self.oldest = place,
        }
        self.places.insert(hash, place);
        self.evict_surplus();
    }

    /// Removes an answer.
    pub(super) fn remove(&mut self, hash: u64) {
        let Some(place) = self.places.remove(&hash) else { return };
        let Some(entry) = self.entry(place) else { return };
        let (newer, older) = (entry.newer, entry.older);
        let bytes = entry.bytes();
        // Its memory goes now, its slot stays.
        entry.key = Box::default();
        entry.stored.forget();
        self.bytes = self.bytes.saturating_sub(bytes);
        match self.entry(newer) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
        match self.entry(older) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
        if self.hand == place {
            self.hand = newer;
        }
        self.free.push(place);
    }

    /// Removes the answers that have aliases.
    pub(super) fn remove_aliases(&mut self) {
        let places = self.places.iter();
        let has_alias = |place: &u32| {
            let entry = usize::try_from(*place).ok().and_then(|place| self.entries.get(place));
            entry.is_some_and(|entry| entry.stored.end() != ChainEnd::Plain)
        };
        let hashes: Vec<u64> = places.filter(|(_, place)| has_alias(place)).map(|(hash, _)| *hash).collect();
        hashes.into_iter().for_each(|hash| self.remove(hash));
    }

    fn evict_surplus(&mut self) {
        while self.len() > self.limits.entries || (self.bytes > self.limits.bytes && self.len() > 0) {
            let Some(hash) = self.victim() else { return };
            self.remove(hash);
            self.evicted = self.evicted.saturating_add(1);
        }
    }

    /// The entry to evict. Each step clears a flag, so that the second round ends at the latest; the newest
    /// entry is spared in the first, as it has had no time to be asked for.
    fn victim(&mut self) -> Option<u64> {
        let turns = self.len().saturating_mul(2).saturating_add(1);
        let mut place = self.hand;
        for _ in 0..turns {
            if place == NONE || (place == self.newest && place != self.oldest) {
                place = self.oldest;
            }
            let entry = self.entry(place)?;
            let (visited, newer, hash) = (entry.visited, entry.newer, entry.hash);
            entry.visited = Visited::No;
            if visited == Visited::No {
                self.hand = place;
                return Some(hash);
            }
            place = newer;
        }
        None
    }

    fn entry(&mut self, place: u32) -> Option<&mut CacheEntry> {
        self.entries.get_mut(place as usize)
    }
}

impl CacheEntry {
    fn bytes(&self) -> usize {
        self.key.len().saturating_add(self.stored.bytes()).saturating_add(ENTRY_BYTES)
    }
}
