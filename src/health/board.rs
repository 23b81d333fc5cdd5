//! The board: all verdicts at one moment.

use std::time::Duration;

use super::Verdict;
use crate::probe::{Share, Vantage, Weight};
use crate::shared_list::SharedList;

/// The place of a target on the board; only `health` makes one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TargetId(u32);

impl TargetId {
    pub(super) fn at(index: usize) -> Self {
        // Four thousand million targets do not fit into memory.
        TargetId(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// Its place, from 0, without gaps worth mentioning: good as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// All verdicts at one moment. A clone is a pointer, and never changes.
///
/// It also holds the weights that targets report, and their shares. The verdicts are those that answers are made from: a forced
/// verdict overrides what probes say, and a target that changes too often is down until it is steady.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    states: SharedList<TargetState>,
    holding: Holding,
}

/// What the board says of one target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TargetState {
    /// The verdict.
    pub(super) verdict: Verdict,
    /// What it would be if nothing were held down for changing too often.
    pub(super) unheld: Verdict,
    /// What it is for clients elsewhere: another one only while this host suspects itself.
    pub(super) elsewhere: Verdict,
    /// By which rules others see it up, where that counts: it is down here.
    pub(super) seen_up: SeenUp,
    /// The weight that the target reports.
    pub(super) weight: Weight,
    /// The part of its share of the answers that it gets.
    pub(super) share: Share,
    /// How long it takes now, where that matters.
    pub(super) latency: Option<Duration>,
}

/// By which rules other vantages see a target up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeenUp {
    /// One does.
    pub any: bool,
    /// More than half of all do.
    pub quorum: bool,
    /// All others do.
    pub all: bool,
}

impl SeenUp {
    /// Whether that will do by a rule.
    pub fn is_enough(self, rule: Vantage) -> bool {
        match rule {
            Vantage::Own => false,
            Vantage::Any => self.any,
            Vantage::Quorum => self.quorum,
            Vantage::All => self.all,
        }
    }
}

impl TargetState {
    /// What clients elsewhere are to have. Both reasons for another verdict meet here: this host suspects itself and goes on
    /// with what it believed, or others see up what is down here.
    fn elsewhere(self, rule: Vantage) -> Verdict {
        match self.elsewhere {
            Verdict::Down if self.seen_up.is_enough(rule) => Verdict::Up,
            verdict @ (Verdict::Pending | Verdict::Up | Verdict::Down) => verdict,
        }
    }
}

/// Whether targets that are held down for changing too often count as down, and for whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Holding {
    #[default]
    Applied,
    Ignored,
    /// As `Applied`, for clients elsewhere, where these probes count.
    Elsewhere(Vantage),
}

impl Board {
    /// The verdict on a target; pending for one that this board has not heard of.
    pub fn verdict(&self, target: TargetId) -> Verdict {
        let state = self.state(target);
        match self.holding {
            Holding::Applied => state.verdict,
            Holding::Ignored => state.unheld,
            Holding::Elsewhere(rule) => state.elsewhere(rule),
        }
    }

    /// The weight that a target reports; 1 for one that reports none.
    pub fn weight(&self, target: TargetId) -> Weight {
        self.state(target).weight
    }

    /// The part of its share of the answers that a target gets: not all of it soon after it has come back, none while it is
    /// drained.
    pub fn share(&self, target: TargetId) -> Share {
        self.state(target).share
    }

    /// How long a target takes to pass; none where nobody asks, and for one that has not passed.
    pub fn latency(&self, target: TargetId) -> Option<Duration> {
        self.state(target).latency
    }

    /// The same board as if no target were held down for changing too often. A pool without another member
    /// that is up answers with one that passes at the moment.
    pub fn unheld(&self) -> Board {
        Board { states: self.states.clone(), holding: Holding::Ignored }
    }

    /// The same board as clients elsewhere are to have it, where by this rule the probes of others count, too. While this
    /// host suspects itself, that is what it believed before.
    pub fn elsewhere(&self, rule: Vantage) -> Board {
        Board { states: self.states.clone(), holding: Holding::Elsewhere(rule) }
    }

    /// Whether clients elsewhere are to have another verdict on a target by this rule.
    pub fn is_other_elsewhere(&self, target: TargetId, rule: Vantage) -> bool {
        let state = self.state(target);
        state.verdict != state.elsewhere(rule)
    }

    /// Whether clients elsewhere are to have another verdict on a target because others see it up.
    pub fn is_seen_up(&self, target: TargetId, rule: Vantage) -> bool {
        let state = self.state(target);
        state.elsewhere != state.elsewhere(rule)
    }

    /// The same board as if a target were up where it is not, or down where it is up: what may come next.
    pub fn with_other_verdict(&self, target: TargetId) -> Board {
        let state = self.state(target);
        let verdict = match state.verdict {
            Verdict::Up => Verdict::Down,
            Verdict::Pending | Verdict::Down => Verdict::Up,
        };
        let mut board = self.clone();
        board.set(target, TargetState { verdict, unheld: verdict, elsewhere: verdict, ..state });
        board
    }

    /// Every place of the board, in order.
    pub fn ids(&self) -> impl Iterator<Item = TargetId> + use<> {
        (0..self.states.len()).map(TargetId::at)
    }

    pub(super) fn state(&self, target: TargetId) -> TargetState {
        self.states.get(target.index()).copied().unwrap_or_default()
    }

    /// The targets whose state here differs from that in `before`.
    pub fn changes_since(&self, before: &Board) -> impl Iterator<Item = TargetId> + use<> {
        let (now, before) = (self.clone(), before.clone());
        // A place that only one of them has is pending on the other.
        let places = now.states.unshared(&before.states);
        places.map(TargetId::at).filter(move |target| now.state(*target) != before.state(*target))
    }

    /// Writes a state; clones that are about stay as they are.
    pub(super) fn set(&mut self, target: TargetId, state: TargetState) {
        self.states.set(target.index(), state);
    }
}

/// A verdict that is not held down, on a target that reports no weight.
impl From<Verdict> for TargetState {
    fn from(verdict: Verdict) -> Self {
        TargetState {
            verdict,
            unheld: verdict,
            elsewhere: verdict,
            seen_up: SeenUp::default(),
            weight: Weight::default(),
            share: Share::WHOLE,
            latency: None,
        }
    }
}

/// A board with these verdicts, to find out what would be answered if they held.
impl FromIterator<Verdict> for Board {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        verdicts.into_iter().map(|verdict| (verdict, Weight::default())).collect()
    }
}

/// The same with the shares of the targets.
impl FromIterator<(Verdict, Share)> for Board {
    fn from_iter<I: IntoIterator<Item = (Verdict, Share)>>(targets: I) -> Self {
        let state = |(verdict, share)| TargetState { share, ..TargetState::from(verdict) };
        Self { states: targets.into_iter().map(state).collect(), holding: Holding::Applied }
    }
}

/// The same of targets that are up and take so long.
impl FromIterator<Duration> for Board {
    fn from_iter<I: IntoIterator<Item = Duration>>(targets: I) -> Self {
        let state = |latency| TargetState { latency: Some(latency), ..TargetState::from(Verdict::Up) };
        Self { states: targets.into_iter().map(state).collect(), holding: Holding::Applied }
    }
}

/// The same with the weights that the targets report.
impl FromIterator<(Verdict, Weight)> for Board {
    fn from_iter<I: IntoIterator<Item = (Verdict, Weight)>>(targets: I) -> Self {
        let state = |(verdict, weight)| TargetState { weight, ..TargetState::from(verdict) };
        Self { states: targets.into_iter().map(state).collect(), holding: Holding::Applied }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_of_the_board_never_changes() {
        let mut board: Board = [Verdict::Up, Verdict::Down].into_iter().collect();
        let before = board.clone();
        let first = board.ids().next().unwrap();
        board.set(first, Verdict::Down.into());
        assert_eq!((before.verdict(first), board.verdict(first)), (Verdict::Up, Verdict::Down));
    }

    #[test]
    fn only_what_differs_has_changed() {
        let before: Board = [Verdict::Up, Verdict::Down].into_iter().collect();
        let now: Board = [Verdict::Up, Verdict::Up, Verdict::Pending, Verdict::Down].into_iter().collect();
        let changed: Vec<_> = now.changes_since(&before).map(TargetId::index).collect();
        assert_eq!(changed, [1, 3]);
        assert_eq!(before.changes_since(&now).count(), 2);
    }

    #[test]
    fn a_weight_that_is_another_is_a_change() {
        let board = |weight| [(Verdict::Up, Weight::new(weight).unwrap())].into_iter().collect::<Board>();
        assert_eq!(board(2).changes_since(&board(1)).count(), 1);
        assert_eq!(board(2).changes_since(&board(2)).count(), 0);
        assert_eq!(board(2).weight(TargetId::at(0)).get(), 2);
        assert_eq!(board(2).weight(TargetId::at(1)), Weight::default());
    }

    #[test]
    fn a_target_the_board_has_not_heard_of_is_pending() {
        assert_eq!(Board::default().verdict(TargetId::at(7)), Verdict::Pending);
    }

    #[test]
    fn the_places_between_are_pending_until_they_are_written() {
        let mut board = Board::default();
        board.set(TargetId::at(2), Verdict::Up.into());
        let verdicts: Vec<_> = board.ids().map(|id| board.verdict(id)).collect();
        assert_eq!(verdicts, [Verdict::Pending, Verdict::Pending, Verdict::Up]);
    }

    #[test]
    fn a_held_target_is_down_and_passes_where_holding_is_left_aside() {
        let mut board = Board::default();
        let held = TargetId::at(0);
        board.set(held, TargetState { unheld: Verdict::Up, ..Verdict::Down.into() });
        assert_eq!((board.verdict(held), board.unheld().verdict(held)), (Verdict::Down, Verdict::Up));
    }
}
