//! The overlay of a zone: nodes that were added, removed or changed since the zone was built.
//!
//! A version shares with the one before whatever has not changed. `apply` makes the changes.

use std::sync::Arc;

use super::rrset_key::RrsetKey;
use super::sealed::{NodeId, NodeKind, PoolId};
use crate::dns::{Name, NameHash, NameRef, Rtype, Ttl};
use crate::shared_map::SharedMap;
use crate::source::Origin;

/// The nodes that have changed.
#[derive(Clone, Default)]
pub(super) struct Changed {
    nodes: SharedMap<(NodeId, Arc<ChangedNode>)>,
    /// Nodes that came, by the hashes of their names.
    names: SharedMap<NodeId>,
}

/// A node with all that it has now. What it still has as it was built is not held twice: a name that comes changes nothing
/// of the one above it but what lies below.
#[derive(Clone)]
pub(super) struct ChangedNode {
    /// None: as it was built.
    pub(super) name: Option<Name>,
    pub(super) kind: NodeKind,
    pub(super) parent: NodeId,
    /// A name that vanished keeps its place, in case it comes back.
    pub(super) exists: bool,
    /// The wildcard right below it.
    pub(super) wildcard: Option<NodeId>,
    /// How many names there are one label below it.
    pub(super) children: u32,
    /// Of the children that were not there at first, whether they exist or not, the one that came last.
    pub(super) last_child: Option<NodeId>,
    /// Where it was not there at first itself: the sibling that came before it.
    pub(super) sibling: Option<NodeId>,
    /// In the order of their types; none: those that it was built with.
    pub(super) rrsets: Option<Box<[Arc<ChangedRrset>]>>,
    pub(super) pools: Box<[PoolId]>,
}

/// An RRset of such a node.
#[derive(Clone)]
pub(super) struct ChangedRrset {
    pub(super) rtype: Rtype,
    pub(super) ttl: Ttl,
    /// Where the first of its records comes from.
    pub(super) origin: Origin,
    /// The same of each record; empty: all of them come from there.
    pub(super) origins: Box<[Origin]>,
    pub(super) rdatas: Box<[Box<[u8]>]>,
}

impl ChangedRrset {
    /// Of records, and where each of them comes from; none: there is no record.
    pub(super) fn of(rtype: Rtype, ttl: Ttl, records: Vec<(Box<[u8]>, Origin)>) -> Option<ChangedRrset> {
        let (rdatas, origins): (Vec<Box<[u8]>>, Vec<Origin>) = records.into_iter().unzip();
        let origin = origins.first()?.clone();
        let is_one = origins.iter().all(|other| *other == origin);
        let origins = if is_one { Box::default() } else { origins.into() };
        Some(ChangedRrset { rtype, ttl, origin, origins, rdatas: rdatas.into() })
    }

    pub(super) fn key(&self) -> RrsetKey {
        RrsetKey::of(self.rtype, self.rdatas.first().map_or(&[], |rdata| &**rdata))
    }
}

impl Changed {
    /// A node, if it has changed.
    pub(super) fn node(&self, id: NodeId) -> Option<&ChangedNode> {
        if self.nodes.is_empty() {
            return None;
        }
        self.nodes.get(u64::from(id.0), |(own, _)| *own == id).map(|(_, node)| &**node)
    }

    /// A node that came, whether it exists still or not.
    pub(super) fn find(&self, name: NameRef<'_>, hash: NameHash) -> Option<NodeId> {
        let own = |id: &NodeId| self.node(*id).and_then(|node| node.name.as_ref());
        let is_it = |id: &NodeId| own(id).is_some_and(|own| own.as_ref() == name);
        self.names.get(hash.bits(), is_it).copied()
    }

    /// Puts a node in place of what it was.
    pub(super) fn put(&mut self, id: NodeId, node: ChangedNode) {
        self.nodes.insert(u64::from(id.0), (id, Arc::new(node)), |(own, _)| *own == id);
    }

    /// Has a node found that was not there at first.
    pub(super) fn list(&mut self, hash: NameHash, id: NodeId) {
        self.names.insert(hash.bits(), id, |other| *other == id);
    }

    /// How many nodes were not there at first, whether they exist or not. Their places follow those of the others.
    pub(super) fn new_nodes(&self) -> usize {
        self.names.len()
    }

    /// How many nodes have changed.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }
}
