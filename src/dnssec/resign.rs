//! Signs what has changed of a zone that is signed: the owners whose records are others, and those before an owner that
//! came or went, whose NSEC records name the next one.

use std::collections::{BTreeSet, HashSet};

use super::chain::Chain;
use super::nsec::is_owner;
use super::shelf::Shelf;
use super::sign::{SignError, Signed, Signer, Signing};
use crate::dns::Rtype;
use crate::zone::{Changeset, NodeId, Record, Zone};

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
    for id in touched {
        affected.insert(id);
        let (was, is) = (chain.has(zone, id), is_owner(zone.node(id)));
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
        difference(zone, id, signed.records, &mut changes);
        used.extend(signed.used);
        new += signed.new;
    }
    shelf.add(used, new);
    Ok((changes, chain))
}

/// Makes the signatures of a node those that were made. Records of keys stay: they change with all signatures only.
fn difference(zone: &Zone, id: NodeId, made: Vec<Record>, changes: &mut Changeset) {
    let node = zone.node(id);
    let made: Vec<Record> = made.into_iter().filter(|record| record.rtype.is_of_signing()).collect();
    let wanted: HashSet<(Rtype, &[u8])> = made.iter().map(|record| (record.rtype, &*record.rdata)).collect();
    let mut there: HashSet<(Rtype, Box<[u8]>)> = HashSet::new();
    for rrset in node.all_rrsets().filter(|rrset| rrset.rtype().is_of_signing()) {
        for rdata in rrset.rdatas() {
            if wanted.contains(&(rrset.rtype(), rdata)) {
                there.insert((rrset.rtype(), rdata.into()));
            } else {
                let (owner, rtype, ttl) = (node.name().to_name(), rrset.rtype(), rrset.ttl());
                changes.removed.push(Record { owner, rtype, ttl, rdata: rdata.into() });
            }
        }
    }
    let come = made.into_iter().filter(|record| !there.contains(&(record.rtype, record.rdata.clone())));
    changes.added.extend(come);
}
