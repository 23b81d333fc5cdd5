//! The network as far as outcomes show it: whether this host, rather than its targets, is in trouble.
//!
//! A pulled cable makes every probe fail, although no target is down. So a failure that means "no way from
//! here to there" counts against its target only when another outcome proves, later than the first such
//! failure, that there is a way to somewhere.
//!
//! Has that proof, and the number of targets in local trouble. Pure.

use std::time::Instant;

use crate::probe::{Outcome, Reason};

/// What the last outcome of one target showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reachability {
    /// There is none yet.
    Nothing,
    /// Something that can be said of the target itself: it was reached, refused, or kept silent.
    Target,
    /// There is no way to it, since this first failure of the kind.
    NoWay { since: Instant },
    /// Local trouble.
    Local,
    /// It is not asked itself, so that its outcomes prove nothing of the network, and need no way.
    Apart,
}

/// Whether a failure counts against its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribution {
    Counts,
    /// Not yet: the next outcome of another target decides.
    Undecided,
    /// No: no target can be reached.
    Local,
}

/// How far local trouble goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// There is none.
    #[default]
    None,
    /// Some targets cannot be probed.
    Some,
    /// None beyond this host answers any more, and this host suspects itself.
    Beyond,
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
    /// Takes in the outcome of a target that `reachability` belongs to.
    pub(super) fn note(
        &mut self,
        reachability: &mut Reachability,
        outcome: &Outcome,
        at: Instant,
    ) -> Attribution {
        if *reachability == Reachability::Apart {
            return Attribution::Counts;
        }
        let seen = match (outcome, *reachability) {
            (Outcome::Local { .. }, _) => Reachability::Local,
            (
                Outcome::Fail { reason: Reason::NetworkUnreachable | Reason::NoRoute },
                Reachability::NoWay { since },
            ) => Reachability::NoWay { since },
            (Outcome::Fail { reason: Reason::NetworkUnreachable | Reason::NoRoute }, _) => {
                Reachability::NoWay { since: at }
            }
            (Outcome::Pass { .. } | Outcome::Fail { .. }, _) => Reachability::Target,
        };
        self.forget(*reachability);
        if let Some(count) = self.count(seen) {
            *count += 1;
        }
        *reachability = seen;
        match seen {
            Reachability::Nothing | Reachability::Local | Reachability::Apart => Attribution::Counts,
            Reachability::Target => {
                self.proof = Some(at);
                Attribution::Counts
            }
            Reachability::NoWay { since } if self.proof.is_some_and(|proof| proof > since) => {
                Attribution::Counts
            }
            Reachability::NoWay { .. } if self.scope() == Scope::All => Attribution::Local,
            Reachability::NoWay { .. } => Attribution::Undecided,
        }
    }

    /// A target is watched from now on.
    pub(super) fn begin(&mut self) -> Reachability {
        self.nothing += 1;
        Reachability::Nothing
    }

    /// Forgets a target that is not watched any more.
    pub(super) fn forget(&mut self, reachability: Reachability) {
        if let Some(count) = self.count(reachability) {
            *count -= 1;
        }
    }

    /// How far local trouble goes. If one target of several is unreachable, that is not local trouble; if all
    /// are, it is.
    pub(super) fn scope(&self) -> Scope {
        let any_hope = self.target > 0 || self.nothing > 0;
        match (self.local, self.no_way) {
            (0, 0) => Scope::None,
            (0, _) if any_hope => Scope::None,
            (_, _) if any_hope => Scope::Some,
            (_, _) => Scope::All,
        }
    }

    fn count(&mut self, reachability: Reachability) -> Option<&mut usize> {
        match reachability {
            Reachability::Nothing => Some(&mut self.nothing),
            Reachability::Target => Some(&mut self.target),
            Reachability::NoWay { .. } => Some(&mut self.no_way),
            Reachability::Local => Some(&mut self.local),
            Reachability::Apart => None,
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
    fn play(outcomes: &[(usize, Outcome)]) -> Vec<(Attribution, Scope)> {
        let (mut network, begin) = (Network::default(), Instant::now());
        let count = outcomes.iter().map(|(target, _)| target + 1).max().unwrap_or(0);
        let mut reached: Vec<Reachability> = (0..count).map(|_| network.begin()).collect();
        let note = |(place, (target, outcome)): (u32, &(usize, Outcome))| {
            let at = begin + Duration::from_secs(1) * place;
            (network.note(&mut reached[*target], outcome, at), network.scope())
        };
        (0..).zip(outcomes).map(note).collect()
    }

    #[test]
    fn one_target_without_a_way_counts_once_another_outcome_has_proved_the_network() {
        let up = [(0, PASS), (1, PASS), (2, PASS)];
        let down = [(0, NO_WAY), (0, NO_WAY), (1, PASS), (0, NO_WAY), (0, NO_WAY)];
        let played = play(&[up.as_slice(), &down].concat());
        let (counts, undecided) = (Attribution::Counts, Attribution::Undecided);
        let attributions: Vec<Attribution> = played.iter().map(|(attribution, _)| *attribution).collect();
        assert_eq!(attributions[3..], [undecided, undecided, counts, counts, counts]);
        assert!(played.iter().all(|(_, scope)| *scope == Scope::None));
    }

    #[test]
    fn when_no_target_has_a_way_the_trouble_is_ours() {
        let up = [(0, PASS), (1, REFUSED), (2, PASS)];
        let cut = [(0, NO_WAY), (1, NO_HOST), (2, NO_WAY), (0, NO_WAY)];
        let played = play(&[up.as_slice(), &cut].concat());
        assert_eq!(played[3], (Attribution::Undecided, Scope::None));
        assert_eq!(played[5], (Attribution::Local, Scope::All));
        assert_eq!(played[6], (Attribution::Local, Scope::All));
    }

    #[test]
    fn a_single_outcome_of_a_target_itself_ends_the_trouble() {
        let cut = [(0, NO_WAY), (1, NO_WAY), (2, NO_WAY), (1, REFUSED), (0, NO_WAY)];
        let played = play(&cut);
        assert_eq!(played[2].1, Scope::All);
        assert_eq!(played[3], (Attribution::Counts, Scope::None));
        assert_eq!(played[4].0, Attribution::Counts);
    }

    #[test]
    fn local_trouble_of_some_targets_is_not_that_of_all() {
        let played = play(&[(0, PASS), (1, LOCAL), (0, LOCAL), (0, PASS), (1, PASS)]);
        let scopes: Vec<Scope> = played.iter().map(|(_, scope)| *scope).collect();
        assert_eq!(scopes, [Scope::None, Scope::Some, Scope::All, Scope::Some, Scope::None]);
    }

    #[test]
    fn a_target_without_outcome_may_still_be_reached() {
        let played = play(&[(0, NO_WAY), (0, NO_WAY), (1, PASS), (0, NO_WAY)]);
        assert!(played.iter().all(|(_, scope)| *scope == Scope::None), "{played:?}");
        assert_eq!(played[3].0, Attribution::Counts);
    }

    #[test]
    fn what_somebody_says_of_a_target_proves_nothing_of_the_network() {
        let (mut network, now) = (Network::default(), Instant::now());
        let (mut told, mut asked) = (Reachability::Apart, network.begin());
        network.note(&mut asked, &NO_WAY, now);
        assert_eq!(network.scope(), Scope::All);
        for outcome in [PASS, LOCAL, REFUSED] {
            let later = now + Duration::from_secs(1);
            assert_eq!(network.note(&mut told, &outcome, later), Attribution::Counts);
            assert_eq!((told, network.scope()), (Reachability::Apart, Scope::All));
        }
        assert_eq!(network.note(&mut asked, &NO_WAY, now + Duration::from_secs(2)), Attribution::Local);
        network.forget(told);
        assert_eq!(network.scope(), Scope::All);
    }

    #[test]
    fn a_target_that_is_gone_proves_nothing_and_troubles_nobody() {
        let (mut network, now) = (Network::default(), Instant::now());
        let (mut gone, mut stays) = (network.begin(), network.begin());
        network.note(&mut gone, &PASS, now);
        network.note(&mut stays, &NO_WAY, now);
        assert_eq!(network.scope(), Scope::None);
        network.forget(gone);
        assert_eq!(network.scope(), Scope::All);
        network.forget(stays);
        assert_eq!(network.scope(), Scope::None);
    }
}
