//! The names of addresses: `1.2.0.192.in-addr.arpa` (RFC 1035, section 3.5) and its kind in `ip6.arpa` (RFC 3596,
//! section 2.5).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use crate::dns::{Name, NameRef};

/// Whether the names of a zone are made from addresses.
pub fn is_reverse(apex: NameRef<'_>) -> bool {
    let labels: Vec<&[u8]> = apex.labels().collect();
    let ends_in = |end: [&[u8]; 2]| {
        labels
            .last_chunk::<2>()
            .is_some_and(|last| last.iter().zip(end).all(|(one, other)| one.eq_ignore_ascii_case(other)))
    };
    ends_in([b"in-addr", b"arpa"]) || ends_in([b"ip6", b"arpa"])
}

/// The owner of the PTR records of an address.
pub fn reverse_name(address: IpAddr) -> Option<Name> {
    let text = match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        IpAddr::V6(address) => {
            let nibbles = (0..32).map(|place| format!("{:x}.", address.to_bits() >> (4 * place) & 0xf));
            nibbles.chain(["ip6.arpa.".to_owned()]).collect()
        }
    };
    text.parse().ok()
}

/// The addresses whose PTR records lie in a zone, from the first to the last; none where no address has any there.
pub(super) fn addresses_below(apex: NameRef<'_>) -> Option<RangeInclusive<IpAddr>> {
    let labels: Vec<&[u8]> = apex.labels().collect();
    let (held, tree) = labels.split_last_chunk::<2>()?;
    let is = |tree: [&[u8]; 2], other: [&[u8]; 2]| {
        tree.iter().zip(other).all(|(one, other)| one.eq_ignore_ascii_case(other))
    };
    // The address begins with the last of the labels, and the other ones are left open.
    let digits = |radix: u32| -> Option<Vec<u8>> {
        let digit = |label: &&[u8]| u8::from_str_radix(std::str::from_utf8(label).ok()?, radix).ok();
        held.iter().rev().map(digit).collect()
    };
    if is(*tree, [b"in-addr", b"arpa"]) {
        let octets = digits(10)?;
        let ends = [0, u8::MAX].map(|open| {
            let mut address = [open; 4];
            address.get_mut(..octets.len())?.copy_from_slice(&octets);
            Some(IpAddr::from(address))
        });
        let [first, last] = ends;
        return Some(first?..=last?);
    }
    if is(*tree, [b"ip6", b"arpa"]) {
        let nibbles = digits(16)?;
        let open = 32_usize.checked_sub(nibbles.len())?;
        let bits = nibbles.iter().fold(0_u128, |bits, nibble| bits << 4 | u128::from(*nibble & 0xf));
        // A shift by all 128 bits leaves none of them.
        let first = bits.checked_shl(4 * u32::try_from(open).ok()?).unwrap_or(0);
        let rest = u128::MAX.checked_shr(4 * u32::try_from(nibbles.len()).ok()?).unwrap_or(0);
        return Some(Ipv6Addr::from_bits(first).into()..=Ipv6Addr::from_bits(first | rest).into());
    }
    None
}

/// The address whose PTR records an owner has.
pub(super) fn address_of(owner: NameRef<'_>) -> Option<IpAddr> {
    let labels: Vec<String> =
        owner.labels().map(|label| String::from_utf8_lossy(label).to_ascii_lowercase()).collect();
    let address = match labels.iter().map(String::as_str).collect::<Vec<&str>>().as_slice() {
        [d, c, b, a, "in-addr", "arpa"] => {
            let octets = [a, b, c, d].map(|octet| octet.parse::<u8>().ok());
            let [Some(a), Some(b), Some(c), Some(d)] = octets else { return None };
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        [nibbles @ .., "ip6", "arpa"] if nibbles.len() == 32 => {
            let digits: String = nibbles.iter().rev().copied().collect();
            IpAddr::V6(Ipv6Addr::from_bits(u128::from_str_radix(&digits, 16).ok()?))
        }
        _ => return None,
    };
    // Others, as `010.…`, are no address's.
    (reverse_name(address)?.as_ref() == owner).then_some(address)
}
