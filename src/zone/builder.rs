//! A zone that is being put together from records, in whatever order they come.
//!
//! Makes the name tree and groups records into RRsets. Not responsible for the rules between records: that is
//! `rules`.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::apexes::Apexes;
use super::budget::{Budget, COPIES, MemoryLimit, NAME_BYTES, RECORD_BYTES, name_memory, record_memory};
use super::changed::Changed;
use super::distinct::repetition;
use super::guarding::{Guarding, HostAddress};
use super::hosts::Wanted;
use super::member::Member;
use super::name_index::NameIndex;
use super::pool::Pool;
use super::rrset_key::RrsetKey;
use super::sealed::{NodeEntry, NodeId, NodeKind, RecordEntry, RrsetEntry, Sealed, index};
use super::tested::{address_of, type_of};
use super::tree::{LuaLibrary, Zone};
use crate::dns::{Name, NameHash, NameRef, Rtype, Ttl};
use crate::source::{Diagnostic, Diagnostics, Origin, OriginId, Origins, Severity};

/// A zone that is being put together.
///
/// Records may come in any order; the tree (empty non-terminals included) grows with them.
/// [`Builder::finish`] groups, checks and freezes.
pub struct Builder {
    apex: Name,
    origin: Origin,
    origins: Origins,
    names: Vec<u8>,
    nodes: Vec<NodeEntry>,
    index: NameIndex,
    wildcards: HashMap<NodeId, NodeId>,
    records: Vec<Collected>,
    rdata: Vec<u8>,
    pools: Vec<(NodeId, Pool)>,
    guardings: Vec<Guarding>,
    own: Vec<IpAddr>,
    is_signed_here: bool,
    apexes: Arc<Apexes>,
    libraries: Vec<LuaLibrary>,
    keyless: KeylessSignatures,
    last: Option<NodeId>,
    /// The parent of the owner that was new last: a name beside it is likely to follow.
    last_parent: (NodeId, NameHash),
    /// Largest place that is given out, in bytes of names and of record data and in numbers of nodes, records
    /// and pools: they are 32 bits wide.
    pub(super) place_max: u32,
    budget: Budget,
}

/// One record as it came.
#[derive(Clone, Copy)]
struct Collected {
    node: NodeId,
    rtype: Rtype,
    rdata_len: u16,
    rdata_at: u32,
    ttl: Ttl,
    origin: OriginId,
}

/// What becomes of signatures that come without the keys of their zone: nobody can tell whether they are right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeylessSignatures {
    /// They are left out, with a warning: the zone is served unsigned.
    #[default]
    LeftOut,
    /// They are left out: the zone is signed anew.
    Renewed,
    /// They are an error: what is served of the zone is signed.
    Refused,
}

impl Builder {
    /// A zone without records. `origin` is where the operator named it, or what it is made from: where faults
    /// are that no record has (no SOA at all).
    pub fn new(apex: Name, origin: impl Into<Origin>) -> Self {
        let origin = origin.into();
        let mut builder = Self {
            apex,
            origin: origin.clone(),
            origins: Origins::default(),
            names: Vec::new(),
            nodes: Vec::new(),
            index: NameIndex::default(),
            wildcards: HashMap::new(),
            records: Vec::new(),
            rdata: Vec::new(),
            pools: Vec::new(),
            guardings: Vec::new(),
            own: Vec::new(),
            is_signed_here: false,
            apexes: Arc::default(),
            libraries: Vec::new(),
            keyless: KeylessSignatures::default(),
            last: None,
            last_parent: (NodeId::APEX, NameHash::ROOT),
            place_max: u32::MAX,
            budget: Budget::default(),
        };
        let apex = builder.apex.clone();
        let hash = NameHash::of(apex.as_ref());
        builder.last_parent = (NodeId::APEX, hash);
        // The first of everything: there is room for it.
        let _ = builder.insert(apex.as_ref(), hash, NodeId::APEX, &origin);
        builder
    }

    /// The zone's own name.
    pub fn apex(&self) -> NameRef<'_> {
        self.apex.as_ref()
    }

    /// Limits the memory of what is taken in from now on; none: it is not limited.
    pub fn set_memory_limit(&mut self, limit: Option<MemoryLimit>) {
        self.budget.limit = limit;
    }

    /// More text was read, for which there may be more records.
    pub fn allow_text(&mut self, bytes: u64) {
        self.budget.allow_text(bytes);
    }

    /// Counts what somebody else keeps for this zone, before it is taken in: code, in bytes.
    ///
    /// # Errors
    ///
    /// When the zone takes too much memory.
    pub fn count_code(&mut self, bytes: u64, origin: impl Into<Origin>) -> Result<(), Diagnostic> {
        /// What is made of a byte of code: a member of a pool, with its probe, takes some 400 bytes.
        const PER_CODE_BYTE: u64 = 32;
        self.budget.count(bytes.saturating_mul(PER_CODE_BYTE).saturating_add(RECORD_BYTES));
        self.budget.check(&origin.into())
    }

    /// Whether the zone takes too much memory: nothing more is to be taken in.
    pub fn is_over_memory_limit(&self) -> bool {
        self.budget.exceeded().is_some()
    }

    /// Takes in a record of class IN. `rdata` is uncompressed wire form, `origin` in a text the record's
    /// owner (or, where that is left out, its first word).
    ///
    /// # Errors
    ///
    /// When the owner does not lie in the zone, the RDATA is longer than 65,535 bytes, the zone takes too
    /// much memory, or it holds more than places of 32 bits can name.
    pub fn add(
        &mut self,
        owner: NameRef<'_>,
        rtype: Rtype,
        ttl: Ttl,
        rdata: &[u8],
        origin: impl Into<Origin>,
    ) -> Result<(), Diagnostic> {
        let origin = &origin.into();
        let node = self.node(owner, origin)?;
        let too_long = || Diagnostic::error(origin, "the record's data is longer than 65535 bytes");
        let rdata_len = u16::try_from(rdata.len()).map_err(|_| too_long())?;
        self.budget.count(record_memory(usize::from(rdata_len)));
        self.budget.check(origin)?;
        // So that the places of RRsets, of which there are no more, fit as well.
        self.place(self.records.len(), "4294967295 records", origin)?;
        let rdata_at = self.place(self.rdata.len(), "4 GiB of record data", origin)?;
        self.rdata.extend_from_slice(rdata);
        let origin = self.origins.add(origin);
        self.records.push(Collected { node, rtype, rdata_len, rdata_at, ttl, origin });
        Ok(())
    }

    /// As [`Builder::add`], of an address that is added to those that the owner has: with their TTL, and once. Without any
    /// the TTL is the given one.
    ///
    /// # Errors
    ///
    /// As [`Builder::add`].
    pub fn add_address(
        &mut self,
        owner: NameRef<'_>,
        address: IpAddr,
        ttl: Ttl,
        origin: impl Into<Origin>,
    ) -> Result<(), Diagnostic> {
        let origin = &origin.into();
        let member = Member::at(address);
        let rtype = type_of(address);
        let node = self.node(owner, origin)?;
        let mut ttl = ttl;
        for one in self.records.iter().filter(|one| one.node == node && one.rtype == rtype) {
            let from = one.rdata_at as usize;
            if self.rdata.get(from..from + usize::from(one.rdata_len)) == Some(&*member.rdata) {
                return Ok(());
            }
            ttl = one.ttl;
        }
        self.add(owner, rtype, ttl, &member.rdata, origin)
    }

    /// Takes in a pool; several at one owner and type are answered together.
    ///
    /// # Errors
    ///
    /// When the owner does not lie in the zone.
    pub fn add_pool(&mut self, pool: Pool) -> Result<(), Diagnostic> {
        let node = self.node(pool.owner.as_ref(), &pool.origin)?;
        self.place(self.pools.len(), "4294967295 pools", &pool.origin)?;
        self.pools.push((node, pool));
        Ok(())
    }

    /// Takes in code that other records include. It is answered to nobody, but its owner exists.
    ///
    /// # Errors
    ///
    /// When the owner does not lie in the zone.
    pub fn add_lua_library(
        &mut self,
        owner: Name,
        ttl: Ttl,
        code: &str,
        origin: impl Into<Origin>,
    ) -> Result<(), Diagnostic> {
        self.node(owner.as_ref(), &origin.into())?;
        self.libraries.push(LuaLibrary { owner, ttl, code: code.into() });
        Ok(())
    }

    /// Has plain RRsets of an owner guarded by probes; looked up when all records are there.
    pub fn guard(&mut self, guarding: Guarding) {
        self.guardings.push(guarding);
    }

    /// Tells the addresses of the node that serves the zone, for pools that answer with its own first.
    pub fn set_own_addresses(&mut self, own: Vec<IpAddr>) {
        self.own = own;
    }

    /// Whoever makes it signs what its pools answer, too: signatures that come with it are not those it is served with.
    pub fn sign_here(&mut self) {
        self.is_signed_here = true;
    }

    /// It is signed by whom another zone is signed by.
    pub(super) fn set_signed_as(&mut self, zone: &Zone) {
        self.is_signed_here = zone.is_signed_here;
    }

    /// Tells the apexes of all zones that are served: names in them are not this zone's, and names that were
    /// meant to lie there are told of. They change nothing that is answered.
    pub fn set_apexes(&mut self, apexes: Arc<Apexes>) {
        self.apexes = apexes;
    }

    /// Says what becomes of signatures without keys.
    pub fn set_keyless(&mut self, keyless: KeylessSignatures) {
        self.keyless = keyless;
    }

    /// The serial is at least this one (RFC 1982), whatever the SOA record said.
    pub(super) fn raise_serial(&mut self, least: u32) {
        let soa = self.records.iter().find(|one| one.node == NodeId::APEX && one.rtype == Rtype::SOA);
        let end = soa.map(|soa| soa.rdata_at as usize + usize::from(soa.rdata_len));
        // Before the other four numbers, which end the RDATA.
        let from = end.and_then(|end| end.checked_sub(20));
        let serial = from.and_then(|from| self.rdata.get_mut(from..)?.first_chunk_mut::<4>());
        if let Some(serial) = serial {
            let ahead = least.wrapping_sub(u32::from_be_bytes(*serial));
            if (1..1 << 31).contains(&ahead) {
                *serial = least.to_be_bytes();
            }
        }
    }

    /// Owner and type of everything taken in so far.
    pub(super) fn owners(&self) -> impl Iterator<Item = (NameRef<'_>, Rtype)> {
        let records = self.records.iter().map(|record| (record.node, record.rtype));
        let all = records.chain(self.pools.iter().map(|(node, pool)| (*node, pool.rtype)));
        all.filter_map(|(node, rtype)| Some((NameRef::split_from(self.name(node)).ok()?.0, rtype)))
    }

    /// Groups the records, checks the rules between them and makes the zone. None when `found` holds an
    /// error, from here or from reading the records.
    pub fn finish(mut self, found: &mut Diagnostics) -> Option<Zone> {
        if let Some(first) = self.records.iter().position(|one| one.rtype.is_of_signing())
            && !self.is_signed()
        {
            self = self.unsigned(first, found);
        }
        self.add_members(found);
        // Files name their records owner by owner, so this is nearly sorted.
        let mut records = std::mem::take(&mut self.records);
        records.sort_by_key(|record| (record.node, self.key(record)));
        self.records = records;
        let mut zone = self.grouped(found);
        zone.mark_cuts();
        zone.level_ttls(found);
        zone.guard_all(&self.guardings, found);
        zone.look_up_tested(found);
        zone.warn_of_probes_of_nobody(found);
        zone.warn_of_passes_beyond_probes(found);
        super::rules::check(&zone, &self.origin, &self.apexes, found);
        super::rules::refuse_pools(&zone, found);
        (found.errors() == 0).then_some(zone)
    }

    /// Gives owners the addresses of the hosts that are their members: with the TTL of those of its type that an owner has,
    /// else of the first that comes, and each once.
    fn add_members(&mut self, found: &mut Diagnostics) {
        if self.guardings.iter().all(|guarding| guarding.hosts.is_empty()) {
            return;
        }
        let guardings = std::mem::take(&mut self.guardings);
        let own = self.own_addresses(&guardings);
        let at = |name: NameRef<'_>| own.get(&name.to_name()).cloned().unwrap_or_default();
        let wanted = Wanted::of(&guardings, at, found);
        let mut there: HashSet<(&Name, IpAddr)> = HashSet::new();
        let mut ttl_of: HashMap<(&Name, Rtype), Ttl> = HashMap::new();
        for (owner, HostAddress { address, ttl }) in
            own.iter().flat_map(|(name, own)| own.iter().map(move |one| (name, one)))
        {
            there.insert((owner, *address));
            ttl_of.insert((owner, type_of(*address)), *ttl);
        }
        for (owner, host, HostAddress { address, ttl }) in wanted.addresses {
            if there.insert((owner, address)) {
                let (member, rtype) = (Member::at(address), type_of(address));
                let ttl = *ttl_of.entry((owner, rtype)).or_insert(ttl);
                let origin = host.origin_of_members();
                found.extend(self.add(owner.as_ref(), rtype, ttl, &member.rdata, origin).err());
            }
        }
        self.guardings = guardings;
    }

    /// The addresses in records of the names that have members by name, or are some: all of them in one pass, however many
    /// there are.
    fn own_addresses(&self, guardings: &[Guarding]) -> HashMap<Name, Vec<HostAddress>> {
        let with_hosts = guardings.iter().filter(|guarding| !guarding.hosts.is_empty());
        let names = with_hosts
            .flat_map(|one| std::iter::once(&one.owner).chain(one.hosts.iter().map(|host| &host.name)));
        let node = |name: &Name| {
            let is_it = |node: u32| self.name(NodeId(node)).eq_ignore_ascii_case(name.as_ref().wire());
            self.index.find(NameHash::of(name.as_ref()), is_it).map(NodeId)
        };
        let mut at: HashMap<NodeId, (&Name, Vec<HostAddress>)> =
            names.filter_map(|name| Some((node(name)?, (name, Vec::new())))).collect();
        for one in &self.records {
            let Some((_, addresses)) = at.get_mut(&one.node) else { continue };
            let rdata = self.rdata.get(one.rdata_at as usize..).unwrap_or_default();
            let address =
                rdata.get(..usize::from(one.rdata_len)).and_then(|rdata| address_of(one.rtype, rdata));
            addresses.extend(address.map(|address| HostAddress { address, ttl: one.ttl }));
        }
        at.into_values().map(|(name, addresses)| (name.clone(), addresses)).collect()
    }

    /// Finds the records that there are so far, but for those of pools.
    pub fn lookups(&self) -> Lookups<'_> {
        Lookups { builder: self, by_owner: OnceCell::new() }
    }

    /// Whether the apex has keys and signatures.
    fn is_signed(&self) -> bool {
        let has = |rtype| self.records.iter().any(|one| one.node == NodeId::APEX && one.rtype == rtype);
        has(Rtype::DNSKEY) && has(Rtype::RRSIG)
    }

    /// The same without signatures and denials, of which the first is at a place, and without names that only they
    /// stand at.
    fn unsigned(mut self, first: usize, found: &mut Diagnostics) -> Builder {
        let count = self.records.iter().filter(|one| one.rtype.is_of_signing()).count();
        let told = match self.keyless {
            KeylessSignatures::LeftOut => Some((Severity::Warning, "it is served unsigned")),
            KeylessSignatures::Renewed => None,
            KeylessSignatures::Refused => Some((
                Severity::Error,
                "it would be served unsigned, and the version that is served is signed",
            )),
        };
        if let (Some(first), Some((severity, what))) = (self.records.get(first), told) {
            let message = format!("this zone holds signatures without its keys: {what}");
            found.push(
                Diagnostic::new(severity, self.origins.get(first.origin), message)
                    .label("the first of its signatures and denials")
                    .remark(format!("records of type RRSIG, NSEC, NSEC3 and NSEC3PARAM left out: {count}"))
                    .help(
                        "sign it with its DNSKEY records at the apex; or remove the DS records of this zone at its \
                         parent, for validators will refuse it",
                    ),
            );
        }
        let mut plain = Builder::new(self.apex.clone(), self.origin.clone());
        plain.place_max = self.place_max;
        for one in self.records.iter().filter(|one| !one.rtype.is_of_signing()) {
            let Ok((owner, _)) = NameRef::split_from(self.name(one.node)) else { continue };
            let rdata = &self.rdata[one.rdata_at as usize..][..usize::from(one.rdata_len)];
            found.extend(plain.add(owner, one.rtype, one.ttl, rdata, self.origins.get(one.origin)).err());
        }
        for (_, pool) in std::mem::take(&mut self.pools) {
            found.extend(plain.add_pool(pool).err());
        }
        for library in std::mem::take(&mut self.libraries) {
            found.extend(plain.node(library.owner.as_ref(), &self.origin).err());
            plain.libraries.push(library);
        }
        Builder {
            guardings: self.guardings,
            own: self.own,
            is_signed_here: self.is_signed_here,
            apexes: self.apexes,
            budget: self.budget,
            ..plain
        }
    }

    /// What makes a record one of its RRset.
    fn key(&self, record: &Collected) -> RrsetKey {
        let rdata = self.rdata.get(record.rdata_at as usize..).unwrap_or_default();
        RrsetKey::of(record.rtype, rdata.get(..usize::from(record.rdata_len)).unwrap_or_default())
    }

    /// The node of an owner, made with its ancestors where it is new.
    fn node(&mut self, owner: NameRef<'_>, origin: &Origin) -> Result<NodeId, Diagnostic> {
        if let Some(last) = self.last
            && self.name(last).eq_ignore_ascii_case(owner.wire())
        {
            return Ok(last);
        }
        if !owner.is_at_or_below(self.apex.as_ref()) {
            return Err(out_of_zone(owner, self.apex.as_ref(), origin));
        }
        let node = self.find_or_insert(owner, origin)?;
        self.last = Some(node);
        Ok(node)
    }

    /// The place behind what is there already.
    fn place(&self, length: usize, most: &str, origin: &Origin) -> Result<u32, Diagnostic> {
        let place = u32::try_from(length).ok().filter(|place| *place <= self.place_max);
        place.ok_or_else(|| {
            let message = format!("the zone `{}` holds more than {most}", self.apex);
            Diagnostic::error(origin, message).help("split it: delegate a part of it to a zone of its own")
        })
    }

    fn find_or_insert(&mut self, owner: NameRef<'_>, origin: &Origin) -> Result<NodeId, Diagnostic> {
        let (last_parent, parent_hash) = self.last_parent;
        let is_last = |parent: NameRef<'_>| self.name(last_parent).eq_ignore_ascii_case(parent.wire());
        let beside = owner.parent().is_some_and(is_last);
        let hash = if beside { parent_hash.child(owner) } else { NameHash::of(owner) };
        let is_it = |node: u32| self.name(NodeId(node)).eq_ignore_ascii_case(owner.wire());
        if let Some(node) = self.index.find(hash, is_it) {
            return Ok(NodeId(node));
        }
        // The apex is there from the start, so this ends there.
        let parent = match owner.parent() {
            _ if beside => last_parent,
            Some(parent) => {
                let node = self.find_or_insert(parent, origin)?;
                self.last_parent = (node, NameHash::of(parent));
                node
            }
            None => NodeId::APEX,
        };
        let node = self.insert(owner, hash, parent, origin)?;
        if owner.is_wildcard() {
            self.wildcards.insert(parent, node);
        }
        Ok(node)
    }

    fn insert(
        &mut self,
        owner: NameRef<'_>,
        hash: NameHash,
        parent: NodeId,
        origin: &Origin,
    ) -> Result<NodeId, Diagnostic> {
        let node = NodeId(self.place(self.nodes.len(), "4294967295 names", origin)?);
        let name_at = self.place(self.names.len(), "4 GiB of names", origin)?;
        // The lowest byte says it all: a name has 255 bytes at most (RFC 1035, section 2.3.4).
        let [name_len, ..] = owner.wire().len().to_le_bytes();
        self.budget.count(name_memory(usize::from(name_len)));
        self.names.extend_from_slice(owner.wire());
        self.nodes.push(NodeEntry { name_at, name_len, kind: NodeKind::Plain, parent, rrsets: 0 });
        self.index.insert(hash, node.0);
        Ok(node)
    }

    fn name(&self, node: NodeId) -> &[u8] {
        let entry = &self.nodes[node.0 as usize];
        &self.names[entry.name_at as usize..][..usize::from(entry.name_len)]
    }

    /// Freezes the tree with its records grouped into RRsets.
    fn grouped(&mut self, found: &mut Diagnostics) -> Zone {
        let collected = std::mem::take(&mut self.records);
        let mut rrsets = Vec::with_capacity(collected.len());
        let mut records = Vec::with_capacity(collected.len());
        let mut apart = Vec::new();
        let mut nodes = std::mem::take(&mut self.nodes);
        let mut next_node = 0;
        for group in collected.chunk_by(|a, b| a.node == b.node && self.key(a) == self.key(b)) {
            let Some(first) = group.first() else { continue };
            while next_node <= first.node.0 {
                nodes[next_node as usize].rrsets = index(rrsets.len());
                next_node += 1;
            }
            let ttl =
                super::rules::one_ttl(group.iter().map(|one| (one.ttl, self.origins.get(one.origin))), found);
            let records_at = index(records.len());
            self.keep_distinct(group, &mut records, &mut apart, found);
            rrsets.push(RrsetEntry { rtype: first.rtype, ttl, origin: first.origin, records: records_at });
        }
        nodes[next_node as usize..].iter_mut().for_each(|node| node.rrsets = index(rrsets.len()));
        let record_bytes: u64 = records.iter().map(|record| record_memory(usize::from(record.len))).sum();
        let name_bytes = NAME_BYTES * nodes.len() as u64 + COPIES * self.names.len() as u64;
        let mut pools = std::mem::take(&mut self.pools);
        pools.sort_by_key(|(node, pool)| (*node, pool.rtype));
        let pools = pools.into_iter().map(|(node, pool)| (node, Arc::new(pool)));
        let (pool_nodes, pools): (_, Vec<Arc<Pool>>) = pools.unzip();
        Zone {
            apex: self.apex.clone(),
            changed: Changed::default(),
            family: None,
            records: records.len(),
            bytes: record_bytes + name_bytes,
            pools: Arc::new(pools),
            guarded: Arc::default(),
            libraries: std::mem::take(&mut self.libraries).into(),
            own: std::mem::take(&mut self.own).into(),
            is_signed_here: self.is_signed_here,
            sealed: Arc::new(Sealed {
                names: std::mem::take(&mut self.names),
                nodes,
                index: std::mem::take(&mut self.index),
                wildcards: std::mem::take(&mut self.wildcards),
                rrsets,
                records,
                rdata: std::mem::take(&mut self.rdata),
                pool_nodes,
                origins: std::mem::take(&mut self.origins),
                apart,
            }),
        }
    }

    /// Appends the records of an RRset without repetitions, which RFC 2181, section 5, forbids.
    /// Notes in `apart` where those come from that share no text or transfer with the first.
    fn keep_distinct(
        &self,
        group: &[Collected],
        records: &mut Vec<RecordEntry>,
        apart: &mut Vec<(u32, OriginId)>,
        found: &mut Diagnostics,
    ) {
        let mut seen = HashMap::new();
        for one in group {
            let rdata = &self.rdata[one.rdata_at as usize..][..usize::from(one.rdata_len)];
            let again = || repetition(one.rtype, rdata, self.origins.get(one.origin), &mut seen);
            match (group.len() > 1).then(again).flatten() {
                Some(told) => found.push(told),
                None => {
                    if group.first().is_some_and(|first| !first.origin.is_of_same(one.origin)) {
                        apart.push((index(records.len()), one.origin));
                    }
                    records.push(RecordEntry { at: one.rdata_at, len: one.rdata_len });
                }
            }
        }
    }
}

/// Records of a zone that is being built, by their owners.
pub struct Lookups<'b> {
    builder: &'b Builder,
    /// The places of all records, those of one owner beside each other; made when the first is looked for.
    by_owner: OnceCell<Vec<usize>>,
}

impl Lookups<'_> {
    /// The RDATA of an owner's records of a type, in the order in which they came.
    pub fn find(&self, owner: NameRef<'_>, rtype: Rtype) -> impl Iterator<Item = &[u8]> {
        let Builder { records, rdata, index, .. } = self.builder;
        let is_it = |node: u32| self.builder.name(NodeId(node)).eq_ignore_ascii_case(owner.wire());
        let node = index.find(NameHash::of(owner), is_it).map(NodeId);
        let places = self.by_owner.get_or_init(|| {
            let mut places: Vec<usize> = (0..records.len()).collect();
            places.sort_by_key(|place| records[*place].node);
            places
        });
        let own = node.map_or(0..0, |node| {
            let from = places.partition_point(|place| records[*place].node < node);
            from..from + places[from..].partition_point(|place| records[*place].node == node)
        });
        let own = places[own].iter().map(|place| &records[*place]).filter(move |one| one.rtype == rtype);
        own.map(|one| &rdata[one.rdata_at as usize..][..usize::from(one.rdata_len)])
    }
}

/// What is told of a record outside of its zone.
///
/// PowerDNS and NSD refuse such a zone, BIND and Knot go on without the record. It is nearly always a name of
/// ours with a dot too many, or behind a wrong $ORIGIN: a name that is gone, which nobody notices while the
/// rest is answered. Refused, it is seen at once, and what was served last goes on being served.
pub(super) fn out_of_zone(owner: NameRef<'_>, apex: NameRef<'_>, origin: &Origin) -> Diagnostic {
    let message = format!("`{owner}` does not lie in the zone `{apex}`");
    let help = "names that do not end in a dot are relative to $ORIGIN";
    let other =
        "a record of another zone is answered from there: remove it here, as BIND and Knot do unasked";
    Diagnostic::error(origin, message).label("out of zone").help(help).remark(other)
}

impl Zone {
    /// Finds out which nodes are zone cuts or DNAMEs, and which lie below one.
    fn mark_cuts(&mut self) {
        let kinds: Vec<NodeKind> = self.node_ids().map(|id| self.kind_of(id)).collect();
        let nodes = &mut Arc::make_mut(&mut self.sealed).nodes;
        nodes.iter_mut().zip(kinds).for_each(|(node, kind)| node.kind = kind);
    }
}

impl Zone {
    /// One TTL for each RRset, also where code chooses some of its records (RFC 2181, section 5.2).
    fn level_ttls(&mut self, found: &mut Diagnostics) {
        let mut from = 0;
        while let (Some(node), Some(first)) =
            (self.sealed.pool_nodes.get(from).copied(), self.pools.get(from))
        {
            let rtype = first.rtype;
            let is_same = |(at, pool): &(&NodeId, &Arc<Pool>)| **at == node && pool.rtype == rtype;
            let rest = self.sealed.pool_nodes.iter().zip(&*self.pools).skip(from);
            let to = from + rest.take_while(is_same).count();
            let plain = self.node(node).rrset(rtype).map(|rrset| (rrset.ttl(), rrset.origin()));
            let pools = self.pools[from..to].iter().map(|pool| (pool.ttl, pool.origin.clone()));
            let ttl = super::rules::one_ttl(plain.into_iter().chain(pools), found);
            for pool in &mut Arc::make_mut(&mut self.pools)[from..to] {
                level(Arc::make_mut(pool), ttl);
            }
            let sealed = Arc::make_mut(&mut self.sealed);
            let rrsets = sealed.rrsets_of(node);
            sealed.rrsets[rrsets].iter_mut().filter(|set| set.rtype == rtype).for_each(|set| set.ttl = ttl);
            from = to;
        }
    }
}

/// Gives a pool the TTL of its RRset.
pub(super) fn level(pool: &mut Pool, ttl: Ttl) {
    pool.ttl = ttl;
    pool.ttl_degraded = pool.ttl_degraded.min(ttl);
}
