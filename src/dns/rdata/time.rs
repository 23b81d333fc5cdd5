//! The times of signatures (RFC 4034, section 3.2): dates as `20261121021800`, and seconds since 1970.

use std::fmt::{self, Write};

use super::number::decimal;

const DAY_SECONDS: u64 = 86_400;

/// Seconds since 1970 from 14 digits of a date in UTC, or from at most ten of a count; none if it is neither
/// or does not fit 32 bits.
pub fn parse(text: &[u8]) -> Option<u32> {
    if text.len() != 14 {
        return decimal(text).filter(|_| text.len() <= 10).and_then(|count| u32::try_from(count).ok());
    }
    let part = |from: usize, to: usize| decimal(text.get(from..to)?);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    let in_range = year >= 1970 && (1..=12).contains(&month) && hour < 24 && minute < 60 && second < 60;
    if !in_range || day == 0 || day > month_days(year, month) {
        return None;
    }
    let days =
        days_before_year(year) + (1..month).map(|month| month_days(year, month)).sum::<u64>() + day - 1;
    u32::try_from(days * DAY_SECONDS + hour * 3600 + minute * 60 + second).ok()
}

/// Writes a time as 14 digits.
///
/// # Errors
///
/// None: a string takes everything.
pub fn write(seconds: u32, out: &mut String) -> fmt::Result {
    let (mut days, second) = (u64::from(seconds) / DAY_SECONDS, u64::from(seconds) % DAY_SECONDS);
    let mut year = 1970 + days / 366;
    while days_before_year(year + 1) <= days {
        year += 1;
    }
    days -= days_before_year(year);
    let mut month = 1;
    while days >= month_days(year, month) {
        days -= month_days(year, month);
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    write!(out, "{year:04}{month:02}{:02}{hour:02}{minute:02}{second:02}", days + 1)
}

/// Days from 1970 to the first of January of `year`.
fn days_before_year(year: u64) -> u64 {
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969)
}

fn month_days(year: u64, month: u64) -> u64 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_counts_mean_the_same_time() {
        // As `date -u -d @… +%Y%m%d%H%M%S` has them.
        for (count, date) in [
            (0, "19700101000000"),
            (951_782_400, "20000229000000"),
            (1_078_055_999, "20040229115959"),
            (2_147_483_648, "20380119031408"),
            (u32::MAX, "21060207062815"),
        ] {
            assert_eq!(parse(date.as_bytes()), Some(count));
            assert_eq!(parse(count.to_string().as_bytes()), Some(count));
            let mut written = String::new();
            write(count, &mut written).unwrap();
            assert_eq!(written, date);
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in [
            "",
            "20010229000000",
            "21000229000000",
            "20261301000000",
            "20260001000000",
            "20260100000000",
            "20260101240000",
            "19691231235959",
            "21060207062816",
            "2026010100000x",
            "4294967296",
            "00000000001",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
