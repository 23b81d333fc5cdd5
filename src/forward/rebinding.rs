//! Private addresses in answers for public names (DNS rebinding).
//!
//! Says what counts as private, and whose names may have such addresses: our own zones', and those of
//! forwarded zones that are not protected.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::routing::Routing;
use super::settings::Rebinding;
use crate::dns::Rtype;
use crate::requestor::{Record, Response};

/// Keys of parameters of SVCB and HTTPS records (RFC 9460, section 14.3.2).
const IPV4_HINT: u8 = 4;
const IPV6_HINT: u8 = 6;

/// The first private address that an answer gives for a public name.
pub(super) fn private_address(routing: &Routing, response: &Response<'_>) -> Option<IpAddr> {
    response.records.iter().find_map(|record| {
        let address = addresses(record).into_iter().find(|address| is_private(*address))?;
        let owner = response.owner(record)?;
        let zone = routing.zone_of(owner.as_ref());
        let trusted = zone.is_some_and(|zone| zone.settings.rebinding == Rebinding::Allowed);
        (!trusted && !routing.is_ours(owner.as_ref())).then_some(address)
    })
}

/// The addresses that clients connect to because of a record.
fn addresses(record: &Record<'_>) -> Vec<IpAddr> {
    match record.rtype {
        Rtype::A => addresses_v4(record.rdata),
        Rtype::AAAA => addresses_v6(record.rdata),
        Rtype::SVCB | Rtype::HTTPS => hints(record.rdata),
        _ => Vec::new(),
    }
}

fn addresses_v4(bytes: &[u8]) -> Vec<IpAddr> {
    bytes.as_chunks::<4>().0.iter().map(|octets| Ipv4Addr::from(*octets).into()).collect()
}

fn addresses_v6(bytes: &[u8]) -> Vec<IpAddr> {
    bytes.as_chunks::<16>().0.iter().map(|octets| Ipv6Addr::from(*octets).into()).collect()
}

/// The addresses of `ipv4hint` and `ipv6hint`, which browsers may connect to without asking for any other
/// (RFC 9460, section 7.3).
fn hints(rdata: &[u8]) -> Vec<IpAddr> {
    let mut found = Vec::new();
    let mut rest = name_end(rdata, 2).and_then(|at| rdata.get(at..)).unwrap_or_default();
    while let Some((&[key, kind, high, low], after)) = rest.split_first_chunk::<4>() {
        // The last one may lack its end; what there is of it counts to some.
        let length = usize::from(u16::from_be_bytes([high, low])).min(after.len());
        let (value, next) = after.split_at_checked(length).unwrap_or_default();
        match (key, kind) {
            (0, IPV4_HINT) => found.extend(addresses_v4(value)),
            (0, IPV6_HINT) => found.extend(addresses_v6(value)),
            _ => {}
        }
        rest = next;
    }
    found
}

/// Where a name ends at its place: behind its root, or its first pointer.
fn name_end(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return at.checked_add(1),
            0xc0.. => return at.checked_add(2),
            length => at = at.checked_add(usize::from(length))?.checked_add(1)?,
        }
    }
}

/// Whether an address leads to this host or into networks behind it.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(embedded) => is_private_v4(embedded),
            None => {
                address.is_multicast()
                    || PRIVATE_V6.iter().any(|(network, length)| holds(*network, *length, address))
            }
        },
    }
}

/// Networks of IPv6 that lead to this host, or into networks behind it, or to no host in public (RFC 6890 and
/// IANA's registry of special-purpose addresses), with the length of their prefix.
const PRIVATE_V6: [(Ipv6Addr, u32); 9] = [
    // Unspecified, loopback, and IPv4-compatible ones (RFC 4291, section 2.5.5.1).
    (Ipv6Addr::UNSPECIFIED, 96),
    // NAT64 of this site (RFC 8215): which IPv4 addresses it leads to only the site knows.
    (Ipv6Addr::new(0x0064, 0xff9b, 1, 0, 0, 0, 0, 0), 48),
    // Teredo (RFC 4380): through the server named in it, to a host behind NAT.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32),
    // Benchmarking (RFC 5180).
    (Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0), 48),
    // Segments within a network (RFC 9602).
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16),
    // Unique local (RFC 4193).
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    // Link-local, and site-local, which some still route (RFC 3879).
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10),
    // What is thrown away (RFC 6666).
    (Ipv6Addr::new(0x0100, 0, 0, 0, 0, 0, 0, 0), 64),
];

/// Whether a network of that length holds an address.
fn holds(network: Ipv6Addr, length: u32, address: Ipv6Addr) -> bool {
    let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length)).unwrap_or(0);
    (network.to_bits() ^ address.to_bits()) & mask == 0
}

/// The IPv4 address that an IPv6 address leads to: mapped, by NAT64 (RFC 6052, section 2.1) or by 6to4 (RFC
/// 3056, section 2).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let (high, low) = match (a, b, c, d, e, f) {
        (0x0064, 0xff9b, 0, 0, 0, 0) => (g, h),
        (0x2002, ..) => (b, c),
        _ => return address.to_ipv4_mapped(),
    };
    Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    // Besides those of RFC 1918: this network, what carriers share (RFC 6598), what is between a provider and
    // its customer (RFC 7335), benchmarking (RFC 2544), multicast, and what is reserved, broadcast with it.
    let shared = first == 100 && second & 0xc0 == 64;
    let assigned = (first, second, third) == (192, 0, 0);
    let benchmark = first == 198 && second & 0xfe == 18;
    let special = first == 0 || shared || assigned || benchmark || first >= 224;
    special || address.is_private() || address.is_loopback() || address.is_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_networks_are_told_from_public_ones() {
        for private in [
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.7.1",
            "127.0.0.1",
            "169.254.1.1",
            "0.0.0.0",
            "100.64.0.1",
            "::1",
            "::",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "fec0::1",
            "feff::1",
            "::10.0.0.1",
            "::198.51.100.7",
            "64:ff9b::224.0.0.1",
            "64:ff9b:1::198.51.100.7",
            "64:ff9b:1:ffff::1",
            "2001:0:c633:6407::1",
            "2001:2::1",
            "5f00::1",
            "ff02::1",
            "ff0e::1",
            "100::1",
            "2002:c612:1::1",
        ] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in [
            "192.0.2.1",
            "172.32.0.1",
            "100.128.0.1",
            "11.0.0.1",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "2001:db8::1",
            "2001:1::1",
            "2001:2:1::1",
            "64:ff9b:2::1",
            "64:ff9b::198.51.100.7",
            "fe00::1",
            "0:0:0:0:1::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }
}
