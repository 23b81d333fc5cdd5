//! Listening sockets and their processes, from the kernel's tables.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::host::Host;
use crate::transport::SocketProtocol;

/// A socket that receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Receiving {
    pub(super) address: SocketAddr,
    pub(super) protocol: SocketProtocol,
    /// What the kernel knows it by.
    pub(super) inode: u64,
}

/// The process that has a socket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Holder {
    pub(super) pid: u32,
    pub(super) name: String,
    /// The unit it runs in.
    pub(super) unit: Option<String>,
}

/// The tables, with the state in which a socket receives (`include/net/tcp_states.h`): TCP_LISTEN, and for
/// UDP, which has no states, TCP_CLOSE. A UDP socket that is connected hears its peer alone.
const TABLES: [(&str, SocketProtocol, &str); 4] = [
    ("/proc/self/net/udp", SocketProtocol::Udp, "07"),
    ("/proc/self/net/udp6", SocketProtocol::Udp, "07"),
    ("/proc/self/net/tcp", SocketProtocol::Tcp, "0A"),
    ("/proc/self/net/tcp6", SocketProtocol::Tcp, "0A"),
];

/// Every socket that receives; none if the tables cannot be read.
pub(super) fn receiving(host: &Host) -> Option<Vec<Receiving>> {
    let mut all = Vec::new();
    let mut is_read = false;
    for (table, protocol, state) in TABLES {
        let Some(text) = host.text(table) else { continue };
        is_read = true;
        all.extend(text.lines().filter_map(|line| socket(line, protocol, state)));
    }
    is_read.then_some(all)
}

/// A line of a table: number, local address, remote address, state, queues, timer, retransmissions, user,
/// timeout, inode, …
fn socket(line: &str, protocol: SocketProtocol, state: &str) -> Option<Receiving> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let &[_, local, _, has, _, _, _, _, _, inode, ..] = &fields[..] else { return None };
    let address = address(local)?;
    (has == state).then_some(Receiving { address, protocol, inode: inode.parse().ok()? })
}

/// `0100007F:0035`: words of 32 bits as the machine holds numbers, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (digits, port) = text.split_once(':')?;
    let word = |at: usize| {
        let word = digits.get(at * 8..(at + 1) * 8)?;
        Some(u32::from_str_radix(word, 16).ok()?.to_ne_bytes())
    };
    let ip = match digits.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let octets: [u8; 16] = words.concat().try_into().ok()?;
            Ipv6Addr::from(octets).to_canonical()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// The processes that have these sockets. One that several have counts as the service's rather than that of
/// process 1, which made it. Only root sees the sockets of others.
pub(super) fn holders(host: &Host, inodes: &[u64]) -> BTreeMap<u64, Holder> {
    let mut found: BTreeMap<u64, Holder> = BTreeMap::new();
    for pid in host.processes() {
        for name in host.names(format!("/proc/{pid}/fd")).unwrap_or_default() {
            let Some(inode) =
                host.link(format!("/proc/{pid}/fd/{name}")).and_then(|to| inode(&to.to_string_lossy()))
            else {
                continue;
            };
            let is_known = found.get(&inode).is_some_and(|holder| holder.pid != 1);
            if inodes.contains(&inode) && !is_known {
                found.insert(inode, holder(host, pid));
            }
        }
    }
    found
}

/// `socket:[4711]`.
fn inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

fn holder(host: &Host, pid: u32) -> Holder {
    let groups = host.text(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let name = host.process_name(pid).unwrap_or_else(|| "a process".to_owned());
    Holder { pid, name, unit: groups.lines().find_map(unit) }
}

/// The unit in a line as `0::/system.slice/dnsmasq.service`.
fn unit(line: &str) -> Option<String> {
    let mut steps = line.splitn(3, ':').nth(2)?.split('/').rev();
    steps.find(|step| step.ends_with(".service")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_address_and_port() {
        let loopback = format!("{:08X}", u32::from_ne_bytes([127, 0, 0, 1]));
        let line = format!(
            "  97: {loopback}:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   193   0 20333 2 0 0"
        );
        let read = socket(&line, SocketProtocol::Udp, "07").unwrap();
        assert_eq!((read.address, read.inode), ("127.0.0.1:53".parse().unwrap(), 20333));
        assert_eq!(socket(&line, SocketProtocol::Tcp, "0A"), None);
        assert_eq!(address(&format!("{}:0035", "0".repeat(32))), "[::]:53".parse().ok());
        assert_eq!(address("é00000000:0035"), None);
    }

    #[test]
    fn the_unit_is_the_innermost_service_of_either_version_of_control_groups() {
        assert_eq!(unit("0::/system.slice/dnsmasq.service").as_deref(), Some("dnsmasq.service"));
        assert_eq!(unit("1:name=systemd:/system.slice/pdns.service").as_deref(), Some("pdns.service"));
        assert_eq!(unit("0::/kubepods.slice/pod1.slice/crio-1.scope"), None);
    }
}
