//! Counters of forwarding.
//!
//! A hit is counted by its worker, everything else where it happens. The dispatcher is one task, so that each
//! counter has one writer.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one worker, which alone writes. Aligned so that no two workers share a cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct WorkerCounters {
    pub(super) hits: Count,
    pub(super) stale: Count,
    pub(super) misses: Count,
    /// Misses dropped: the queue of the dispatcher was full.
    pub(super) dropped: Count,
}

/// Counters of everything behind the workers: the dispatcher writes them.
#[derive(Debug, Default)]
pub(super) struct DispatcherCounters {
    /// Questions asked of upstreams.
    pub(super) questions: Count,
    /// Queries that joined a question in flight.
    pub(super) joined: Count,
    /// Questions asked ahead of time.
    pub(super) prefetches: Count,
    /// Queries answered SERVFAIL: too many were in flight.
    pub(super) full: Count,
    /// The same: the client had too many.
    pub(super) client_full: Count,
    /// Questions that no upstream answered.
    pub(super) failed: Count,
    /// Queries answered with a stale answer, because of that.
    pub(super) stale: Count,
    /// Queries answered from the cache that a worker had passed on.
    pub(super) hits: Count,
    /// Answers with private addresses that were refused.
    pub(super) rebinding: Count,
    /// Queries of ours that came back.
    pub(super) looped: Count,
    /// Responses that the kernel did not take.
    pub(super) unsent: Count,
    /// Questions in flight now.
    pub(super) in_flight: Count,
    /// Queries that wait for them now.
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
