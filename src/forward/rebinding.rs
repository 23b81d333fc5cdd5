//! Private addresses in answers of strangers.
//!
//! Responsible for what counts as private, and for whose names may have such
//! addresses: our own zones', and those of forwarded zones that are not
//! protected.
//! Not responsible for what becomes of an answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::names::name_end;
use super::plan::Plan;
use super::response::{Record, Response};
use super::settings::Rebinding;
use crate::dns::Rtype;

/// Keys of parameters of SVCB and HTTPS records (RFC 9460, section 14.3.2).
const IPV4_HINT: u8 = 4;
const IPV6_HINT: u8 = 6;

/// The first private address that an answer gives for a name of a stranger.
pub(super) fn private_address(plan: &Plan, response: &Response<'_>) -> Option<IpAddr> {
    response.records.iter().find_map(|record| {
        let address = addresses(record).into_iter().find(|address| is_private(*address))?;
        let owner = response.owner(record)?;
        let zone = plan.zone_of(owner.as_ref());
        let trusted = zone.is_some_and(|zone| zone.settings.rebinding == Rebinding::Allowed);
        (!trusted && !plan.is_ours(owner.as_ref())).then_some(address)
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

/// The addresses of `ipv4hint` and `ipv6hint`, which browsers may connect to
/// without asking for any other (RFC 9460, section 7.3).
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

/// Whether an address leads to this host or into networks behind it.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(embedded) => is_private_v4(embedded),
            None => {
                address.is_loopback()
                    || address.is_unspecified()
                    || address.is_unique_local()
                    || address.is_unicast_link_local()
            }
        },
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped, by NAT64 (RFC 6052,
/// section 2.1) or by 6to4 (RFC 3056, section 2).
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
    let [first, second, ..] = address.octets();
    // Besides those of RFC 1918: this network, and what carriers share (RFC 6598).
    let shared = first == 100 && second & 0xc0 == 64;
    first == 0 || shared || address.is_private() || address.is_loopback() || address.is_link_local()
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
        ] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in ["192.0.2.1", "172.32.0.1", "100.128.0.1", "11.0.0.1", "2001:db8::1", "::ffff:8.8.8.8"]
        {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }
}
