//! An RRset after some of its records went and others came.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};

use super::changed::ChangedRrset;
use super::changeset::{Changeset, ChangesetError, Record};
use super::distinct::repetition;
use super::rrset_key::RrsetKey;
use super::rules::one_ttl;
use super::tree::Rrset;
use crate::dns::{NameRef, Ttl};
use crate::source::{Diagnostic, Diagnostics, Origin};

/// The changes of one owner.
pub(super) struct OwnerChanges<'c> {
    pub(super) owner: NameRef<'c>,
    pub(super) removed: Vec<&'c Record>,
    /// With where each comes from.
    pub(super) added: Vec<(&'c Record, &'c Origin)>,
}

/// Changes by their owners, in the order in which these are met.
pub(super) fn by_owner(changes: &[(Origin, impl Borrow<Changeset>)]) -> Vec<OwnerChanges<'_>> {
    let mut owners: Vec<OwnerChanges<'_>> = Vec::new();
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    let each = || changes.iter().map(|(origin, changes)| (origin, changes.borrow()));
    let removed = each().flat_map(|(_, changes)| &changes.removed).map(|record| (record, None));
    let added = each().flat_map(|(origin, changes)| changes.added.iter().map(move |one| (one, Some(origin))));
    for (record, origin) in removed.chain(added) {
        let owner = record.owner.as_ref();
        let place = *places.entry(owner.to_lowercase()).or_insert_with(|| {
            owners.push(OwnerChanges { owner, removed: Vec::new(), added: Vec::new() });
            owners.len() - 1
        });
        let changes = &mut owners[place];
        match origin {
            None => changes.removed.push(record),
            Some(origin) => changes.added.push((record, origin)),
        }
    }
    owners
}

impl OwnerChanges<'_> {
    /// The RRsets of its records that go or come, each once.
    pub(super) fn rrsets(&self) -> Vec<RrsetKey> {
        let added = self.added.iter().map(|(record, _)| record);
        let mut keys: Vec<RrsetKey> =
            self.removed.iter().chain(added).map(|record| record.rrset_key()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// What becomes of an RRset; none where nothing is left.
    pub(super) fn merged(
        &self,
        key: RrsetKey,
        before: Option<Rrset<'_>>,
        found: &mut Diagnostics,
    ) -> Result<Option<ChangedRrset>, ChangesetError> {
        let rtype = key.rtype;
        let is_in_it = |record: &&Record| record.rrset_key() == key;
        let removed: Vec<&Record> = self.removed.iter().copied().filter(is_in_it).collect();
        let added = self.added.iter().copied().filter(|(record, _)| is_in_it(record));
        let mut going: HashSet<&[u8]> = removed.iter().map(|record| &*record.rdata).collect();
        let mut records: Vec<(&[u8], Ttl, Origin)> = Vec::new();
        if let Some(rrset) = before {
            let stay = rrset.rdatas().zip(rrset.origins()).filter(|(rdata, _)| !going.remove(rdata));
            records.extend(stay.map(|(rdata, origin)| (rdata, rrset.ttl(), origin)));
        }
        if let Some(record) = removed.into_iter().find(|record| going.contains(&*record.rdata)) {
            return Err(ChangesetError::NotThere(record.clone()));
        }
        let mut there: HashSet<&[u8]> = records.iter().map(|(rdata, ..)| *rdata).collect();
        for (record, origin) in added {
            if !there.insert(&record.rdata) {
                return Err(ChangesetError::AlreadyThere(record.clone()));
            }
            if u16::try_from(record.rdata.len()).is_err() {
                found.push(Diagnostic::error(origin, "the record's data is longer than 65535 bytes"));
            }
            records.push((&record.rdata, record.ttl, origin.clone()));
        }
        if records.is_empty() {
            return Ok(None);
        }
        let ttl = one_ttl(records.iter().map(|(_, ttl, origin)| (*ttl, origin.clone())), found);
        let mut seen = HashMap::new();
        let mut distinct = Vec::with_capacity(records.len());
        for (rdata, _, origin) in records {
            match repetition(rtype, rdata, origin.clone(), &mut seen) {
                Some(told) => found.push(told),
                None => distinct.push((rdata.into(), origin)),
            }
        }
        Ok(ChangedRrset::of(rtype, ttl, distinct))
    }
}
