//! What the engine tells: a transition when a verdict changes, and reports on request.
//!
//! Responsible for their words.
//! Not responsible for who is told, or where it is shown.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::probe::{Outcome, Probe, Reason};

use super::{Target, TargetId, Verdict};

/// A verdict has changed. A listener that is slow is told the last change of each target only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The target's place on the board. A place may be given to another target by a later
    /// [`super::Engine::watch`]; `probe` says which one is meant.
    pub target: TargetId,
    /// The target's probe.
    pub probe: Probe,
    /// What was believed before.
    pub from: Verdict,
    /// What is believed now.
    pub to: Verdict,
    /// The consecutive outcomes that it took.
    pub outcomes: u32,
    /// Why the last one failed; none when it passed.
    pub reason: Option<Reason>,
    /// When the verdict changed.
    pub at: Instant,
}

/// As in a log line: `192.0.2.1:6443 down after 2 failures: connection refused`.
impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { probe, to, outcomes, reason, .. } = self;
        let (one, many) = if reason.is_some() { ("failure", "failures") } else { ("pass", "passes") };
        write!(f, "{probe} {to} after {outcomes} {}", if *outcomes == 1 { one } else { many })?;
        reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

/// All there is to say about one target.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its place on the board.
    pub id: TargetId,
    /// What is probed, how often, and with which thresholds.
    pub target: Arc<Target>,
    /// What is believed.
    pub verdict: Verdict,
    /// What led there.
    pub history: History,
}

/// What has happened to a target since it is watched.
#[derive(Clone, Debug)]
pub struct History {
    /// Since when its verdict holds.
    pub since: Instant,
    /// Since when it is watched.
    pub watched: Instant,
    /// When the last probe ended; none before the first one has.
    pub last_probe: Option<Instant>,
    /// What the last probe saw.
    pub last_outcome: Option<Outcome>,
    /// The last outcome that was no pass, however long ago.
    pub last_error: Option<Outcome>,
    /// How long the last pass took.
    pub latency: Option<Duration>,
    /// Changes of verdict so far, the first one (from pending) included.
    pub transitions: u64,
    /// Failures since the last pass.
    pub failures_in_row: u64,
    /// How many probes ended how.
    pub tally: Tally,
}

/// Outcomes so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The target passed.
    pub passed: u64,
    /// It failed.
    pub failed: u64,
    /// Local trouble kept the probe from saying anything.
    pub local: u64,
}

impl History {
    /// Nothing has happened yet, but the verdict may be older than the watch.
    pub(super) fn new(since: Instant, watched: Instant) -> Self {
        Self {
            since,
            watched,
            last_probe: None,
            last_outcome: None,
            last_error: None,
            latency: None,
            transitions: 0,
            failures_in_row: 0,
            tally: Tally::default(),
        }
    }

    /// How long ago the last probe ended, or the watch began where none has: much more than interval
    /// and timeout together means that the prober is stuck or overloaded.
    pub fn last_probe_age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_probe.unwrap_or(self.watched))
    }

    /// Takes in an outcome.
    pub(super) fn note(&mut self, outcome: &Outcome, ended: Instant) {
        match outcome {
            Outcome::Pass { latency } => {
                self.tally.passed += 1;
                self.failures_in_row = 0;
                self.latency = Some(*latency);
            }
            Outcome::Fail { .. } => {
                self.tally.failed += 1;
                self.failures_in_row += 1;
                self.last_error = Some(outcome.clone());
            }
            Outcome::Local { .. } => {
                self.tally.local += 1;
                self.last_error = Some(outcome.clone());
            }
        }
        self.last_probe = Some(ended);
        self.last_outcome = Some(outcome.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Kind, Port, Tcp};

    fn transition(to: Verdict, outcomes: u32, reason: Option<Reason>) -> String {
        let probe = Probe {
            address: "127.0.1.14".parse().unwrap(),
            source: None,
            timeout: Duration::from_secs(1),
            kind: Kind::Tcp(Tcp { port: Port::new(6443).unwrap() }),
        };
        let (target, from, at) = (TargetId::at(0), Verdict::Pending, Instant::now());
        Transition { target, probe, from, to, outcomes, reason, at }.to_string()
    }

    #[test]
    fn a_transition_reads_as_a_log_line() {
        let timeout = Reason::TimedOut { after: Duration::from_secs(1) };
        for (text, line) in [
            (
                transition(Verdict::Down, 2, Some(Reason::Refused)),
                "127.0.1.14:6443 down after 2 failures: connection refused",
            ),
            (
                transition(Verdict::Down, 1, Some(timeout)),
                "127.0.1.14:6443 down after 1 failure: timed out after 1 s",
            ),
            (transition(Verdict::Up, 2, None), "127.0.1.14:6443 up after 2 passes"),
            (transition(Verdict::Up, 1, None), "127.0.1.14:6443 up after 1 pass"),
        ] {
            assert_eq!(text, line);
        }
    }
}
