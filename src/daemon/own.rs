//! What this host calls its own, as the kernel tells it: its addresses, and the networks it is in.
//!
//! Read from `/proc/self/net`: `/proc/net` itself is not there for a service with ProcSubset=pid.
//!
//! Responsible for reading them, and for what a config means by `local`. Not responsible for what listens there, or for
//! what follows from them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::answer::Prefix;
use crate::config::Exempt;

/// Most networks that are taken; a host with more is a router.
const NETWORKS_MAX: usize = 64;

/// Shortest prefixes of a network that a host can be said to be in, for IPv4
/// and IPv6. A shorter one leads through a tunnel to the world.
const BITS_MIN: (u8, u8) = (8, 32);

/// The route needs no gateway (`RTF_GATEWAY` of `<linux/route.h>` is not set).
const GATEWAY: u16 = 0x0002;

/// All addresses of this host now; those that cannot be read are missing.
///
/// They are looked up rather than tried with `bind`: that takes any address
/// where `net.ipv4.ip_nonlocal_bind` is set, as it is on nodes with keepalived.
pub(super) fn own_addresses() -> Vec<IpAddr> {
    let (trie, interfaces) = (read("fib_trie"), read("if_inet6"));
    let ipv6 = interfaces.lines().filter_map(interface).map(|(address, _)| IpAddr::from(address));
    local(&trie).map(IpAddr::from).chain(ipv6).collect()
}

/// Loopback and the networks that this host reaches without a router. What
/// cannot be read is left out.
pub(super) fn own_networks() -> Vec<Prefix> {
    let (routes, interfaces) = (read("route"), read("if_inet6"));
    let loopback =
        [Prefix::around(Ipv4Addr::LOCALHOST.into(), 8), Prefix::around(Ipv6Addr::LOCALHOST.into(), 128)];
    let own = routes.lines().filter_map(routed).chain(interfaces.lines().filter_map(attached));
    loopback.into_iter().chain(own).take(NETWORKS_MAX).collect()
}

/// The networks of clients that the config names; `own` are those of this host.
pub(super) fn networks_of(clients: &[Exempt], own: &[Prefix]) -> Vec<Prefix> {
    let mut networks = Vec::new();
    for client in clients {
        match client {
            Exempt::Local => networks.extend_from_slice(own),
            Exempt::Prefix(prefix) => networks.push(*prefix),
        }
    }
    networks
}

/// A table of the kernel.
fn read(table: &str) -> String {
    std::fs::read_to_string(format!("/proc/self/net/{table}")).unwrap_or_default()
}

/// The local addresses in the kernel's routing table: a line with the address,
/// below it one that says what it is. Each stands there once per table.
fn local(trie: &str) -> impl Iterator<Item = Ipv4Addr> {
    let mut leaf = None;
    let mut seen = Vec::new();
    trie.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse().ok();
            return None;
        }
        let own = leaf.filter(|address| line == "/32 host LOCAL" && !seen.contains(address));
        seen.extend(own);
        own
    })
}

/// A line of `/proc/net/route`: interface, destination, gateway, flags, three
/// numbers, mask, …; addresses as the machine holds numbers.
fn routed(line: &str) -> Option<Prefix> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let &[_, destination, _, flags, _, _, _, mask, ..] = &fields[..] else { return None };
    let address = |digits| Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes());
    let routed = u16::from_str_radix(flags, 16).ok()? & GATEWAY != 0;
    let length = u8::try_from(u32::from_be_bytes(address(mask)?).leading_ones()).ok()?;
    let prefix = Prefix::around(IpAddr::from(address(destination)?), length);
    (!routed && length >= BITS_MIN.0).then_some(prefix)
}

/// The network of an address in a line of `/proc/net/if_inet6`.
fn attached(line: &str) -> Option<Prefix> {
    let (address, length) = interface(line)?;
    (length >= BITS_MIN.1).then(|| Prefix::around(address.into(), length))
}

/// A line of `/proc/net/if_inet6`: an address of this host, the number of its
/// interface, the bits of its network, …
fn interface(line: &str) -> Option<(Ipv6Addr, u8)> {
    let mut fields = line.split_whitespace();
    let address = u128::from_str_radix(fields.next()?, 16).ok()?;
    let length = u8::from_str_radix(fields.nth(1)?, 16).ok()?;
    Some((Ipv6Addr::from_bits(address), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_are_read_and_others_are_not() {
        let trie = "\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 192.0.2.0
        /24 link UNICAST
Local:
  +-- 127.0.0.0/8 2 0 2
     |-- 127.0.0.0
        /8 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 127.255.255.255
        /32 link BROADCAST
     |-- 192.0.2.11
        /32 host LOCAL
Local:
     |-- 192.0.2.11
        /32 host LOCAL
";
        let own: Vec<String> = local(trie).map(|address| address.to_string()).collect();
        assert_eq!(own, ["127.0.0.1", "192.0.2.11"]);
        let interfaces = "\
00000000000000000000000000000001 01 80 10 80       lo
fe800000000000000000000000000001 02 40 20 80     eth0
";
        let own: Vec<String> =
            interfaces.lines().filter_map(interface).map(|(address, _)| address.to_string()).collect();
        assert_eq!(own, ["::1", "fe80::1"]);
    }

    #[test]
    fn this_node_has_loopback() {
        assert!(own_addresses().contains(&IpAddr::from([127, 0, 0, 1])));
    }

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
        assert_eq!(shown(routed(&route([192, 0, 2, 0], "0001", [255, 255, 255, 0]))), "192.0.2.0/24");
        assert_eq!(shown(routed(&route([192, 0, 2, 0], "0003", [255, 255, 255, 0]))), "");
    }

    #[test]
    fn a_default_route_without_a_router_does_not_exempt_the_world() {
        assert_eq!(shown(routed(&route([0; 4], "0001", [0; 4]))), "");
        assert_eq!(shown(routed(&route([128, 0, 0, 0], "0001", [128, 0, 0, 0]))), "");
        assert_eq!(shown(attached("20010db8000000000000000000000001 02 10 00 80 tun0")), "");
    }

    #[test]
    fn an_address_tells_its_network() {
        let line = "20010db8000000010000000000000001 02 40 00 80     eth0";
        assert_eq!(shown(attached(line)), "2001:db8:0:1::/64");
        assert_eq!(shown(attached("00000000000000000000000000000001 01 80 10 80       lo")), "::1/128");
    }

    #[test]
    fn lines_that_say_nothing_are_skipped() {
        for line in ["", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask", "x y z", "é"] {
            assert_eq!(
                (shown(routed(line)), shown(attached(line))),
                (String::new(), String::new()),
                "{line:?}"
            );
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
