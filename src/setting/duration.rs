//! Durations as people write them: `200ms`, `5s`, `1m30s`, `2h`.
//!
//! Not responsible for which duration a key may take.

use std::fmt;
use std::time::Duration;

/// Longest duration of any key. Longer ones are slips of the keyboard, and adding them to a clock must not
/// overflow.
pub const DURATION_MAX: Duration = Duration::from_hours(24);

/// The units, longest first, in milliseconds.
const UNITS: &[(&str, u64)] = &[("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Words people write for a unit.
const ALIASES: &[(&str, &str)] = &[
    ("hr", "h"),
    ("hour", "h"),
    ("min", "m"),
    ("minute", "m"),
    ("sec", "s"),
    ("second", "s"),
    ("msec", "ms"),
    ("milli", "ms"),
    ("millisecond", "ms"),
];

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DurationError {
    /// It does not begin with a number.
    NoNumber,
    /// A number stands there alone.
    NoUnit {
        /// The number.
        number: String,
    },
    /// A fraction.
    Fraction,
    /// A unit that does not exist.
    UnknownUnit {
        /// What stands after the number.
        unit: String,
        /// The unit that was likely meant.
        meant: Option<&'static str>,
    },
    /// A unit that is given twice, or after a smaller one.
    Order {
        /// The unit.
        unit: &'static str,
    },
    /// Longer than [`DURATION_MAX`].
    TooLong,
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DurationError::NoNumber => f.write_str("a duration begins with a number"),
            DurationError::NoUnit { number } => write!(f, "`{number}` has no unit"),
            DurationError::Fraction => f.write_str("a duration has no fractions"),
            DurationError::UnknownUnit { unit, .. } => write!(f, "unknown unit `{unit}`"),
            DurationError::Order { unit } => write!(f, "unit `{unit}` is out of order"),
            DurationError::TooLong => write!(f, "longer than {}", show(DURATION_MAX)),
        }
    }
}

impl DurationError {
    /// What to write instead.
    pub(super) fn help(&self) -> String {
        match self {
            DurationError::NoUnit { number } => format!("write \"{number}s\""),
            DurationError::UnknownUnit { meant: Some(unit), .. } => format!("did you mean `{unit}`?"),
            DurationError::NoNumber | DurationError::UnknownUnit { meant: None, .. } => {
                "the units are `h`, `m`, `s` and `ms`, as in \"1m30s\"".to_owned()
            }
            DurationError::Fraction => "write it with a smaller unit, as in \"1s500ms\"".to_owned(),
            DurationError::Order { .. } => "each unit once, the longest first, as in \"1m30s\"".to_owned(),
            DurationError::TooLong => format!("{} is the most of any key", show(DURATION_MAX)),
        }
    }
}

/// Reads a duration: numbers with units, each unit once, the longest first.
///
/// # Errors
///
/// Whatever the text breaks, see [`DurationError`].
pub(super) fn parse(text: &str) -> Result<Duration, DurationError> {
    let mut units = UNITS.iter();
    let mut total_ms: u64 = 0;
    let mut rest = text;
    loop {
        let digits_end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, behind) = rest.split_at(digits_end);
        if digits.is_empty() {
            return Err(DurationError::NoNumber);
        }
        if behind.starts_with(['.', ',']) {
            return Err(DurationError::Fraction);
        }
        let unit_end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit_end);
        let (name, unit_ms) = unit_named(unit, digits)?;
        if !units.any(|&(next, _)| next == name) {
            return Err(DurationError::Order { unit: name });
        }
        let part_ms = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit_ms));
        total_ms = part_ms.and_then(|part| total_ms.checked_add(part)).ok_or(DurationError::TooLong)?;
        if behind.is_empty() {
            let total = Duration::from_millis(total_ms);
            return if total <= DURATION_MAX { Ok(total) } else { Err(DurationError::TooLong) };
        }
        rest = behind;
    }
}

/// Reads a duration for whoever is no config file, as in `30m`.
///
/// # Errors
///
/// What is wrong with it and what to write instead, in one line.
pub fn read_duration(text: &str) -> Result<Duration, String> {
    parse(text).map_err(|error| format!("{error}; {}", error.help()))
}

fn unit_named(unit: &str, number: &str) -> Result<(&'static str, u64), DurationError> {
    if unit.is_empty() {
        return Err(DurationError::NoUnit { number: number.to_owned() });
    }
    let named = UNITS.iter().find(|(name, _)| *name == unit);
    named
        .copied()
        .ok_or_else(|| DurationError::UnknownUnit { unit: unit.to_owned(), meant: unit_meant(unit) })
}

fn unit_meant(unit: &str) -> Option<&'static str> {
    let word = unit.trim().to_lowercase();
    let one = word.strip_suffix('s').unwrap_or(&word);
    let alias = ALIASES.iter().find(|(alias, _)| *alias == word || *alias == one).map(|&(_, name)| name);
    alias.or_else(|| UNITS.iter().map(|&(name, _)| name).find(|name| *name == word))
}

/// A duration as it is written in the file; below a millisecond is cut off.
pub fn show(duration: Duration) -> String {
    let mut rest_ms = duration.as_millis();
    let mut shown = String::new();
    for &(name, unit_ms) in UNITS {
        let count = rest_ms / u128::from(unit_ms);
        rest_ms %= u128::from(unit_ms);
        if count > 0 {
            shown.push_str(&format!("{count}{name}"));
        }
    }
    if shown.is_empty() { "0s".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_reads_back_as_it_is_shown() {
        for text in ["0s", "1ms", "200ms", "5s", "1s500ms", "1m30s", "2h", "23h59m59s999ms", "24h"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn units_are_added_up() {
        assert_eq!(parse("1m30s").unwrap(), Duration::from_secs(90));
        assert_eq!(parse("90s").unwrap(), Duration::from_secs(90));
        assert_eq!(parse("1h1ms").unwrap(), Duration::from_millis(3_600_001));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_its_reason() {
        let refused = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(refused(""), "a duration begins with a number");
        assert_eq!(refused("fast"), "a duration begins with a number");
        assert_eq!(refused("-1s"), "a duration begins with a number");
        assert_eq!(refused("5"), "`5` has no unit");
        assert_eq!(refused("1m30"), "`30` has no unit");
        assert_eq!(refused("0.5s"), "a duration has no fractions");
        assert_eq!(refused("5 parsecs"), "unknown unit ` parsecs`");
        assert_eq!(refused("30s1m"), "unit `m` is out of order");
        assert_eq!(refused("1s1s"), "unit `s` is out of order");
        assert_eq!(refused("25h"), "longer than 24h");
        assert_eq!(refused("99999999999999999999h"), "longer than 24h");
        assert_eq!(refused("18446744073709551615h"), "longer than 24h");
        assert_eq!(refused("5µs"), "unknown unit `µs`");
    }

    #[test]
    fn a_unit_in_other_words_is_suggested() {
        let help = |text: &str| parse(text).unwrap_err().help();
        assert_eq!(help("5sec"), "did you mean `s`?");
        assert_eq!(help("5 S"), "did you mean `s`?");
        assert_eq!(help("5minutes"), "did you mean `m`?");
        assert_eq!(help("200 millis"), "did you mean `ms`?");
    }
}
