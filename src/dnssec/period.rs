//! Periods of signatures: who signs when, and from when to when a signature is valid.
//!
//! All signatures of a period have the same times, so that a reload or a flip back makes none.

use super::time::Time;
use crate::crypto::digest::{SHA256, digest};
use crate::dns::NameRef;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Seconds of a period: a zone is signed again each week.
pub const PERIOD: u64 = 7 * DAY;

/// Seconds from the begin of a period to the end of its signatures: two weeks after they are replaced.
pub const EXPIRES_AFTER: u64 = 21 * DAY;

/// Seconds that a clock may be late.
const BACKDATED: u64 = HOUR;

/// Periods of zones and nodes begin within so many seconds: not all are signed together.
pub const SHIFT_MAX: u64 = DAY;

/// From when to when a signature is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Validity {
    /// From then.
    pub inception: Time,
    /// Until then.
    pub expiration: Time,
}

/// A week in which signatures have the same times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    start: Time,
}

/// By how many seconds the periods of a zone on a node begin later than others.
pub fn shift(zone: NameRef<'_>, node: &[u8]) -> u64 {
    let hash = digest(&SHA256, &[&zone.to_lowercase(), node].concat());
    let bytes = hash.as_ref().first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(bytes) % SHIFT_MAX
}

impl Period {
    /// The period of a moment, with the shift of a zone.
    pub fn at(now: Time, shift: u64) -> Self {
        let number = now.before(shift).seconds() / PERIOD;
        Self { start: Time::from_seconds(number.saturating_mul(PERIOD)).after(shift) }
    }

    /// When it began.
    pub fn start(self) -> Time {
        self.start
    }

    /// When the next one begins.
    pub fn end(self) -> Time {
        self.start.after(PERIOD)
    }

    /// From when to when its signatures are valid.
    pub fn validity(self) -> Validity {
        Validity { inception: self.start.before(BACKDATED), expiration: self.start.after(EXPIRES_AFTER) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;

    #[test]
    fn signatures_are_valid_for_two_weeks_more_than_until_the_next_period() {
        let zone: Name = "example.".parse().unwrap();
        for node in [&b"one"[..], b"two", b"three"] {
            let shift = shift(zone.as_ref(), node);
            for now in [0, PERIOD, 1_795_000_000, 1_795_000_000 + PERIOD - 1].map(Time::from_seconds) {
                let period = Period::at(now, shift);
                let Validity { inception, expiration } = period.validity();
                assert!(period.start() <= now.after(SHIFT_MAX) && now < period.end());
                assert!(
                    inception <= period.start().before(HOUR) && expiration >= period.end().after(14 * DAY)
                );
                assert_eq!(Period::at(period.start(), shift), period);
                assert_eq!(Period::at(period.end(), shift).start(), period.end());
            }
        }
    }

    #[test]
    fn nodes_and_zones_sign_at_times_of_their_own() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let (one, other) = (name("a.example."), name("B.example."));
        assert_ne!(shift(one.as_ref(), b"master-0"), shift(one.as_ref(), b"master-1"));
        assert_ne!(shift(one.as_ref(), b"master-0"), shift(other.as_ref(), b"master-0"));
        assert_eq!(shift(other.as_ref(), b"x"), shift(name("b.EXAMPLE.").as_ref(), b"x"));
    }
}
