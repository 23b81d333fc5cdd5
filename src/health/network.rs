//! The network as far as outcomes show it: whether this host, rather than its targets, is in trouble.
//!
//! A cable that is pulled makes every probe fail, and not one target is down. So a failure that means
//! "no way from here to there" counts against its target only when another outcome proves, later than
//! the first such failure, that there is a way to somewhere.
//!
//! Responsible for that proof, and for how many targets are in local trouble. Pure.
//! Not responsible for verdicts, or for what is logged.

use std::time::Instant;

use crate::probe::{Outcome, Reason};

/// What the last outcome of one target showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// There is none yet.
    Nothing,
    /// Something that can be said of the target itself: it was reached, refused, or kept silent.
    Target,
    /// There is no way to it, since this first failure of the kind.
    NoWay { since: Instant },
    /// Local trouble.
    Local,
}

/// Whether a failure counts against its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charge {
    Counts,
    /// Not yet: the next outcome of another target decides.
    Undecided,
    /// No: no target can be reached.
    Local,
}

/// How far local trouble goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// There is none.
    #[default]
    None,
    /// Some targets cannot be probed.
    Some,
    /// None can.
    All,
}

/// All targets together.
#[derive(Debug, Default)]
pub(super) struct Network {
    /// Targets by what their last outcome showed.
    nothing: usize,
    target: usize,
    no_way: usize,
    local: usize,
    /// The last outcome that said something of a target itself.
    proof: Option<Instant>,
}

impl Network {
    /// Takes in the outcome of a target that `sight` belongs to.
    pub(super) fn note(&mut self, sight: &mut Sight, outcome: &Outcome, at: Instant) -> Charge {
        let seen = match (outcome, *sight) {
            (Outcome::Local { .. }, _) => Sight::Local,
            (
                Outcome::Fail { reason: Reason::NetworkUnreachable | Reason::NoRoute },
                Sight::NoWay { since },
            ) => Sight::NoWay { since },
            (Outcome::Fail { reason: Reason::NetworkUnreachable | Reason::NoRoute }, _) => {
                Sight::NoWay { since: at }
            }
            (Outcome::Pass { .. } | Outcome::Fail { .. }, _) => Sight::Target,
        };
        self.forget(*sight);
        *self.count(seen) += 1;
        *sight = seen;
        match seen {
            Sight::Nothing | Sight::Local => Charge::Counts,
            Sight::Target => {
                self.proof = Some(at);
                Charge::Counts
            }
            Sight::NoWay { since } if self.proof.is_some_and(|proof| proof > since) => Charge::Counts,
            Sight::NoWay { .. } if self.extent() == Extent::All => Charge::Local,
            Sight::NoWay { .. } => Charge::Undecided,
        }
    }

    /// A target is watched from now on.
    pub(super) fn begin(&mut self) -> Sight {
        self.nothing += 1;
        Sight::Nothing
    }

    /// A target is watched no more.
    pub(super) fn forget(&mut self, sight: Sight) {
        *self.count(sight) -= 1;
    }

    /// How far local trouble goes. One target without a way to it is no local trouble; all of them are.
    pub(super) fn extent(&self) -> Extent {
        let any_hope = self.target > 0 || self.nothing > 0;
        match (self.local, self.no_way) {
            (0, 0) => Extent::None,
            (0, _) if any_hope => Extent::None,
            (_, _) if any_hope => Extent::Some,
            (_, _) => Extent::All,
        }
    }

    fn count(&mut self, sight: Sight) -> &mut usize {
        match sight {
            Sight::Nothing => &mut self.nothing,
            Sight::Target => &mut self.target,
            Sight::NoWay { .. } => &mut self.no_way,
            Sight::Local => &mut self.local,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::probe::Trouble;

    const PASS: Outcome = Outcome::Pass { latency: Duration::ZERO, not_after: None, weight: None };
    const NO_WAY: Outcome = Outcome::Fail { reason: Reason::NetworkUnreachable };
    const NO_HOST: Outcome = Outcome::Fail { reason: Reason::NoRoute };
    const REFUSED: Outcome = Outcome::Fail { reason: Reason::Refused };
    const LOCAL: Outcome = Outcome::Local { trouble: Trouble::OutOfFiles };

    /// Targets whose outcomes come one second after the other.
    fn play(outcomes: &[(usize, Outcome)]) -> Vec<(Charge, Extent)> {
        let (mut network, begin) = (Network::default(), Instant::now());
        let count = outcomes.iter().map(|(target, _)| target + 1).max().unwrap_or(0);
        let mut sights: Vec<Sight> = (0..count).map(|_| network.begin()).collect();
        let note = |(place, (target, outcome)): (u32, &(usize, Outcome))| {
            let at = begin + Duration::from_secs(1) * place;
            (network.note(&mut sights[*target], outcome, at), network.extent())
        };
        (0..).zip(outcomes).map(note).collect()
    }

    #[test]
    fn one_target_without_a_way_counts_once_another_outcome_has_proved_the_network() {
        let up = [(0, PASS), (1, PASS), (2, PASS)];
        let down = [(0, NO_WAY), (0, NO_WAY), (1, PASS), (0, NO_WAY), (0, NO_WAY)];
        let played = play(&[up.as_slice(), &down].concat());
        let (counts, undecided) = (Charge::Counts, Charge::Undecided);
        let charges: Vec<Charge> = played.iter().map(|(charge, _)| *charge).collect();
        assert_eq!(charges[3..], [undecided, undecided, counts, counts, counts]);
        assert!(played.iter().all(|(_, extent)| *extent == Extent::None));
    }

    #[test]
    fn when_no_target_has_a_way_the_trouble_is_ours() {
        let up = [(0, PASS), (1, REFUSED), (2, PASS)];
        let cut = [(0, NO_WAY), (1, NO_HOST), (2, NO_WAY), (0, NO_WAY)];
        let played = play(&[up.as_slice(), &cut].concat());
        assert_eq!(played[3], (Charge::Undecided, Extent::None));
        assert_eq!(played[5], (Charge::Local, Extent::All));
        assert_eq!(played[6], (Charge::Local, Extent::All));
    }

    #[test]
    fn a_single_outcome_of_a_target_itself_ends_the_trouble() {
        let cut = [(0, NO_WAY), (1, NO_WAY), (2, NO_WAY), (1, REFUSED), (0, NO_WAY)];
        let played = play(&cut);
        assert_eq!(played[2].1, Extent::All);
        assert_eq!(played[3], (Charge::Counts, Extent::None));
        assert_eq!(played[4].0, Charge::Counts);
    }

    #[test]
    fn local_trouble_of_some_targets_is_not_that_of_all() {
        let played = play(&[(0, PASS), (1, LOCAL), (0, LOCAL), (0, PASS), (1, PASS)]);
        let extents: Vec<Extent> = played.iter().map(|(_, extent)| *extent).collect();
        assert_eq!(extents, [Extent::None, Extent::Some, Extent::All, Extent::Some, Extent::None]);
    }

    #[test]
    fn a_target_without_outcome_may_still_be_reached() {
        let played = play(&[(0, NO_WAY), (0, NO_WAY), (1, PASS), (0, NO_WAY)]);
        assert!(played.iter().all(|(_, extent)| *extent == Extent::None), "{played:?}");
        assert_eq!(played[3].0, Charge::Counts);
    }

    #[test]
    fn a_target_that_is_gone_proves_nothing_and_troubles_nobody() {
        let (mut network, now) = (Network::default(), Instant::now());
        let (mut gone, mut stays) = (network.begin(), network.begin());
        network.note(&mut gone, &PASS, now);
        network.note(&mut stays, &NO_WAY, now);
        assert_eq!(network.extent(), Extent::None);
        network.forget(gone);
        assert_eq!(network.extent(), Extent::All);
        network.forget(stays);
        assert_eq!(network.extent(), Extent::None);
    }
}
