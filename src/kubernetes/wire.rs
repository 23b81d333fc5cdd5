//! What an API server says, as far as it is of use here.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::selector::{ARBITER, MASTERS, Selector};

/// Most nodes or pods of a list: a pool has no more members than some hundred.
pub(super) const MEMBERS_MAX: usize = 10_000;

/// Most addresses of one node or pod that are taken.
const ADDRESSES_MAX: usize = 16;

/// Most addresses of one node or pod that are looked at: there are some of other kinds among them.
const ADDRESSES_LOOKED_AT_MAX: usize = 256;

/// Longest name of a node or pod, in bytes: it is one of DNS.
const NAME_BYTES_MAX: usize = 253;

/// Longest version, in bytes: it is a number, though nobody is to know that.
const VERSION_BYTES_MAX: usize = 64;

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
    #[serde(deserialize_with = "all_items")]
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

/// A node, a pod, a bookmark, which is a node or pod with a version and nothing else, or an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Object {
    kind: String,
    pub(super) metadata: Metadata,
    spec: Spec,
    #[serde(deserialize_with = "status")]
    status: ObjectStatus,
    message: String,
    reason: String,
    code: u16,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) resource_version: String,
    #[serde(rename = "labels", deserialize_with = "role_by_labels")]
    role: NodeRole,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    host_network: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ObjectStatus {
    #[serde(deserialize_with = "first_items")]
    addresses: Vec<NodeAddress>,
    phase: Option<String>,
    #[serde(rename = "hostIP")]
    host_ip: Option<String>,
    #[serde(rename = "hostIPs", deserialize_with = "first_items")]
    host_ips: Vec<HostIp>,
    #[serde(rename = "podIPs", deserialize_with = "first_items")]
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

/// A line of a watch.
#[derive(Debug, Deserialize)]
pub(super) struct EventLine {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) object: Object,
}

/// An error that an API server tells.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    pub(super) message: String,
    pub(super) reason: String,
    pub(super) code: u16,
}

impl From<Object> for Told {
    fn from(Object { message, reason, code, .. }: Object) -> Told {
        Told { message, reason, code }
    }
}

/// Whether a text is a version, as far as that can be said of what only the API server understands.
pub(super) fn is_version(text: &str) -> bool {
    (1..=VERSION_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a node or pod can have this name (RFC 1123, section 2.1, as Kubernetes reads it).
fn is_name(text: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_known)
}

impl Object {
    /// What it is a member as; none: it has no name, or one that Kubernetes does not give.
    pub(super) fn member(&self, selector: &Selector) -> Option<Member> {
        if !is_name(&self.metadata.name) {
            return None;
        }
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
        Some(Member { name: self.metadata.name.clone(), addresses })
    }

    /// Whether it is a pod that has ended: it is there to be looked at, and serves nobody.
    pub(super) fn has_ended(&self, selector: &Selector) -> bool {
        match selector {
            Selector::Nodes { .. } => false,
            Selector::Pods { .. } => matches!(self.status.phase.as_deref(), Some("Succeeded" | "Failed")),
        }
    }

    /// Addresses of a node within its cluster.
    fn internal(&self) -> Vec<&str> {
        let own = self.status.addresses.iter().filter(|address| address.kind == "InternalIP");
        own.map(|address| address.address.as_str()).collect()
    }

    /// Addresses of the node that a pod runs on. Of old API servers a pod on the network of its host says the second
    /// family only among its own.
    fn of_host(&self) -> Vec<&str> {
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
    /// What it is for.
    pub role: NodeRole,
}

/// What a node is for, by its labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NodeRole {
    /// It runs an API server.
    Master,
    /// It has etcd and no API server: OpenShift's two nodes with arbiter.
    Arbiter,
    /// Neither.
    #[default]
    Worker,
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
        let Member { name, addresses } =
            item.member(&selector).ok_or_else(|| format!("{:?} is no name of a node", item.metadata.name))?;
        Ok(NodeOfCluster { name, addresses, role: item.metadata.role })
    };
    page.items.iter().map(node).collect()
}

/// What becomes of items behind the most that are taken.
#[derive(Clone, Copy)]
enum Beyond {
    Refused,
    Ignored,
}

/// A list whose items take more memory than their text, and so are counted while they are read.
struct Items<T> {
    most: usize,
    beyond: Beyond,
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {} items", self.most)
    }

    /// Go writes a list that was never made as `null`.
    fn visit_unit<E: serde::de::Error>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while list.len() < self.most {
            let Some(item) = items.next_element()? else { return Ok(list) };
            list.push(item);
        }
        while items.next_element::<IgnoredAny>()?.is_some() {
            if let Beyond::Refused = self.beyond {
                return Err(A::Error::custom(format!("a list of more than {} items", self.most)));
            }
        }
        Ok(list)
    }
}

/// The nodes or pods of a page: a server that is old or under way may leave out the limit that it was asked for.
fn all_items<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let (most, beyond) = (MEMBERS_MAX, Beyond::Refused);
    deserializer.deserialize_any(Items { most, beyond, of: PhantomData })
}

/// The first addresses of a node or pod.
fn first_items<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let (most, beyond) = (ADDRESSES_LOOKED_AT_MAX, Beyond::Ignored);
    deserializer.deserialize_any(Items { most, beyond, of: PhantomData })
}

/// The status of a node or pod; an error has a word in its place.
fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectStatus, D::Error> {
    struct Status;
    impl<'de> Visitor<'de> for Status {
        type Value = ObjectStatus;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the status of a node or pod")
        }
        fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<ObjectStatus, E> {
            Ok(ObjectStatus::default())
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ObjectStatus, A::Error> {
            ObjectStatus::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_any(Status)
}

/// The role that one of the labels says; an arbiter may have the label of a master as well. No other label is of use here.
fn role_by_labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NodeRole, D::Error> {
    struct Labels;
    impl<'de> Visitor<'de> for Labels {
        type Value = NodeRole;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("labels")
        }
        fn visit_unit<E: serde::de::Error>(self) -> Result<NodeRole, E> {
            Ok(NodeRole::Worker)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut labels: A) -> Result<NodeRole, A::Error> {
            let mut role = NodeRole::Worker;
            while let Some((label, _)) = labels.next_entry::<String, IgnoredAny>()? {
                if label == ARBITER {
                    role = NodeRole::Arbiter;
                } else if MASTERS.contains(&label.as_str()) && role != NodeRole::Arbiter {
                    role = NodeRole::Master;
                }
            }
            Ok(role)
        }
    }
    deserializer.deserialize_any(Labels)
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
        let member = node.member(&nodes).unwrap();
        assert_eq!((member.name.as_str(), &member.addresses), ("master-0", &addresses), "ready or not");
        let pods = Selector::pods("openshift-ingress/a").unwrap();
        let pod = |phase: &str, network: bool| -> Vec<IpAddr> {
            let text = format!(
                r#"{{"metadata":{{"name":"router"}},"spec":{{"hostNetwork":{network}}},"status":{{"phase":"{phase}",
                    "hostIP":"192.0.2.13","podIPs":[{{"ip":"192.0.2.13"}},{{"ip":"2001:db8::13"}}]}}}}"#
            );
            serde_json::from_str::<Object>(&text).unwrap().member(&pods).unwrap().addresses
        };
        assert_eq!(pod("Running", true), addresses);
        assert_eq!(pod("Running", false), addresses[..1]);
        let waiting: Object =
            serde_json::from_str(r#"{"metadata":{"name":"router"},"status":{"phase":"Pending"}}"#).unwrap();
        assert!(waiting.member(&pods).unwrap().addresses.is_empty());
    }

    #[test]
    fn a_list_is_refused_before_it_takes_more_memory_than_its_text() {
        let page = |items: usize| {
            let text = format!(r#"{{"items":[{}{{}}]}}"#, "{},".repeat(items - 1));
            serde_json::from_str::<ListPage>(&text).map(|page| page.items.len())
        };
        assert_eq!(page(MEMBERS_MAX).unwrap(), MEMBERS_MAX);
        assert!(page(MEMBERS_MAX + 1).unwrap_err().to_string().contains("more than 10000 items"));
        assert_eq!(serde_json::from_str::<ListPage>(r#"{"items":null}"#).unwrap().items.len(), 0);
        let addresses = format!(r#"{{"status":{{"addresses":[{}{{}}]}}}}"#, "{},".repeat(9_999));
        let node: Object = serde_json::from_str(&addresses).unwrap();
        assert_eq!(node.status.addresses.len(), ADDRESSES_LOOKED_AT_MAX);
    }

    #[test]
    fn nodes_of_a_cluster_are_read_as_oc_prints_them_and_nothing_else_is() {
        let text = br#"{"apiVersion":"v1","items":[
            {"kind":"Node","metadata":{"name":"m0.example.com","labels":{"node-role.kubernetes.io/control-plane":""}},
             "status":{"addresses":[{"type":"InternalIP","address":"192.0.2.13"}]}},
            {"kind":"Node","metadata":{"name":"a0","labels":{"node-role.kubernetes.io/arbiter":""}},"status":{}},
            {"kind":"Node","metadata":{"name":"w0"},"status":{}}],"kind":"List"}"#;
        let roles: Vec<NodeRole> = nodes_of(text).unwrap().iter().map(|node| node.role).collect();
        assert_eq!(roles, [NodeRole::Master, NodeRole::Arbiter, NodeRole::Worker]);
        assert!(nodes_of(b"{}").is_err() && nodes_of(b"NAME STATUS").is_err());
        assert!(nodes_of(br#"{"items":[{"kind":"Pod"}]}"#).unwrap_err().contains("nodes are wanted"));
    }
}
