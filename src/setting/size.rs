//! Amounts of memory as people write them: `512KiB`, `256MiB`, `2GiB`.
//!
//! Not responsible for which amount a key may take.

/// The units, as IEC 80000-13 names them, in bytes.
const UNITS: &[(&str, u64)] = &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Reads an amount: a whole number and its unit, in bytes. None for anything else.
pub(super) fn parse(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let &(_, bytes) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_whole_number_and_a_unit() {
        assert_eq!(parse("256MiB"), Some(256 << 20));
        assert_eq!(parse("2 GiB"), Some(2 << 30));
        assert_eq!(parse("1KiB"), Some(1024));
        for text in ["", "256", "MiB", "256MB", "256 mib", "-1MiB", "1.5GiB", "99999999999GiB", "1MiB "] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
