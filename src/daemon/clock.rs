//! Two clocks, read together: the system clock, which can be set, and the time since boot, which cannot.
//!
//! Converts from one to the other, and detects that the system clock was set in between.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

use crate::health::force::BootTime;

/// By how much the system clock must differ from the time since boot to count as set. What chrony
const STEP_MIN: Duration = Duration::from_secs(2);

/// One moment by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clocks {
    pub(super) boot: BootTime,
    pub(super) wall: SystemTime,
}

impl Clocks {
    /// This moment.
    pub(super) fn now() -> Clocks {
        let since_boot = clock_gettime(ClockId::Boottime);
        // Neither is negative (clock_gettime(2)), and there are less than 10^9 ns in a second.
        let seconds = u64::try_from(since_boot.tv_sec).unwrap_or(0);
        let nanoseconds = u32::try_from(since_boot.tv_nsec).unwrap_or(0);
        Clocks { boot: BootTime(Duration::new(seconds, nanoseconds)), wall: SystemTime::now() }
    }

    /// When this is by the system clock of now; none beyond its end.
    pub(super) fn system_time(self, then: BootTime) -> Option<SystemTime> {
        match self.boot.until(then) {
            Duration::ZERO => self.wall.checked_sub(then.until(self.boot)),
            ahead => self.wall.checked_add(ahead),
        }
    }

    /// When this is since boot; the boot for what was before it. None beyond the end of that clock.
    pub(super) fn since_boot(self, then: SystemTime) -> Option<BootTime> {
        match then.duration_since(self.wall) {
            Ok(ahead) => self.boot.0.checked_add(ahead).map(BootTime),
            Err(past) => Some(BootTime(self.boot.0.saturating_sub(past.duration()))),
        }
    }

    /// Whether the system clock has been set since `before`.
    pub(super) fn was_set_since(self, before: Clocks) -> bool {
        let expected = before.wall.checked_add(before.boot.until(self.boot));
        let off = expected
            .map(|expected| self.wall.duration_since(expected).unwrap_or_else(|behind| behind.duration()));
        off.is_none_or(|off| off >= STEP_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn clocks(boot: Duration, wall: Duration) -> Clocks {
        Clocks { boot: BootTime(boot), wall: SystemTime::UNIX_EPOCH + wall }
    }

    #[test]
    fn one_clock_is_read_by_the_other_both_ways() {
        let now = clocks(2 * HOUR, 500 * HOUR);
        for (boot, wall) in [(HOUR, 499 * HOUR), (2 * HOUR, 500 * HOUR), (9 * HOUR, 507 * HOUR)] {
            assert_eq!(now.system_time(BootTime(boot)), Some(SystemTime::UNIX_EPOCH + wall));
            assert_eq!(now.since_boot(SystemTime::UNIX_EPOCH + wall), Some(BootTime(boot)));
        }
        assert_eq!(now.since_boot(SystemTime::UNIX_EPOCH), Some(BootTime(Duration::ZERO)), "before the boot");
        assert_eq!(now.system_time(BootTime(Duration::MAX)), None);
    }

    #[test]
    fn a_system_clock_that_is_set_is_noticed_and_one_that_goes_on_is_not() {
        let before = clocks(HOUR, 500 * HOUR);
        let later = |wall| clocks(2 * HOUR, wall);
        assert!(!later(501 * HOUR).was_set_since(before));
        assert!(!later(501 * HOUR + Duration::from_millis(1900)).was_set_since(before));
        for set in [503 * HOUR, 499 * HOUR, 501 * HOUR - STEP_MIN, Duration::ZERO] {
            assert!(later(set).was_set_since(before), "{set:?}");
        }
    }

    #[test]
    fn the_time_since_boot_goes_on() {
        let before = Clocks::now();
        std::thread::sleep(Duration::from_millis(2));
        let after = Clocks::now();
        assert!(before.boot < after.boot && !after.was_set_since(before));
    }
}
