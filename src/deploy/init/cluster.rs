//! A cluster, as an operator describes it.

use std::fmt;
use std::net::IpAddr;

use super::node::{HostName, Node};

/// A cluster, as an operator describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name: `ocp4`.
    pub name: HostName,
    /// The domain it is in: `example.com`.
    pub base_domain: HostName,
    /// One to many; those without a name are called `master-0` and so on.
    pub masters: Vec<Node>,
    /// Nodes that have etcd and no API server: two masters need one; those without a name are called `arbiter-0` and so on.
    /// They serve names, too.
    pub arbiters: Vec<Node>,
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
