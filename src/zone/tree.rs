//! The finished zone: nodes, RRsets, pools, and how to find them.
//!
//! `builder` makes it.

use std::collections::HashMap;
use std::net::IpAddr;

use super::name_index::NameIndex;
use super::pool::Pool;
use crate::dns::{Name, NameHash, NameRef, Rtype, Ttl};
use crate::source::{Origin, OriginId, Origins};

/// A zone: immutable, complete, sound. Only [`super::Builder`] makes one.
pub struct Zone {
    pub(super) apex: Name,
    pub(super) names: Vec<u8>,
    pub(super) nodes: Vec<NodeEntry>,
    pub(super) index: NameIndex,
    pub(super) wildcards: HashMap<NodeId, NodeId>,
    pub(super) rrsets: Vec<RrsetEntry>,
    pub(super) records: Vec<RecordEntry>,
    pub(super) rdata: Vec<u8>,
    pub(super) pools: Vec<Pool>,
    /// The node of each pool; sorted.
    pub(super) pool_nodes: Vec<NodeId>,
    pub(super) libraries: Vec<LuaLibrary>,
    /// Where its RRsets come from.
    pub(super) origins: Origins,
    /// The addresses of the node that serves the zone.
    pub(super) own: Vec<IpAddr>,
}

/// Code that LUA records include: a LUA record of type LUA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LuaLibrary {
    /// The owner.
    pub owner: Name,
    /// TTL as written; nothing is answered with it.
    pub ttl: Ttl,
    /// The code, chunks joined.
    pub code: Box<str>,
}

/// The place of a node in its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(super) u32);

impl NodeId {
    /// The zone's apex.
    pub const APEX: NodeId = NodeId(0);
}

/// The place of a pool in its zone; only `zone` makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PoolId(pub(super) u32);

impl PoolId {
    /// The place in [`Zone::pools`].
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The same as a number of 32 bits.
    pub fn number(self) -> u32 {
        self.0
    }

    /// Pools are numbered in the order of their nodes.
    fn at(place: usize) -> PoolId {
        PoolId(index(place))
    }
}

/// The place of something that the builder counted when it came in, or of what is made of such things, one of
/// at least one of them.
pub(super) fn index(length: usize) -> u32 {
    // The builder refused whatever would not fit.
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// What a node is to a query at or below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Answers for itself; empty non-terminals too.
    Plain,
    /// NS below the apex: a referral (RFC 1034, section 4.2.1).
    ZoneCut,
    /// Names below are redirected (RFC 6672).
    Dname,
    /// Below a zone cut or a DNAME, hence not served; it may be glue.
    Occluded,
}

#[derive(Clone, Copy)]
pub(super) struct NodeEntry {
    pub(super) name_at: u32,
    pub(super) name_len: u8,
    pub(super) kind: Kind,
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

impl Zone {
    /// The zone's own name.
    pub fn apex(&self) -> NameRef<'_> {
        self.apex.as_ref()
    }

    /// The serial of the SOA record.
    pub fn serial(&self) -> u32 {
        let soa = self.node(NodeId::APEX).rrset(Rtype::SOA);
        let rdata = soa.and_then(|soa| soa.rdatas().next()).unwrap_or_default();
        let numbers = rdata.len().checked_sub(20).and_then(|at| rdata.get(at..at + 4));
        numbers.and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes)
    }

    /// How many records it holds, pools counted as one each.
    pub fn record_count(&self) -> usize {
        let lua = self.pools.iter().filter(|pool| pool.lua.is_some()).count();
        self.records.len() + lua
    }

    /// Where the RRsets of a node are.
    pub(super) fn rrsets_of(&self, id: NodeId) -> std::ops::Range<usize> {
        let from = |at: usize| self.nodes.get(at).map_or(self.rrsets.len(), |node| node.rrsets as usize);
        from(id.0 as usize)..from(id.0 as usize + 1)
    }

    /// Every node, in no order but the apex first.
    pub fn node_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        // The builder gave every node a place of 32 bits.
        (0..u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)).map(NodeId)
    }

    /// The node of a name.
    pub fn find(&self, name: NameRef<'_>) -> Option<NodeId> {
        let is_it = |node: u32| self.node(NodeId(node)).name() == name;
        self.index.find(NameHash::of(name), is_it).map(NodeId)
    }

    /// A node, to read from.
    pub fn node(&self, id: NodeId) -> Node<'_> {
        Node { zone: self, id }
    }

    /// All pools; [`PoolId`] is the place in here.
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// The code that LUA records include.
    pub fn lua_libraries(&self) -> &[LuaLibrary] {
        &self.libraries
    }

    /// The node next to the apex that hides this one: a zone cut or DNAME above it.
    pub fn covering(&self, id: NodeId) -> Option<NodeId> {
        let mut covering = None;
        let mut at = id;
        while at != NodeId::APEX {
            at = self.nodes[at.0 as usize].parent;
            let node = self.node(at);
            let cut = at != NodeId::APEX && node.rrset(Rtype::NS).is_some();
            if cut || node.rrset(Rtype::DNAME).is_some() {
                covering = Some(at);
            }
        }
        covering
    }

    /// Every plain record in canonical order (RFC 4034, section 6), the SOA first. RRsets that became pools
    /// by guarding are among them; LUA records are not, they are in [`Zone::pools`].
    pub fn records(&self) -> impl Iterator<Item = (NameRef<'_>, Rtype, Ttl, &[u8])> {
        let mut order: Vec<NodeId> = self.node_ids().collect();
        order.sort_by(|a, b| self.node(*a).name().cmp(&self.node(*b).name()));
        order.into_iter().flat_map(move |id| {
            let node = self.node(id);
            let (soa, rest): (Vec<_>, Vec<_>) = node.all_rrsets().partition(|set| set.rtype() == Rtype::SOA);
            soa.into_iter().chain(rest).flat_map(move |set| {
                let mut rdatas: Vec<&[u8]> = set.rdatas().collect();
                rdatas.sort_unstable();
                rdatas.into_iter().map(move |rdata| (node.name(), set.rtype(), set.ttl(), rdata))
            })
        })
    }
}

/// A node, to read from.
#[derive(Clone, Copy)]
pub struct Node<'z> {
    zone: &'z Zone,
    id: NodeId,
}

impl<'z> Node<'z> {
    /// Its place.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// The owner name, in the case it was first written.
    pub fn name(self) -> NameRef<'z> {
        let entry = self.entry();
        let wire = &self.zone.names[entry.name_at as usize..][..usize::from(entry.name_len)];
        NameRef::split_from(wire).map_or(NameRef::ROOT, |(name, _)| name)
    }

    /// What it is to a query.
    pub fn kind(self) -> Kind {
        self.entry().kind
    }

    /// The node one label up; the apex is its own.
    pub fn parent(self) -> Node<'z> {
        Node { zone: self.zone, id: self.entry().parent }
    }

    /// The wildcard right below it (RFC 4592, section 3.3.1).
    pub fn wildcard(self) -> Option<Node<'z>> {
        self.zone.wildcards.get(&self.id).map(|&id| Node { zone: self.zone, id })
    }

    /// The RRset of a type; also if it is guarded, so ask [`Node::pools`] first.
    pub fn rrset(self, rtype: Rtype) -> Option<Rrset<'z>> {
        self.all_rrsets().find(|rrset| rrset.rtype() == rtype)
    }

    /// The RRsets that are answered as they stand: all but the guarded ones.
    pub fn rrsets(self) -> impl Iterator<Item = Rrset<'z>> {
        let pools: &'z [Pool] = &self.zone.pools;
        let guarded = move |rtype| {
            self.pools().any(|id| pools[id.index()].rtype == rtype && pools[id.index()].lua.is_none())
        };
        self.all_rrsets().filter(move |rrset| !guarded(rrset.rtype()))
    }

    /// The pools of this node.
    pub fn pools(self) -> impl Iterator<Item = PoolId> + use<'z> {
        let nodes = &self.zone.pool_nodes;
        let from = if nodes.is_empty() { 0 } else { nodes.partition_point(|node| *node < self.id) };
        let to = from + nodes[from..].iter().take_while(|node| **node == self.id).count();
        (from..to).map(PoolId::at)
    }

    /// The pools of this node for one type.
    pub fn pools_of(self, rtype: Rtype) -> impl Iterator<Item = PoolId> + use<'z> {
        let zone = self.zone;
        self.pools().filter(move |id| zone.pools[id.index()].rtype == rtype)
    }

    /// Where its CNAME record, or a pool of such, comes from.
    pub fn alias(self) -> Option<Origin> {
        let pool = || self.pools_of(Rtype::CNAME).next().map(|id| self.zone.pools[id.index()].origin.clone());
        self.rrset(Rtype::CNAME).map(Rrset::origin).or_else(pool)
    }

    /// Where the first of its records comes from; none where there is none.
    pub fn first_origin(self) -> Option<Origin> {
        let pool = || self.pools().next().map(|id| self.zone.pools[id.index()].origin.clone());
        self.all_rrsets().next().map(Rrset::origin).or_else(pool)
    }

    /// The types that exist at this node, pools included, each once.
    pub fn types(self) -> impl Iterator<Item = Rtype> + use<'z> {
        let zone = self.zone;
        let mut types: Vec<Rtype> = self.all_rrsets().map(Rrset::rtype).collect();
        types.extend(self.pools().map(|id| zone.pools[id.index()].rtype));
        types.sort_unstable();
        types.dedup();
        types.into_iter()
    }

    /// All its RRsets, guarded ones too.
    pub fn all_rrsets(self) -> impl Iterator<Item = Rrset<'z>> + use<'z> {
        let zone = self.zone;
        zone.rrsets_of(self.id).map(move |at| Rrset { zone, at })
    }

    fn entry(self) -> &'z NodeEntry {
        &self.zone.nodes[self.id.0 as usize]
    }
}

/// The records of one owner and type, to read from.
#[derive(Clone, Copy)]
pub struct Rrset<'z> {
    zone: &'z Zone,
    at: usize,
}

impl<'z> Rrset<'z> {
    /// Its type.
    pub fn rtype(self) -> Rtype {
        self.entry().rtype
    }

    /// Its TTL: the lowest of its records'.
    pub fn ttl(self) -> Ttl {
        self.entry().ttl
    }

    /// Where its first record comes from.
    pub fn origin(self) -> Origin {
        self.zone.origins.get(self.entry().origin)
    }

    /// The RDATA of its records, uncompressed, in the order of the file.
    pub fn rdatas(self) -> impl ExactSizeIterator<Item = &'z [u8]> + use<'z> {
        let zone = self.zone;
        let end = zone.rrsets.get(self.at + 1).map_or(zone.records.len(), |next| next.records as usize);
        let records = &zone.records[self.entry().records as usize..end];
        records.iter().map(|record| &zone.rdata[record.at as usize..][..usize::from(record.len)])
    }

    fn entry(self) -> &'z RrsetEntry {
        &self.zone.rrsets[self.at]
    }
}
