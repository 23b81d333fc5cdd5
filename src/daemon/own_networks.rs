//! The networks this host is in, as the kernel tells them.
//!
//! Responsible for reading them from `/proc/self/net`: `/proc/net` is not there for a service with ProcSubset=pid.
//! Not responsible for what follows from them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::answer::Prefix;

/// Most networks that are taken; a host with more is a router.
const NETWORKS_MAX: usize = 64;

/// Shortest prefixes of a network that a host can be said to be in, for IPv4
/// and IPv6. A shorter one leads through a tunnel to the world.
const BITS_MIN: (u8, u8) = (8, 32);

/// The route needs no gateway (`RTF_GATEWAY` of `<linux/route.h>` is not set).
const GATEWAY: u16 = 0x0002;

/// Loopback and the networks that this host reaches without a router. What
/// cannot be read is left out.
pub(super) fn own_networks() -> Vec<Prefix> {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let (routes, addresses) = (read("/proc/self/net/route"), read("/proc/self/net/if_inet6"));
    let loopback =
        [Prefix::around(Ipv4Addr::LOCALHOST.into(), 8), Prefix::around(Ipv6Addr::LOCALHOST.into(), 128)];
    let own = routes.lines().filter_map(ipv4).chain(addresses.lines().filter_map(ipv6));
    loopback.into_iter().chain(own).take(NETWORKS_MAX).collect()
}

/// A line of `/proc/net/route`: interface, destination, gateway, flags, three
/// numbers, mask, …; addresses as the machine holds numbers.
fn ipv4(line: &str) -> Option<Prefix> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let &[_, destination, _, flags, _, _, _, mask, ..] = &fields[..] else { return None };
    let address = |digits| Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes());
    let routed = u16::from_str_radix(flags, 16).ok()? & GATEWAY != 0;
    let length = u8::try_from(u32::from_be_bytes(address(mask)?).leading_ones()).ok()?;
    let prefix = Prefix::around(IpAddr::from(address(destination)?), length);
    (!routed && length >= BITS_MIN.0).then_some(prefix)
}

/// A line of `/proc/net/if_inet6`: an address of this host, the number of its
/// interface, the bits of its network, …
fn ipv6(line: &str) -> Option<Prefix> {
    let mut fields = line.split_whitespace();
    let address = u128::from_str_radix(fields.next()?, 16).ok()?;
    let length = u8::from_str_radix(fields.nth(1)?, 16).ok()?;
    (length >= BITS_MIN.1).then(|| Prefix::around(Ipv6Addr::from_bits(address).into(), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(prefix: Option<Prefix>) -> String {
        prefix.map_or_else(String::new, |prefix| prefix.to_string())
    }

    /// A line as this machine's kernel would write it.
    fn route(destination: [u8; 4], flags: &str, mask: [u8; 4]) -> String {
        let number = |octets| format!("{:08X}", u32::from_ne_bytes(octets));
        format!("eth0\t{}\t00000000\t{flags}\t0\t0\t0\t{}\t0\t0\t0", number(destination), number(mask))
    }

    #[test]
    fn a_network_is_one_that_needs_no_router() {
        assert_eq!(shown(ipv4(&route([192, 0, 2, 0], "0001", [255, 255, 255, 0]))), "192.0.2.0/24");
        assert_eq!(shown(ipv4(&route([192, 0, 2, 0], "0003", [255, 255, 255, 0]))), "");
    }

    #[test]
    fn a_default_route_without_a_router_does_not_exempt_the_world() {
        assert_eq!(shown(ipv4(&route([0; 4], "0001", [0; 4]))), "");
        assert_eq!(shown(ipv4(&route([128, 0, 0, 0], "0001", [128, 0, 0, 0]))), "");
        assert_eq!(shown(ipv6("20010db8000000000000000000000001 02 10 00 80 tun0")), "");
    }

    #[test]
    fn an_address_tells_its_network() {
        let line = "20010db8000000010000000000000001 02 40 00 80     eth0";
        assert_eq!(shown(ipv6(line)), "2001:db8:0:1::/64");
        assert_eq!(shown(ipv6("00000000000000000000000000000001 01 80 10 80       lo")), "::1/128");
    }

    #[test]
    fn lines_that_say_nothing_are_skipped() {
        for line in ["", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask", "x y z", "é"] {
            assert_eq!((shown(ipv4(line)), shown(ipv6(line))), (String::new(), String::new()), "{line:?}");
        }
    }

    #[test]
    fn loopback_is_always_our_own() {
        let own = own_networks();
        for address in [IpAddr::from([127, 1, 2, 3]), Ipv6Addr::LOCALHOST.into()] {
            assert!(own.iter().any(|prefix| prefix.contains(address)), "{own:?}");
        }
    }
}
