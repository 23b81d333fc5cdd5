//! The last hour in numbers, for the charts of the page: queries, how long they took, and the upstreams of forwarding.
//!
//! Keeps what counters rose by in each of its steps. What happened longer ago has whoever scrapes the metrics.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::control::{HistogramStatus, HourStatus, UpstreamHour};
use crate::forward::ForwardStatus;

/// How long a step is.
const STEP: Duration = Duration::from_secs(30);

/// How many steps an hour has.
const STEPS_MAX: usize = 120;

/// Upstreams of which it is kept.
const UPSTREAMS_MAX: usize = 16;

/// The last hour.
#[derive(Default)]
pub(super) struct LastHour {
    /// When the step began that is not over yet, and what the counters were then.
    begun: Option<(Instant, Counted)>,
    /// The oldest first.
    steps: VecDeque<Step>,
}

/// Counters at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counted {
    queries: u64,
    /// Batches of which the time was taken, and what they took together.
    timed: u64,
    timed_seconds: f64,
    upstreams: Vec<CountedUpstream>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct CountedUpstream {
    address: String,
    queries: u64,
    answers: u64,
    failures: u64,
    answer_seconds: f64,
}

/// What counters rose by.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    queries: u64,
    micros: Option<f64>,
    upstreams: Vec<UpstreamStep>,
}

#[derive(Clone, Debug, PartialEq)]
struct UpstreamStep {
    address: String,
    queries: u64,
    failures: u64,
    latency_ms: Option<f64>,
}

impl Counted {
    /// What counters are: all queries, how long UDP took, and how forwarding is doing.
    pub(super) fn new(queries: u64, durations: &HistogramStatus, forward: Option<&ForwardStatus>) -> Counted {
        let upstreams = forward.into_iter().flat_map(|forward| &forward.upstreams).take(UPSTREAMS_MAX);
        let upstreams = upstreams.map(|one| CountedUpstream {
            address: one.address.clone(),
            queries: one.queries,
            answers: one.answers,
            failures: one.failures,
            answer_seconds: one.answer_seconds,
        });
        Counted {
            queries,
            timed: durations.counts.iter().sum(),
            timed_seconds: durations.sum,
            upstreams: upstreams.collect(),
        }
    }

    /// What they rose by since.
    fn since(&self, before: &Counted) -> Step {
        let upstream = |now: &CountedUpstream| {
            let begun = CountedUpstream::default();
            let before = before.upstreams.iter().find(|one| one.address == now.address).unwrap_or(&begun);
            UpstreamStep {
                address: now.address.clone(),
                queries: now.queries.saturating_sub(before.queries),
                failures: now.failures.saturating_sub(before.failures),
                latency_ms: mean(
                    now.answer_seconds - before.answer_seconds,
                    now.answers.saturating_sub(before.answers),
                )
                .map(|seconds| seconds * 1e3),
            }
        };
        let timed = self.timed.saturating_sub(before.timed);
        Step {
            queries: self.queries.saturating_sub(before.queries),
            micros: mean(self.timed_seconds - before.timed_seconds, timed).map(|seconds| seconds * 1e6),
            upstreams: self.upstreams.iter().map(upstream).collect(),
        }
    }
}

/// The mean; none of nothing.
fn mean(sum: f64, count: u64) -> Option<f64> {
    // A mean for a chart: 2^53 of them are counted exactly.
    #[allow(clippy::cast_precision_loss, reason = "a mean for a chart")]
    let count = count as f64;
    (count > 0.0).then(|| sum.max(0.0) / count)
}

impl LastHour {
    /// Whether the step is over, and counters are wanted.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.begun.as_ref().is_none_or(|(begun, _)| now.saturating_duration_since(*begun) >= STEP)
    }

    /// Takes in what counters are at the end of a step.
    pub(super) fn note(&mut self, counted: Counted, now: Instant) {
        let Some((begun, before)) = self.begun.replace((now, counted)) else { return };
        let Some((_, counted)) = &self.begun else { return };
        let step = counted.since(&before);
        // Steps of a machine that slept: nothing was counted in them, and they are no longer ago than they were.
        let elapsed = now.saturating_duration_since(begun).as_secs() / STEP.as_secs();
        let missed = usize::try_from(elapsed).unwrap_or(STEPS_MAX).saturating_sub(1).min(STEPS_MAX);
        for _ in 0..missed {
            self.push(Step { queries: 0, micros: None, upstreams: Vec::new() });
        }
        self.push(step);
    }

    fn push(&mut self, step: Step) {
        if self.steps.len() >= STEPS_MAX {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
    }

    /// All steps, the oldest first.
    pub(super) fn status(&self) -> HourStatus {
        let newest = self.steps.back();
        let upstreams = newest.into_iter().flat_map(|step| &step.upstreams).map(|one| {
            let of_step =
                |step: &Step| step.upstreams.iter().find(|other| other.address == one.address).cloned();
            let steps: Vec<Option<UpstreamStep>> = self.steps.iter().map(of_step).collect();
            let counted = |value: fn(&UpstreamStep) -> u64| {
                steps.iter().map(|step| step.as_ref().map_or(0, value)).collect()
            };
            UpstreamHour {
                address: one.address.clone(),
                queries: counted(|step| step.queries),
                failures: counted(|step| step.failures),
                latency_ms: steps.iter().map(|step| step.as_ref().and_then(|step| step.latency_ms)).collect(),
            }
        });
        HourStatus {
            step_seconds: STEP.as_secs(),
            queries: self.steps.iter().map(|step| step.queries).collect(),
            micros: self.steps.iter().map(|step| step.micros).collect(),
            upstreams: upstreams.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::UpstreamStatus;

    fn counted(queries: u64, answers: u64) -> Counted {
        let durations =
            HistogramStatus { bounds: vec![1.0], counts: vec![queries, 0], sum: 1e-5 * mean_of(queries) };
        let upstream = UpstreamStatus {
            address: "192.0.2.53".to_owned(),
            queries: answers + 1,
            answers,
            failures: 1,
            answer_seconds: 0.02 * mean_of(answers),
            ..UpstreamStatus::default()
        };
        let forward = ForwardStatus { upstreams: vec![upstream], ..ForwardStatus::default() };
        Counted::new(queries, &durations, Some(&forward))
    }

    fn mean_of(count: u64) -> f64 {
        f64::from(u32::try_from(count).unwrap())
    }

    #[test]
    fn a_step_has_what_counters_rose_by() {
        let (mut hour, begin) = (LastHour::default(), Instant::now());
        assert!(hour.is_due(begin));
        hour.note(counted(100, 10), begin);
        assert!(!hour.is_due(begin + STEP / 2));
        hour.note(counted(160, 10), begin + STEP);
        hour.note(counted(200, 12), begin + 2 * STEP);
        let HourStatus { step_seconds, queries, micros, upstreams } = hour.status();
        assert_eq!((step_seconds, queries), (30, vec![60, 40]));
        assert!(micros.iter().flatten().all(|one| (one - 10.0).abs() < 1e-6), "{micros:?}");
        assert_eq!((upstreams[0].queries.clone(), upstreams[0].failures.clone()), (vec![0, 2], vec![0, 0]));
        assert_eq!(upstreams[0].latency_ms[0], None);
        assert!((upstreams[0].latency_ms[1].unwrap() - 20.0).abs() < 1e-6);
    }

    #[test]
    fn an_hour_is_kept_and_no_more_also_of_a_machine_that_slept() {
        let (mut hour, begin) = (LastHour::default(), Instant::now());
        for step in 0..200_u32 {
            hour.note(counted(u64::from(step), 0), begin + STEP * step);
        }
        assert_eq!(hour.status().queries, vec![1; STEPS_MAX]);
        hour.note(counted(300, 0), begin + STEP * 209);
        let queries = hour.status().queries;
        assert_eq!(queries[STEPS_MAX - 11..], [&[1][..], &[0; 9], &[101]].concat());
        hour.note(counted(400, 0), begin + STEP * 10_000);
        assert_eq!(hour.status().queries.iter().sum::<u64>(), 100);
    }
}
