//! Times of zones by the system clock, which workers have.
//!
//! Converts them, and detects that the clock was set or has drifted since.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::answer::CopyExpiry;

/// By how much what workers know of the time may be wrong.
const OFF_MAX: Duration = Duration::from_secs(1);

/// One moment by both clocks.
pub(super) struct ByClock {
    now: Instant,
    wall: SystemTime,
}

impl Default for ByClock {
    /// This moment.
    fn default() -> Self {
        Self { now: Instant::now(), wall: SystemTime::now() }
    }
}

impl ByClock {
    /// Reads the system clock from now on as it is `now`, if that is otherwise than before. Returns whether it is.
    pub(super) fn follow(&mut self, now: Instant, wall: SystemTime) -> bool {
        let expected = self.wall.checked_add(now.saturating_duration_since(self.now));
        let off = expected.map(|at| wall.duration_since(at).unwrap_or_else(|behind| behind.duration()));
        let is_off = off.is_none_or(|off| off > OFF_MAX);
        if is_off {
            *self = Self { now, wall };
        }
        is_off
    }

    /// When a zone expires; none beyond the end of the clock.
    pub(super) fn expiry(&self, at: Instant) -> Option<CopyExpiry> {
        let wall = match at.checked_duration_since(self.now) {
            Some(ahead) => self.wall.checked_add(ahead)?,
            None => self.wall.checked_sub(self.now.saturating_duration_since(at))?,
        };
        Some(CopyExpiry::at(wall.duration_since(UNIX_EPOCH).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_followed_and_one_that_goes_on_is_not() {
        let (now, wall) = (Instant::now(), UNIX_EPOCH + Duration::from_secs(1000));
        let seconds = Duration::from_secs;
        let mut clock = ByClock { now, wall };
        assert_eq!(clock.expiry(now + seconds(60)), Some(CopyExpiry::at(seconds(1060))));
        assert!(!clock.follow(now + seconds(9), wall + seconds(10)));
        assert_eq!(clock.expiry(now + seconds(60)), Some(CopyExpiry::at(seconds(1060))));
        assert!(clock.follow(now + seconds(9), wall + seconds(5009)));
        assert_eq!(clock.expiry(now + seconds(60)), Some(CopyExpiry::at(seconds(6060))));
        assert!(clock.follow(now + seconds(9), wall - seconds(500)), "it is set back");
        assert_eq!(clock.expiry(now + seconds(60)), Some(CopyExpiry::at(seconds(551))));
    }
}
