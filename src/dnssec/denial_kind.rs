//! How a zone that is signed here proves that there is no such name or type: one row for each way.

use super::nsec;
use super::nsec3::{self, OptOut};
use super::nsec3_hash::HASH_BYTES;
use crate::dns::{Name, NameRef, OrderKey, Rtype, Ttl};
use crate::zone::{Node, NodeId, Zone};

/// By which records a zone denies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DenialKind {
    /// NSEC records (RFC 4034, section 4): whoever asks can list all names.
    #[default]
    Nsec,
    /// NSEC3 records (RFC 5155), with no salt and names hashed once (RFC 9276).
    Nsec3,
    /// The same without one for each delegation that has no DS records (RFC 5155, section 6).
    Nsec3OptOut,
}

/// The place of a name in a chain.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for one comparison: a box would be an allocation for each"
)]
pub(super) enum ChainKey {
    Name(OrderKey),
    Hash([u8; HASH_BYTES]),
}

impl ChainKey {
    /// The bytes to compare.
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            ChainKey::Name(key) => key.as_bytes(),
            ChainKey::Hash(hash) => hash,
        }
    }
}

/// A record that denies, or says that others do.
pub(super) struct DenialRecord {
    pub(super) owner: Name,
    pub(super) rtype: Rtype,
    pub(super) rdata: Vec<u8>,
}

impl DenialKind {
    /// All of them.
    pub const ALL: [DenialKind; 3] = [DenialKind::Nsec, DenialKind::Nsec3, DenialKind::Nsec3OptOut];

    /// How the config says it.
    pub fn name(self) -> &'static str {
        match self {
            DenialKind::Nsec => "nsec",
            DenialKind::Nsec3 => "nsec3",
            DenialKind::Nsec3OptOut => "nsec3-opt-out",
        }
    }

    /// Whether it hashes, and passes over delegations.
    fn hashing(self) -> Option<OptOut> {
        match self {
            DenialKind::Nsec => None,
            DenialKind::Nsec3 => Some(OptOut::No),
            DenialKind::Nsec3OptOut => Some(OptOut::Yes),
        }
    }

    /// Whether a node has a record of the chain.
    pub(super) fn is_owner(self, node: Node<'_>) -> bool {
        match self.hashing() {
            None => nsec::is_owner(node),
            Some(opt_out) => nsec3::is_owner(node, opt_out),
        }
    }

    /// Whether names that have no records have one: those come and go with what is below them.
    pub(super) fn has_empty_non_terminals(self) -> bool {
        self.hashing().is_some()
    }

    /// Where a name is in the chain.
    pub(super) fn key(self, name: NameRef<'_>) -> ChainKey {
        match self.hashing() {
            None => ChainKey::Name(OrderKey::of(name)),
            Some(_) => ChainKey::Hash(nsec3::hash(name)),
        }
    }

    /// The owners of a zone in the order of the chain.
    pub(super) fn owners(self, zone: &Zone) -> Vec<NodeId> {
        let mut keys = Vec::new();
        let mut owners: Vec<(NodeId, usize, usize)> = Vec::new();
        for id in zone.node_ids().filter(|id| self.is_owner(zone.node(*id))) {
            let from = keys.len();
            keys.extend_from_slice(self.key(zone.node(id).name()).as_bytes());
            owners.push((id, from, keys.len()));
        }
        let key = |(_, from, to): &(NodeId, usize, usize)| keys.get(*from..*to).unwrap_or_default();
        owners.sort_unstable_by(|one, other| key(one).cmp(key(other)));
        owners.into_iter().map(|(id, _, _)| id).collect()
    }

    /// What denies at a node, of which the name behind in the chain and the types are given; none where a hash does not fit
    /// before the apex.
    pub(super) fn record(
        self,
        zone: &Zone,
        node: Node<'_>,
        next: NodeId,
        types: Vec<Rtype>,
    ) -> Option<DenialRecord> {
        let next = zone.node(next).name();
        let rdata = match self.hashing() {
            None => nsec::nsec(next, types),
            Some(opt_out) => nsec3::nsec3(next, opt_out, nsec3::types(node, types)),
        };
        let (owner, rtype) = self.place(zone, node.name())?;
        Some(DenialRecord { owner, rtype, rdata })
    }

    /// The record of a node in a signed zone without one of the types that are answered there, and its TTL.
    pub(super) fn record_without(
        self,
        zone: &Zone,
        node: Node<'_>,
        rtype: Rtype,
    ) -> Option<(DenialRecord, Ttl)> {
        let types = nsec::types(node).into_iter().filter(|other| *other != rtype).collect();
        let (owner, rtype) = self.place(zone, node.name())?;
        let own = zone.node(zone.find(owner.as_ref())?).rrset(rtype)?;
        let rdata = own.rdatas().next()?;
        let rdata = match self.hashing() {
            None => nsec::nsec(NameRef::split_from(rdata).ok()?.0, types),
            Some(_) => nsec3::with_types(rdata, nsec3::types(node, types))?,
        };
        Some((DenialRecord { owner, rtype, rdata }, own.ttl()))
    }

    /// Under which name, and by which type, there is what denies at a name.
    pub(super) fn place(self, zone: &Zone, name: NameRef<'_>) -> Option<(Name, Rtype)> {
        match self.hashing() {
            None => Some((name.to_name(), Rtype::NSEC)),
            Some(_) => Some((nsec3::owner(zone.apex(), name)?, Rtype::NSEC3)),
        }
    }

    /// RDATA of the record at the apex that says how names are hashed.
    pub(super) fn parameters(self, node: Node<'_>) -> Option<Vec<u8>> {
        self.hashing().filter(|_| node.id() == NodeId::APEX).map(|_| nsec3::parameters().to_vec())
    }
}
