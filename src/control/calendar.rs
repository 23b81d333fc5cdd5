//! Moments for people and machines: `2026-11-21T02:18:00Z` (RFC 3339).
//!
//! Responsible for writing and reading them. Not responsible for clocks.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Days from the first of March of the year 0 to the beginning of 1970.
const DAYS_BEFORE_1970: u64 = 719_468;

/// A moment, shown in UTC to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar(pub SystemTime);

/// The text is no moment in UTC as it is written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalendarError;

impl Calendar {
    /// The moment of `instant`, when it is `now` by one clock and `today` by the other.
    pub fn of(instant: Instant, now: Instant, today: SystemTime) -> Self {
        let before = now.saturating_duration_since(instant);
        Calendar(today.checked_sub(before).unwrap_or(SystemTime::UNIX_EPOCH))
    }

    /// Seconds since 1970; 0 before.
    pub fn unix_seconds(self) -> u64 {
        self.0.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
    }
}

impl Default for Calendar {
    fn default() -> Self {
        Calendar(SystemTime::UNIX_EPOCH)
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.unix_seconds();
        let (days, second) = (since / 86_400, since % 86_400);
        let (year, month, day) = date(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl FromStr for Calendar {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let parts = |text: &str, separator| {
            let mut numbers = text.split(separator).map(|digits: &str| digits.parse::<u64>().ok());
            let three = (numbers.next()??, numbers.next()??, numbers.next()??);
            numbers.next().is_none().then_some(three)
        };
        let read = || {
            let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
            let ((year, month, day), (hour, minute, second)) = (parts(day, '-')?, parts(time, ':')?);
            let in_range = year <= 9999 && (1..=12).contains(&month) && (1..=31).contains(&day);
            let days = in_range.then(|| days(year, month, day))??;
            let seconds = days * 86_400 + hour.min(23) * 3600 + minute.min(59) * 60 + second.min(60);
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
        };
        let read = Calendar(read().ok_or(CalendarError)?);
        // What is written otherwise, such as the thirtieth of February, comes out as something else.
        if read.to_string() == text { Ok(read) } else { Err(CalendarError) }
    }
}

impl fmt::Display for CalendarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no moment such as 2026-11-21T02:18:00Z")
    }
}

impl std::error::Error for CalendarError {}

impl Serialize for Calendar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Calendar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Days since 1970; none before. The reverse of [`date`].
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    (365 * year + leap_days + (153 * month + 2) / 5 + day - 1).checked_sub(DAYS_BEFORE_1970)
}

/// Year, month and day from the days since 1970. The years are counted from March, so that a leap day
/// is the last of its year; 400 years are 146,097 days, whatever 400 they are.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_BEFORE_1970;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // March to July and August to December have 153 days each.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_rfc_3339_wants_them() {
        let at = |seconds: u64| Calendar(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(951_868_800), "2000-03-01T00:00:00Z");
        assert_eq!(at(1_795_227_480), "2026-11-21T02:18:00Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn every_day_of_four_hundred_years_follows_the_last() {
        let is_leap =
            |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let mut expected = (1970, 1, 1);
        for days in 0..146_097 {
            assert_eq!(date(days), expected);
            let (year, month, day) = expected;
            assert_eq!(super::days(year, month, day), Some(days));
            let last = match month {
                2 => 28 + u64::from(is_leap(year)),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            expected = match (month, day == last) {
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
                (_, false) => (year, month, day + 1),
            };
        }
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let moment = Calendar(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_227_480));
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
            assert_eq!(text.parse::<Calendar>(), Err(CalendarError), "{text}");
        }
    }

    #[test]
    fn an_instant_lies_as_far_back_by_either_clock() {
        let (now, today) = (Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(100));
        let minute_ago = now.checked_sub(Duration::from_secs(60)).unwrap();
        assert_eq!(Calendar::of(minute_ago, now, today).to_string(), "1970-01-01T00:00:40Z");
    }
}
