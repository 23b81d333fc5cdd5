//! Moments as TSIG counts them.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970 in UTC, of which 48 bits are sent (RFC 8945, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(u64);

impl Time {
    /// A moment; what lies before 1970 is 1970.
    pub fn of(moment: SystemTime) -> Self {
        Self::from_seconds(moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// So many seconds after 1970 began. Of what lies nine million years ahead, the lower 48 bits.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds & 0xffff_ffff_ffff)
    }

    /// Seconds since 1970 began.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    pub(super) fn read(bytes: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = bytes;
        Self(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    pub(super) fn bytes(self) -> [u8; 6] {
        let [_, _, a, b, c, d, e, f] = self.0.to_be_bytes();
        [a, b, c, d, e, f]
    }

    /// Whether the two differ by `fudge` seconds at most (RFC 8945, section 5.2.3).
    pub(super) fn is_near(self, other: Time, fudge: u16) -> bool {
        self.0.abs_diff(other.0) <= u64::from(fudge)
    }
}

/// As it stands in a TSIG record.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
