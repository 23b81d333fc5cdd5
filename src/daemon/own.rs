//! The addresses of this node, as the kernel knows them.
//!
//! Responsible for reading them, for pools that answer with the node's own
//! address first. Not responsible for what listens there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// All addresses of this node now; those that cannot be read are missing.
///
/// They are looked up rather than tried with `bind`: that takes any address
/// where `net.ipv4.ip_nonlocal_bind` is set, as it is on nodes with keepalived.
/// `/proc/net` itself is not there for a service with ProcSubset=pid.
pub(super) fn own_addresses() -> Vec<IpAddr> {
    let text = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
    let (trie, interfaces) = (text("/proc/self/net/fib_trie"), text("/proc/self/net/if_inet6"));
    ipv4(&trie).map(IpAddr::from).chain(ipv6(&interfaces).map(IpAddr::from)).collect()
}

/// The local addresses in the kernel's routing table: a line with the address,
/// below it one that says what it is. Each stands there once per table.
fn ipv4(trie: &str) -> impl Iterator<Item = Ipv4Addr> {
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

/// One line per address, its 32 digits first.
fn ipv6(interfaces: &str) -> impl Iterator<Item = Ipv6Addr> {
    let digits = interfaces.lines().filter_map(|line| line.split_whitespace().next());
    digits.filter_map(|digits| u128::from_str_radix(digits, 16).ok()).map(Ipv6Addr::from)
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
        let own: Vec<String> = ipv4(trie).map(|address| address.to_string()).collect();
        assert_eq!(own, ["127.0.0.1", "192.0.2.11"]);
        let interfaces = "\
00000000000000000000000000000001 01 80 10 80       lo
fe800000000000000000000000000001 02 40 20 80     eth0
";
        let own: Vec<String> = ipv6(interfaces).map(|address| address.to_string()).collect();
        assert_eq!(own, ["::1", "fe80::1"]);
    }

    #[test]
    fn this_node_has_loopback() {
        assert!(own_addresses().contains(&IpAddr::from([127, 0, 0, 1])));
    }
}
