//! A cluster that can be served: every node has a name, nothing contradicts itself. And its reverse zones.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::cluster::{Cluster, ClusterError};
use super::node::{HostName, Node};

/// The folder of zone files, relative to the config file: the same as `/etc/edgedns/zones` is to
/// `/etc/edgedns.toml`.
pub(super) const ZONES: &str = "edgedns/zones";

/// Bytes that a name of a cluster puts before its domain at most: `_etcd-server-ssl._tcp.`, or a label and a
/// dot.
pub(super) const LONGEST_OWNER_BYTES: usize = 64;

/// A node with its full set of names.
pub(super) struct NamedNode {
    /// Its label.
    pub(super) name: HostName,
    pub(super) addresses: Vec<IpAddr>,
}

/// A description that holds, with every node named.
pub(super) struct NamedCluster {
    /// `ocp4.example.com`, without a final dot.
    pub(super) domain: String,
    pub(super) masters: Vec<NamedNode>,
    pub(super) arbiters: Vec<NamedNode>,
    pub(super) workers: Vec<NamedNode>,
    pub(super) ingress: Vec<IpAddr>,
    pub(super) bootstrap: Option<NamedNode>,
}

impl NamedCluster {
    pub(super) fn of(cluster: &Cluster) -> Result<NamedCluster, ClusterError> {
        let named = |nodes: &[Node], kind: &str| -> Vec<NamedNode> {
            let host = |(index, node): (usize, &Node)| NamedNode {
                name: node.name.clone().unwrap_or_else(|| HostName::numbered(kind, index)),
                addresses: node.addresses.clone(),
            };
            nodes.iter().enumerate().map(host).collect()
        };
        let plan = NamedCluster {
            domain: format!("{}.{}", cluster.name, cluster.base_domain),
            masters: named(&cluster.masters, "master"),
            arbiters: named(&cluster.arbiters, "arbiter"),
            workers: named(&cluster.workers, "worker"),
            ingress: cluster.ingress.clone(),
            bootstrap: cluster.bootstrap.as_ref().map(|node| NamedNode {
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
    pub(super) fn hosts(&self) -> impl Iterator<Item = &NamedNode> {
        self.members_of_etcd().chain(&self.workers).chain(&self.bootstrap)
    }

    /// The nodes that have etcd, and serve names.
    pub(super) fn members_of_etcd(&self) -> impl Iterator<Item = &NamedNode> + Clone {
        self.masters.iter().chain(&self.arbiters)
    }

    /// Every address of a node that serves names.
    pub(super) fn server_addresses(&self) -> impl Iterator<Item = IpAddr> + Clone {
        self.members_of_etcd().flat_map(|host| host.addresses.iter().copied())
    }

    /// Every address of a master.
    pub(super) fn master_addresses(&self) -> impl Iterator<Item = IpAddr> + Clone {
        self.masters.iter().flat_map(|host| host.addresses.iter().copied())
    }

    /// Where `*.apps` goes.
    pub(super) fn ingress_addresses(&self) -> Vec<IpAddr> {
        if self.ingress.is_empty() { self.master_addresses().collect() } else { self.ingress.clone() }
    }

    /// The reverse zones, each with its owners and the nodes they point to.
    pub(super) fn reverse_zones(&self) -> BTreeMap<String, Vec<(String, &NamedNode)>> {
        let mut zones: BTreeMap<String, Vec<(String, &NamedNode)>> = BTreeMap::new();
        for host in self.hosts() {
            for address in &host.addresses {
                let (owner, zone) = reverse_name(*address);
                zones.entry(zone).or_default().push((owner, host));
            }
        }
        zones
    }
}

/// The owner of an address's PTR record, and the zone it is put into (RFC 1035, section 3.5; RFC 3596,
/// section 2.5).
pub(super) fn reverse_name(address: IpAddr) -> (String, String) {
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
