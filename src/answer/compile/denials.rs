//! What denies names in a zone that is compiled: its NSEC or NSEC3 records with their signatures.

#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs at load, on checked zones"
)]

use super::super::chain::{Chain, ChainChanges, OwnedEntry};
use super::super::denial::Denial;
use super::super::ownerless::put_ownerless;
use crate::dns::{NameRef, OrderKey, Rtype};
use crate::dnssec::{HASH_LETTERS, Nsec3Hash, PoolDenial, hash_in, label_of};
use crate::zone::{Node, NodeId, NodeKind, Zone};

/// How a zone denies.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Nothing,
    Nsec,
    Nsec3(Nsec3Hash),
}

/// What denies names in a zone.
pub(super) fn denial_of(zone: &Zone) -> Denial {
    let kind = kind_of(zone);
    let nodes = zone.nodes();
    let mut entries: Vec<OwnedEntry> = nodes.filter_map(|node| entry(zone, node, &kind)).collect();
    entries.sort_unstable();
    match kind {
        Kind::Nothing => Denial::Nothing,
        Kind::Nsec => Denial::Nsec(Chain::new(&entries)),
        Kind::Nsec3(hash) => Denial::Nsec3(Chain::new(&entries), hash),
    }
}

/// What denies names in a zone after some of its nodes have changed.
pub(super) fn denial_after(before: &Denial, zone: &Zone, changed: &[NodeId]) -> Denial {
    let kind = kind_of(zone);
    let (chain, is_same) = match (before, &kind) {
        (Denial::Nsec(chain), Kind::Nsec) => (chain, true),
        (Denial::Nsec3(chain, own), Kind::Nsec3(hash)) => (chain, own == hash),
        _ => return denial_of(zone),
    };
    if !is_same {
        return denial_of(zone);
    }
    let mut changes = ChainChanges::new();
    for node in changed.iter().map(|id| zone.node(*id)) {
        let Some(key) = key(zone, node.name(), &kind) else { continue };
        let now = entry(zone, node, &kind).filter(|_| node.exists()).map(|(_, value)| value);
        if now.as_deref() != chain.get(&key).map(|entry| entry.value) {
            changes.insert(key, now);
        }
    }
    let chain = chain.after(&changes);
    match kind {
        Kind::Nsec3(hash) => Denial::Nsec3(chain, hash),
        Kind::Nothing | Kind::Nsec => Denial::Nsec(chain),
    }
}

/// While a zone goes from one to the other both are there, and NSEC3PARAM says that the NSEC3 records are all there (RFC
/// 5155, sections 10.4 and 10.5). NSD and Knot go by it, too.
fn kind_of(zone: &Zone) -> Kind {
    let apex = zone.node(NodeId::APEX);
    let parameters = apex.rrset(Rtype::NSEC3PARAM);
    let hashes = parameters.into_iter().flat_map(|set| set.rdatas());
    // Flags that are not known mean that it is not to be used (RFC 5155, section 4.1.2).
    let usable = hashes.filter(|rdata| rdata.get(1) == Some(&0)).filter_map(Nsec3Hash::of_record);
    let by_nsec = || if apex.rrset(Rtype::NSEC).is_some() { Kind::Nsec } else { Kind::Nothing };
    let mut begun = usable.filter(|hash| has_apex(zone, hash));
    begun.next().map_or_else(by_nsec, Kind::Nsec3)
}

/// Whether there is an NSEC3 record of the apex that was hashed so: without, there is no chain.
fn has_apex(zone: &Zone, hash: &Nsec3Hash) -> bool {
    let wire = zone.apex().to_lowercase();
    let owner = [&[HASH_LETTERS][..], &label_of(hash.of(&[&wire])), &wire].concat();
    let node = NameRef::split_from(&owner).ok().and_then(|(owner, _)| zone.find(owner));
    let rrset = node.and_then(|id| zone.node(id).rrset(Rtype::NSEC3));
    rrset.is_some_and(|rrset| rrset.rdatas().any(|rdata| Nsec3Hash::of_record(rdata).as_ref() == Some(hash)))
}

/// The key by which a node's record is found.
fn key(zone: &Zone, name: NameRef<'_>, kind: &Kind) -> Option<Box<[u8]>> {
    match kind {
        Kind::Nothing => None,
        Kind::Nsec => {
            let count = name.label_count() - zone.apex().label_count();
            let labels: Vec<&[u8]> = name.labels().take(count).collect();
            Some(OrderKey::from_root(labels.into_iter().rev()).as_bytes().into())
        }
        Kind::Nsec3(_) => {
            let label =
                name.labels().next().filter(|_| name.label_count() == zone.apex().label_count() + 1)?;
            hash_in(label).map(Into::into)
        }
    }
}

/// The entry of a node, if it has a record that denies.
fn entry(zone: &Zone, node: Node<'_>, kind: &Kind) -> Option<OwnedEntry> {
    if node.kind() == NodeKind::Occluded {
        return None;
    }
    let rtype = if *kind == Kind::Nsec { Rtype::NSEC } else { Rtype::NSEC3 };
    let rrset = node.rrset(rtype)?;
    let key = key(zone, node.name(), kind)?;
    let mut value = value_of_owner(zone, node.name());
    let is_of_chain = |rdata: &&[u8]| match kind {
        Kind::Nsec3(hash) => Nsec3Hash::of_record(rdata).as_ref() == Some(hash),
        Kind::Nothing | Kind::Nsec => true,
    };
    let before = value.len();
    rrset.rdatas().filter(is_of_chain).for_each(|rdata| put_ownerless(rtype, rrset.ttl(), rdata, &mut value));
    if value.len() == before {
        return None;
    }
    let signatures = node.signatures(rtype).into_iter().flat_map(|signatures| signatures.rdatas());
    signatures.for_each(|rdata| put_ownerless(Rtype::RRSIG, rrset.ttl(), rdata, &mut value));
    Some((key, value.into()))
}

/// The value of an entry, which begins with its owner.
fn value_of_owner(zone: &Zone, owner: NameRef<'_>) -> Vec<u8> {
    let wire = owner.wire();
    let labels = &wire[..wire.len() - zone.apex().wire().len()];
    // A name has 255 bytes at most (RFC 1035, section 2.3.4).
    let mut value = vec![labels.len().to_le_bytes()[0]];
    value.extend_from_slice(labels);
    value
}

/// The value that stands for that of the owner of a pool while it is empty.
pub(super) fn value_of_pool(zone: &Zone, denial: &PoolDenial) -> Box<[u8]> {
    let PoolDenial { owner, rtype, ttl, rdata, signatures } = denial;
    let mut value = value_of_owner(zone, owner.as_ref());
    put_ownerless(*rtype, *ttl, rdata, &mut value);
    signatures.iter().for_each(|rdata| put_ownerless(Rtype::RRSIG, *ttl, rdata, &mut value));
    value.into()
}
