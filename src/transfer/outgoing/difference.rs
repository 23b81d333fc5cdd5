//! The difference between two versions of a zone, as they are sent.
//!
//! Of the RRsets that are known to have changed, at their cost; or of all, which is a walk through both.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use super::contents::{Contents, SentRecord};
use crate::dns::{Name, Rtype, Ttl};
use crate::zone::{self, Changeset};

/// Owners and types.
pub(super) type Rrsets = BTreeSet<(Name, Rtype)>;

/// Most records that are compared where it must not take long.
const QUICK_RECORDS_MAX: usize = 4096;

/// A record by what it says; its owner as it is written.
type Key<'z> = (&'z [u8], Rtype, Ttl, Cow<'z, [u8]>);

/// The records that go and those that come, the SOA records first.
pub(super) fn between(from: &Contents, to: &Contents) -> Changeset {
    let mut changes = soas(from, to);
    compare(from.records(), to.records(), &mut changes);
    changes
}

/// The same where nothing but these RRsets has changed.
pub(super) fn between_rrsets(from: &Contents, to: &Contents, rrsets: &Rrsets) -> Changeset {
    let mut changes = soas(from, to);
    for (owner, rtype) in rrsets.iter().filter(|(_, rtype)| *rtype != Rtype::SOA) {
        compare(from.records_of(owner, *rtype), to.records_of(owner, *rtype), &mut changes);
    }
    changes
}

/// Whether it is soon known what has become of these RRsets.
pub(super) fn is_quick(from: &Contents, to: &Contents, rrsets: &Rrsets) -> bool {
    let records = |(owner, rtype): &(Name, Rtype)| {
        let of = |contents: &Contents| contents.records_of(owner, *rtype).take(QUICK_RECORDS_MAX).count();
        of(from).saturating_add(of(to)).saturating_add(1)
    };
    let mut left = QUICK_RECORDS_MAX;
    rrsets.iter().all(|rrset| match left.checked_sub(records(rrset)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    })
}

fn soas(from: &Contents, to: &Contents) -> Changeset {
    let [removed, added] = [from, to].map(|contents| contents.soa().map(|soa| owned(&key(soa))));
    Changeset { removed: removed.into_iter().collect(), added: added.into_iter().collect() }
}

fn compare<'z>(
    from: impl Iterator<Item = SentRecord<'z>>,
    to: impl Iterator<Item = SentRecord<'z>>,
    changes: &mut Changeset,
) {
    let mut before: HashSet<Key<'_>> = from.map(key).collect();
    // A record may be sent twice, as it stands and of a pool; it comes and goes once.
    let mut stays: HashSet<Key<'_>> = HashSet::new();
    for record in to {
        let record = key(record);
        if before.remove(&record) {
            stays.insert(record);
        } else if stays.insert(record.clone()) {
            changes.added.push(owned(&record));
        }
    }
    changes.removed.extend(before.iter().map(owned));
}

fn key(record: SentRecord<'_>) -> Key<'_> {
    (record.owner.wire(), record.rtype, record.ttl, record.rdata)
}

fn owned((owner, rtype, ttl, rdata): &Key<'_>) -> zone::Record {
    // It comes out of a zone.
    let owner = Name::from_wire(owner).unwrap_or_else(|_| Name::root());
    zone::Record { owner, rtype: *rtype, ttl: *ttl, rdata: rdata.as_ref().into() }
}
