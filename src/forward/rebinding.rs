//! Private addresses in answers of strangers.
//!
//! Responsible for what counts as private, and for whose names may have such
//! addresses: our own zones', and those of forwarded zones that are not
//! protected.
//! Not responsible for what becomes of an answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::plan::Plan;
use super::response::{Record, Response};
use super::settings::Rebinding;
use crate::dns::Rtype;

/// The first private address that an answer gives for a name of a stranger.
pub(super) fn private_address(plan: &Plan, response: &Response<'_>) -> Option<IpAddr> {
    let private = |record: &Record<'_>| address(record).filter(|address| is_private(*address));
    response.records.iter().find_map(|record| {
        let address = private(record)?;
        let owner = response.owner(record)?;
        let own = plan.own_zones.iter().any(|zone| owner.as_ref().is_at_or_below(zone.as_ref()));
        let zone = plan.zone_of(owner.as_ref());
        let trusted = zone.is_some_and(|zone| zone.settings.rebinding == Rebinding::Allowed);
        (!own && !trusted).then_some(address)
    })
}

fn address(record: &Record<'_>) -> Option<IpAddr> {
    match (record.rtype, record.rdata.len()) {
        (Rtype::A, 4) => record.rdata.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets).into()),
        (Rtype::AAAA, 16) => record.rdata.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets).into()),
        _ => None,
    }
}

/// Whether an address leads to this host or into networks behind it.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_private_v4(mapped),
            None => {
                address.is_loopback()
                    || address.is_unspecified()
                    || address.is_unique_local()
                    || address.is_unicast_link_local()
            }
        },
    }
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
