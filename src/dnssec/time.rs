//! Moments as keys and signatures have them: seconds since 1970.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::dns::rdata::time;

/// Seconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// A moment; what lies before 1970 is 1970.
    pub fn of(moment: SystemTime) -> Self {
        Self(moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// So many seconds after 1970 began.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970 began.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// The same as a point of the system's clock.
    pub fn to_system(self) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_secs(self.0)).unwrap_or(UNIX_EPOCH)
    }

    /// As it stands in a signature: the lower 32 bits, which are compared as serials are (RFC 4034, section 3.1.5).
    pub fn in_signature(self) -> u32 {
        let [_, _, _, _, a, b, c, d] = self.0.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }

    /// So much later.
    pub const fn after(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// So much earlier; not before 1970.
    pub const fn before(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }

    /// Reads a date as BIND writes it into key files, `20261130095147`, or a count of seconds.
    pub fn parse(text: &str) -> Option<Self> {
        time::parse(text.as_bytes()).map(|seconds| Self(u64::from(seconds)))
    }

    /// As BIND writes it into key files.
    pub fn digits(self) -> String {
        let mut text = String::new();
        // A string takes everything.
        let _ = time::write(self.in_signature(), &mut text);
        text
    }
}

/// As RFC 3339 has it, in UTC: `2026-11-30T09:51:47Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits();
        let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
        let (year, month, day) = (part(0, 4), part(4, 6), part(6, 8));
        write!(f, "{year}-{month}-{day}T{}:{}:{}Z", part(8, 10), part(10, 12), part(12, 14))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_bind_is_read_and_written_and_shown_for_people() {
        let time = Time::parse("20261130095147").unwrap();
        assert_eq!(
            (time.digits().as_str(), time.to_string().as_str()),
            ("20261130095147", "2026-11-30T09:51:47Z")
        );
        assert_eq!(Time::of(time.to_system()), time);
        assert_eq!(Time::parse("20261331000000"), None);
    }
}
