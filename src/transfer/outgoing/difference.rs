//! What leads from one version of a zone to the next, as both are sent.
//!
//! Costs a walk through both, so it is made off the loop, and only for zones that are transferred.

use std::borrow::Cow;
use std::collections::HashSet;

use super::contents::{Contents, Record};
use crate::dns::{Rtype, Ttl};
use crate::zone::{self, Changeset};

/// A record by what it says; its owner as it is written.
type Key<'z> = (&'z [u8], Rtype, Ttl, Cow<'z, [u8]>);

/// The records that go and those that come, the SOA records among them.
pub fn between(from: &Contents, to: &Contents) -> Changeset {
    let mut before: HashSet<Key<'_>> = from.records().map(key).collect();
    let mut added = Vec::new();
    for record in to.records() {
        let record = key(record);
        if !before.remove(&record) {
            added.push(owned(&record));
        }
    }
    let [old, new] = [from, to].map(|contents| contents.soa().map(|soa| owned(&key(soa))));
    let removed = old.into_iter().chain(before.iter().map(owned)).collect();
    Changeset { removed, added: new.into_iter().chain(added).collect() }
}

fn key<'z>(record: Record<'z>) -> Key<'z> {
    (record.owner.wire(), record.rtype, record.ttl, record.rdata)
}

fn owned((owner, rtype, ttl, rdata): &Key<'_>) -> zone::Record {
    // It comes out of a zone.
    let owner = crate::dns::Name::from_wire(owner).unwrap_or_else(|_| crate::dns::Name::root());
    zone::Record { owner, rtype: *rtype, ttl: *ttl, rdata: rdata.as_ref().into() }
}
