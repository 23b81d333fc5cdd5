//! The schedule: when a target is probed next.
//!
//! Has the intervals, the jitter and the spread of many targets. Pure: time and random numbers come in as
//! arguments.

use std::time::{Duration, Instant};

use super::verdict::Effect;

/// Shortest wait. A shorter one would be a flood, not a probe.
pub const WAIT_MIN: Duration = Duration::from_millis(10);

/// Longest wait: a verdict that is older than a day is worth nothing.
pub const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// This many targets of a new set are probed at once: a cluster has no more, and it should have its verdicts
/// without delay.
const FIRST_AT_ONCE: u32 = 64;

/// The others follow one after the other, 4,000 in a second: a burst of more is lost in the queues of small
/// switches, and lost first packets look like failures.
const FIRST_STEP: Duration = Duration::from_micros(250);

/// Jitter, as a part of the wait: up to one twentieth earlier or later, so that several servers that probe
/// one target do not stay in step.
const JITTER_PART: u32 = 20;

/// When one probe ran.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) started: Instant,
    pub(super) ended: Instant,
}

/// A target's waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    /// From the start of one probe to the start of the next.
    pub(super) interval: Duration,
    /// From an outcome that contradicts the verdict to the next probe.
    pub(super) retry: Duration,
}

/// When the first probe of a new target starts: the one at `place` (from 0) of `count` new ones. The last
/// starts within its interval.
pub(super) fn first(now: Instant, place: u32, count: u32, interval: Duration) -> Instant {
    let behind = place.saturating_sub(FIRST_AT_ONCE);
    let spread = count.saturating_sub(FIRST_AT_ONCE).max(1);
    let step = FIRST_STEP.min(bounded(interval) / spread);
    now + step * behind
}

/// When the next probe starts, after one that ran from `run.started` to `run.ended` and did `effect`.
///
/// Never before the end of that run, and counted from its real start: missed runs are not made up. `chance`
/// is any number, evenly distributed.
pub(super) fn next(run: Run, effect: Effect, waits: Waits, chance: u32) -> Instant {
    let due = match effect {
        Effect::Doubted => run.ended + jittered(waits.retry, chance),
        Effect::Confirmed | Effect::Changed(_) | Effect::Ignored => {
            run.started + jittered(waits.interval, chance)
        }
    };
    due.max(run.ended)
}

/// How long a target may be without an outcome before its prober is taken to be stuck: three probes that wait
/// their whole time, and a second for a machine that is slow.
pub(super) fn silence_max(interval: Duration, timeout: Duration) -> Duration {
    3 * (bounded(interval) + timeout.min(WAIT_MAX)) + Duration::from_secs(1)
}

/// When the next probe starts after a hint at `hinted` that something has happened to the target: at once,
/// but for a target that hints again and again no more often than every `retry`. `last` is when the last
/// early probe was due.
pub(super) fn early(hinted: Instant, last: Option<Instant>, retry: Duration) -> Instant {
    last.map_or(hinted, |last| hinted.max(last + bounded(retry)))
}

/// Between 95 % (`chance` 0) and 105 % (`chance` [`u32::MAX`]) of `wait`.
fn jittered(wait: Duration, chance: u32) -> Duration {
    let wait = bounded(wait);
    let jitter = wait / JITTER_PART;
    wait - jitter + (2 * jitter).mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

fn bounded(wait: Duration) -> Duration {
    wait.clamp(WAIT_MIN, WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::health::Verdict;
    use crate::health::verdict::VerdictChange;

    const WAITS: Waits = Waits { interval: Duration::from_secs(1), retry: Duration::from_millis(200) };
    const MIDDLE: u32 = u32::MAX / 2;
    const CHANGED: Effect =
        Effect::Changed(VerdictChange { from: Verdict::Up, to: Verdict::Down, outcomes: 2 });

    fn run(took: Duration) -> Run {
        let started = Instant::now();
        Run { started, ended: started + took }
    }

    /// What the next start is after the start of the last, in whole milliseconds.
    fn gap(took_ms: u64, effect: Effect, chance: u32) -> u128 {
        let run = run(Duration::from_millis(took_ms));
        next(run, effect, WAITS, chance).duration_since(run.started).as_micros().div_ceil(1000)
    }

    #[test]
    fn the_interval_runs_from_start_to_start() {
        for effect in [Effect::Confirmed, CHANGED, Effect::Ignored] {
            assert_eq!(gap(300, effect, MIDDLE), 1000);
        }
    }

    #[test]
    fn the_retry_runs_from_the_contrary_outcome() {
        assert_eq!(gap(300, Effect::Doubted, MIDDLE), 500);
    }

    #[test]
    fn chance_moves_the_next_probe_by_a_twentieth_at_most() {
        assert_eq!(gap(0, Effect::Confirmed, 0), 950);
        assert_eq!(gap(0, Effect::Confirmed, u32::MAX), 1050);
    }

    #[test]
    fn missed_turns_are_not_made_up() {
        assert_eq!(gap(3500, Effect::Confirmed, MIDDLE), 3500);
        // The turn after that is a whole interval later again.
        assert_eq!(gap(0, Effect::Confirmed, MIDDLE), 1000);
    }

    #[test]
    fn silence_is_borne_for_three_probes_and_a_second() {
        let second = Duration::from_secs(1);
        assert_eq!(silence_max(second, second), 7 * second);
        assert_eq!(silence_max(5 * second, 2 * second), 22 * second);
        assert!(silence_max(Duration::MAX, Duration::MAX) < Duration::from_hours(150));
    }

    #[test]
    fn a_hint_is_followed_at_once_but_not_more_often_than_every_retry() {
        let hinted = Instant::now();
        let ms = |ms| hinted + Duration::from_millis(ms);
        assert_eq!(early(hinted, None, WAITS.retry), hinted);
        assert_eq!(early(ms(50), Some(hinted), WAITS.retry), ms(200));
        assert_eq!(early(ms(900), Some(hinted), WAITS.retry), ms(900));
        assert_eq!(early(ms(1), Some(hinted), Duration::ZERO), hinted + WAIT_MIN);
    }

    #[test]
    fn a_cluster_is_probed_at_once() {
        let now = Instant::now();
        assert!((0..FIRST_AT_ONCE).all(|place| first(now, place, 9_000, WAITS.interval) == now));
    }

    #[test]
    fn thousands_of_first_probes_are_spread_but_start_within_the_interval() {
        let (now, count) = (Instant::now(), 10_000);
        let starts: Vec<_> = (0..count).map(|place| first(now, place, count, WAITS.interval)).collect();
        assert!(starts.is_sorted());
        assert!(starts[9_999] - now <= WAITS.interval);
        let busiest = starts.chunk_by(|a, b| a == b).map(<[_]>::len).max();
        assert_eq!(busiest, Some(FIRST_AT_ONCE as usize + 1));
    }

    proptest! {
        #[test]
        fn no_probe_starts_before_the_last_one_ended(
            took: u32, interval: u64, retry: u64, chance: u32, place: u32, count: u32,
        ) {
            let waits = Waits { interval: Duration::from_nanos(interval), retry: Duration::from_secs(retry) };
            let run = run(Duration::from_micros(took.into()));
            for effect in [Effect::Doubted, Effect::Confirmed, Effect::Ignored] {
                let due = next(run, effect, waits, chance);
                prop_assert!(due >= run.ended && due - run.ended <= WAIT_MAX * 2);
            }
            prop_assert!(first(run.started, place, count, Duration::from_secs(retry)) >= run.started);
        }
    }
}
