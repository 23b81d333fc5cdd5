//! The life of a target between its downs: how it begins, returns, and is asked while it is down.
//!
//! Has what somebody may ask for. Not responsible for doing it: that is `health`.

use std::time::Duration;

/// What is asked for besides interval and thresholds; by default nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Life {
    /// From one probe to the next while it is down; none: as at other times.
    pub interval_down: Option<Duration>,
    /// How long failures say nothing of a target that has never passed: it is pending until then.
    pub startup: Duration,
    /// Within which time one that is up again comes to its whole share of the answers.
    pub slow_start: Duration,
    /// Whether it matters how long its probes take.
    pub is_timed: bool,
}

impl Life {
    /// The share of a target that has been up again for so long: a tenth at once, a tenth more after each tenth of the time.
    /// Steps, because each of them is published.
    pub fn share_after(&self, up_for: Duration) -> Share {
        let tenth = self.slow_start / TENTHS;
        // Nine tenths at most: the last one is the whole.
        let over = (1..TENTHS).filter(|nth| up_for >= tenth * *nth).count();
        u8::try_from(over).map_or(Share::WHOLE, |over| Share((over + 1) * 10))
    }
}

/// Steps of a growing share.
const TENTHS: u32 = 10;

/// The part of its share of the answers that a target gets, in percent: 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u8);

/// That of a target of which nothing else is said.
impl Default for Share {
    fn default() -> Self {
        Share::WHOLE
    }
}

impl Share {
    /// All of it.
    pub const WHOLE: Share = Share(100);

    /// Nothing: no new answers, though it is not down.
    pub const NONE: Share = Share(0);

    /// So many percent; none above 100.
    pub fn percent(percent: u8) -> Option<Self> {
        (percent <= 100).then_some(Share(percent))
    }

    /// In percent.
    pub fn get(self) -> u8 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_grows_by_tenths_until_it_is_whole() {
        let life = Life { slow_start: Duration::from_secs(60), ..Life::default() };
        let share = |seconds| life.share_after(Duration::from_secs(seconds)).get();
        assert_eq!([0, 5, 6, 30, 53, 54, 3600].map(share), [10, 10, 20, 60, 90, 100, 100]);
        assert_eq!(Life::default().share_after(Duration::ZERO), Share::WHOLE);
    }

    #[test]
    fn a_share_is_a_hundred_at_most() {
        assert_eq!([0, 100].map(|percent| Share::percent(percent).map(Share::get)), [Some(0), Some(100)]);
        assert_eq!(Share::percent(101), None);
    }
}
