//! Turns: how many probes run at once, and who goes first when more are due.
//!
//! Keeps a reserve of turns for targets that are likely to answer: a target that hangs uses a turn for a
//! whole timeout, and a rack of such targets would make all others wait.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::probe::Outcome;

use super::verdict::{Effect, Verdict, VerdictChange};

/// Each rank but the first leaves this part of the turns to the ranks before it. Targets that answer do so
/// within milliseconds: an eighth of the turns is plenty for all of them.
const RESERVE_PART: usize = 8;

/// How likely a target is to answer, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// It answered last time.
    Answers,
    /// It did not, or has never been probed; it may be up for all that.
    Unsure,
    /// It is down: its timeout is likely to pass.
    Down,
}

impl Rank {
    /// What can be expected after this outcome, which did `effect`.
    pub(super) fn after(self, outcome: &Outcome, effect: Effect) -> Rank {
        match (outcome, effect) {
            (Outcome::Pass { .. }, _) => Rank::Answers,
            // Nothing was learned about the target.
            (Outcome::Local { .. }, _) | (Outcome::Fail { .. }, Effect::Ignored) => self,
            (Outcome::Fail { .. }, Effect::Doubted) => Rank::Unsure,
            (
                Outcome::Fail { .. },
                Effect::Changed(VerdictChange { to: Verdict::Up | Verdict::Pending, .. }),
            ) => Rank::Unsure,
            (
                Outcome::Fail { .. },
                Effect::Changed(VerdictChange { to: Verdict::Down, .. }) | Effect::Confirmed,
            ) => Rank::Down,
        }
    }
}

/// Permits for probes, first come, first served within a rank.
///
/// Each rank takes a permit of its own and of those before it: so the last can never have all, and the first
/// can have every one.
#[derive(Debug)]
pub(super) struct Turns {
    all: Arc<Semaphore>,
    unsure: Arc<Semaphore>,
    down: Arc<Semaphore>,
}

/// A probe may run while this lives.
#[derive(Debug)]
pub(super) struct Turn {
    _permits: [Option<OwnedSemaphorePermit>; 3],
}

impl Turns {
    /// So many at once; at least one.
    pub(super) fn new(at_once_max: usize) -> Turns {
        let most = at_once_max.clamp(1, Semaphore::MAX_PERMITS);
        let reserve = most.div_ceil(RESERVE_PART).min(most.saturating_sub(1) / 2);
        let permits = |count| Arc::new(Semaphore::new(count));
        Turns { all: permits(most), unsure: permits(most - reserve), down: permits(most - 2 * reserve) }
    }

    /// A turn, if one is free now.
    pub(super) fn try_take(&self, rank: Rank) -> Option<Turn> {
        let mut permits = [None, None, None];
        for (place, semaphore) in permits.iter_mut().zip(self.needed(rank)) {
            *place = Some(Arc::clone(semaphore).try_acquire_owned().ok()?);
        }
        Some(Turn { _permits: permits })
    }

    /// Waits for a turn.
    pub(super) async fn take(&self, rank: Rank) -> Turn {
        let mut permits = [None, None, None];
        for (place, semaphore) in permits.iter_mut().zip(self.needed(rank)) {
            // The semaphores are never closed: an error does not occur, and would hold up nothing.
            *place = Arc::clone(semaphore).acquire_owned().await.ok();
        }
        Turn { _permits: permits }
    }

    /// The permits that a rank needs, in the same order for all, so that no ranks wait for each other in a
    /// circle.
    fn needed(&self, rank: Rank) -> impl Iterator<Item = &Arc<Semaphore>> {
        let begin = match rank {
            Rank::Down => 0,
            Rank::Unsure => 1,
            Rank::Answers => 2,
        };
        [&self.down, &self.unsure, &self.all].into_iter().skip(begin)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::probe::{Phase, Reason, Trouble};

    fn taken(turns: &Turns, rank: Rank) -> Vec<Turn> {
        std::iter::from_fn(|| turns.try_take(rank)).collect()
    }

    #[test]
    fn the_first_rank_may_have_every_turn_and_each_other_leaves_an_eighth_to_those_before_it() {
        for (most, unsure, down) in [(1, 1, 1), (2, 2, 2), (3, 2, 1), (8, 7, 6), (512, 448, 384)] {
            let counts =
                [Rank::Answers, Rank::Unsure, Rank::Down].map(|rank| taken(&Turns::new(most), rank).len());
            assert_eq!(counts, [most, unsure, down]);
        }
        assert_eq!(taken(&Turns::new(0), Rank::Down).len(), 1);
    }

    #[test]
    fn what_one_rank_leaves_is_there_for_those_before_it_and_for_nobody_else() {
        let turns = Turns::new(16);
        let down = taken(&turns, Rank::Down);
        let unsure = taken(&turns, Rank::Unsure);
        let answers = taken(&turns, Rank::Answers);
        assert_eq!([down.len(), unsure.len(), answers.len()], [12, 2, 2]);
        drop(answers);
        assert!(turns.try_take(Rank::Unsure).is_none() && turns.try_take(Rank::Down).is_none());
        drop(down);
        assert_eq!(taken(&turns, Rank::Answers).len(), 14);
    }

    #[tokio::test]
    async fn a_turn_that_is_given_back_goes_to_whoever_waits() {
        let turns = Turns::new(1);
        let first = turns.take(Rank::Answers).await;
        let mut second = std::pin::pin!(turns.take(Rank::Down));
        assert!(tokio::time::timeout(Duration::from_millis(1), &mut second).await.is_err());
        drop(first);
        assert!(turns.try_take(Rank::Answers).is_none(), "nobody pushes in");
        second.await;
        assert!(turns.try_take(Rank::Answers).is_some());
    }

    #[test]
    fn outcomes_say_what_can_be_expected() {
        let pass = Outcome::Pass { latency: Duration::ZERO, not_after: None, weight: None };
        let reason = Reason::TimedOut { after: Duration::ZERO, phase: Phase::Connect };
        let (fail, local) = (Outcome::Fail { reason }, Outcome::Local { trouble: Trouble::OutOfFiles });
        let changed = |to| Effect::Changed(VerdictChange { from: Verdict::Pending, to, outcomes: 1 });
        for rank in [Rank::Answers, Rank::Unsure, Rank::Down] {
            for effect in [Effect::Doubted, Effect::Confirmed, Effect::Ignored, changed(Verdict::Up)] {
                assert_eq!(rank.after(&pass, effect), Rank::Answers);
                assert_eq!(rank.after(&local, effect), rank);
            }
            assert_eq!(rank.after(&fail, Effect::Ignored), rank);
            assert_eq!(rank.after(&fail, Effect::Doubted), Rank::Unsure);
            assert_eq!(rank.after(&fail, Effect::Confirmed), Rank::Down);
            assert_eq!(rank.after(&fail, changed(Verdict::Down)), Rank::Down);
        }
    }
}
