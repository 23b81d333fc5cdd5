//! The zone: nodes, RRsets, pools, and how to find them.
//!
//! Reads a zone, with changes or without. `builder` and `apply` make one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use super::changed::{Changed, ChangedNode, ChangedRrset};
use super::family::Family;
use super::pool::Pool;
use super::rrset_key::{RrsetKey, covered};
use super::sealed::{NodeId, NodeKind, PoolId, RecordEntry, Sealed};
use crate::dns::{Name, NameHash, NameRef, Rtype, Ttl};
use crate::source::Origin;

/// A zone: immutable, complete, sound. [`super::Builder`] makes one, and [`super::Changeset`] the next one of it: that
/// shares with the one before all that has not changed.
#[derive(Clone)]
pub struct Zone {
    pub(super) apex: Name,
    /// What there was at first.
    pub(super) sealed: Arc<Sealed>,
    /// What is otherwise now.
    pub(super) changed: Changed,
    /// Which names are below a node, for zones that are going to change.
    pub(super) family: Option<Arc<Family>>,
    /// How many plain records there are.
    pub(super) records: usize,
    /// Memory that they and their names take, in bytes, as a limit counts it.
    pub(super) bytes: u64,
    pub(super) pools: Arc<Vec<Arc<Pool>>>,
    pub(super) guarded: Arc<Guarded>,
    pub(super) libraries: Arc<[LuaLibrary]>,
    /// The addresses of the node that serves the zone.
    pub(super) own: Arc<[IpAddr]>,
    /// Whether it is signed here, and not by whom it comes from.
    pub(super) is_signed_here: bool,
}

/// What of a zone is guarded, or tested elsewhere: what a change of it makes anew.
#[derive(Default)]
pub(super) struct Guarded {
    /// The places of the guardings of each owner that has some.
    pub(super) by_node: HashMap<NodeId, Vec<usize>>,
    /// Whether records are guarded by the addresses of their targets.
    pub(super) tests_targets: bool,
    /// Whether members of LUA records are tested at the addresses of a name.
    pub(super) tests_names: bool,
    /// Whether hosts are members by their names.
    pub(super) has_hosts: bool,
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
        self.records + lua
    }

    /// Every node, in no order but the apex first.
    pub fn node_ids(&self) -> impl Iterator<Item = NodeId> {
        self.nodes().map(Node::id)
    }

    /// The same to read from.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        // Every node was given a place of 32 bits.
        let places = u32::try_from(self.places()).unwrap_or(u32::MAX);
        (0..places).map(|place| self.node(NodeId(place))).filter(|node| node.exists())
    }

    /// How many nodes there are, those that vanished included.
    pub(super) fn places(&self) -> usize {
        self.sealed.nodes.len() + self.changed.new_nodes()
    }

    /// The node of a name.
    pub fn find(&self, name: NameRef<'_>) -> Option<NodeId> {
        self.place(name, NameHash::of(name)).filter(|id| self.node(*id).exists())
    }

    /// The place of a name, which may have vanished from it.
    pub(super) fn place(&self, name: NameRef<'_>, hash: NameHash) -> Option<NodeId> {
        self.sealed.find(name, hash).or_else(|| self.changed.find(name, hash))
    }

    /// A node, to read from.
    pub fn node(&self, id: NodeId) -> Node<'_> {
        Node { zone: self, id, changed: self.changed.node(id) }
    }

    /// All pools; [`PoolId`] is the place in here.
    pub fn pools(&self) -> &[Arc<Pool>] {
        &self.pools
    }

    /// The same, to be kept.
    pub fn shared_pools(&self) -> Arc<Vec<Arc<Pool>>> {
        Arc::clone(&self.pools)
    }

    /// The code that LUA records include.
    pub fn lua_libraries(&self) -> &[LuaLibrary] {
        &self.libraries
    }

    /// The LUA records, of pools and of libraries: owner, the type that is answered, TTL and code.
    pub fn lua_records(&self) -> impl Iterator<Item = (NameRef<'_>, Rtype, Ttl, &str)> {
        let pools = self
            .pools
            .iter()
            .filter_map(|pool| Some((pool.owner.as_ref(), pool.rtype, pool.ttl, pool.lua.as_deref()?)));
        let libraries = self.libraries.iter();
        pools.chain(libraries.map(|one| (one.owner.as_ref(), Rtype::LUA, one.ttl, &*one.code)))
    }

    /// The node next to the apex that hides this one: a zone cut or DNAME above it.
    pub fn covering(&self, id: NodeId) -> Option<NodeId> {
        let mut covering = None;
        let mut node = self.node(id);
        while node.id != NodeId::APEX {
            node = node.parent();
            if node.covers().is_some() {
                covering = Some(node.id);
            }
        }
        covering
    }

    /// What a node is to a query, as its records and those above it have it.
    pub(super) fn kind_of(&self, id: NodeId) -> NodeKind {
        match self.covering(id) {
            // A DNAME at the apex hides no hashes: they are what denies at it.
            None | Some(NodeId::APEX) if self.node(id).is_hashed() => NodeKind::Hashed,
            Some(_) => NodeKind::Occluded,
            None => self.node(id).covers().unwrap_or(NodeKind::Plain),
        }
    }

    /// The TTL of negative answers: the SOA record's, or the last number in it if that is less (RFC 2308, section 5; of NSEC
    /// records RFC 9077, section 3.2).
    pub fn negative_ttl(&self) -> Ttl {
        let Some(soa) = self.node(NodeId::APEX).rrset(Rtype::SOA) else { return Ttl::default() };
        let minimum = soa.rdatas().next().and_then(|rdata| rdata.last_chunk::<4>());
        let minimum = minimum.map_or(0, |bytes| u32::from_be_bytes(*bytes));
        Ttl::from_seconds(minimum).map_or(soa.ttl(), |minimum| minimum.min(soa.ttl()))
    }

    /// Whether it is signed: its apex has keys and signatures.
    pub fn is_signed(&self) -> bool {
        let apex = self.node(NodeId::APEX);
        apex.rrset(Rtype::DNSKEY).is_some() && apex.rrset(Rtype::RRSIG).is_some()
    }

    /// The node of a name that is one to a query: none for the owner of NSEC3 records.
    pub fn find_served(&self, name: NameRef<'_>) -> Option<NodeId> {
        self.find(name).filter(|id| self.node(*id).kind() != NodeKind::Hashed)
    }

    /// Every plain record in canonical order (RFC 4034, section 6), the SOA
    /// first. RRsets that became pools by guarding are among them; LUA
    /// records are not, they are in [`Zone::pools`].
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
    /// What it is now, if it has changed.
    changed: Option<&'z ChangedNode>,
}

impl<'z> Node<'z> {
    /// Its place.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// The owner name, in the case it was first written.
    pub fn name(self) -> NameRef<'z> {
        match self.changed.and_then(|node| node.name.as_ref()) {
            Some(name) => name.as_ref(),
            None => self.zone.sealed.name(self.id),
        }
    }

    /// What it is to a query.
    pub fn kind(self) -> NodeKind {
        let sealed = || self.zone.sealed.node(self.id).map_or(NodeKind::Plain, |node| node.kind);
        self.changed.map_or_else(sealed, |node| node.kind)
    }

    /// Whether there is such a name: false for one that vanished.
    pub fn exists(self) -> bool {
        self.changed.is_none_or(|node| node.exists)
    }

    /// What it makes of the names below it, be they hidden by another node or not: those of a zone cut or of a DNAME.
    pub(super) fn covers(self) -> Option<NodeKind> {
        if self.id != NodeId::APEX && self.rrset(Rtype::NS).is_some() {
            return Some(NodeKind::ZoneCut);
        }
        self.rrset(Rtype::DNAME).map(|_| NodeKind::Dname)
    }

    /// Whether it is the owner of NSEC3 records, and of nothing that is answered.
    fn is_hashed(self) -> bool {
        let mut types = self.all_rrsets().map(Rrset::rtype);
        self.rrset(Rtype::NSEC3).is_some() && types.all(Rtype::is_of_signing) && self.pools().next().is_none()
    }

    /// Whether it answers for the names below it: a zone cut or a DNAME, hidden by another or not.
    pub fn is_covering(self) -> bool {
        self.covers().is_some()
    }

    /// The node one label up; the apex is its own.
    pub fn parent(self) -> Node<'z> {
        let sealed = || self.zone.sealed.node(self.id).map_or(NodeId::APEX, |node| node.parent);
        self.zone.node(self.changed.map_or_else(sealed, |node| node.parent))
    }

    /// The wildcard right below it (RFC 4592, section 3.3.1).
    pub fn wildcard(self) -> Option<Node<'z>> {
        let sealed = || self.zone.sealed.wildcards.get(&self.id).copied();
        self.changed.map_or_else(sealed, |node| node.wildcard).map(|id| self.zone.node(id))
    }

    /// The RRset of a type; also if it is guarded, so ask [`Node::pools`] first.
    pub fn rrset(self, rtype: Rtype) -> Option<Rrset<'z>> {
        self.all_rrsets().find(|rrset| rrset.rtype() == rtype)
    }

    /// The RRset that records like others belong to.
    pub(super) fn rrset_of(self, key: RrsetKey) -> Option<Rrset<'z>> {
        self.all_rrsets().find(|rrset| rrset.key() == key)
    }

    /// The signatures that cover the RRset of a type.
    pub fn signatures(self, covers: Rtype) -> Option<Rrset<'z>> {
        self.rrset_of(RrsetKey::signatures(covers))
    }

    /// The RRsets that are answered as they stand: all but the guarded ones.
    pub fn rrsets(self) -> impl Iterator<Item = Rrset<'z>> {
        let pools: &'z [Arc<Pool>] = &self.zone.pools;
        let guarded = move |rtype| {
            self.pools().any(|id| pools[id.index()].rtype == rtype && pools[id.index()].lua.is_none())
        };
        self.all_rrsets().filter(move |rrset| !guarded(rrset.rtype()))
    }

    /// The pools of this node.
    pub fn pools(self) -> impl Iterator<Item = PoolId> + use<'z> {
        let sealed = if self.changed.is_none() { self.zone.sealed.pools_of(self.id) } else { 0..0 };
        let changed: &'z [PoolId] = self.changed.map_or(&[], |node| &node.pools);
        sealed.map(PoolId::at).chain(changed.iter().copied())
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
    pub fn all_rrsets(self) -> Rrsets<'z> {
        let sealed = &*self.zone.sealed;
        match self.changed.and_then(|node| node.rrsets.as_deref()) {
            Some(own) => Rrsets(RrsetsSource::Changed(own.iter())),
            None => Rrsets(RrsetsSource::Sealed(sealed, sealed.rrsets_of(self.id))),
        }
    }

    /// The same as something that can change.
    pub(super) fn changed(self) -> Option<&'z ChangedNode> {
        self.changed
    }
}

/// The RRsets of a node, one after the other. None by default.
#[derive(Clone)]
pub struct Rrsets<'z>(RrsetsSource<'z>);

#[derive(Clone)]
enum RrsetsSource<'z> {
    /// At these places.
    Sealed(&'z Sealed, Range<usize>),
    Changed(std::slice::Iter<'z, Arc<ChangedRrset>>),
}

impl Default for Rrsets<'_> {
    fn default() -> Self {
        Self(RrsetsSource::Changed([].iter()))
    }
}

impl<'z> Iterator for Rrsets<'z> {
    type Item = Rrset<'z>;

    fn next(&mut self) -> Option<Rrset<'z>> {
        match &mut self.0 {
            RrsetsSource::Sealed(sealed, places) => {
                places.next().map(|at| Rrset(RrsetSource::Sealed(sealed, at)))
            }
            RrsetsSource::Changed(rrsets) => rrsets.next().map(|rrset| Rrset(RrsetSource::Changed(rrset))),
        }
    }
}

/// The records of one owner and type, to read from.
#[derive(Clone, Copy)]
pub struct Rrset<'z>(RrsetSource<'z>);

#[derive(Clone, Copy)]
enum RrsetSource<'z> {
    /// At a place.
    Sealed(&'z Sealed, usize),
    Changed(&'z Arc<ChangedRrset>),
}

impl<'z> Rrset<'z> {
    /// Its type.
    pub fn rtype(self) -> Rtype {
        match self.0 {
            RrsetSource::Sealed(sealed, at) => sealed.rrsets[at].rtype,
            RrsetSource::Changed(rrset) => rrset.rtype,
        }
    }

    /// What its signatures cover; none where it has no signatures. Those of one owner that cover different types are
    /// different RRsets.
    pub fn covered(self) -> Option<Rtype> {
        let rtype = self.rtype();
        self.rdatas().next().and_then(|rdata| covered(rtype, rdata))
    }

    pub(super) fn key(self) -> RrsetKey {
        RrsetKey::of(self.rtype(), self.rdatas().next().unwrap_or_default())
    }

    /// Its TTL: the lowest of its records'.
    pub fn ttl(self) -> Ttl {
        match self.0 {
            RrsetSource::Sealed(sealed, at) => sealed.rrsets[at].ttl,
            RrsetSource::Changed(rrset) => rrset.ttl,
        }
    }

    /// Where its first record comes from.
    pub fn origin(self) -> Origin {
        match self.0 {
            RrsetSource::Sealed(sealed, at) => sealed.origins.get(sealed.rrsets[at].origin),
            RrsetSource::Changed(rrset) => rrset.origin.clone(),
        }
    }

    /// The RDATA of its records, uncompressed, in the order of the file.
    pub fn rdatas(self) -> Rdatas<'z> {
        Rdatas(match self.0 {
            RrsetSource::Sealed(sealed, at) => RdatasSource::Sealed(sealed, sealed.records_of(at).iter()),
            RrsetSource::Changed(rrset) => RdatasSource::Changed(rrset.rdatas.iter()),
        })
    }

    /// Where each of its records comes from, in the same order. Those of one text share the place of the first.
    pub fn origins(self) -> impl Iterator<Item = Origin> + use<'z> {
        (0..self.rdatas().len()).map(move |record| match self.0 {
            RrsetSource::Sealed(sealed, at) => sealed.origins.get(sealed.origin_of(at, record)),
            RrsetSource::Changed(rrset) => rrset.origins.get(record).unwrap_or(&rrset.origin).clone(),
        })
    }

    /// The same to be shared; none where it has no record.
    pub(super) fn to_changed(self) -> Option<Arc<ChangedRrset>> {
        match self.0 {
            RrsetSource::Changed(rrset) => Some(Arc::clone(rrset)),
            RrsetSource::Sealed(..) => {
                let records = self.rdatas().map(Into::into).zip(self.origins()).collect();
                ChangedRrset::of(self.rtype(), self.ttl(), records).map(Arc::new)
            }
        }
    }
}

/// The RDATA of an RRset's records, one after the other. None by default.
#[derive(Clone)]
pub struct Rdatas<'z>(RdatasSource<'z>);

#[derive(Clone)]
enum RdatasSource<'z> {
    Sealed(&'z Sealed, std::slice::Iter<'z, RecordEntry>),
    Changed(std::slice::Iter<'z, Box<[u8]>>),
}

impl Default for Rdatas<'_> {
    fn default() -> Self {
        Self(RdatasSource::Changed([].iter()))
    }
}

impl<'z> Iterator for Rdatas<'z> {
    type Item = &'z [u8];

    fn next(&mut self) -> Option<&'z [u8]> {
        match &mut self.0 {
            RdatasSource::Sealed(sealed, records) => records.next().map(|record| sealed.rdata(*record)),
            RdatasSource::Changed(rdatas) => rdatas.next().map(|rdata| &**rdata),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            RdatasSource::Sealed(_, records) => records.size_hint(),
            RdatasSource::Changed(rdatas) => rdatas.size_hint(),
        }
    }
}

impl ExactSizeIterator for Rdatas<'_> {}
