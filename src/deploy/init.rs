//! The first config and zones of a cluster, from its names and addresses.
//!
//! Knows what OpenShift needs in DNS: `api`, `api-int`, `*.apps`, the nodes, etcd, and the names of
//! addresses.

mod node;

mod cluster_nodes;

mod cluster;

mod named_cluster;

mod growth;

mod config_text;
mod zone_text;

use crate::delivery::File;
use named_cluster::{NamedCluster, ZONES};

pub use cluster::{Cluster, ClusterError};
pub use cluster_nodes::{ClusterNodes, ClusterNodesError};
pub use growth::{ExistingFile, ExistingSite, GrowthError, diff_with_master};
pub use node::{HostName, Node, NodeError};

/// The config file.
pub const CONFIG: &str = "edgedns.toml";

/// The files for a cluster: the config, its zone, and a reverse zone for each network that a node is in (IPv4
/// /24, IPv6 /64).
///
/// The same description makes the same bytes.
///
/// # Errors
///
/// See [`ClusterError`].
pub fn files(cluster: &Cluster) -> Result<Vec<File<'static>>, ClusterError> {
    let named = NamedCluster::of(cluster)?;
    let reverse = named.reverse_zones();
    let file = |zone: &str| format!("{ZONES}/{zone}.zone");
    let mut files = vec![
        File::of_text(CONFIG, named.config_text(reverse.keys())),
        File::of_text(file(&named.domain), named.zone_text()),
    ];
    files.extend(
        reverse.iter().map(|(zone, owners)| File::of_text(file(zone), named.reverse_text(zone, owners))),
    );
    Ok(files)
}

#[cfg(test)]
mod tests;
