//! A zone while an update changes it.
//!
//! Holds only the RRsets that the update touches; the rest is read from the zone.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::dns::{Name, Rtype, Ttl, rdata};
use crate::zone::{Changeset, NodeId, Record, Zone};

/// A zone, and what has been done to it.
pub(super) struct Working<'z> {
    pub(super) zone: &'z Zone,
    changed: HashMap<Name, BTreeMap<Rtype, WorkingSet>>,
}

/// The records of one owner and type. Those that differ only in the case of names inside are one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WorkingSet {
    /// Of all of them; of no records it says nothing.
    pub(super) ttl: Ttl,
    /// By their RDATA in lower case.
    records: BTreeMap<Box<[u8]>, Box<[u8]>>,
}

impl WorkingSet {
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn holds(&self, rtype: Rtype, rdata: &[u8]) -> bool {
        self.records.contains_key(&*rdata::caseless(rtype, rdata))
    }

    /// Whether the records are these, in lower case.
    pub(super) fn are(&self, keys: &BTreeSet<Box<[u8]>>) -> bool {
        self.records.keys().eq(keys)
    }

    /// Adds a record; one that is there already stays as it is written.
    pub(super) fn add(&mut self, rtype: Rtype, rdata: &[u8]) {
        let key = rdata::caseless(rtype, rdata).into_owned().into_boxed_slice();
        self.records.entry(key).or_insert_with(|| rdata.into());
    }

    pub(super) fn remove(&mut self, rtype: Rtype, rdata: &[u8]) {
        self.records.remove(&*rdata::caseless(rtype, rdata));
    }

    pub(super) fn retain(&mut self, stays: impl Fn(&[u8]) -> bool) {
        self.records.retain(|_, rdata| stays(rdata));
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
    }

    fn rdatas(&self) -> impl Iterator<Item = &Box<[u8]>> {
        self.records.values()
    }
}

impl<'z> Working<'z> {
    pub(super) fn new(zone: &'z Zone) -> Self {
        Working { zone, changed: HashMap::new() }
    }

    /// The types at a name, those that a pool answers included. An empty non-terminal has none. Signatures, and what is
    /// made with them, do not count: they come and go with the others.
    pub(super) fn types(&self, owner: &Name) -> BTreeSet<Rtype> {
        let node = self.zone.find(owner.as_ref()).map(|id| self.zone.node(id));
        let mut types: BTreeSet<Rtype> = node.into_iter().flat_map(|node| node.types()).collect();
        for (rtype, set) in self.changed.get(owner).into_iter().flatten() {
            if set.is_empty() {
                types.remove(rtype);
            } else {
                types.insert(*rtype);
            }
        }
        types.retain(|rtype| !rtype.is_of_signing());
        types
    }

    /// Whether a pool answers this type there.
    pub(super) fn is_pool(&self, owner: &Name, rtype: Rtype) -> bool {
        let node = self.zone.find(owner.as_ref()).map(|id| self.zone.node(id));
        node.is_some_and(|node| node.pools_of(rtype).next().is_some())
    }

    /// The records of an owner and type as they are now.
    pub(super) fn set(&self, owner: &Name, rtype: Rtype) -> Cow<'_, WorkingSet> {
        match self.changed.get(owner).and_then(|sets| sets.get(&rtype)) {
            Some(set) => Cow::Borrowed(set),
            None => Cow::Owned(in_zone(self.zone, owner, rtype)),
        }
    }

    /// The same, to be changed.
    pub(super) fn set_mut(&mut self, owner: &Name, rtype: Rtype) -> &mut WorkingSet {
        let sets = self.changed.entry(owner.clone()).or_default();
        sets.entry(rtype).or_insert_with(|| in_zone(self.zone, owner, rtype))
    }

    /// What has changed, in the order of names and types.
    pub(super) fn into_changes(self) -> Changeset {
        let mut changes = Changeset::default();
        let zone = self.zone;
        let mut changed: Vec<(Name, BTreeMap<Rtype, WorkingSet>)> = self.changed.into_iter().collect();
        changed.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (owner, sets) in changed {
            for (rtype, after) in sets {
                let before = in_zone(zone, &owner, rtype);
                let is_other_ttl = before.ttl != after.ttl;
                let record =
                    |ttl, rdata: &[u8]| Record { owner: owner.clone(), rtype, ttl, rdata: rdata.into() };
                let gone = before
                    .records
                    .iter()
                    .filter(|(key, _)| is_other_ttl || !after.records.contains_key(*key));
                changes.removed.extend(gone.map(|(_, rdata)| record(before.ttl, rdata)));
                let come = after
                    .records
                    .iter()
                    .filter(|(key, _)| is_other_ttl || !before.records.contains_key(*key));
                changes.added.extend(come.map(|(_, rdata)| record(after.ttl, rdata)));
            }
        }
        changes
    }

    /// What has changed, and the SOA record that says so: of the next serial (RFC 2136, section 3.6). None: nothing
    /// has, and then the serial stays.
    pub(super) fn into_changes_with_serial(self) -> Option<Changeset> {
        let zone = self.zone;
        let mut changes = self.into_changes();
        if changes.removed.is_empty() && changes.added.is_empty() {
            return None;
        }
        let apex = zone.apex().to_name();
        let soa = in_zone(zone, &apex, Rtype::SOA);
        let rdata = soa.rdatas().next()?;
        let next = with_serial(rdata, next_serial(zone.serial()))?;
        let record = |rdata| Record { owner: apex.clone(), rtype: Rtype::SOA, ttl: soa.ttl, rdata };
        changes.removed.insert(0, record(rdata.clone()));
        changes.added.insert(0, record(next));
        Some(changes)
    }
}

/// The serial behind `serial` (RFC 1982, section 3.1). 0 is left out: to some secondaries it means that there is none.
pub(super) fn next_serial(serial: u32) -> u32 {
    serial.wrapping_add(1).max(1)
}

/// The RDATA of a SOA record with another serial; none where it is too short.
fn with_serial(rdata: &[u8], serial: u32) -> Option<Box<[u8]>> {
    let mut rdata: Box<[u8]> = rdata.into();
    let from = rdata.len().checked_sub(20)?;
    rdata.get_mut(from..)?.first_chunk_mut::<4>()?.copy_from_slice(&serial.to_be_bytes());
    Some(rdata)
}

/// The plain records of an owner and type in a zone; those of an RRset that is guarded, too.
fn in_zone(zone: &Zone, owner: &Name, rtype: Rtype) -> WorkingSet {
    let id: Option<NodeId> = zone.find(owner.as_ref());
    let Some(rrset) = id.and_then(|id| zone.node(id).rrset(rtype)) else { return WorkingSet::default() };
    let mut set = WorkingSet { ttl: rrset.ttl(), records: BTreeMap::new() };
    rrset.rdatas().for_each(|rdata| set.add(rtype, rdata));
    set
}
