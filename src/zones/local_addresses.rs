//! The addresses of this host and the networks it is in, as the kernel lists them.
//!
//! Read from `/proc/self/net`: `/proc/net` itself is not there for a service with ProcSubset=pid.
//!
//! Reads them, and defines what a config means by `local`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Mutex;

use tracing::{info, warn};

use super::clients::Clients;
use crate::answer::Prefix;
use crate::sync::lock;

/// Most networks that are taken; a host with more is a router.
const NETWORKS_MAX: usize = 64;

/// Shortest prefixes of a network that a host can be said to be in, for IPv4 and IPv6. A shorter one leads
/// through a tunnel to the world.
const BITS_MIN: (u8, u8) = (8, 32);

/// The route needs no gateway (`RTF_GATEWAY` of `<linux/route.h>` is not set).
const GATEWAY: u16 = 0x0002;

/// What was read of this host last. One for the process: the kernel's tables are, too.
static ADDRESSES: LastRead<IpAddr> =
    LastRead::new("the addresses of this host", "so no address counts as its own");
static NETWORKS: LastRead<Prefix> = LastRead::new("the networks of this host", "`local` is loopback alone");

/// All addresses of this host now; where they cannot be read, those of before.
pub fn known_addresses() -> Vec<IpAddr> {
    ADDRESSES.renew(own_addresses(), Vec::new)
}

/// What `local` stands for now; where it cannot be read, what it stood for before.
pub fn known_networks() -> Vec<Prefix> {
    NETWORKS.renew(own_networks(), || loopback().to_vec())
}

/// All addresses of this host now.
///
/// They are looked up rather than tried with `bind`: that takes any address where `net.ipv4.ip_nonlocal_bind`
/// is set, as it is on nodes with keepalived.
///
/// # Errors
///
/// When a table cannot be read: that is no host without addresses.
pub fn own_addresses() -> io::Result<Vec<IpAddr>> {
    let (trie, interfaces) = (read("fib_trie")?, ipv6_interfaces()?);
    let ipv6 = interfaces.lines().filter_map(interface).map(|(address, _)| IpAddr::from(address));
    Ok(local(&trie).map(IpAddr::from).chain(ipv6).collect())
}

/// Loopback and the networks that this host reaches without a router, each once.
///
/// # Errors
///
/// When a table cannot be read: that is no host without networks.
fn own_networks() -> io::Result<Vec<Prefix>> {
    let (routes, interfaces) = (read("route")?, ipv6_interfaces()?);
    let own = routes.lines().filter_map(routed).chain(interfaces.lines().filter_map(attached));
    Ok(each_once(loopback().into_iter().chain(own)))
}

fn loopback() -> [Prefix; 2] {
    [Prefix::around(Ipv4Addr::LOCALHOST.into(), 8), Prefix::around(Ipv6Addr::LOCALHOST.into(), 128)]
}

fn each_once(networks: impl Iterator<Item = Prefix>) -> Vec<Prefix> {
    let mut found = Vec::new();
    for network in networks {
        if found.len() < NETWORKS_MAX && !found.contains(&network) {
            found.push(network);
        }
    }
    found
}

/// The networks as people are told of them: loopback and single addresses, such as those that `lo` has
/// besides, are nobody's but this host's.
pub fn of_others(networks: &[Prefix]) -> impl Iterator<Item = &Prefix> {
    let loopback = loopback();
    networks.iter().filter(move |network| !network.is_one_address() && !loopback.contains(network))
}

/// The networks of clients that the config names; `own` are those of this host.
pub fn networks_of(clients: &[Clients], own: &[Prefix]) -> Vec<Prefix> {
    let mut networks = Vec::new();
    for client in clients {
        match client {
            Clients::Local => networks.extend_from_slice(own),
            Clients::Prefix(prefix) => networks.push(*prefix),
        }
    }
    networks
}

/// A list that is read again and again, and what it held the last time that could be done. Out of
/// descriptors, a host has not lost its networks: who could ask can still ask.
struct LastRead<T> {
    /// What is read, in words.
    what: &'static str,
    /// What holds where it has never been read.
    until_then: &'static str,
    state: Mutex<State<T>>,
}

struct State<T> {
    last: Option<Vec<T>>,
    trouble: Trouble,
}

/// Whether it has been said that it cannot be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Said,
}

impl<T: Clone> LastRead<T> {
    const fn new(what: &'static str, until_then: &'static str) -> Self {
        Self { what, until_then, state: Mutex::new(State { last: None, trouble: Trouble::None }) }
    }

    /// What was `read` now, or else the last time, or else `unknown`. That it cannot be read is said once,
    /// and that it can again.
    fn renew(&self, read: io::Result<Vec<T>>, unknown: impl FnOnce() -> Vec<T>) -> Vec<T> {
        // Whoever holds the lock puts whole values there.
        let mut state = lock(&self.state);
        match read {
            Ok(now) => {
                if std::mem::replace(&mut state.trouble, Trouble::None) == Trouble::Said {
                    info!("{} can be read again", self.what);
                }
                state.last = Some(now.clone());
                now
            }
            Err(fault) => {
                if std::mem::replace(&mut state.trouble, Trouble::Said) == Trouble::None {
                    let still =
                        if state.last.is_some() { "those known before hold on" } else { self.until_then };
                    warn!("{} cannot be read, {still}: {fault}", self.what);
                }
                state.last.clone().unwrap_or_else(unknown)
            }
        }
    }
}

/// A table of the kernel.
fn read(table: &str) -> io::Result<String> {
    let path = format!("/proc/self/net/{table}");
    std::fs::read_to_string(&path).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
}

/// The IPv6 addresses of the interfaces; a kernel without IPv6 has no such table, and is not in trouble.
fn ipv6_interfaces() -> io::Result<String> {
    match read("if_inet6") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

/// The local addresses in the kernel's routing table: a line with the address, below it one that says what it
/// is. Each stands there once per table.
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

/// A line of `/proc/net/route`: interface, destination, gateway, flags, three numbers, mask, …; addresses as
/// the machine holds numbers.
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

/// A line of `/proc/net/if_inet6`: an address of this host, the number of its interface, the bits of its
/// network, …
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
        assert!(own_addresses().unwrap().contains(&IpAddr::from([127, 0, 0, 1])));
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
        let own = own_networks().unwrap();
        for address in [IpAddr::from([127, 1, 2, 3]), Ipv6Addr::LOCALHOST.into()] {
            assert!(own.iter().any(|prefix| prefix.contains(address)), "{own:?}");
        }
    }

    fn networks(texts: &[&str]) -> Vec<Prefix> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_cannot_be_read_is_what_it_was() {
        let last = LastRead::new("the networks", "loopback alone");
        let unread = || Err(io::Error::from_raw_os_error(libc::EMFILE));
        let never = || loopback().to_vec();
        assert_eq!(last.renew(unread(), never), networks(&["127.0.0.0/8", "::1/128"]));
        let lan = networks(&["127.0.0.0/8", "192.0.2.0/24"]);
        assert_eq!(last.renew(Ok(lan.clone()), never), lan);
        assert_eq!(last.renew(unread(), never), lan);
        assert_eq!(last.renew(unread(), never), lan);
        // A host may really have lost one.
        assert_eq!(last.renew(Ok(networks(&["127.0.0.0/8"])), never), networks(&["127.0.0.0/8"]));
        assert_eq!(last.renew(unread(), never), networks(&["127.0.0.0/8"]));
    }

    #[test]
    fn a_network_is_named_once_and_single_addresses_are_not() {
        let lines = [
            "20010db8000000770000000000000001 02 40 00 80     eth0",
            "20010db8000000770000000000000002 02 40 00 80     eth0",
            "20010db8000000990000000000000001 01 80 00 80       lo",
            "00000000000000000000000000000001 01 80 10 80       lo",
        ];
        let own = each_once(loopback().into_iter().chain(lines.into_iter().filter_map(attached)));
        assert_eq!(own, networks(&["127.0.0.0/8", "::1/128", "2001:db8:0:77::/64", "2001:db8:0:99::1/128"]));
        assert_eq!(of_others(&own).collect::<Vec<_>>(), [&own[2]]);
    }
}
