//! The first config and zones of a cluster, from its names and addresses.
//!
//! Responsible for what OpenShift asks of DNS: `api`, `api-int`, `*.apps`,
//! the nodes, etcd, and the way back from addresses to names.
//! Not responsible for writing files, or for checking them.

mod config_text;
mod node;
mod zone_text;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

pub use self::node::{HostName, Node, NodeError};

use crate::delivery::File;

/// Where zone files stand, seen from the config file: in the same place as
/// `/etc/edgedns/zones` is seen from `/etc/edgedns.toml`.
const ZONES: &str = "edgedns/zones";

/// The config file.
pub const CONFIG: &str = "edgedns.toml";

/// A cluster, as an operator describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name: `ocp4`.
    pub name: HostName,
    /// The domain it is in: `example.com`.
    pub base_domain: HostName,
    /// One to many; those without a name are called `master-0` and so on.
    pub masters: Vec<Node>,
    /// Nodes that only have a name; those without one are called `worker-0` and so on.
    pub workers: Vec<Node>,
    /// Where `*.apps` goes; empty: to the masters.
    pub ingress: Vec<IpAddr>,
    /// The node that installs the cluster and serves its API meanwhile.
    pub bootstrap: Option<Node>,
}

/// What is wrong with a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterError {
    /// There is no master.
    NoMaster,
    /// Two nodes have the same name.
    NameTwice(HostName),
    /// Two nodes have the same address, or one has it twice.
    AddressTwice(IpAddr),
    /// The names of the cluster get too long for DNS.
    TooLong(String),
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClusterError::NoMaster => f.write_str("a cluster has at least one master: --master 192.0.2.13"),
            ClusterError::NameTwice(name) => {
                write!(f, "two nodes are called `{name}`: give them names, as in --master {name}=192.0.2.13")
            }
            ClusterError::AddressTwice(address) => write!(f, "two nodes cannot both have {address}"),
            ClusterError::TooLong(domain) => {
                write!(f, "`{domain}` is too long: names below it would have more than 255 bytes")
            }
        }
    }
}

impl std::error::Error for ClusterError {}

/// Bytes that a name of a cluster puts before its domain at most: `_etcd-server-ssl._tcp.`, or a label and a dot.
const LONGEST_OWNER_BYTES: usize = 64;

/// A node with its full set of names.
struct Host {
    /// Its label.
    name: HostName,
    addresses: Vec<IpAddr>,
}

/// A description that holds, with every node named.
struct Plan {
    /// `ocp4.example.com`, without a final dot.
    domain: String,
    masters: Vec<Host>,
    workers: Vec<Host>,
    ingress: Vec<IpAddr>,
    bootstrap: Option<Host>,
}

/// The files for a cluster: the config, its zone, and a reverse zone for each
/// network that a node is in (IPv4 /24, IPv6 /64).
///
/// The same description makes the same bytes.
///
/// # Errors
///
/// See [`ClusterError`].
pub fn files(cluster: &Cluster) -> Result<Vec<File<'static>>, ClusterError> {
    let plan = Plan::of(cluster)?;
    let reverse = plan.reverse_zones();
    let file = |zone: &str| format!("{ZONES}/{zone}.zone");
    let mut files = vec![
        File::of_text(CONFIG, plan.config_text(reverse.keys())),
        File::of_text(file(&plan.domain), plan.zone_text()),
    ];
    files.extend(
        reverse.iter().map(|(zone, owners)| File::of_text(file(zone), plan.reverse_text(zone, owners))),
    );
    Ok(files)
}

impl Plan {
    fn of(cluster: &Cluster) -> Result<Plan, ClusterError> {
        let named = |nodes: &[Node], kind: &str| -> Vec<Host> {
            let host = |(index, node): (usize, &Node)| Host {
                name: node.name.clone().unwrap_or_else(|| HostName::numbered(kind, index)),
                addresses: node.addresses.clone(),
            };
            nodes.iter().enumerate().map(host).collect()
        };
        let plan = Plan {
            domain: format!("{}.{}", cluster.name, cluster.base_domain),
            masters: named(&cluster.masters, "master"),
            workers: named(&cluster.workers, "worker"),
            ingress: cluster.ingress.clone(),
            bootstrap: cluster.bootstrap.as_ref().map(|node| Host {
                name: node.name.clone().unwrap_or_else(|| HostName::plain("bootstrap")),
                addresses: node.addresses.clone(),
            }),
        };
        plan.hold()?;
        Ok(plan)
    }

    /// Whether it can be served.
    fn hold(&self) -> Result<(), ClusterError> {
        if self.masters.is_empty() {
            return Err(ClusterError::NoMaster);
        }
        if self.domain.len() + LONGEST_OWNER_BYTES > 253 {
            return Err(ClusterError::TooLong(self.domain.clone()));
        }
        let (mut names, mut addresses) = (Vec::new(), Vec::new());
        for host in self.hosts() {
            let lower = host.name.to_string().to_ascii_lowercase();
            if names.contains(&lower) {
                return Err(ClusterError::NameTwice(host.name.clone()));
            }
            names.push(lower);
            for address in &host.addresses {
                if addresses.contains(address) {
                    return Err(ClusterError::AddressTwice(*address));
                }
                addresses.push(*address);
            }
        }
        let mut ingress = self.ingress.clone();
        ingress.sort_unstable();
        match ingress.iter().zip(ingress.iter().skip(1)).find(|(one, other)| one == other) {
            Some((twice, _)) => Err(ClusterError::AddressTwice(*twice)),
            None => Ok(()),
        }
    }

    /// All nodes.
    fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.masters.iter().chain(&self.workers).chain(&self.bootstrap)
    }

    /// Every address of a master.
    fn master_addresses(&self) -> impl Iterator<Item = IpAddr> + Clone {
        self.masters.iter().flat_map(|host| host.addresses.iter().copied())
    }

    /// Where `*.apps` goes.
    fn ingress_addresses(&self) -> Vec<IpAddr> {
        if self.ingress.is_empty() { self.master_addresses().collect() } else { self.ingress.clone() }
    }

    /// The reverse zones, each with its owners and the nodes they point to.
    fn reverse_zones(&self) -> BTreeMap<String, Vec<(String, &Host)>> {
        let mut zones: BTreeMap<String, Vec<(String, &Host)>> = BTreeMap::new();
        for host in self.hosts() {
            for address in &host.addresses {
                let (owner, zone) = reverse_name(*address);
                zones.entry(zone).or_default().push((owner, host));
            }
        }
        zones
    }
}

/// The owner of an address's PTR record, and the zone it is put into (RFC 1035, section 3.5; RFC 3596, section 2.5).
fn reverse_name(address: IpAddr) -> (String, String) {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            (d.to_string(), format!("{c}.{b}.{a}.in-addr.arpa"))
        }
        IpAddr::V6(address) => {
            let nibbles: Vec<String> = address
                .octets()
                .iter()
                .rev()
                .flat_map(|byte| [byte & 15, byte >> 4])
                .map(|nibble| format!("{nibble:x}"))
                .collect();
            let (host, network) = nibbles.split_at(nibbles.len() / 2);
            (host.join("."), format!("{}.ip6.arpa", network.join(".")))
        }
    }
}

#[cfg(test)]
mod tests;
