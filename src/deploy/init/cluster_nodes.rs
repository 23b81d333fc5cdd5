//! The nodes of a cluster that runs, as `oc get nodes -o json` prints them.

use std::fmt;

use super::node::{HostName, Node};
use crate::kubernetes::{NodeOfCluster, NodeRole, nodes_of};

/// The nodes of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterNodes {
    /// Those that run an API server.
    pub masters: Vec<Node>,
    /// Those that have etcd and no API server.
    pub arbiters: Vec<Node>,
    /// The others.
    pub workers: Vec<Node>,
}

/// Why a text has no nodes that can be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterNodesError {
    /// It is something else.
    Text(String),
    /// The node has no address, or a name that no host has.
    Node {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Display for ClusterNodesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClusterNodesError::Text(why) => {
                write!(f, "standard input is not what `oc get nodes -o json` prints: {why}")
            }
            ClusterNodesError::Node { name, why } => write!(f, "node `{name}`: {why}"),
        }
    }
}

impl std::error::Error for ClusterNodesError {}

impl ClusterNodes {
    /// Reads what `oc get nodes -o json` prints.
    ///
    /// # Errors
    ///
    /// When it is something else, or a node cannot be named.
    pub fn read(text: &[u8]) -> Result<ClusterNodes, ClusterNodesError> {
        let mut nodes = ClusterNodes::default();
        for node in nodes_of(text).map_err(ClusterNodesError::Text)? {
            let list = match node.role {
                NodeRole::Master => &mut nodes.masters,
                NodeRole::Arbiter => &mut nodes.arbiters,
                NodeRole::Worker => &mut nodes.workers,
            };
            list.push(named(node)?);
        }
        Ok(nodes)
    }
}

/// A node is called by its first label, as its host is.
fn named(node: NodeOfCluster) -> Result<Node, ClusterNodesError> {
    let NodeOfCluster { name, addresses, role: _ } = node;
    let fault = |why: String| ClusterNodesError::Node { name: name.clone(), why };
    let label = name.split('.').next().unwrap_or_default();
    let host: HostName = label.parse().map_err(|error| fault(format!("{error}")))?;
    if addresses.is_empty() {
        return Err(fault("it has no address of type InternalIP".to_owned()));
    }
    Ok(Node { name: Some(host), addresses })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_have_their_role_by_their_label_and_are_called_by_their_first() {
        let node = |name: &str, label: &str, address: &str| {
            format!(
                r#"{{"kind":"Node","metadata":{{"name":"{name}","labels":{{"{label}":""}}}},
                    "status":{{"addresses":[{{"type":"InternalIP","address":"{address}"}}]}}}}"#
            )
        };
        let list = |nodes: &[String]| format!(r#"{{"kind":"List","items":[{}]}}"#, nodes.join(","));
        let text = list(&[
            node("master-0.ocp4.example.com", "node-role.kubernetes.io/master", "192.0.2.13"),
            node("arbiter-0", "node-role.kubernetes.io/arbiter", "192.0.2.15"),
            node("worker-0", "node-role.kubernetes.io/worker", "192.0.2.20"),
        ]);
        let read = ClusterNodes::read(text.as_bytes()).unwrap();
        assert_eq!(read.masters, ["master-0=192.0.2.13".parse().unwrap()]);
        assert_eq!(read.arbiters, ["arbiter-0=192.0.2.15".parse().unwrap()]);
        assert_eq!(read.workers, ["worker-0=192.0.2.20".parse().unwrap()]);
        let nowhere = list(&[node("master-0", "x", "fe80::1")]);
        let told = ClusterNodes::read(nowhere.as_bytes()).unwrap_err().to_string();
        assert_eq!(told, "node `master-0`: it has no address of type InternalIP");
        assert!(ClusterNodes::read(b"NAME").unwrap_err().to_string().contains("oc get nodes -o json"));
    }
}
