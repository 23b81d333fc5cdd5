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

/// How long a target takes now, as answers are chosen by it: the passes of late, told anew only when that differs much from
/// what was told last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pace {
    smoothed: Option<Duration>,
    told: Option<Duration>,
}

/// The part of a new latency in the smoothed one, as TCP's round trips are smoothed (RFC 6298, section 2).
const SMOOTHING: u32 = 8;

/// What was told holds until the smoothed latency differs by this part of it.
const TOLD_PART: u32 = 4;

/// And by this much: below, it is chance.
const TOLD_LEAST: Duration = Duration::from_micros(500);

impl Pace {
    /// Takes in a pass.
    pub(super) fn note(&mut self, latency: Duration) {
        let smoothed =
            self.smoothed.map_or(latency, |before| before - before / SMOOTHING + latency / SMOOTHING);
        self.smoothed = Some(smoothed);
        let holds = |told: &Duration| smoothed.abs_diff(*told) <= TOLD_LEAST.max(*told / TOLD_PART);
        if !self.told.is_some_and(|told| holds(&told)) {
            self.told = Some(smoothed);
        }
    }

    /// What was told last.
    pub(super) fn told(&self) -> Option<Duration> {
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_told_anew_when_it_differs_much_and_not_when_it_wavers() {
        let mut pace = Pace::default();
        let mut told = Vec::new();
        let mut note = |millis: u64, times: usize| {
            for _ in 0..times {
                pace.note(Duration::from_millis(millis));
                told.push(pace.told().unwrap().as_millis());
            }
            told.dedup();
        };
        for _ in 0..500 {
            note(11, 1);
            note(9, 1);
        }
        note(90, 1);
        assert_eq!(told, [11, 19], "one slow pass in a thousand is told once");
        let mut pace = Pace::default();
        pace.note(Duration::from_millis(10));
        (0..200).for_each(|_| pace.note(Duration::from_millis(40)));
        assert!(pace.told().unwrap() > Duration::from_millis(30));
    }

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
