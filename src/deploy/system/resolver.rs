//! The host's own resolv.conf: which servers the node asks, and with it cluster DNS, which gets a copy.

use std::net::IpAddr;

use crate::dns::Name;

use super::finding::{Finding, Grade, listed};
use super::host::Host;
use super::wanted::Wanted;

const SUBJECT: &str = "resolv.conf";

const FILE: &str = "/etc/resolv.conf";

/// Name servers that the C library asks; further ones are not looked at (resolv.conf(5)).
const NAME_SERVERS_MAX: usize = 3;

/// There on every node of a cluster.
const KUBELET: &str = "/etc/kubernetes";

/// The address at which systemd-resolved is asked.
const RESOLVED: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 53));

const DISPATCHER: &str =
    "`edgedns machineconfig --dispatcher` puts the node's own address first on every node";

pub(super) fn look(host: &Host, wanted: &Wanted) -> Vec<Finding> {
    let Some(text) = host.text(FILE) else {
        let message = format!("{FILE} cannot be read: the C library asks 127.0.0.1");
        return vec![Finding::new(SUBJECT, Grade::Warning, message).help(DISPATCHER)];
    };
    let servers = name_servers(&text);
    let mut found: Vec<Finding> = wanted.wildcards.iter().map(searched).collect();
    let Some(first) = servers.first().copied() else {
        let message = format!("{FILE} names no server: the C library asks 127.0.0.1");
        found.push(Finding::new(SUBJECT, Grade::Warning, message).help(DISPATCHER));
        return found;
    };
    found.push(if first == RESOLVED {
        resolved()
    } else if let Some(loopback) = servers.iter().find(|server| server.is_loopback()) {
        on_loopback(host, *loopback)
    } else {
        asked(host, wanted, &servers, first)
    });
    if servers.len() > NAME_SERVERS_MAX {
        let left_out = listed(servers.iter().skip(NAME_SERVERS_MAX));
        let message =
            format!("{FILE} names {} servers, and these are never asked: {left_out}", servers.len());
        found.push(
            Finding::new(SUBJECT, Grade::Warning, message)
                .help(format!("the C library asks the first {NAME_SERVERS_MAX}: leave the others out")),
        );
    }
    found
}

/// The name servers that the C library of a host asks, in its order.
pub fn resolvers(host: &Host) -> Vec<IpAddr> {
    let text = host.text(FILE).unwrap_or_default();
    name_servers(&text).into_iter().take(NAME_SERVERS_MAX).collect()
}

/// The addresses behind `nameserver`, without zones of interfaces.
fn name_servers(text: &str) -> Vec<IpAddr> {
    let named = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == "nameserver").then(|| words.next()).flatten()
    });
    named.filter_map(|address| address.split('%').next()?.parse().ok()).collect()
}

/// The domains that a host searches for names: those of the last `search` or `domain` line (resolv.conf(5)),
/// the root left out.
pub fn search_domains(host: &Host) -> Vec<Name> {
    let text = host.text(FILE).unwrap_or_default();
    let mut lists = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        matches!(words.next()?, "search" | "domain").then_some(words)
    });
    let named = lists.next_back().into_iter().flatten().filter_map(|word| word.parse::<Name>().ok());
    named.filter(|name| !name.as_ref().is_root()).collect()
}

fn searched((domain, wildcard): &(Name, Name)) -> Finding {
    let message =
        format!("{FILE} searches `{domain}`, where the wildcard `{wildcard}` answers for every name");
    Finding::new(SUBJECT, Grade::Warning, message)
        .note(format!(
            "kubelet hands the list to pods with `ndots:5`: `github.com` is asked as `github.com.{domain}` first"
        ))
        .help("name what is to be answered, as `*.apps` does, or take the domain off the list")
}

fn resolved() -> Finding {
    let message = format!("this node asks systemd-resolved ({RESOLVED}), and edgedns only if that does");
    Finding::new(SUBJECT, Grade::Warning, message)
        .note("kubelet gives pods /run/systemd/resolve/resolv.conf instead")
        .help(
            "name edgedns to it, for its zones or for all: `DNS=192.0.2.13` and `Domains=~ocp4.example.com` below \
             `[Resolve]` in /etc/systemd/resolved.conf.d/edgedns.conf; `resolvectl status` shows it",
        )
}

fn on_loopback(host: &Host, loopback: IpAddr) -> Finding {
    let is_node = host.has(KUBELET);
    let grade = if is_node { Grade::Error } else { Grade::Warning };
    Finding::new(SUBJECT, grade, format!("{FILE} names {loopback}"))
        .note("the pods of cluster DNS get a copy of it, and in a pod that address is the pod's own")
        .help("name the address that other hosts reach this node at")
        .help(DISPATCHER)
}

fn asked(host: &Host, wanted: &Wanted, servers: &[IpAddr], first: IpAddr) -> Finding {
    let listens = |server: &IpAddr| wanted.listen.iter().any(|place| place.ip() == *server);
    let takes_all = |server: &IpAddr| {
        wanted.listen.iter().any(|place| place.ip().is_unspecified() && place.is_ipv4() == server.is_ipv4())
    };
    let is_ours = |server: &IpAddr| listens(server) || (takes_all(server) && host.own.contains(server));
    if is_ours(&first) {
        return Finding::new(SUBJECT, Grade::Fine, format!("this node asks edgedns first, at {first}"));
    }
    if let Some(later) = servers.iter().take(NAME_SERVERS_MAX).find(|server| is_ours(server)) {
        let message = format!("this node asks {first} before edgedns, which is at {later}");
        return Finding::new(SUBJECT, Grade::Warning, message)
            .note("the next server is asked only where the one before is silent: what it denies stays denied")
            .help(DISPATCHER);
    }
    let message = format!("this node does not ask edgedns: {FILE} names {}", listed(servers));
    Finding::new(SUBJECT, Grade::Warning, message)
        .note("right where those servers are other nodes with edgedns, or forward its zones to one")
        .help(DISPATCHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_list_of_domains_is_the_one_that_is_searched() {
        let folder = tempfile::tempdir().unwrap();
        let searched = |text: &str| -> Vec<String> {
            std::fs::create_dir_all(folder.path().join("etc")).unwrap();
            std::fs::write(folder.path().join("etc/resolv.conf"), text).unwrap();
            let host = Host::new(folder.path().into(), std::time::SystemTime::UNIX_EPOCH, Vec::new());
            search_domains(&host).iter().map(Name::to_string).collect()
        };
        assert_eq!(
            searched("search a.example\nnameserver 192.0.2.1\nsearch b.example\tC.example. # x\n")[..2],
            ["b.example.", "C.example."]
        );
        assert_eq!(searched("search a.example\ndomain b.example\n"), ["b.example."]);
        assert_eq!(searched("search .\n"), [""; 0]);
        assert_eq!(searched("nameserver 192.0.2.1\n"), [""; 0]);
    }

    #[test]
    fn name_servers_are_read_as_the_c_library_reads_them() {
        let text = "# nameserver 192.0.2.9\nsearch example.com\nnameserver 192.0.2.1\n nameserver\tfe80::1%eth0 # x\n\
                    nameserver nonsense\nnameservers 192.0.2.3\n";
        let read: Vec<String> = name_servers(text).iter().map(IpAddr::to_string).collect();
        assert_eq!(read, ["192.0.2.1", "fe80::1"]);
    }
}
