//! Moments for people and machines: `2026-11-21T02:18:00Z` (RFC 3339).
//!
//! Responsible for writing them. Not responsible for clocks.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

/// A moment, shown in UTC to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar(pub SystemTime);

impl Calendar {
    /// The moment of `instant`, when it is `now` by one clock and `today` by the other.
    pub fn of(instant: Instant, now: Instant, today: SystemTime) -> Self {
        let before = now.saturating_duration_since(instant);
        Calendar(today.checked_sub(before).unwrap_or(SystemTime::UNIX_EPOCH))
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        let (days, second) = (since / 86_400, since % 86_400);
        let (year, month, day) = date(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Year, month and day from the days since 1970. The years are counted from March, so that a leap day
/// is the last of its year; 400 years are 146,097 days, whatever 400 they are.
fn date(days: u64) -> (u64, u64, u64) {
    // From the first of March of the year 0.
    let days = days + 719_468;
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
    fn an_instant_lies_as_far_back_by_either_clock() {
        let (now, today) = (Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(100));
        let minute_ago = now.checked_sub(Duration::from_secs(60)).unwrap();
        assert_eq!(Calendar::of(minute_ago, now, today).to_string(), "1970-01-01T00:00:40Z");
    }
}
