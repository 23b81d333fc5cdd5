//! Lateness: how long after its time a probe starts.
//!
//! Counts, and gives percentiles of what has been counted: they show when a machine is too small for its
//! targets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Each power of two of microseconds is counted in this many steps: percentiles are at most a quarter too
/// high.
const STEPS: u32 = 4;

/// Steps up to 2^32 µs, which is more than an hour; what is later counts as that.
const STEPS_MAX: usize = (31 * STEPS) as usize;

/// What dashboards are shown the count of: the latest start of each step, as a power of two of microseconds,
/// from about 1 ms to about 4 s.
const SHOWN: [u32; 7] = [10, 12, 14, 16, 18, 20, 22];

/// Counts the starts of probes. Many tasks note at once.
#[derive(Debug)]
pub(super) struct Starts {
    steps: [AtomicU64; STEPS_MAX],
    sum_micros: AtomicU64,
    most_micros: AtomicU64,
}

impl Starts {
    pub(super) fn new() -> Self {
        let steps = std::array::from_fn(|_| AtomicU64::new(0));
        Self { steps, sum_micros: AtomicU64::new(0), most_micros: AtomicU64::new(0) }
    }

    pub(super) fn note(&self, late: Duration) {
        // A duration for statistics: more than 71 minutes counts as 71 minutes.
        let micros = u32::try_from(late.as_micros()).unwrap_or(u32::MAX);
        if let Some(count) = self.steps.get(step(micros)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_micros.fetch_add(micros.into(), Ordering::Relaxed);
        self.most_micros.fetch_max(micros.into(), Ordering::Relaxed);
    }

    pub(super) fn lateness(&self) -> Lateness {
        Lateness {
            steps: self.steps.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: Duration::from_micros(self.sum_micros.load(Ordering::Relaxed)),
            most: Duration::from_micros(self.most_micros.load(Ordering::Relaxed)),
        }
    }
}

/// How late all probes have started since the engine did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lateness {
    steps: Vec<u64>,
    /// All of them together.
    pub sum: Duration,
    /// The latest one.
    pub most: Duration,
}

impl Lateness {
    /// How many probes have started.
    pub fn probes(&self) -> u64 {
        self.steps.iter().sum()
    }

    /// The lateness that this percentage of probes did not exceed; zero if none has started.
    pub fn percentile(&self, percent: u64) -> Duration {
        let enough = self.probes().saturating_mul(percent).div_ceil(100).max(1);
        let mut so_far = 0;
        let found = self.steps.iter().position(|count| {
            so_far += count;
            so_far >= enough
        });
        found.map_or(Duration::ZERO, longest)
    }

    /// How many probes were late by less than so long but not by less than the one before, for a few lengths;
    /// last, without a length, how many were later.
    pub fn distribution(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let ends = SHOWN.map(|power| (Some(Duration::from_micros(1 << power)), step(1 << power)));
        let mut from = 0;
        ends.into_iter().chain([(None, self.steps.len())]).map(move |(bound, end)| {
            let steps = self.steps.get(from..end).unwrap_or_default();
            from = end;
            (bound, steps.iter().sum())
        })
    }
}

/// The step that counts this many microseconds: one each up to 7, then four for each power of two.
fn step(micros: u32) -> usize {
    let power = micros.max(STEPS).ilog2();
    let shift = power - STEPS.ilog2();
    (shift * STEPS + (micros >> shift)) as usize
}

/// The longest lateness that a step counts.
fn longest(step: usize) -> Duration {
    let step = step as u64;
    let steps = u64::from(STEPS);
    let shift = (step / steps).saturating_sub(1);
    Duration::from_micros(((step - shift * steps + 1) << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_quarter_too_high_at_most() {
        for micros in (0..5_000).chain([99_999, 1 << 20, u32::MAX - 1, u32::MAX]) {
            let starts = Starts::new();
            starts.note(Duration::from_micros(micros.into()));
            let shown = starts.lateness().percentile(50).as_micros();
            let micros = u128::from(micros);
            assert!(micros <= shown && shown <= micros + micros / 4, "{micros} shown as {shown}");
        }
    }

    #[test]
    fn percentiles_count_the_probes() {
        let starts = Starts::new();
        assert_eq!((starts.lateness().probes(), starts.lateness().percentile(99)), (0, Duration::ZERO));
        (0..98).for_each(|_| starts.note(Duration::ZERO));
        (0..2).for_each(|_| starts.note(Duration::from_micros(7)));
        let lateness = starts.lateness();
        assert_eq!(lateness.probes(), 100);
        assert_eq!(lateness.percentile(98), Duration::ZERO);
        assert_eq!(lateness.percentile(99), Duration::from_micros(7));
    }

    #[test]
    fn each_probe_is_in_one_part_of_the_distribution() {
        let starts = Starts::new();
        for micros in [0, 1_023, 1_024, 4_095, 4_194_303, 4_194_304, u64::from(u32::MAX)] {
            starts.note(Duration::from_micros(micros));
        }
        let lateness = starts.lateness();
        let counts: Vec<u64> = lateness.distribution().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 2, 0, 0, 0, 0, 1, 2]);
        let bounds: Vec<Option<Duration>> = lateness.distribution().map(|(bound, _)| bound).collect();
        assert_eq!(bounds.first(), Some(&Some(Duration::from_micros(1_024))));
        assert_eq!(bounds.last(), Some(&None));
        assert_eq!(Lateness::default().distribution().map(|(_, count)| count).sum::<u64>(), 0);
    }

    #[test]
    fn the_latest_one_is_known_to_the_microsecond() {
        let starts = Starts::new();
        for micros in [5, 1_000_003, 7] {
            starts.note(Duration::from_micros(micros));
        }
        let Lateness { sum, most, .. } = starts.lateness();
        assert_eq!((sum, most), (Duration::from_micros(1_000_015), Duration::from_micros(1_000_003)));
    }

    #[test]
    fn what_is_later_than_an_hour_is_counted_as_that() {
        let starts = Starts::new();
        starts.note(Duration::MAX);
        assert_eq!(starts.lateness().percentile(50), Duration::from_micros(u32::MAX.into()));
    }
}
