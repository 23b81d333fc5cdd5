//! Times as people and programs read them: `2026-11-21T02:18:00Z` (RFC 3339).

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The last second that RFC 3339 can write: the end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// A time, written in UTC to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UtcTime(pub SystemTime);

/// The text is not a time as it is written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UtcTimeError;

impl UtcTime {
    /// The moment of `instant`, when it is `now` by one clock and `today` by the other.
    pub fn of(instant: Instant, now: Instant, today: SystemTime) -> Self {
        let before = now.saturating_duration_since(instant);
        UtcTime(today.checked_sub(before).unwrap_or(SystemTime::UNIX_EPOCH))
    }

    /// Seconds since 1970; 0 before.
    pub fn unix_seconds(self) -> u64 {
        self.0.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
    }
}

impl Default for UtcTime {
    fn default() -> Self {
        UtcTime(SystemTime::UNIX_EPOCH)
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A verdict may be forced for ages: a year of five digits has no text, and whatever shows it must not
        // fail over that.
        let seconds =
            i64::try_from(self.unix_seconds()).map_or(LAST_SECOND, |seconds| seconds.min(LAST_SECOND));
        let moment = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| fmt::Error)?;
        f.write_str(&moment.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for UtcTime {
    type Err = UtcTimeError;

    fn from_str(text: &str) -> Result<Self, UtcTimeError> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| UtcTimeError)?;
        let read = UtcTime(moment.into());
        // Offsets, fractions of seconds and years before 1970 come out as something else.
        if read.to_string() == text { Ok(read) } else { Err(UtcTimeError) }
    }
}

impl fmt::Display for UtcTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no moment such as 2026-11-21T02:18:00Z")
    }
}

impl std::error::Error for UtcTimeError {}

impl Serialize for UtcTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UtcTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_rfc_3339_wants_them() {
        let at = |seconds: u64| UtcTime(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(951_868_800), "2000-03-01T00:00:00Z");
        assert_eq!(at(1_795_227_480), "2026-11-21T02:18:00Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn a_moment_too_far_ahead_for_the_text_is_the_last_one_that_has_a_text() {
        let at = |seconds: u64| UtcTime(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
        assert_eq!(at(253_402_300_799), "9999-12-31T23:59:59Z");
        assert_eq!(at(253_402_300_800), "9999-12-31T23:59:59Z");
        assert_eq!(at(1 << 62), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let moment = UtcTime(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_227_480));
        assert_eq!("2026-11-21T02:18:00Z".parse(), Ok(moment));
        assert_eq!(moment.unix_seconds(), 1_795_227_480);
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T02:18:00",
            "2026-11-21T02:18:00+01:00",
            "2026-11-21 02:18:00Z",
            "2026-02-30T02:18:00Z",
            "2026-11-21T24:00:00Z",
            "2026-13-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "26-11-21T02:18:00Z",
            "2026-11-21T02:18:00:00Z",
            "99999999999999999999-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<UtcTime>(), Err(UtcTimeError), "{text}");
        }
    }

    #[test]
    fn an_instant_lies_as_far_back_by_either_clock() {
        let (now, today) = (Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(100));
        let minute_ago = now.checked_sub(Duration::from_secs(60)).unwrap();
        assert_eq!(UtcTime::of(minute_ago, now, today).to_string(), "1970-01-01T00:00:40Z");
    }
}
