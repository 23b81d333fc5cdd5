//! The overlay of a zone: the records by which the served zone differs from its file.
//!
//! A record is in it while updates and the file disagree about it. One that came and went again leaves no trace.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dns::{Name, Rtype, Ttl, rdata};
use crate::zone::{Changeset, Record, Zone};

/// A record by what tells it from others: owner, type, and RDATA with its names in lower case.
pub type OverlayKey = (Name, Rtype, Box<[u8]>);

/// Records that updates changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay(BTreeMap<OverlayKey, Overlaid>);

/// A record about which updates and the file disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlaid {
    /// Its RDATA where that is not the key's: a name in it has capitals. [`Overlaid::rdata`] gives it.
    capitals: Option<Box<[u8]>>,
    /// The TTL that updates gave it; none: they removed it.
    pub updated: Option<Ttl>,
    /// The TTL that it has in the file; none: it is not there.
    pub in_file: Option<Ttl>,
    /// When it was changed, in seconds since 1970.
    pub at: u64,
    /// Who changed it.
    pub by: Arc<str>,
}

/// Records that an update deleted and that are not served, since they do not fit the file: no step tells of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The records.
    pub records: Vec<Record>,
    /// When, in seconds since 1970.
    pub at: u64,
    /// Who deleted them.
    pub by: Arc<str>,
}

impl Overlaid {
    /// The RDATA of the record, whose key this is.
    pub fn rdata<'o>(&'o self, key: &'o OverlayKey) -> &'o [u8] {
        self.capitals.as_ref().unwrap_or(&key.2)
    }
}

impl Overlay {
    /// Takes what an update deleted of records that are not served.
    pub(super) fn delete(&mut self, deleted: &Deleted) {
        for record in &deleted.records {
            self.set(record, None, None, (deleted.at, &deleted.by));
        }
    }

    /// A record that is in it.
    pub fn get(&self, key: &OverlayKey) -> Option<&Overlaid> {
        self.0.get(key)
    }

    /// Takes the changes of an update. SOA records are ignored.
    pub fn take(&mut self, changes: &Changeset, at: u64, by: &Arc<str>) {
        for record in &changes.removed {
            self.set(record, None, Some(record.ttl), (at, by));
        }
        for record in &changes.added {
            self.set(record, Some(record.ttl), None, (at, by));
        }
    }

    /// Notes that a record has this TTL now, or is gone. A record without an entry is as in the file.
    fn set(
        &mut self,
        record: &Record,
        updated: Option<Ttl>,
        unknown: Option<Ttl>,
        (at, by): (u64, &Arc<str>),
    ) {
        if record.rtype == Rtype::SOA {
            return;
        }
        let (key, capitals) = key(record.owner.clone(), record.rtype, &record.rdata);
        let in_file = self.0.get(&key).map_or(unknown, |known| known.in_file);
        if updated == in_file {
            self.0.remove(&key);
            return;
        }
        self.0.insert(key, Overlaid { capitals, updated, in_file, at, by: Arc::clone(by) });
    }

    /// Adds a record as it was read from the journal: its TTL by updates and in the file, when it was changed and by whom.
    pub(super) fn insert(
        &mut self,
        (owner, rtype, rdata): (Name, Rtype, &[u8]),
        (updated, in_file): (Option<Ttl>, Option<Ttl>),
        (at, by): (u64, Arc<str>),
    ) {
        let (key, capitals) = key(owner, rtype, rdata);
        self.0.insert(key, Overlaid { capitals, updated, in_file, at, by });
    }

    /// Compares the overlay with a changed file, and forgets what both agree about.
    pub fn rebase(&mut self, file: &Zone) {
        self.compare(file);
        self.0.retain(|_, overlaid| overlaid.in_file != overlaid.updated);
    }

    /// Compares it with a text of the file that was kept, which may be an older one: what was removed stays so, since
    /// only the file says that it has no such record any more.
    pub fn rebase_on_kept(&mut self, text: &Zone) {
        self.compare(text);
        self.0.retain(|_, overlaid| overlaid.updated.is_none() || overlaid.in_file != overlaid.updated);
    }

    fn compare(&mut self, file: &Zone) {
        for ((owner, rtype, key), overlaid) in &mut self.0 {
            overlaid.in_file = ttl_in(file, owner, *rtype, key);
        }
    }

    /// What leads from the file to what is served, but for records that `leave_out` names. TTLs are those that the
    /// records have.
    pub fn changes(&self, leave_out: impl Fn(&OverlayKey) -> bool) -> Changeset {
        let mut changes = Changeset::default();
        for (key, overlaid) in self.0.iter().filter(|(key, _)| !leave_out(key)) {
            let (owner, rtype, _) = key;
            let rdata = overlaid.rdata(key);
            let record = |ttl| Record { owner: owner.clone(), rtype: *rtype, ttl, rdata: rdata.into() };
            changes.removed.extend(overlaid.in_file.map(record));
            changes.added.extend(overlaid.updated.map(record));
        }
        changes
    }

    /// Forgets records: the file decides about them again. Returns how many.
    pub fn forget(&mut self, which: impl Fn(&OverlayKey) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(|key, _| !which(key));
        before.saturating_sub(self.0.len())
    }

    /// The records, in canonical order of their owners.
    pub fn iter(&self) -> impl Iterator<Item = (&OverlayKey, &Overlaid)> {
        self.0.iter()
    }

    /// Those of an owner and type.
    pub fn of(&self, owner: &Name, rtype: Rtype) -> impl Iterator<Item = &Overlaid> {
        let from: OverlayKey = (owner.clone(), rtype, Box::default());
        let is_same = {
            let owner = owner.clone();
            move |(key, _): &(&OverlayKey, &Overlaid)| key.0 == owner && key.1 == rtype
        };
        self.0.range(from..).take_while(is_same).map(|(_, overlaid)| overlaid)
    }

    /// How many records.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether what is served is the file.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What tells a record from others, and its RDATA if that is another one.
fn key(owner: Name, rtype: Rtype, rdata: &[u8]) -> (OverlayKey, Option<Box<[u8]>>) {
    let caseless = rdata::caseless(rtype, rdata);
    let capitals = (*caseless != *rdata).then(|| rdata.into());
    ((owner, rtype, caseless.into()), capitals)
}

/// The TTL of a record in a zone; none: it is not there.
fn ttl_in(zone: &Zone, owner: &Name, rtype: Rtype, key: &[u8]) -> Option<Ttl> {
    let rrset = zone.node(zone.find(owner.as_ref())?).rrset(rtype)?;
    let is_there = rrset.rdatas().any(|rdata| *rdata::caseless(rtype, rdata) == *key);
    is_there.then(|| rrset.ttl())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(owner: &str, ttl: u32, last: u8) -> Record {
        let ttl = Ttl::from_seconds(ttl).unwrap();
        Record { owner: owner.parse().unwrap(), rtype: Rtype::A, ttl, rdata: [192, 0, 2, last].into() }
    }

    fn told(overlay: &Overlay) -> Vec<String> {
        let changes = overlay.changes(|_| false);
        let line = |sign: char, record: &Record| {
            format!("{sign}{} {} {:?}", record.owner, record.ttl.seconds(), record.rdata.last().unwrap())
        };
        let gone = changes.removed.iter().map(|record| line('-', record));
        gone.chain(changes.added.iter().map(|record| line('+', record))).collect()
    }

    fn take(overlay: &mut Overlay, removed: &[Record], added: &[Record]) {
        overlay.take(&Changeset { removed: removed.into(), added: added.into() }, 1, &Arc::from("test"));
    }

    #[test]
    fn what_comes_and_goes_again_leaves_nothing() {
        let mut overlay = Overlay::default();
        let (mine, files) = (record("a.example.", 60, 1), record("b.example.", 60, 2));
        take(&mut overlay, &[], std::slice::from_ref(&mine));
        take(&mut overlay, std::slice::from_ref(&files), &[]);
        assert_eq!(told(&overlay), ["-b.example. 60 2", "+a.example. 60 1"]);
        take(&mut overlay, std::slice::from_ref(&mine), std::slice::from_ref(&files));
        assert!(overlay.is_empty(), "{overlay:?}");
    }

    #[test]
    fn what_was_written_in_capitals_is_given_back_so() {
        let with = |target: &str| {
            let rdata = target.parse::<Name>().unwrap().as_ref().wire().into();
            Record { rtype: Rtype::CNAME, rdata, ..record("a.example.", 60, 0) }
        };
        let mut overlay = Overlay::default();
        for (target, in_lower_case) in [("B.example.", false), ("b.example.", true)] {
            take(&mut overlay, &[], &[with(target)]);
            assert_eq!(overlay.changes(|_| false).added, [with(target)]);
            assert!(overlay.iter().all(|(_, overlaid)| overlaid.capitals.is_none() == in_lower_case));
        }
        assert_eq!(overlay.len(), 1, "it is one record");
    }

    #[test]
    fn a_ttl_is_changed_and_changed_back() {
        let mut overlay = Overlay::default();
        let with = |ttl| [record("a.example.", ttl, 1)];
        take(&mut overlay, &with(60), &with(5));
        assert_eq!(told(&overlay), ["-a.example. 60 1", "+a.example. 5 1"]);
        take(&mut overlay, &with(5), &with(7));
        assert_eq!(told(&overlay), ["-a.example. 60 1", "+a.example. 7 1"]);
        take(&mut overlay, &with(7), &[]);
        assert_eq!(told(&overlay), ["-a.example. 60 1"]);
        take(&mut overlay, &[], &with(60));
        assert!(overlay.is_empty());
    }
}
