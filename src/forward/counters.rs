//! What has been forwarded.
//!
//! Responsible for counting. A hit is counted by the worker that it happened
//! in, everything else by whoever it happens to.
//! Not responsible for showing.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one worker: it alone writes. Aligned so that no two workers
/// share a cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct WorkerCounters {
    pub(super) hits: Count,
    pub(super) stale: Count,
    pub(super) misses: Count,
    /// Misses dropped, because too many waited to be taken.
    pub(super) dropped: Count,
}

/// Counters of everything behind the workers.
#[derive(Debug, Default)]
pub(super) struct ClerkCounters {
    /// Questions asked of upstreams.
    pub(super) flights: Count,
    /// Queries that joined a question under way.
    pub(super) joined: Count,
    /// Questions asked ahead.
    pub(super) prefetches: Count,
    /// Queries answered SERVFAIL, because too many were under way.
    pub(super) full: Count,
    /// The same, because the client had too many.
    pub(super) client_full: Count,
    /// Questions that no upstream answered.
    pub(super) failed: Count,
    /// Queries answered with what was over, because of that.
    pub(super) stale: Count,
    /// Queries answered from the cache that a worker had passed on.
    pub(super) hits: Count,
    /// Answers with private addresses that were refused.
    pub(super) rebinding: Count,
    /// Queries of ours that came back.
    pub(super) looped: Count,
    /// Responses that the kernel did not take.
    pub(super) unsent: Count,
    /// Questions under way now.
    pub(super) under_way: Count,
    /// Queries that wait for them.
    pub(super) waiting: Count,
}

/// One number.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    /// Adds one, where there is one writer. HOT.
    pub(super) fn add(&self) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// Sets a number that goes up and down.
    pub(super) fn set(&self, number: usize) {
        // `usize` is no wider.
        self.0.store(u64::try_from(number).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
