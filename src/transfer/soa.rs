//! The SOA record as servers of one zone use it: its serial, and how often they ask each other.

use crate::dns::{NameRef, Rtype};
use crate::zone::{NodeId, Zone};

/// The numbers of a SOA record (RFC 1035, section 3.3.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Soa {
    /// The version of the zone.
    pub serial: u32,
    /// Seconds from one question for a new version to the next.
    pub refresh: u32,
    /// Seconds to the next question after one that failed.
    pub retry: u32,
    /// Seconds after which a version that nobody confirms must not be served.
    pub expire: u32,
}

impl Soa {
    /// Reads RDATA whose names are not compressed; none where it is not that of a SOA record.
    pub fn read(rdata: &[u8]) -> Option<Soa> {
        let (_, rest) = NameRef::split_from(rdata).ok()?;
        let (_, rest) = NameRef::split_from(rest).ok()?;
        let numbers: &[u8; 20] = rest.try_into().ok()?;
        let [serial, refresh, retry, expire, _] = *numbers.as_chunks::<4>().0 else { return None };
        let [serial, refresh, retry, expire] = [serial, refresh, retry, expire].map(u32::from_be_bytes);
        Some(Soa { serial, refresh, retry, expire })
    }

    /// The SOA record of a zone.
    pub fn of(zone: &Zone) -> Option<Soa> {
        Soa::read(zone.node(NodeId::APEX).rrset(Rtype::SOA)?.rdatas().next()?)
    }
}

/// Whether a serial is behind another one in the sense of RFC 1982, section 3.2: numbers go round in a circle, and
/// of two that lie opposite neither is newer.
pub fn is_newer(serial: u32, than: u32) -> bool {
    (1..1 << 31).contains(&serial.wrapping_sub(than))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests {
    use super::*;

    #[test]
    fn serials_go_round_in_a_circle_and_opposite_ones_are_not_newer() {
        assert!(is_newer(2, 1) && !is_newer(1, 2) && !is_newer(7, 7));
        assert!(is_newer(0, u32::MAX) && !is_newer(u32::MAX, 0));
        assert!(!is_newer(1 << 31, 0) && !is_newer(0, 1 << 31));
    }

    #[test]
    fn the_numbers_of_a_soa_are_read_and_what_is_longer_or_shorter_is_none() {
        let mut rdata = b"\x02ns\x04test\x00\x01h\x00".to_vec();
        (1..=5_u32).for_each(|number| rdata.extend(number.to_be_bytes()));
        let soa = Soa { serial: 1, refresh: 2, retry: 3, expire: 4 };
        assert_eq!(Soa::read(&rdata), Some(soa));
        assert_eq!(Soa::read(&rdata[..rdata.len() - 1]), None);
        assert_eq!(Soa::read(&[&rdata[..], &[0]].concat()), None);
    }
}
