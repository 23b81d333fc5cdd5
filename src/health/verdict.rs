//! Verdicts: what is believed about a target after several outcomes.
//!
//! Has the thresholds. Pure: no clock, no I/O. Not responsible for when the next outcome comes: that is
//! `schedule`.

use std::fmt;
use std::num::NonZeroU32;

use crate::probe::Outcome;

/// What is believed about a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// No outcome yet. This is not down.
    #[default]
    Pending,
    /// It passes.
    Up,
    /// It fails.
    Down,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Pending => "pending",
            Verdict::Up => "up",
            Verdict::Down => "down",
        })
    }
}

/// How many consecutive outcomes change a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Thresholds {
    /// Passes until a target that was down is up.
    pub(super) rise: NonZeroU32,
    /// Failures until a target that was up is down.
    pub(super) fall: NonZeroU32,
}

/// The state machine of one target.
///
/// ```text
///                 a pass          ┌──────┐
///            ┌───────────────────▶│  up  │
/// ┌─────────┐│                    └──────┘
/// │ pending ├┤    `fall` failures  │    ▲  `rise` passes
/// └─────────┘│    in a row         ▼    │  in a row
///            │                    ┌──────┐
///            └───────────────────▶│ down │
///                 a failure       └──────┘
/// ```
///
/// The first outcome decides at once, because any knowledge is better than none. Local trouble says nothing
/// about the target: it changes neither the verdict nor the count.
#[derive(Clone, Debug)]
pub(super) struct VerdictState {
    verdict: Verdict,
    thresholds: Thresholds,
    /// Consecutive outcomes that contradict the verdict.
    streak: u32,
}

/// What one outcome did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It agrees with the verdict.
    Confirmed,
    /// It contradicts the verdict; not yet often enough in a row.
    Doubted,
    /// The verdict is now another.
    Changed(VerdictChange),
    /// It says nothing about the target.
    Ignored,
}

/// A change of verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VerdictChange {
    /// What was believed.
    pub(super) from: Verdict,
    /// What is believed now.
    pub(super) to: Verdict,
    /// The consecutive outcomes that it took.
    pub(super) outcomes: u32,
}

impl VerdictState {
    /// Starts with `verdict`: pending, unless something is known already.
    pub(super) fn new(verdict: Verdict, thresholds: Thresholds) -> Self {
        Self { verdict, thresholds, streak: 0 }
    }

    /// What is believed now.
    pub(super) fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Nothing is known any more: the next outcome decides at once.
    pub(super) fn forget(&mut self) {
        (self.verdict, self.streak) = (Verdict::Pending, 0);
    }

    /// Takes in the next outcome.
    pub(super) fn observe(&mut self, outcome: &Outcome) -> Effect {
        let (toward, needed) = match (self.verdict, outcome) {
            (Verdict::Pending, Outcome::Pass { .. }) => (Verdict::Up, NonZeroU32::MIN),
            (Verdict::Pending, Outcome::Fail { .. }) => (Verdict::Down, NonZeroU32::MIN),
            (Verdict::Down, Outcome::Pass { .. }) => (Verdict::Up, self.thresholds.rise),
            (Verdict::Up, Outcome::Fail { .. }) => (Verdict::Down, self.thresholds.fall),
            (Verdict::Up, Outcome::Pass { .. }) | (Verdict::Down, Outcome::Fail { .. }) => {
                self.streak = 0;
                return Effect::Confirmed;
            }
            (Verdict::Pending | Verdict::Up | Verdict::Down, Outcome::Local { .. }) => {
                return Effect::Ignored;
            }
        };
        self.streak += 1;
        if self.streak < needed.get() {
            return Effect::Doubted;
        }
        let change = VerdictChange { from: self.verdict, to: toward, outcomes: self.streak };
        (self.verdict, self.streak) = (toward, 0);
        Effect::Changed(change)
    }
}

#[cfg(test)]
mod tests;
