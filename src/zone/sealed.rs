//! The contents of a zone as it was built: flat, immutable tables that take little memory per name.
//!
//! What has changed since is in `changed`.

use std::collections::HashMap;
use std::ops::Range;

use super::name_index::NameIndex;
use crate::dns::{NameHash, NameRef, Rtype, Ttl};
use crate::source::{OriginId, Origins};

/// The place of a node in its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(super) u32);

impl NodeId {
    /// The zone's apex.
    pub const APEX: NodeId = NodeId(0);

    /// The same as a number.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// The place of a pool in its zone; only `zone` makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolId(pub(super) u32);

impl PoolId {
    /// The place in [`super::Zone::pools`].
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The same as a number of 32 bits.
    pub fn number(self) -> u32 {
        self.0
    }

    /// The pool at a place.
    pub(super) fn at(place: usize) -> PoolId {
        PoolId(index(place))
    }
}

/// The place of something that the builder counted when it came in, or of what is made of such things, one of at least
/// one of them.
pub(super) fn index(length: usize) -> u32 {
    // The builder refused whatever would not fit.
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// What a node is to a query at or below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Answers for itself; empty non-terminals too.
    Plain,
    /// NS below the apex: a referral (RFC 1034, section 4.2.1).
    ZoneCut,
    /// Names below are redirected (RFC 6672).
    Dname,
    /// Below a zone cut or a DNAME, hence not served; it may be glue.
    Occluded,
    /// The owner of NSEC3 records: a hash, and no name that anybody asks for (RFC 5155, section 7.2.8).
    Hashed,
}

/// The tables. A node's RRsets lie side by side, and so do the records of an RRset.
#[derive(Clone)]
pub(super) struct Sealed {
    pub(super) names: Vec<u8>,
    pub(super) nodes: Vec<NodeEntry>,
    pub(super) index: NameIndex,
    /// Each wildcard by the node above it.
    pub(super) wildcards: HashMap<NodeId, NodeId>,
    pub(super) rrsets: Vec<RrsetEntry>,
    pub(super) records: Vec<RecordEntry>,
    pub(super) rdata: Vec<u8>,
    /// The node of each pool; sorted.
    pub(super) pool_nodes: Vec<NodeId>,
    /// Where the RRsets come from.
    pub(super) origins: Origins,
    /// Records that come from elsewhere than the first of their RRset, by their place in `records`; sorted.
    pub(super) apart: Vec<(u32, OriginId)>,
}

#[derive(Clone, Copy)]
pub(super) struct NodeEntry {
    pub(super) name_at: u32,
    pub(super) name_len: u8,
    pub(super) kind: NodeKind,
    pub(super) parent: NodeId,
    /// The first of its RRsets; the next node's first ends them.
    pub(super) rrsets: u32,
}

#[derive(Clone, Copy)]
pub(super) struct RrsetEntry {
    pub(super) rtype: Rtype,
    pub(super) ttl: Ttl,
    pub(super) origin: OriginId,
    /// The first of its records; the next RRset's first ends them.
    pub(super) records: u32,
}

#[derive(Clone, Copy)]
pub(super) struct RecordEntry {
    pub(super) at: u32,
    pub(super) len: u16,
}

impl Sealed {
    /// The node of a name.
    pub(super) fn find(&self, name: NameRef<'_>, hash: NameHash) -> Option<NodeId> {
        self.index.find(hash, |node| self.name(NodeId(node)) == name).map(NodeId)
    }

    /// A node; none where it came later.
    pub(super) fn node(&self, id: NodeId) -> Option<&NodeEntry> {
        self.nodes.get(id.0 as usize)
    }

    pub(super) fn name(&self, id: NodeId) -> NameRef<'_> {
        let wire =
            self.node(id).map(|entry| &self.names[entry.name_at as usize..][..usize::from(entry.name_len)]);
        // The builder put whole names there.
        wire.map_or(NameRef::ROOT, NameRef::of_kept)
    }

    /// Where the RRsets of a node are.
    pub(super) fn rrsets_of(&self, id: NodeId) -> Range<usize> {
        let from = |at: usize| self.nodes.get(at).map_or(self.rrsets.len(), |node| node.rrsets as usize);
        from(id.0 as usize)..from(id.0 as usize + 1)
    }

    /// The data of the records of the RRset at a place.
    pub(super) fn records_of(&self, rrset: usize) -> &[RecordEntry] {
        let end = self.rrsets.get(rrset + 1).map_or(self.records.len(), |next| next.records as usize);
        &self.records[self.rrsets[rrset].records as usize..end]
    }

    /// Where a record of the RRset at a place comes from.
    pub(super) fn origin_of(&self, rrset: usize, record: usize) -> OriginId {
        let RrsetEntry { origin, records, .. } = self.rrsets[rrset];
        let place = records as usize + record;
        let apart = self.apart.binary_search_by_key(&place, |(place, _)| *place as usize);
        apart.map_or(origin, |at| self.apart[at].1)
    }

    pub(super) fn rdata(&self, record: RecordEntry) -> &[u8] {
        &self.rdata[record.at as usize..][..usize::from(record.len)]
    }

    /// The places of the pools of a node.
    pub(super) fn pools_of(&self, id: NodeId) -> Range<usize> {
        let nodes = &self.pool_nodes;
        let from = if nodes.is_empty() { 0 } else { nodes.partition_point(|node| *node < id) };
        from..from + nodes[from..].iter().take_while(|node| **node == id).count()
    }
}
