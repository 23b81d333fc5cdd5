//! When a loop looks next for tasks whose moment has come.
//!
//! It looks at all of them at once, so it does that seldom: when the first moment has come, and not again for a while.

use std::time::Duration;

use super::task::NEVER;

/// How long after its moment a task has its turn, at most, in milliseconds: limits of connections are seconds.
const LATE_MAX: u64 = 100;

/// Longest sleep while a task waits. Kernels before 5.11, which el8 has, know no wait beyond 24 days, and a task may wait for a
/// year.
const SLEEP_MAX: Duration = Duration::from_secs(60 * 60);

/// When moments are looked at next, in milliseconds as the loop counts them; never, where no task waits for one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NextLook(u64);

impl Default for NextLook {
    fn default() -> Self {
        Self(NEVER)
    }
}

impl NextLook {
    /// A task waits for the moment `due`, or for [`NEVER`].
    pub(super) fn include(&mut self, due: u64, now: u64) {
        if due < self.0 {
            // Moments saturate.
            self.0 = self.0.min(due.max(now.saturating_add(LATE_MAX)));
        }
    }

    /// Whether it is to be now.
    pub(super) fn has_come(&self, now: u64) -> bool {
        self.0 <= now
    }

    /// How long to sleep; none: for ever.
    pub(super) fn sleep(&self, now: u64) -> Option<Duration> {
        (self.0 != NEVER).then(|| Duration::from_millis(self.0.saturating_sub(now)).min(SLEEP_MAX))
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests {
    use super::*;

    #[test]
    fn a_loop_sleeps_until_the_first_moment_comes() {
        let mut next = NextLook::default();
        next.include(NEVER, 7);
        assert_eq!(next.sleep(7), None);
        for due in [10_000, 5_000, 8_000] {
            next.include(due, 7);
        }
        assert_eq!(next.sleep(7), Some(Duration::from_millis(4_993)));
        assert!(!next.has_come(4_999) && next.has_come(5_000));
        let mut next = NextLook::default();
        next.include(365 * 24 * 60 * 60 * 1000, 0);
        assert_eq!(next.sleep(0), Some(SLEEP_MAX));
    }

    #[test]
    fn moments_that_come_one_soon_after_the_other_are_looked_at_together() {
        let mut next = NextLook::default();
        for due in 1_001..1_100 {
            next.include(due, 1_000);
            assert_eq!(next, NextLook(1_000 + LATE_MAX));
        }
        // One that comes to wait meanwhile is late by no more either.
        next.include(1_051, 1_050);
        assert_eq!(next, NextLook(1_000 + LATE_MAX));
        assert_eq!(next.sleep(1_200), Some(Duration::ZERO));
    }
}
