//! What the engine reports: a transition when a verdict changes, and reports on request. Their texts are
//! here.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::probe::{Outcome, Probe, Reason, Share, Symptom, Weight};

use super::board::SeenUp;
use super::force::{Brief, Rule};
use super::latency::Latencies;
use super::network::Scope;
use super::schedule::silence_max;
use super::vantages::Sighting;
use super::{Target, TargetId, Verdict};

/// Something has changed for a target: what outcomes say, or how far they are believed. A slow listener gets
/// only the last change of each target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The target's place on the board. A place may be given to another target by a later
    /// [`super::Engine::watch`]; `probe` says which one is meant.
    pub target: TargetId,
    /// The target's probe.
    pub probe: Probe,
    /// The verdict on the board before.
    pub from: Verdict,
    /// The verdict there now: the same if a forced verdict or damping overrides outcomes.
    pub to: Verdict,
    /// Why.
    pub cause: TransitionCause,
    /// When it happened.
    pub at: Instant,
}

/// Why something has changed for a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransitionCause {
    /// Outcomes say otherwise.
    Outcomes(Observed),
    /// Outcomes come again after the prober was stuck.
    Heard {
        /// What they say.
        observed: Observed,
        /// How long there had been none when that was noticed.
        silence: Duration,
    },
    /// There are no outcomes: the prober is stuck or overloaded.
    Silent {
        /// How long there has been none.
        silence: Duration,
    },
    /// It changes too often: from now on it is held down.
    Held {
        /// What outcomes say just now.
        observed: Observed,
        /// How often it has changed.
        changes: usize,
        /// Within what time; and how long it must be steady.
        window: Duration,
    },
    /// It has been steady and is believed again.
    Steady {
        /// For how long.
        window: Duration,
    },
    /// The operator has said what is to be believed.
    Forced(Arc<Rule>),
    /// The operator says nothing of it any more.
    Unforced,
    /// It says otherwise of its share; the verdict is the same.
    Weighed(Weight),
    /// It takes another time than was told; the verdict is the same.
    Paced(Option<Duration>),
    /// It has come back, and its share has grown; the verdict is the same.
    Grown(Share),
    /// Clients elsewhere are to have this verdict from now on: this host suspects itself, or does not any more.
    Elsewhere(Verdict),
    /// Other vantages see it up by these rules, or do not any more.
    SeenUp(SeenUp),
}

/// What outcomes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The verdict that comes of them.
    pub verdict: Verdict,
    /// The consecutive outcomes that it took.
    pub outcomes: u32,
    /// Why the last one failed; none when it passed.
    pub reason: Option<Reason>,
}

impl Transition {
    /// What outcomes say, if they are what has changed.
    pub fn observed(&self) -> Option<&Observed> {
        match &self.cause {
            TransitionCause::Outcomes(observed)
            | TransitionCause::Heard { observed, .. }
            | TransitionCause::Held { observed, .. } => Some(observed),
            TransitionCause::Silent { .. }
            | TransitionCause::Steady { .. }
            | TransitionCause::Forced(_)
            | TransitionCause::Unforced
            | TransitionCause::Weighed(_)
            | TransitionCause::Grown(_)
            | TransitionCause::Paced(_)
            | TransitionCause::Elsewhere(_)
            | TransitionCause::SeenUp(_) => None,
        }
    }
}

/// As in a log line: `192.0.2.1:6443 down after 2 failures: connection refused`.
impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { probe, from, to, cause, .. } = self;
        write!(f, "{probe} ")?;
        match cause {
            TransitionCause::Outcomes(observed) if from == to => write!(f, "{observed}; it stays {to}"),
            TransitionCause::Outcomes(observed) => observed.fmt(f),
            TransitionCause::Heard { observed, silence } => {
                write!(f, "{observed}, the first outcome for more than {}", Brief(*silence))
            }
            TransitionCause::Silent { silence } => write!(f, "{to}: no outcome for {}", Brief(*silence)),
            TransitionCause::Held { changes, window, .. } => {
                let window = Brief(*window);
                write!(f, "held down: {changes} changes within {window}, until it is steady for {window}")
            }
            TransitionCause::Steady { window } => {
                write!(f, "{to}, no longer held down: steady for {}", Brief(*window))
            }
            TransitionCause::Forced(rule) => rule.fmt(f),
            TransitionCause::Unforced => write!(f, "{to}, no longer forced"),
            TransitionCause::Elsewhere(verdict) if verdict == to => write!(f, "{to}, here and elsewhere"),
            TransitionCause::Elsewhere(verdict) => write!(f, "{to} here, {verdict} for clients elsewhere"),
            TransitionCause::SeenUp(SeenUp { any: false, .. }) => write!(f, "{to}, up for no other vantage"),
            TransitionCause::SeenUp(_) => write!(f, "{to} here, up for others"),
            TransitionCause::Paced(Some(latency)) => write!(f, "{to}, passes within {latency:.1?} now"),
            TransitionCause::Paced(None) => write!(f, "{to}, for no time yet"),
            TransitionCause::Grown(share) => write!(f, "{to}, with {} % of its share now", share.get()),
            TransitionCause::Weighed(weight) => write!(f, "{to}, of weight {} now", weight.get()),
        }
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verdict, outcomes, reason } = self;
        let (one, many) = if reason.is_some() { ("failure", "failures") } else { ("pass", "passes") };
        write!(f, "{verdict} after {outcomes} {}", if *outcomes == 1 { one } else { many })?;
        reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

/// Trouble on this host keeps probes from saying anything of their targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTrouble {
    /// How far it goes.
    pub scope: Scope,
    /// A probe that met it.
    pub probe: Probe,
    /// What that probe saw.
    pub outcome: Outcome,
    /// Since when it goes so far.
    pub since: Instant,
}

impl fmt::Display for LocalTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scope, probe, outcome, .. } = self;
        match scope {
            Scope::None | Scope::Some => write!(f, "{probe} {outcome}; its verdict stays as it is"),
            Scope::Beyond => {
                write!(
                    f,
                    "this host suspects itself: nobody beyond it answers any more, all at once, so clients elsewhere get \
                     what was believed before ({probe}: {outcome})"
                )
            }
            Scope::All => {
                write!(f, "no target can be probed, all verdicts stay as they are ({probe}: {outcome})")
            }
        }
    }
}

/// All there is to say about one target.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its place on the board.
    pub id: TargetId,
    /// What is probed, how often, and with which thresholds.
    pub target: Arc<Target>,
    /// What its outcomes say.
    pub verdict: Verdict,
    /// What answers to clients elsewhere are made from; the same as `believed`, unless this host suspects itself.
    pub elsewhere: Verdict,
    /// What other vantages see.
    pub sightings: Vec<Sighting>,
    /// What answers are made from: the same, unless something below overrides it.
    pub believed: Verdict,
    /// What the operator says.
    pub forced: Option<Arc<Rule>>,
    /// Whether it is held down for changing too often.
    pub held: bool,
    /// The part of its share of the answers that it gets.
    pub share: Share,
    /// Whether it is yet to pass for the first time, and has time for that: its failures say nothing.
    pub is_unjudged: bool,
    /// What led to the verdict.
    pub history: History,
}

impl Report {
    /// Whether its next outcome should long have come: its prober is stuck or overloaded.
    pub fn is_overdue(&self, now: Instant) -> bool {
        let most = silence_max(self.target.interval_max(), self.target.probe.timeout);
        self.history.last_probe_age(now) > most
    }
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
    /// How long all passes took.
    pub latencies: Latencies,
    /// When the certificate ends that the last pass has seen; none where the probe sees none.
    pub not_after: Option<SystemTime>,
    /// What the last pass said of its share; none where the probe does not ask.
    pub weight: Option<Weight>,
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
    /// The failures by their symptom, each at its place in [`Symptom::ALL`].
    symptoms: [u64; Symptom::COUNT],
}

impl Tally {
    /// The failures by their symptom, those that have been seen.
    pub fn symptoms(&self) -> impl Iterator<Item = (Symptom, u64)> {
        let all = Symptom::ALL.iter().copied().zip(self.symptoms);
        all.filter(|(_, count)| *count > 0)
    }
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
            latencies: Latencies::default(),
            not_after: None,
            weight: None,
            transitions: 0,
            failures_in_row: 0,
            tally: Tally::default(),
        }
    }

    /// How long ago the last probe ended, or the watch began where none has: much more than interval and
    /// timeout together means that the prober is stuck or overloaded.
    pub fn last_probe_age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_probe.unwrap_or(self.watched))
    }

    /// Takes in an outcome.
    pub(super) fn note(&mut self, outcome: &Outcome, ended: Instant) {
        match outcome {
            Outcome::Pass { latency, not_after, weight } => {
                self.tally.passed += 1;
                self.failures_in_row = 0;
                self.latency = Some(*latency);
                self.latencies.note(*latency);
                self.not_after = *not_after;
                self.weight = *weight;
            }
            Outcome::Fail { reason } => {
                self.tally.failed += 1;
                if let Some(count) = self.tally.symptoms.get_mut(reason.symptom() as usize) {
                    *count += 1;
                }
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
    use crate::probe::{Phase, Port, ProbeKind, Tcp};

    fn told(from: Verdict, to: Verdict, cause: TransitionCause) -> String {
        let probe = Probe {
            address: "127.0.1.14".parse().unwrap(),
            source: None,
            timeout: Duration::from_secs(1),
            kind: ProbeKind::Tcp(Tcp { port: Port::new(6443).unwrap() }),
        };
        Transition { target: TargetId::at(0), probe, from, to, cause, at: Instant::now() }.to_string()
    }

    fn observed(verdict: Verdict, outcomes: u32, reason: Option<Reason>) -> Observed {
        Observed { verdict, outcomes, reason }
    }

    fn transition(to: Verdict, outcomes: u32, reason: Option<Reason>) -> String {
        told(Verdict::Pending, to, TransitionCause::Outcomes(observed(to, outcomes, reason)))
    }

    #[test]
    fn failures_are_counted_by_their_symptom() {
        let mut history = History::new(Instant::now(), Instant::now());
        for reason in [Reason::Refused, Reason::Status { code: 503 }, Reason::Refused] {
            history.note(&Outcome::Fail { reason }, Instant::now());
        }
        let seen: Vec<(Symptom, u64)> = history.tally.symptoms().collect();
        assert_eq!(seen, [(Symptom::Refused, 2), (Symptom::Status, 1)]);
        assert_eq!(history.tally.failed, 3);
    }

    #[test]
    fn a_transition_reads_as_a_log_line() {
        let timeout = Reason::TimedOut { after: Duration::from_secs(1), phase: Phase::Connect };
        for (text, line) in [
            (
                transition(Verdict::Down, 2, Some(Reason::Refused)),
                "127.0.1.14:6443 down after 2 failures: connection refused",
            ),
            (
                transition(Verdict::Down, 1, Some(timeout)),
                "127.0.1.14:6443 down after 1 failure: timed out after 1 s connecting",
            ),
            (transition(Verdict::Up, 2, None), "127.0.1.14:6443 up after 2 passes"),
            (transition(Verdict::Up, 1, None), "127.0.1.14:6443 up after 1 pass"),
        ] {
            assert_eq!(text, line);
        }
    }

    #[test]
    fn what_stands_before_outcomes_reads_as_a_log_line() {
        let window = Duration::from_secs(300);
        let up = || observed(Verdict::Up, 1, None);
        for (text, line) in [
            (
                told(Verdict::Down, Verdict::Down, TransitionCause::Outcomes(up())),
                "127.0.1.14:6443 up after 1 pass; it stays down",
            ),
            (
                told(
                    Verdict::Up,
                    Verdict::Down,
                    TransitionCause::Held { observed: up(), changes: 7, window },
                ),
                "127.0.1.14:6443 held down: 7 changes within 5m, until it is steady for 5m",
            ),
            (
                told(Verdict::Down, Verdict::Up, TransitionCause::Steady { window }),
                "127.0.1.14:6443 up, no longer held down: steady for 5m",
            ),
            (
                told(
                    Verdict::Up,
                    Verdict::Pending,
                    TransitionCause::Silent { silence: Duration::from_millis(7_300) },
                ),
                "127.0.1.14:6443 pending: no outcome for 7s",
            ),
            (
                told(
                    Verdict::Pending,
                    Verdict::Up,
                    TransitionCause::Heard { observed: up(), silence: window },
                ),
                "127.0.1.14:6443 up after 1 pass, the first outcome for more than 5m",
            ),
            (
                told(Verdict::Down, Verdict::Up, TransitionCause::Unforced),
                "127.0.1.14:6443 up, no longer forced",
            ),
            (
                told(Verdict::Up, Verdict::Up, TransitionCause::Weighed(Weight::default())),
                "127.0.1.14:6443 up, of weight 1 now",
            ),
        ] {
            assert_eq!(text, line);
        }
    }
}
