//! Signs what has changed of a zone that is signed: the owners whose records are others, and those before an owner that
//! came or went in the chain, whose records of it name the next one.

use std::collections::{BTreeSet, HashSet};

use super::chain::Chain;
use super::denial_kind::DenialKind;
use super::shelf::Shelf;
use super::sign::{SignError, Signed, Signer, Signing};
use crate::dns::{Name, Rtype};
use crate::zone::{Changeset, NodeId, NodeKind, Record, Zone};

/// What is to be changed of a zone after other changes, of which `touched` are the nodes, so that it is signed again; and its
/// chain then. `chain` and the signatures in the zone are of before these changes, made with `signing` as well.
///
/// # Errors
///
/// When no signature comes of a key.
pub fn resign(
    zone: &Zone,
    touched: impl IntoIterator<Item = NodeId>,
    chain: &Chain,
    signing: &Signing,
    shelf: &mut Shelf,
) -> Result<(Changeset, Chain), SignError> {
    let mut chain = chain.clone();
    let mut affected: BTreeSet<NodeId> = BTreeSet::new();
    for id in with_non_terminals(zone, touched, signing.denial) {
        affected.insert(id);
        let (was, is) = (chain.has(zone, id), signing.denial.is_owner(zone.node(id)) && is_left(zone, id));
        match (was, is) {
            (false, true) => chain.insert(zone, id),
            (true, false) => chain.remove(zone, id),
            (true, true) | (false, false) => continue,
        }
        // The one before the place of each: those that come or go between them are touched themselves.
        affected.insert(chain.before(zone, id));
    }
    let signer = Signer::of(zone, signing, shelf)?;
    let (mut changes, mut used, mut new) = (Changeset::default(), Vec::new(), 0);
    for id in affected {
        let mut signed = Signed::default();
        if chain.has(zone, id) {
            signer.sign_owner(zone.node(id), chain.next(zone, id), &mut signed)?;
        }
        difference(zone, id, signing.denial, signed.records, &mut changes);
        used.extend(signed.used);
        new += signed.new;
    }
    shelf.add(used, new);
    Ok((changes, chain))
}

/// What is touched, and the names above that have a record of the chain while there is something below them.
fn with_non_terminals(
    zone: &Zone,
    touched: impl IntoIterator<Item = NodeId>,
    denial: DenialKind,
) -> BTreeSet<NodeId> {
    let mut all = BTreeSet::new();
    for id in touched {
        let mut node = zone.node(id);
        // What is there for the chain alone comes and goes with the node that it denies at.
        if node.kind() == NodeKind::Hashed {
            continue;
        }
        all.insert(id);
        while denial.has_empty_non_terminals() && node.id() != NodeId::APEX {
            node = node.parent();
            if !all.insert(node.id()) {
                break;
            }
        }
    }
    all
}

/// Whether there is anything at a node or below it but signatures, which go with what they sign.
fn is_left(zone: &Zone, id: NodeId) -> bool {
    let node = zone.node(id);
    node.types().any(|rtype| !rtype.is_of_signing())
        || zone.lua_libraries().iter().any(|library| library.owner.as_ref() == node.name())
        || zone.children(id).any(|child| is_left(zone, child))
}

/// Makes the signatures of a node, and of what denies there, those that were made. Records of keys stay: they change with all
/// signatures only.
fn difference(zone: &Zone, id: NodeId, denial: DenialKind, made: Vec<Record>, changes: &mut Changeset) {
    let name = zone.node(id).name();
    let mut made: Vec<Record> = made.into_iter().filter(|record| record.rtype.is_of_signing()).collect();
    let place = denial.place(zone, name).map(|(owner, _)| owner).filter(|owner| owner.as_ref() != name);
    if let Some(owner) = place {
        let (hashed, own) = made.into_iter().partition(|record| record.owner == owner);
        difference_at(zone, &owner, hashed, changes);
        made = own;
    }
    difference_at(zone, &name.to_name(), made, changes);
}

/// The same of one owner.
fn difference_at(zone: &Zone, owner: &Name, made: Vec<Record>, changes: &mut Changeset) {
    let wanted: HashSet<(Rtype, &[u8])> = made.iter().map(|record| (record.rtype, &*record.rdata)).collect();
    let mut there: HashSet<(Rtype, Box<[u8]>)> = HashSet::new();
    let node = zone.find(owner.as_ref()).map(|id| zone.node(id));
    let rrsets = node.into_iter().flat_map(|node| node.all_rrsets());
    for rrset in rrsets.filter(|rrset| rrset.rtype().is_of_signing()) {
        for rdata in rrset.rdatas() {
            if wanted.contains(&(rrset.rtype(), rdata)) {
                there.insert((rrset.rtype(), rdata.into()));
            } else {
                let (owner, rtype, ttl) = (owner.clone(), rrset.rtype(), rrset.ttl());
                changes.removed.push(Record { owner, rtype, ttl, rdata: rdata.into() });
            }
        }
    }
    let come = made.into_iter().filter(|record| !there.contains(&(record.rtype, record.rdata.clone())));
    changes.added.extend(come);
}
