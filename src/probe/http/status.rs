//! Which status of a response passes.
//!
//! Has single statuses and ranges, and their text. Not responsible for redirects, which may be followed
//! instead.

use std::ops::RangeInclusive;

/// What a status is (RFC 9110, section 15); 1xx never ends a response.
const FINAL: RangeInclusive<u16> = 200..=599;

/// Statuses that pass; at least one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

/// Any success: 200 to 299.
impl Default for Statuses {
    fn default() -> Self {
        Statuses(vec![200..=299])
    }
}

impl Statuses {
    /// One status.
    pub fn one(status: u16) -> Option<Self> {
        FINAL.contains(&status).then(|| Statuses(vec![status..=status]))
    }

    /// Reads `200`, or a range as `200-299`.
    pub fn parse(text: &str) -> Option<Self> {
        let Some((first, last)) = text.split_once('-') else { return Self::one(number(text)?) };
        let range = number(first.trim())?..=number(last.trim())?;
        let is_sound = !range.is_empty() && FINAL.contains(range.start()) && FINAL.contains(range.end());
        is_sound.then(|| Statuses(vec![range]))
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, others: Statuses) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Whether a response with this status passes.
    pub fn have(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

fn number(digits: &str) -> Option<u16> {
    // Rust reads "+200" too.
    digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_status_a_range_and_several_are_read() {
        let both = Statuses::parse("204").unwrap().and(Statuses::parse("300 - 302").unwrap());
        let passed: Vec<u16> = (0..=999).filter(|&status| both.have(status)).collect();
        assert_eq!(passed, [204, 300, 301, 302]);
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for bad in ["", "ok", "2xx", "20", "+200", "100", "600", "299-200", "200-", "-299", "200-299-300"] {
            assert_eq!(Statuses::parse(bad), None, "{bad}");
        }
    }
}
