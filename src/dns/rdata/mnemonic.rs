//! Mnemonics of record types.
//!
//! Reads and writes RRTYPEs and QTYPEs as zone text and people do (RFC 3597, section 5, for unknown ones).

use std::fmt;

use super::super::rtype::Rtype;
use super::table::{TYPES, Usage, entry};
use crate::source::nearest;

/// Mnemonics of what has no RDATA of its own in our table: what is asked for or rides along in messages, and
/// PowerDNS's LUA.
const OTHERS: &[(Rtype, &str)] = &[
    (Rtype::OPT, "OPT"),
    // Only in bitmaps of answers (RFC 9824, section 2).
    (Rtype(128), "NXNAME"),
    (Rtype(249), "TKEY"),
    (Rtype::TSIG, "TSIG"),
    (Rtype::IXFR, "IXFR"),
    (Rtype::AXFR, "AXFR"),
    (Rtype(253), "MAILB"),
    (Rtype(254), "MAILA"),
    (Rtype::ANY, "ANY"),
    (Rtype::LUA, "LUA"),
];

impl Rtype {
    /// Reads a mnemonic or `TYPEnnn` (RFC 3597, section 5), in any case.
    pub fn parse(text: &[u8]) -> Option<Rtype> {
        let named = |mnemonic: &str| mnemonic.as_bytes().eq_ignore_ascii_case(text);
        if let Some(entry) = TYPES.iter().find(|entry| named(entry.mnemonic)) {
            return Some(entry.rtype);
        }
        if let Some((rtype, _)) = OTHERS.iter().find(|(_, mnemonic)| named(mnemonic)) {
            return Some(*rtype);
        }
        let (word, number) = text.split_at_checked(4)?;
        let digits = word.eq_ignore_ascii_case(b"TYPE") && number.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(number).ok().filter(|_| digits)?;
        number.parse().ok().map(Rtype)
    }

    /// All mnemonics that [`Rtype::parse`] reads.
    pub fn mnemonics() -> impl Iterator<Item = &'static str> {
        TYPES.iter().map(|entry| entry.mnemonic).chain(OTHERS.iter().map(|&(_, mnemonic)| mnemonic))
    }

    /// The mnemonic that was likely meant by a word that is none: of a type that people write or ask for.
    pub fn nearest(word: &str) -> Option<&'static str> {
        let in_use = TYPES.iter().filter(|entry| entry.usage == Usage::InUse);
        nearest(word, in_use.map(|entry| entry.mnemonic).chain(["ANY", "AXFR", "LUA"]))
    }

    /// Whether a zone cannot have records of this type: 0, OPT, and the range of QTYPEs and meta-types (RFC
    /// 6895, section 3.1).
    pub fn is_meta(self) -> bool {
        self == Rtype::OPT || matches!(self.0, 0 | 128..=255)
    }

    fn mnemonic(self) -> Option<&'static str> {
        let other = || OTHERS.iter().find(|(rtype, _)| *rtype == self).map(|&(_, mnemonic)| mnemonic);
        entry(self).map(|entry| entry.mnemonic).or_else(other)
    }
}

impl fmt::Display for Rtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mnemonic() {
            Some(mnemonic) => f.write_str(mnemonic),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mnemonic_is_read_in_any_case_and_shown_again() {
        for mnemonic in Rtype::mnemonics() {
            let rtype = Rtype::parse(mnemonic.to_lowercase().as_bytes()).unwrap();
            assert_eq!(rtype.to_string(), mnemonic);
            assert_eq!(Rtype::parse(format!("type{}", rtype.0).as_bytes()), Some(rtype));
        }
    }

    #[test]
    fn every_type_that_iana_lists_has_its_number() {
        let listed = [
            (3, "MD"),
            (10, "NULL"),
            (23, "NSAP-PTR"),
            (31, "EID"),
            (38, "A6"),
            (49, "DHCID"),
            (55, "HIP"),
            (58, "TALINK"),
            (66, "DSYNC"),
            (68, "BRID"),
            (103, "UNSPEC"),
            (107, "LP"),
            (128, "NXNAME"),
            (260, "AMTRELAY"),
            (264, "IPN"),
            (32_768, "TA"),
            (32_769, "DLV"),
        ];
        for (number, mnemonic) in listed {
            assert_eq!(Rtype::parse(mnemonic.as_bytes()), Some(Rtype(number)), "{mnemonic}");
        }
        // All but those of OTHERS (41, 128, 249 to 255), the unassigned ones and 54, which was never used.
        let rows = TYPES.len();
        assert_eq!(rows, (1..=68).count() - 2 + (99..=109).count() + (256..=264).count() + 2);
    }

    #[test]
    fn unknown_types_have_a_number_of_16_bits() {
        assert_eq!(Rtype::parse(b"TYPE65280"), Some(Rtype(65280)));
        assert_eq!(Rtype(65280).to_string(), "TYPE65280");
        for text in ["", "TYPE", "TYPE65536", "TYPE+1", "TYPE-1", "TYPE1x", "TYP", "AA", "65280"] {
            assert_eq!(Rtype::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_is_only_asked_for_cannot_stand_in_a_zone() {
        for meta in
            [Rtype(0), Rtype::OPT, Rtype::parse(b"NXNAME").unwrap(), Rtype(249), Rtype::AXFR, Rtype::ANY]
        {
            assert!(meta.is_meta(), "{meta}");
        }
        for plain in [Rtype::A, Rtype::HTTPS, Rtype(99), Rtype(127), Rtype(256), Rtype::LUA] {
            assert!(!plain.is_meta(), "{plain}");
        }
    }

    #[test]
    fn a_misspelt_mnemonic_has_a_nearest_one() {
        assert_eq!(Rtype::nearest("AA"), Some("A"));
        assert_eq!(Rtype::nearest("CNMAE"), Some("CNAME"));
        // Not MD, which is obsolete since RFC 973.
        assert_eq!(Rtype::nearest("MZ"), Some("MX"));
        assert_eq!(Rtype::nearest("mail"), None);
    }
}
