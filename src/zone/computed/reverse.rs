//! The address that a name below `in-addr.arpa` or `ip6.arpa` stands for, in the forms that host names have of it. HOT.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::family::AddressFamily;
use super::forward::number;
use crate::dns::NameRef;

/// Labels that hold an address.
const OCTETS: usize = 4;
const NIBBLES: usize = 32;

/// Longest text of an address with dashes: eight groups of four digits, and a 0 in front or behind.
pub(super) const DASHED_BYTES_MAX: usize = 41;

/// The address that is asked for, with its labels from the last to the first: as an address is written.
pub(super) struct AskedAddress<'n> {
    pub(super) address: IpAddr,
    family: AddressFamily,
    labels: [&'n [u8]; NIBBLES],
}

/// Why a name stands for no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoAddress {
    /// It has fewer labels than an address.
    TooShort,
    /// One of them is no number, or one too large.
    NoDigits,
}

impl<'n> AskedAddress<'n> {
    /// Of the first labels of a name.
    pub(super) fn of(family: AddressFamily, name: NameRef<'n>) -> Result<Self, NoAddress> {
        let count = match family {
            AddressFamily::Ipv4 => OCTETS,
            AddressFamily::Ipv6 => NIBBLES,
        };
        let mut labels = [&[][..]; NIBBLES];
        let mut own = name.labels();
        for slot in labels.iter_mut().take(count).rev() {
            *slot = own.next().ok_or(NoAddress::TooShort)?;
        }
        let address = match family {
            AddressFamily::Ipv4 => ipv4(&labels).map(IpAddr::V4),
            AddressFamily::Ipv6 => ipv6(&labels).map(IpAddr::V6),
        };
        Ok(Self { address: address.ok_or(NoAddress::NoDigits)?, family, labels })
    }

    /// Hands the text of a value to `put`; none where `put` gives none, or where it has no such value. Values are numbered as
    /// PowerDNS numbers them.
    pub(super) fn put_value(&self, value: usize, mut put: impl FnMut(&[u8]) -> Option<()>) -> Option<()> {
        let index = value.checked_sub(1)?;
        match (self.family, self.address, value) {
            (AddressFamily::Ipv4, _, 1..=4) | (AddressFamily::Ipv6, _, 1..=32) => {
                put(self.labels.get(index)?)
            }
            (_, IpAddr::V4(_), 5) => {
                for (place, label) in self.labels.iter().take(OCTETS).enumerate() {
                    if place > 0 {
                        put(b"-")?;
                    }
                    put(label)?;
                }
                Some(())
            }
            (_, IpAddr::V4(address), 6) => address
                .octets()
                .iter()
                .try_for_each(|octet| put(&[hex_digit(octet >> 4), hex_digit(octet & 0xf)])),
            (_, IpAddr::V6(address), 33) => put_dashed(address, put),
            (_, IpAddr::V6(_), 34..=41) => {
                let from = value.checked_sub(34)?.checked_mul(4)?;
                self.labels.iter().skip(from).take(4).try_for_each(|label| put(label))
            }
            _ => None,
        }
    }
}

/// Of labels that are decimal numbers of at most three digits.
fn ipv4(labels: &[&[u8]; NIBBLES]) -> Option<Ipv4Addr> {
    let [a, b, c, d, ..] = *labels;
    let octet = |label: &[u8]| number(label, 10).filter(|_| label.len() <= 3);
    Some(Ipv4Addr::new(octet(a)?, octet(b)?, octet(c)?, octet(d)?))
}

/// Of labels that are one hexadecimal digit each.
fn ipv6(labels: &[&[u8]; NIBBLES]) -> Option<Ipv6Addr> {
    let bits = labels.iter().try_fold(0_u128, |bits, label| {
        let [digit] = *label else { return None };
        Some(bits << 4 | u128::from(char::from(*digit).to_digit(16)?))
    })?;
    Some(Ipv6Addr::from_bits(bits))
}

fn hex_digit(value: u8) -> u8 {
    char::from_digit(u32::from(value & 0xf), 16).map_or(b'0', |digit| u32::from(digit).to_le_bytes()[0])
}

/// The short form of an address (RFC 5952) with dashes in place of colons. Where that would begin or end with a dash, or look
/// like a name of IDNA, which has two at its third place, it gets a 0 more (PowerDNS issue 7524).
fn put_dashed(address: Ipv6Addr, mut put: impl FnMut(&[u8]) -> Option<()>) -> Option<()> {
    let mut text = [0_u8; DASHED_BYTES_MAX];
    let mut length = 0_usize;
    let mut push = |byte: u8| {
        if let Some(slot) = text.get_mut(length) {
            *slot = byte;
            length = length.wrapping_add(1);
        }
    };
    let segments = address.segments();
    let zeros = longest_zeros(&segments);
    for (place, segment) in segments.iter().enumerate() {
        if zeros.contains(&place) {
            // The group before has written the first of both dashes, unless there is none.
            if place == zeros.start {
                if place == 0 {
                    push(b'-');
                }
                push(b'-');
            }
            continue;
        }
        let digits = segment.to_be_bytes();
        let digits = digits.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        let significant = 4_usize.saturating_sub((segment.leading_zeros() / 4) as usize).max(1);
        digits.skip(4_usize.saturating_sub(significant)).for_each(|digit| push(hex_digit(digit)));
        if place < 7 {
            push(b'-');
        }
    }
    if zeros.end == 8 && !zeros.is_empty() {
        push(b'0');
    }
    let text = text.get(..length).unwrap_or_default();
    if text.starts_with(b"-") || text.get(2..4) == Some(b"--") {
        put(b"0")?;
    }
    put(text)
}

/// The longest run of at least two groups that are 0; the first of those that are equally long (RFC 5952, section 4.2.3).
fn longest_zeros(segments: &[u16; 8]) -> std::ops::Range<usize> {
    let mut longest = 0..0;
    let mut from = 0_usize;
    for (place, segment) in segments.iter().enumerate() {
        let next = place.wrapping_add(1);
        if *segment != 0 {
            from = next;
        } else if next.wrapping_sub(from) > longest.len().max(1) {
            longest = from..next;
        }
    }
    longest
}
