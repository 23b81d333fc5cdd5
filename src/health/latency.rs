//! Latencies: how long the passes of one target took.
//!
//! Counts them in few buckets, so that thousands of targets can have them.

use std::time::Duration;

/// The longest latency of each step: from a master beside this host to one that a client would give up. What
/// takes longer is counted in a last step of its own.
pub const LATENCY_BOUNDS: [Duration; 6] = [
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];

/// Latencies so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latencies {
    /// How many were within each of [`LATENCY_BOUNDS`] and above the one before; last, how many took longer.
    pub counts: [u64; LATENCY_BOUNDS.len() + 1],
    /// All of them together.
    pub sum: Duration,
}

impl Latencies {
    pub(super) fn note(&mut self, latency: Duration) {
        let step = LATENCY_BOUNDS.partition_point(|bound| *bound < latency);
        if let Some(count) = self.counts.get_mut(step) {
            *count += 1;
        }
        self.sum = self.sum.saturating_add(latency);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_counted_in_the_step_that_it_does_not_exceed() {
        let mut latencies = Latencies::default();
        for micros in [0, 1_000, 1_001, 5_000, 2_000_000, 2_000_001, 60_000_000] {
            latencies.note(Duration::from_micros(micros));
        }
        assert_eq!(latencies.counts, [2, 2, 0, 0, 0, 1, 2]);
        assert_eq!(latencies.sum, Duration::from_micros(64_007_002));
    }
}
