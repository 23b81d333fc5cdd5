//! Times to live: their range, and times written with units.
//!
//! Which TTL a record without one gets is decided by `zonefile`.

use std::fmt;

/// A time to live in seconds, at most 2^31 - 1 (RFC 2181, section 8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ttl(u32);

/// How a time was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlForm {
    /// Digits alone: `5400`.
    Seconds,
    /// One number with one unit: `90m`.
    Units,
    /// Several numbers with a unit each: `1h30m`. PowerDNS reads something else, see [`powerdns_reading`].
    Compound,
}

/// Why a text is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtlError {
    /// Not digits with units.
    NotATime,
    /// A number without a unit behind a number with one: `1h30`.
    MissingUnit,
    /// More seconds than this many.
    TooLarge(u32),
}

impl fmt::Display for TtlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TtlError::NotATime => {
                f.write_str("not a time: wanted are seconds, or numbers with a unit of s m h d w y")
            }
            TtlError::MissingUnit => f.write_str("not a time: the last number has no unit"),
            TtlError::TooLarge(max) => write!(f, "too long a time: at most {max} seconds"),
        }
    }
}

impl std::error::Error for TtlError {}

impl Ttl {
    /// The largest TTL (RFC 2181, section 8).
    pub const MAX: Ttl = Ttl(0x7fff_ffff);

    /// A TTL of that many seconds; none above [`Ttl::MAX`].
    pub const fn from_seconds(seconds: u32) -> Option<Ttl> {
        if seconds <= Self::MAX.0 { Some(Ttl(seconds)) } else { None }
    }

    /// Reads seconds, one number with a unit, or BIND's compounds (`1h30m`), and says which of them it was.
    /// Units are s, m, h, d, w and y (365 days), in any case.
    ///
    /// # Errors
    ///
    /// When the text is no time, or one above [`Ttl::MAX`].
    pub fn parse(text: &[u8]) -> Result<(Ttl, TtlForm), TtlError> {
        let (seconds, form) = parse_seconds(text, Self::MAX.0)?;
        Ok((Ttl(seconds), form))
    }

    /// The seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As [`Ttl::parse`], for the timers of a SOA: they have all of 32 bits.
///
/// # Errors
///
/// When the text is no time, or one that does not fit.
pub fn parse_timer(text: &[u8]) -> Result<(u32, TtlForm), TtlError> {
    parse_seconds(text, u32::MAX)
}

/// The seconds PowerDNS reads in a time: the first number times the last unit, so that `1h30m` becomes 1 × m
/// = 60.
pub fn powerdns_reading(text: &[u8]) -> u32 {
    let (number, _) = split_number(text);
    let unit = text.last().and_then(|&byte| unit_seconds(byte)).unwrap_or(1);
    let seconds = number.unwrap_or(0).wrapping_mul(u64::from(unit));
    // Its own arithmetic has 32 bits and wraps. 32 bits are left.
    u32::try_from(seconds & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

fn parse_seconds(text: &[u8], max: u32) -> Result<(u32, TtlForm), TtlError> {
    let mut total: u64 = 0;
    let mut parts = 0;
    let mut rest = text;
    loop {
        let (number, after) = split_number(rest);
        let number = number.ok_or(TtlError::NotATime)?;
        let (unit, after) = match after.split_first() {
            None if parts == 0 => (1, after),
            None => return Err(TtlError::MissingUnit),
            Some((&letter, after)) => {
                parts += 1;
                (unit_seconds(letter).ok_or(TtlError::NotATime)?, after)
            }
        };
        total = total.saturating_add(number.saturating_mul(u64::from(unit)));
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    let form = match parts {
        0 => TtlForm::Seconds,
        1 => TtlForm::Units,
        _ => TtlForm::Compound,
    };
    match u32::try_from(total) {
        Ok(seconds) if seconds <= max => Ok((seconds, form)),
        _ => Err(TtlError::TooLarge(max)),
    }
}

/// The number that `text` begins with, and what follows it. A number beyond all limits stays beyond them.
fn split_number(text: &[u8]) -> (Option<u64>, &[u8]) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at(digits);
    let value = number
        .iter()
        .fold(0u64, |value, digit| value.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    ((digits > 0).then_some(value), rest)
}

fn unit_seconds(letter: u8) -> Option<u32> {
    match letter.to_ascii_lowercase() {
        b's' => Some(1),
        b'm' => Some(60),
        b'h' => Some(3600),
        b'd' => Some(86_400),
        b'w' => Some(7 * 86_400),
        b'y' => Some(365 * 86_400),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(u32, TtlForm), TtlError> {
        Ttl::parse(text.as_bytes()).map(|(ttl, form)| (ttl.seconds(), form))
    }

    #[test]
    fn seconds_units_and_compounds_are_told_apart() {
        assert_eq!(read("0"), Ok((0, TtlForm::Seconds)));
        assert_eq!(read("5400"), Ok((5400, TtlForm::Seconds)));
        assert_eq!(read("2W"), Ok((1_209_600, TtlForm::Units)));
        assert_eq!(read("1y"), Ok((31_536_000, TtlForm::Units)));
        assert_eq!(read("1h30m"), Ok((5400, TtlForm::Compound)));
        assert_eq!(read("1W2d3H4m5S"), Ok((788_645, TtlForm::Compound)));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "h", "IN", "1x", "1h30m!", "-1", "+1", "1.5h", "1 h", "A"] {
            assert_eq!(read(text), Err(TtlError::NotATime), "{text}");
        }
        assert_eq!(read("1h30"), Err(TtlError::MissingUnit));
    }

    #[test]
    fn a_ttl_ends_at_31_bits_and_a_timer_at_32() {
        assert_eq!(read("2147483647"), Ok((0x7fff_ffff, TtlForm::Seconds)));
        for text in [
            "2147483648",
            "4294967296",
            "99999999999999999999999999",
            "3551w",
            "69y",
            "18446744073709551615y",
        ] {
            assert_eq!(read(text), Err(TtlError::TooLarge(0x7fff_ffff)), "{text}");
        }
        assert_eq!(parse_timer(b"4294967295"), Ok((u32::MAX, TtlForm::Seconds)));
        assert_eq!(parse_timer(b"4294967296"), Err(TtlError::TooLarge(u32::MAX)));
    }

    #[test]
    fn powerdns_multiplies_the_first_number_by_the_last_unit() {
        assert_eq!(powerdns_reading(b"1h30m"), 60);
        assert_eq!(powerdns_reading(b"1d12h"), 3600);
        assert_eq!(powerdns_reading(b"2W"), 1_209_600);
        assert_eq!(powerdns_reading(b"300"), 300);
    }
}
