//! Weights: the share of the clients that a target asks for.
//!
//! Reads one from the body of a response. Not responsible for choosing by it: that is `answer`.

/// What a target says of its share among others: 1 to 1,000,000, or 0: no new clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Weight(u32);

/// That of a target that says nothing.
impl Default for Weight {
    fn default() -> Self {
        Weight(1)
    }
}

/// What the body of a response tells of a weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tells {
    /// Nothing.
    #[default]
    Nothing,
    /// It begins with it; 0 is none, as with PowerDNS.
    Weight,
    /// It begins with it; 0 means no new clients.
    WeightOrZero,
}

impl Tells {
    /// What a body tells.
    pub(super) fn of_body(self, body: &[u8]) -> Option<Weight> {
        match self {
            Tells::Nothing => None,
            Tells::Weight => Some(Weight::of_body(body)),
            Tells::WeightOrZero => Some(Weight::or_none_of_body(body)),
        }
    }
}

impl Weight {
    /// The highest: those of the most members that a pool can have still add up.
    const MAX: u32 = 1_000_000;

    /// A weight; none for more than 1,000,000.
    pub fn new(weight: u32) -> Option<Self> {
        (weight <= Self::MAX).then_some(Weight(weight))
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
        Self::new(u32::try_from(number).unwrap_or(0).min(Self::MAX))
            .filter(|weight| weight.0 > 0)
            .unwrap_or_default()
    }

    /// The same, of a body that may begin with 0: no new clients.
    fn or_none_of_body(body: &[u8]) -> Self {
        let zeros = body.trim_ascii_start().iter().take_while(|byte| byte.is_ascii_digit());
        let (mut digits, mut is_zero) = (0, true);
        for digit in zeros {
            (digits, is_zero) = (digits + 1, is_zero && *digit == b'0');
        }
        if digits > 0 && is_zero { Weight(0) } else { Weight::of_body(body) }
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
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
            [0, 1, 1_000_000].map(|weight| Weight::new(weight).map(Weight::get)),
            [Some(0), Some(1), Some(1_000_000)]
        );
        assert_eq!(Weight::new(1_000_001), None);
    }

    #[test]
    fn a_body_without_a_weight_is_that_of_a_target_among_equals() {
        for body in ["", "ok", "-5", "+-5", "0", "- 5", "2147483648", "99999999999999999999", "\u{a0}5"] {
            assert_eq!(Weight::of_body(body.as_bytes()), Weight::default(), "{body:?}");
        }
    }

    #[test]
    fn a_body_of_0_drains_where_that_is_asked_for() {
        for (body, weight) in [("0", 0), (" 00 %", 0), ("0.5", 0), ("10", 10), ("ok", 1), ("", 1), ("-0", 1)]
        {
            assert_eq!(Weight::or_none_of_body(body.as_bytes()).get(), weight, "{body:?}");
        }
    }
}
