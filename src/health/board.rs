//! The board: all verdicts at one moment.
//!
//! Responsible for looking up a target's verdict.
//! Not responsible for how a verdict is reached.

use std::sync::Arc;

use super::Verdict;

/// The place of a target on the board; only `health` makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    verdicts: Arc<Vec<Verdict>>,
}

impl Board {
    /// The verdict on a target; pending for one that this board has not heard of.
    pub fn verdict(&self, target: TargetId) -> Verdict {
        self.verdicts.get(target.index()).copied().unwrap_or_default()
    }

    /// Every place of the board, in order.
    pub fn ids(&self) -> impl Iterator<Item = TargetId> + use<> {
        (0..self.verdicts.len()).map(TargetId::at)
    }

    /// Writes a verdict; copies the board first where a clone of it is about.
    pub(super) fn set(&mut self, target: TargetId, verdict: Verdict) {
        let verdicts = Arc::make_mut(&mut self.verdicts);
        if verdicts.len() <= target.index() {
            verdicts.resize(target.index() + 1, Verdict::default());
        }
        verdicts[target.index()] = verdict;
    }
}

/// A board with these verdicts, for whoever wants to know what would be answered if they held.
impl FromIterator<Verdict> for Board {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        Self { verdicts: Arc::new(verdicts.into_iter().collect()) }
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
        board.set(first, Verdict::Down);
        assert_eq!((before.verdict(first), board.verdict(first)), (Verdict::Up, Verdict::Down));
    }

    #[test]
    fn a_target_the_board_has_not_heard_of_is_pending() {
        assert_eq!(Board::default().verdict(TargetId::at(7)), Verdict::Pending);
    }

    #[test]
    fn the_places_between_are_pending_until_they_are_written() {
        let mut board = Board::default();
        board.set(TargetId::at(2), Verdict::Up);
        let verdicts: Vec<_> = board.ids().map(|id| board.verdict(id)).collect();
        assert_eq!(verdicts, [Verdict::Pending, Verdict::Pending, Verdict::Up]);
    }
}
