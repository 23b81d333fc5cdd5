//! What an API server says, as far as it is of use here.

use std::net::IpAddr;

use serde::Deserialize;

use super::selector::{MASTERS, Selector};

/// Most addresses of one node or pod that are taken.
const ADDRESSES_MAX: usize = 16;

/// A node or a pod that is a member of pools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Where it is, in the order in which the cluster says so; empty: that is not known yet.
    pub addresses: Vec<IpAddr>,
}

/// A page of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListPage {
    pub(super) metadata: ListMeta,
    pub(super) items: Vec<Object>,
}

/// Where a list stands.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListMeta {
    pub(super) resource_version: String,
    #[serde(rename = "continue")]
    pub(super) more: String,
}

/// A node, a pod, or a bookmark, which is a node or pod with a version and nothing else.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Object {
    kind: String,
    pub(super) metadata: Metadata,
    spec: Spec,
    status: ObjectStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) resource_version: String,
    labels: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    host_network: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ObjectStatus {
    addresses: Vec<NodeAddress>,
    phase: Option<String>,
    #[serde(rename = "hostIP")]
    host_ip: Option<String>,
    #[serde(rename = "hostIPs")]
    host_ips: Vec<HostIp>,
    #[serde(rename = "podIPs")]
    pod_ips: Vec<HostIp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeAddress {
    #[serde(rename = "type")]
    kind: String,
    address: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct HostIp {
    ip: String,
}

/// A line of a watch. What its object is depends on its type.
#[derive(Debug, Deserialize)]
pub(super) struct EventLine {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) object: serde_json::Value,
}

/// An error that an API server tells.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    pub(super) message: String,
    pub(super) reason: String,
    pub(super) code: u16,
}

impl Object {
    /// What it is a member as.
    pub(super) fn member(&self, selector: &Selector) -> Member {
        let texts: Vec<&str> = match selector {
            Selector::Nodes { .. } => self.internal(),
            Selector::Pods { .. } => self.of_host(),
        };
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in texts.into_iter().filter_map(|text| text.parse().ok()).filter(is_of_a_host) {
            if !addresses.contains(&address) && addresses.len() < ADDRESSES_MAX {
                addresses.push(address);
            }
        }
        Member { name: self.metadata.name.clone(), addresses }
    }

    /// Addresses of a node within its cluster.
    fn internal(&self) -> Vec<&str> {
        let own = self.status.addresses.iter().filter(|address| address.kind == "InternalIP");
        own.map(|address| address.address.as_str()).collect()
    }

    /// Addresses of the node that a pod runs on; none of one that has ended. Of old API servers a pod on the network of
    /// its host says the second family only among its own.
    fn of_host(&self) -> Vec<&str> {
        if matches!(self.status.phase.as_deref(), Some("Succeeded" | "Failed")) {
            return Vec::new();
        }
        let own = self.status.pod_ips.iter().filter(|_| self.spec.host_network);
        let all = self.status.host_ips.iter().chain(own).map(|one| one.ip.as_str());
        self.status.host_ip.as_deref().into_iter().chain(all).collect()
    }
}

/// Whether a host can have an address: others have no place in an answer.
fn is_of_a_host(address: &IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(address.is_unspecified() || address.is_multicast() || is_link_local)
}

/// A node of a cluster, as `oc get nodes -o json` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeOfCluster {
    /// Its name, which may have dots.
    pub name: String,
    /// Its addresses within the cluster.
    pub addresses: Vec<IpAddr>,
    /// Whether it runs an API server.
    pub is_master: bool,
}

/// The nodes in the output of `oc get nodes -o json`, in its order.
///
/// # Errors
///
/// When it is something else.
pub fn nodes_of(text: &[u8]) -> Result<Vec<NodeOfCluster>, String> {
    let page: ListPage = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if page.items.is_empty() {
        return Err("it has no nodes".to_owned());
    }
    if let Some(other) = page.items.iter().find(|item| item.kind != "Node") {
        return Err(format!("it has a {:?}, where nodes are wanted", other.kind));
    }
    let selector = Selector::Nodes { labels: String::new() };
    let node = |item: &Object| {
        let Member { name, addresses } = item.member(&selector);
        let is_master = MASTERS.iter().any(|label| item.metadata.labels.contains_key(*label));
        NodeOfCluster { name, addresses, is_master }
    };
    Ok(page.items.iter().map(node).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_the_addresses_of_nodes_and_of_what_pods_run_on() {
        let nodes = Selector::nodes("a").unwrap();
        let node: Object = serde_json::from_str(
            r#"{"kind":"Node","metadata":{"name":"master-0","labels":{"x":""}},"status":{"addresses":[
                {"type":"InternalIP","address":"192.0.2.13"},{"type":"Hostname","address":"192.0.2.99"},
                {"type":"InternalIP","address":"2001:db8::13"},{"type":"InternalIP","address":"fe80::1"}],
                "conditions":[{"type":"Ready","status":"False"}]}}"#,
        )
        .unwrap();
        let addresses: Vec<IpAddr> = vec!["192.0.2.13".parse().unwrap(), "2001:db8::13".parse().unwrap()];
        let member = node.member(&nodes);
        assert_eq!((member.name.as_str(), &member.addresses), ("master-0", &addresses), "ready or not");
        let pods = Selector::pods("openshift-ingress/a").unwrap();
        let pod = |phase: &str, network: bool| -> Vec<IpAddr> {
            let text = format!(
                r#"{{"metadata":{{"name":"router"}},"spec":{{"hostNetwork":{network}}},"status":{{"phase":"{phase}",
                    "hostIP":"192.0.2.13","podIPs":[{{"ip":"192.0.2.13"}},{{"ip":"2001:db8::13"}}]}}}}"#
            );
            serde_json::from_str::<Object>(&text).unwrap().member(&pods).addresses
        };
        assert_eq!(pod("Running", true), addresses);
        assert_eq!(pod("Running", false), addresses[..1]);
        assert!(pod("Failed", true).is_empty());
        let waiting: Object = serde_json::from_str(r#"{"status":{"phase":"Pending"}}"#).unwrap();
        assert!(waiting.member(&pods).addresses.is_empty());
    }

    #[test]
    fn nodes_of_a_cluster_are_read_as_oc_prints_them_and_nothing_else_is() {
        let text = br#"{"apiVersion":"v1","items":[
            {"kind":"Node","metadata":{"name":"m0.example.com","labels":{"node-role.kubernetes.io/control-plane":""}},
             "status":{"addresses":[{"type":"InternalIP","address":"192.0.2.13"}]}},
            {"kind":"Node","metadata":{"name":"w0"},"status":{}}],"kind":"List"}"#;
        let nodes = nodes_of(text).unwrap();
        assert_eq!((nodes.len(), nodes[0].is_master, nodes[1].is_master), (2, true, false));
        assert!(nodes_of(b"{}").is_err() && nodes_of(b"NAME STATUS").is_err());
        assert!(nodes_of(br#"{"items":[{"kind":"Pod"}]}"#).unwrap_err().contains("nodes are wanted"));
    }
}
