//! Weights: the share of the clients that a target asks for.
//!
//! Reads one from the body of a response. Not responsible for choosing by it: that is `answer`.

use std::num::NonZeroU32;

/// What a target says of its share among others: 1 to 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Weight(NonZeroU32);

/// That of a target that says nothing.
impl Default for Weight {
    fn default() -> Self {
        Weight(NonZeroU32::MIN)
    }
}

impl Weight {
    /// The highest: those of the most members that a pool can have still add up.
    const MAX: u32 = 1_000_000;

    /// A weight; none for 0, and for more than 1,000,000.
    pub fn new(weight: u32) -> Option<Self> {
        NonZeroU32::new(weight).filter(|_| weight <= Self::MAX).map(Weight)
    }

    /// The weight a body begins with, read as PowerDNS does (`std::stoi`): blanks, a sign, digits, and
    /// whatever comes behind. 1 where there is no number, and for what is none in C++ or not above 0; what is
    /// above the highest weight counts as that.
    pub(super) fn of_body(body: &[u8]) -> Self {
        let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
        let text = body.get(body.iter().take_while(|byte| blank(byte)).count()..).unwrap_or_default();
        let text = text.strip_prefix(b"+").unwrap_or(text);
        let mut number = 0_i32;
        for digit in text.iter().map_while(|byte| char::from(*byte).to_digit(10)) {
            // A decimal digit is below 10.
            let digit = i32::try_from(digit).unwrap_or(0);
            let Some(longer) = number.checked_mul(10).and_then(|tens| tens.checked_add(digit)) else {
                return Weight::default();
            };
            number = longer;
        }
        // It is not below 0: the loop starts at 0 and only adds.
        Self::new(u32::try_from(number).unwrap_or(0).min(Self::MAX)).unwrap_or_default()
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_begins_with_its_weight() {
        for (body, weight) in [
            ("5", 5),
            ("42\n", 42),
            (" \t\r\n\x0b\x0c7 requests", 7),
            ("+3", 3),
            ("12.9", 12),
            ("007", 7),
            ("1000000", 1_000_000),
            ("2147483647", 1_000_000),
        ] {
            assert_eq!(Weight::of_body(body.as_bytes()).get(), weight, "{body:?}");
        }
    }

    #[test]
    fn a_weight_has_bounds() {
        assert_eq!(
            [1, 1_000_000].map(|weight| Weight::new(weight).map(Weight::get)),
            [Some(1), Some(1_000_000)]
        );
        assert_eq!([0, 1_000_001].map(Weight::new), [None; 2]);
    }

    #[test]
    fn a_body_without_a_weight_is_that_of_a_target_among_equals() {
        for body in ["", "ok", "-5", "+-5", "0", "- 5", "2147483648", "99999999999999999999", "\u{a0}5"] {
            assert_eq!(Weight::of_body(body.as_bytes()), Weight::default(), "{body:?}");
        }
    }
}
