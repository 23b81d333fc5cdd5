//! Changes over several versions as if they were over one (RFC 1995, section 5).
//!
//! Responsible for what comes and goes again leaving no trace. Not responsible for whether what goes is there.

use std::collections::HashMap;

use super::fault::TransferFault;
use crate::dns::{NameRef, Rtype, Ttl};
use crate::zone::{Changeset, Record};

/// What a record takes here beside its owner and its data, in bytes: two boxes, and a place in a table.
const RECORD_BYTES: u64 = 160;

/// A record by what tells it from others, its owner in lower case.
type Key = (Vec<u8>, Rtype, Box<[u8]>);

/// What leads from the first version to the last one so far.
pub(super) struct Condensed {
    changes: HashMap<Key, Change>,
    bytes: u64,
    bytes_max: u64,
}

/// What becomes of one record.
#[derive(Default)]
struct Change {
    /// It was there before, and goes.
    removed: Option<Record>,
    /// It is there in the end, and comes.
    added: Option<Record>,
}

impl Condensed {
    /// Nothing has changed. It may take so many bytes.
    pub(super) fn new(bytes_max: u64) -> Condensed {
        Condensed { changes: HashMap::new(), bytes: 0, bytes_max }
    }

    /// A record goes.
    pub(super) fn remove(
        &mut self,
        owner: NameRef<'_>,
        rtype: Rtype,
        ttl: Ttl,
        rdata: &[u8],
    ) -> Result<(), TransferFault> {
        let change = self.change(owner, rtype, rdata)?;
        // One that has come in between was not there before, unless it had gone then.
        if change.added.take().is_some() {
            return Ok(());
        }
        if change.removed.is_some() {
            return Err(TransferFault::Refused(format!("it removes a {rtype} record of `{owner}` twice")));
        }
        change.removed = Some(record(owner, rtype, ttl, rdata));
        Ok(())
    }

    /// A record comes.
    pub(super) fn add(
        &mut self,
        owner: NameRef<'_>,
        rtype: Rtype,
        ttl: Ttl,
        rdata: &[u8],
    ) -> Result<(), TransferFault> {
        let change = self.change(owner, rtype, rdata)?;
        if change.added.is_some() {
            return Err(TransferFault::Refused(format!("it adds a {rtype} record of `{owner}` twice")));
        }
        change.added = Some(record(owner, rtype, ttl, rdata));
        Ok(())
    }

    fn change(
        &mut self,
        owner: NameRef<'_>,
        rtype: Rtype,
        rdata: &[u8],
    ) -> Result<&mut Change, TransferFault> {
        let key = (owner.to_lowercase(), rtype, rdata.into());
        let bytes = owner.wire().len().saturating_add(rdata.len()) as u64;
        if !self.changes.contains_key(&key) {
            // Twice: as a key, and as a record.
            self.bytes = self.bytes.saturating_add(RECORD_BYTES).saturating_add(bytes.saturating_mul(2));
        }
        if self.bytes > self.bytes_max {
            return Err(TransferFault::TooLarge(self.bytes_max));
        }
        Ok(self.changes.entry(key).or_default())
    }

    /// The changes, what goes and what comes each in canonical order. A record that goes and comes with the TTL
    /// that it had is none.
    pub(super) fn finish(self) -> Changeset {
        let mut changes = Changeset::default();
        for Change { removed, added } in self.changes.into_values() {
            if let (Some(removed), Some(added)) = (&removed, &added)
                && removed.ttl == added.ttl
            {
                continue;
            }
            changes.removed.extend(removed);
            changes.added.extend(added);
        }
        for records in [&mut changes.removed, &mut changes.added] {
            records.sort_by(|a, b| (&a.owner, a.rtype, &a.rdata).cmp(&(&b.owner, b.rtype, &b.rdata)));
        }
        changes
    }
}

fn record(owner: NameRef<'_>, rtype: Rtype, ttl: Ttl, rdata: &[u8]) -> Record {
    Record { owner: owner.to_name(), rtype, ttl, rdata: rdata.into() }
}
