//! `max-share`: most of the answers that one member gets.

/// Most of the answers that one member gets, in percent: 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareMax(u32);

impl ShareMax {
    /// So many percent; none for 0 and above 100.
    pub fn percent(percent: u32) -> Option<Self> {
        (1..=100).contains(&percent).then_some(ShareMax(percent))
    }

    /// In percent.
    pub fn get(self) -> u32 {
        self.0
    }

    /// Whether so many members can take all answers.
    pub fn is_enough(self, members: usize) -> bool {
        members.saturating_mul(self.0 as usize) >= 100
    }
}
