//! Counts transfer requests by result.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts them; any task writes.
#[derive(Debug, Default)]
pub struct TransferCounters {
    pub(super) axfr: AtomicU64,
    pub(super) ixfr: AtomicU64,
    pub(super) soa: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) limited: AtomicU64,
    pub(super) broken: AtomicU64,
}

/// What they say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransferTotals {
    /// Under way now.
    pub under_way: usize,
    /// Whole zones that were sent to the end.
    pub axfr: u64,
    /// Changes that were sent to the end.
    pub ixfr: u64,
    /// SOA records alone: the client was up to date, or came over UDP.
    pub soa: u64,
    /// Refused: not allowed, no zone, no version.
    pub refused: u64,
    /// Refused: too many were under way.
    pub limited: u64,
    /// Not sent to the end: the client went, or was too slow.
    pub broken: u64,
}

impl TransferCounters {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn totals(&self, under_way: usize) -> TransferTotals {
        let [axfr, ixfr, soa, refused, limited, broken] =
            [&self.axfr, &self.ixfr, &self.soa, &self.refused, &self.limited, &self.broken]
                .map(|counter| counter.load(Ordering::Relaxed));
        TransferTotals { under_way, axfr, ixfr, soa, refused, limited, broken }
    }
}
