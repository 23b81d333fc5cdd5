//! How long queries are with the server, counted in steps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The longest of each step: from one query alone on an idle machine to what a client would notice.
pub const DURATION_BOUNDS: [Duration; 11] = [
    Duration::from_micros(10),
    Duration::from_micros(20),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(200),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(100),
];

/// Durations so far. All workers share them: few batches are timed.
#[derive(Debug, Default)]
pub struct Durations {
    counts: [AtomicU64; DURATION_BOUNDS.len() + 1],
    sum_ns: AtomicU64,
}

impl Durations {
    /// Counts a batch: each of its queries was there for as long as the whole of it took.
    pub(super) fn note(&self, batch: Duration, queries: usize) {
        let step = DURATION_BOUNDS.partition_point(|bound| *bound < batch);
        if let Some(count) = self.counts.get(step) {
            // A duration for statistics: 64 bits of nanoseconds are 584 years.
            let (queries, ns) = (queries as u64, u64::try_from(batch.as_nanos()).unwrap_or(u64::MAX));
            count.fetch_add(queries, Ordering::Relaxed);
            self.sum_ns.fetch_add(ns.saturating_mul(queries), Ordering::Relaxed);
        }
    }

    /// How many were within each of [`DURATION_BOUNDS`] and above the one before; last, how many took longer.
    pub fn counts(&self) -> [u64; DURATION_BOUNDS.len() + 1] {
        self.counts.each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    /// All of them together.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum_ns.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_of_a_batch_was_there_for_as_long_as_the_batch_took() {
        let durations = Durations::default();
        durations.note(Duration::from_micros(10), 3);
        durations.note(Duration::from_micros(11), 2);
        durations.note(Duration::from_secs(1), 1);
        assert_eq!(durations.counts(), [3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(durations.sum(), Duration::from_micros(30 + 22 + 1_000_000));
    }
}
