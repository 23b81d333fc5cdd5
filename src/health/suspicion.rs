//! Self-suspicion: whether it is this host that reaches nobody, though no error of its network says so.
//!
//! A switch that drops packets makes every probe beyond this host time out, as if all targets had died at once. They may be
//! well, and clients elsewhere may reach them, who ask this host by another way.
//!
//! ```text
//!              all that were up fall silent within one interval
//!   at ease ───────────────────────────────────────────────────▶ suspects itself
//!      ▲                                                               │
//!      └───────────────── one beyond this host is heard ───────────────┘
//! ```
//!
//! Pure. What is made of it is in `table`: while this host suspects itself, what it believed before is held for clients
//! elsewhere, and its own clients get what it sees. Not responsible for trouble that errors tell of: that is `network`.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::place::Place;
use super::verdict::Verdict;
use crate::probe::{Outcome, Reason};

/// The fewest hosts that fall silent together. One alone may have lost its power.
const HOSTS_MIN: usize = 2;

/// What was heard of one target beyond this host last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Hearing {
    /// Nothing yet, or it lies on this host.
    #[default]
    Nothing,
    /// It was reached, or somebody on the way has answered.
    Heard { verdict: Verdict },
    /// Nothing comes back, since this first silence; and what was believed before.
    Silent { since: Instant, was: Verdict },
}

/// What an outcome means for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    Stays,
    /// It was the last one that was still heard: all that are silent are to be looked at.
    AllSilent,
    /// This host suspects itself no more.
    Ended,
}

/// A target that was up and is silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silent {
    /// Where it is.
    pub(super) address: IpAddr,
    /// Since when.
    pub(super) since: Instant,
    /// How long it takes until a silence is noticed: from one probe to the next, and the timeout of that.
    pub(super) noticed_within: Duration,
}

/// All targets together.
#[derive(Debug, Default)]
pub(super) struct Suspicion {
    /// Targets beyond this host that are up and were heard last.
    heard: usize,
    /// Those that were up and are silent.
    silent: usize,
    /// Since when this host suspects itself; none: it does not.
    since: Option<Instant>,
}

impl Suspicion {
    /// Whether this host suspects itself.
    pub(super) fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// Takes in the outcome of a target that `hearing` belongs to, with what was believed of it before and is now.
    pub(super) fn note(
        &mut self,
        hearing: &mut Hearing,
        place: Place,
        outcome: &Outcome,
        (before, now): (Verdict, Verdict),
        at: Instant,
    ) -> Turn {
        let seen = match (place, outcome, *hearing) {
            // It says nothing of anybody else.
            (_, Outcome::Local { .. }, _) => return Turn::Stays,
            (Place::Here, ..) => Hearing::Nothing,
            (Place::Beyond, Outcome::Fail { reason }, Hearing::Silent { .. }) if is_silence(reason) => {
                return Turn::Stays;
            }
            (Place::Beyond, Outcome::Fail { reason }, _) if is_silence(reason) => {
                Hearing::Silent { since: at, was: before }
            }
            (Place::Beyond, Outcome::Pass { .. } | Outcome::Fail { .. }, _) => {
                Hearing::Heard { verdict: now }
            }
        };
        self.count_out(*hearing);
        self.count_in(seen);
        *hearing = seen;
        match seen {
            Hearing::Heard { .. } if self.since.take().is_some() => Turn::Ended,
            Hearing::Silent { was: Verdict::Up, .. } if self.heard == 0 && !self.is_on() => Turn::AllSilent,
            Hearing::Nothing | Hearing::Heard { .. } | Hearing::Silent { .. } => Turn::Stays,
        }
    }

    /// Looks at all that were up and are silent. Those that fell silent as the last one did are vouched for, if this host
    /// suspects itself from now on: one that has been silent for longer, such as a master without power, is down as one that
    /// refuses is, and stands in nobody's way.
    pub(super) fn begins(&mut self, silent: &[Silent], now: Instant) -> Vec<bool> {
        let last = silent.iter().map(|one| one.since).max().unwrap_or(now);
        let within = silent.iter().map(|one| one.noticed_within).max().unwrap_or_default();
        let is_at_once = |one: &&Silent| last.saturating_duration_since(one.since) <= within;
        let hosts: BTreeSet<IpAddr> = silent.iter().filter(is_at_once).map(|one| one.address).collect();
        if hosts.len() >= HOSTS_MIN {
            self.since = Some(now);
        }
        silent.iter().map(|one| self.is_on() && is_at_once(&one)).collect()
    }

    /// Forgets a target that is not watched any more. Where nobody is left to be silent, there is nothing to suspect.
    pub(super) fn forget(&mut self, hearing: Hearing) {
        self.count_out(hearing);
        if self.silent == 0 {
            self.since = None;
        }
    }

    fn count_in(&mut self, hearing: Hearing) {
        match hearing {
            Hearing::Heard { verdict: Verdict::Up } => self.heard += 1,
            Hearing::Silent { was: Verdict::Up, .. } => self.silent += 1,
            Hearing::Nothing | Hearing::Heard { .. } | Hearing::Silent { .. } => {}
        }
    }

    fn count_out(&mut self, hearing: Hearing) {
        match hearing {
            Hearing::Heard { verdict: Verdict::Up } => self.heard = self.heard.saturating_sub(1),
            Hearing::Silent { was: Verdict::Up, .. } => self.silent = self.silent.saturating_sub(1),
            Hearing::Nothing | Hearing::Heard { .. } | Hearing::Silent { .. } => {}
        }
    }
}

/// Whether a failure is one of which nothing came back: no host has answered, not even to refuse.
fn is_silence(reason: &Reason) -> bool {
    matches!(reason, Reason::TimedOut { .. } | Reason::GaveUp | Reason::NoRoute | Reason::NetworkUnreachable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Phase, Trouble};

    const PASS: Outcome = Outcome::Pass { latency: Duration::ZERO, not_after: None, weight: None };
    const REFUSED: Outcome = Outcome::Fail { reason: Reason::Refused };
    const SILENCE: Outcome =
        Outcome::Fail { reason: Reason::TimedOut { after: Duration::from_secs(1), phase: Phase::Connect } };
    const LOCAL: Outcome = Outcome::Local { trouble: Trouble::OutOfFiles };

    /// Targets with an interval of 5 s and a timeout of 1 s, and a clock that is turned by hand.
    struct Lab {
        suspicion: Suspicion,
        targets: Vec<(Place, Hearing, Verdict)>,
        begin: Instant,
    }

    impl Lab {
        /// One on this host, and so many beyond; all are up.
        fn new(beyond: usize) -> Lab {
            let mut targets = vec![(Place::Here, Hearing::Nothing, Verdict::Pending)];
            targets.extend(vec![(Place::Beyond, Hearing::Nothing, Verdict::Pending); beyond]);
            let mut lab = Lab { suspicion: Suspicion::default(), targets, begin: Instant::now() };
            (0..=beyond).for_each(|target| assert!(!lab.sees(0, target, &PASS)));
            lab
        }

        /// An outcome so many seconds after the begin; each counts at once. Whether this host suspects itself then.
        fn sees(&mut self, seconds: u64, target: usize, outcome: &Outcome) -> bool {
            let at = self.begin + Duration::from_secs(seconds);
            let (place, hearing, verdict) = &mut self.targets[target];
            let before = *verdict;
            match outcome {
                Outcome::Pass { .. } => *verdict = Verdict::Up,
                Outcome::Fail { .. } => *verdict = Verdict::Down,
                Outcome::Local { .. } => {}
            }
            let turn = self.suspicion.note(hearing, *place, outcome, (before, *verdict), at);
            if turn == Turn::AllSilent {
                let silent = self.targets.iter().zip(1_u8..).filter_map(|((_, hearing, _), number)| {
                    let Hearing::Silent { since, was: Verdict::Up } = hearing else { return None };
                    let (address, noticed_within) = ([192, 0, 2, number].into(), Duration::from_secs(6));
                    Some(Silent { address, since: *since, noticed_within })
                });
                let silent: Vec<Silent> = silent.collect();
                self.suspicion.begins(&silent, at);
            }
            self.suspicion.is_on()
        }
    }

    #[test]
    fn who_hears_nobody_any_more_at_once_suspects_itself_until_one_is_heard() {
        let mut lab = Lab::new(3);
        assert!(!lab.sees(10, 1, &SILENCE) && !lab.sees(11, 2, &SILENCE));
        assert!(!lab.sees(12, 0, &PASS), "what is on this host says nothing of its network");
        assert!(lab.sees(15, 3, &SILENCE));
        assert!(lab.sees(16, 1, &SILENCE) && lab.sees(17, 0, &PASS) && lab.sees(18, 2, &LOCAL));
        assert!(!lab.sees(20, 2, &PASS));
        assert!(!lab.sees(21, 1, &SILENCE), "the others are what they are");
    }

    #[test]
    fn one_that_answers_is_proof_however_it_answers() {
        let mut lab = Lab::new(3);
        assert!(!lab.sees(10, 1, &SILENCE) && !lab.sees(10, 2, &SILENCE) && !lab.sees(10, 3, &REFUSED));
        assert!(!lab.sees(20, 1, &SILENCE));
        // It suspects itself no more as soon as it is refused.
        let mut lab = Lab::new(2);
        assert!(!lab.sees(10, 1, &SILENCE) && lab.sees(10, 2, &SILENCE) && !lab.sees(11, 1, &REFUSED));
    }

    #[test]
    fn who_falls_silent_one_after_the_other_has_died_one_after_the_other() {
        let mut lab = Lab::new(2);
        assert!(!lab.sees(10, 1, &SILENCE) && !lab.sees(17, 2, &SILENCE));
        assert!(!lab.sees(20, 1, &SILENCE) && !lab.sees(21, 2, &SILENCE));
        let mut lab = Lab::new(2);
        assert!(!lab.sees(10, 1, &SILENCE) && lab.sees(16, 2, &SILENCE));
    }

    #[test]
    fn one_host_alone_proves_nothing_and_who_was_down_is_not_asked() {
        let mut lab = Lab::new(1);
        assert!(!lab.sees(10, 1, &SILENCE));
        let mut lab = Lab::new(3);
        assert!(!lab.sees(10, 1, &REFUSED) && !lab.sees(11, 1, &REFUSED));
        assert!(!lab.sees(20, 2, &SILENCE));
        assert!(lab.sees(21, 3, &SILENCE), "the first was down before");
        // A master without power refuses nothing.
        let mut lab = Lab::new(3);
        assert!(!lab.sees(10, 1, &SILENCE) && !lab.sees(100, 1, &SILENCE) && !lab.sees(100, 2, &SILENCE));
        assert!(lab.sees(101, 3, &SILENCE), "the first was down before");
        let mut lab = Lab::new(2);
        assert!(!lab.sees(10, 1, &SILENCE) && !lab.sees(100, 2, &SILENCE), "one host alone proves nothing");
    }

    #[test]
    fn who_has_been_silent_for_longer_is_not_vouched_for() {
        let mut lab = Lab::new(3);
        let begin = lab.begin;
        let silent = [10, 100, 102].map(|seconds| Silent {
            address: [192, 0, 2, u8::try_from(seconds).unwrap()].into(),
            since: begin + Duration::from_secs(seconds),
            noticed_within: Duration::from_secs(6),
        });
        assert_eq!(lab.suspicion.begins(&silent, begin), [false, true, true]);
        assert_eq!(Suspicion::default().begins(&silent[..2], begin), [false, false]);
    }

    #[test]
    fn nobody_is_left_to_suspect_itself_for() {
        let mut lab = Lab::new(2);
        assert!(!lab.sees(10, 1, &SILENCE) && lab.sees(10, 2, &SILENCE));
        for target in [1, 2] {
            let hearing = lab.targets[target].1;
            lab.suspicion.forget(hearing);
        }
        assert!(!lab.suspicion.is_on());
    }
}
