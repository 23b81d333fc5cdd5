//! Addresses and ports of loopback that no other test uses, not even one of another run on the same machine.
//!
//! An abstract socket claims each of them: every process of a network namespace sees it, and it ends with its
//! owner. Ports lie below those that the kernel gives to outgoing connections, so that no client takes one
//! between two uses.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::ops::RangeInclusive;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicU8, AtomicU16, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Second octets to choose from: 127.0 and 127.1 are left to people.
const NETWORKS: RangeInclusive<u8> = 2..=254;

/// Third octets from here on are those of whole networks, given out from the last one down; below are single addresses.
const NETWORKS_WITHIN_MIN: u8 = 200;

/// The lowest port that is given out: below are those of services.
const PORT_MIN: u16 = 10_000;

/// The first port of connections where the kernel does not say: its default.
const EPHEMERAL_MIN: u16 = 32_768;

/// A loopback address no other test uses: tests run beside each other, in threads and in processes.
pub fn loopback() -> Ipv4Addr {
    static NETWORK: OnceLock<u8> = OnceLock::new();
    static NEXT: AtomicU16 = AtomicU16::new(1);
    let network = *NETWORK.get_or_init(|| {
        // Processes begin apart, so that few claims are refused.
        let begin = usize::try_from(std::process::id()).expect("a process id") % NETWORKS.count();
        let mut networks = NETWORKS.skip(begin).chain(NETWORKS.take(begin));
        networks.find(|network| claim(&format!("network/{network}"))).expect("a network that is free")
    });
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    assert!(high < NETWORKS_WITHIN_MIN, "addresses are left");
    Ipv4Addr::new(127, network, high, low)
}

/// The first three octets of 256 loopback addresses that no other test uses.
pub fn loopback_network() -> [u8; 3] {
    static TAKEN: AtomicU8 = AtomicU8::new(0);
    let [first, second, ..] = loopback().octets();
    let third = u8::MAX - TAKEN.fetch_add(1, Ordering::Relaxed);
    assert!(third >= NETWORKS_WITHIN_MIN, "networks are left");
    [first, second, third]
}

/// A port that this process alone uses, free for UDP and TCP at `address`.
pub fn free_port(address: Ipv4Addr) -> SocketAddr {
    let place = |port| SocketAddr::from((address, port));
    let is_free = |port| UdpSocket::bind(place(port)).is_ok() && TcpListener::bind(place(port)).is_ok();
    place(claimed_port(is_free))
}

/// A port that this process alone uses and that `is_free`.
pub fn claimed_port(is_free: impl Fn(u16) -> bool) -> u16 {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let ports =
        ephemeral_min().checked_sub(PORT_MIN).filter(|ports| *ports > 0).expect("ports below the ephemeral");
    let begin = || AtomicU16::new(u16::try_from(std::process::id() % 1_000 * 20).expect("a small number"));
    let next = NEXT.get_or_init(begin);
    let mut found = (0..ports).map(|_| PORT_MIN + next.fetch_add(1, Ordering::Relaxed) % ports);
    found.find(|port| claim(&format!("port/{port}")) && is_free(*port)).expect("a free port")
}

/// Claims a name for as long as this process runs; false: another one has it.
fn claim(name: &str) -> bool {
    static CLAIMED: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());
    let name = format!("edgedns-tests/{name}");
    let place = std::os::unix::net::SocketAddr::from_abstract_name(name).expect("a short name");
    let Ok(claim) = UnixListener::bind_addr(&place) else { return false };
    CLAIMED.lock().unwrap_or_else(PoisonError::into_inner).push(claim);
    true
}

/// The first of the ports that the kernel gives to connections.
fn ephemeral_min() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range.split_whitespace().next().and_then(|first| first.parse().ok());
    // A range that begins below leaves nothing to choose from: then a connection may come in between, as anywhere.
    first.filter(|first| *first > PORT_MIN).unwrap_or(EPHEMERAL_MIN)
}
