//! Damping: a target whose verdict changes too often is held down until it is steady.
//!
//! Decides when holding begins and ends. Pure: time comes in as an argument. Not responsible for what is
//! answered: a held target that passes still is better than none.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How often a verdict may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damping {
    /// Changes within the window that are borne; 0: any number.
    pub limit: u32,
    /// How far back changes count, and how long a held target must be steady to be believed again.
    pub window: Duration,
}

/// Three times down and up again in five minutes: more than any restart or update needs.
impl Default for Damping {
    fn default() -> Self {
        Self { limit: 6, window: Duration::from_secs(5 * 60) }
    }
}

/// The state machine of one target.
///
/// ```text
///                more than `limit` changes within `window`
/// ┌──────────┐ ────────────────────────────────────────────▶ ┌──────┐
/// │ believed │                                               │ held │
/// └──────────┘ ◀──────────────────────────────────────────── └──────┘
///                      no change for a whole `window`
/// ```
#[derive(Clone, Debug, Default)]
pub(super) struct Damper {
    /// The last changes, one more than the limit at most.
    changes: VecDeque<Instant>,
    held: bool,
}

impl Damper {
    /// Whether the target is held down.
    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Takes in a change from up to down or back; the number of changes if holding begins with it.
    pub(super) fn note(&mut self, at: Instant, damping: Damping) -> Option<usize> {
        // A count of changes; `usize` has at least 32 bits where this runs.
        let limit = usize::try_from(damping.limit).unwrap_or(usize::MAX);
        self.changes.push_back(at);
        let is_old = |change: &Instant| at.saturating_duration_since(*change) > damping.window;
        while self.changes.len() > limit.saturating_add(1) || self.changes.front().is_some_and(is_old) {
            self.changes.pop_front();
        }
        if limit == 0 || self.held || self.changes.len() <= limit {
            return None;
        }
        self.held = true;
        Some(self.changes.len())
    }

    /// Lets time pass; whether holding has ended.
    pub(super) fn release(&mut self, now: Instant, damping: Damping) -> bool {
        let is_steady =
            self.changes.back().is_none_or(|last| now.saturating_duration_since(*last) >= damping.window);
        let over = self.held && (is_steady || damping.limit == 0);
        if over {
            self.held = false;
            self.changes.clear();
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const DAMPING: Damping = Damping { limit: 3, window: Duration::from_secs(60) };

    /// A damper after changes at these seconds, and the seconds at which holding began.
    fn after(changes: &[u32], damping: Damping) -> (Damper, Instant, Vec<u32>) {
        let (mut damper, begin) = (Damper::default(), Instant::now());
        let began = changes.iter().filter(|at| damper.note(begin + SECOND * **at, damping).is_some());
        let began = began.copied().collect();
        (damper, begin, began)
    }

    #[test]
    fn one_change_more_than_the_limit_within_the_window_begins_to_hold() {
        assert_eq!(after(&[0, 10, 20], DAMPING).2, [0; 0]);
        assert_eq!(after(&[0, 10, 20, 60], DAMPING).2, [60]);
    }

    #[test]
    fn changes_that_are_spread_wider_than_the_window_are_borne_for_ever() {
        let slow: Vec<u32> = (0..100).map(|count| count * 21).collect();
        assert_eq!(after(&slow, DAMPING).2, [0; 0]);
    }

    #[test]
    fn holding_begins_once_and_every_change_prolongs_it() {
        let (mut damper, begin, began) = after(&[0, 1, 2, 3, 30, 50], DAMPING);
        assert_eq!(began, [3]);
        assert!(!damper.release(begin + SECOND * 109, DAMPING));
        assert!(damper.release(begin + SECOND * 110, DAMPING));
        assert!(!damper.is_held());
        assert!(!damper.release(begin + SECOND * 111, DAMPING), "it ends once");
    }

    #[test]
    fn after_holding_the_count_begins_anew() {
        let (mut damper, begin, _) = after(&[0, 1, 2, 3], DAMPING);
        damper.release(begin + SECOND * 63, DAMPING);
        for at in 64..67 {
            assert_eq!(damper.note(begin + SECOND * at, DAMPING), None);
        }
        assert_eq!(damper.note(begin + SECOND * 67, DAMPING), Some(4));
    }

    #[test]
    fn a_limit_of_none_never_holds_and_lets_go_of_what_is_held() {
        let off = Damping { limit: 0, ..DAMPING };
        let fast: Vec<u32> = (0..100).collect();
        assert_eq!(after(&fast, off).2, [0; 0]);
        let (mut damper, begin, _) = after(&[0, 1, 2, 3], DAMPING);
        assert!(damper.release(begin + SECOND * 4, off));
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_bounded(changes in prop::collection::vec(0u32..1000, 0..200), limit in 0u32..20) {
            let mut changes = changes;
            changes.sort_unstable();
            let (damper, ..) = after(&changes, Damping { limit, ..DAMPING });
            prop_assert!(damper.changes.len() <= limit as usize + 1);
        }
    }
}
