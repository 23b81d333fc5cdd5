//! Who counts as one client.

use std::net::{IpAddr, Ipv6Addr};

/// Who counts as one client: an IPv4 address, or an IPv6 /64, within which one host can have any address it
/// likes. Link-local addresses are all in one /64, and each is a neighbour's.
pub fn client(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(ip) if ip.is_unicast_link_local() => address,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
    }
}
