//! Changes over several versions as if they were over one (RFC 1995, section 5).
//!
//! Responsible for what comes and goes again leaving no trace. Not responsible for whether what goes is there.

use std::collections::HashMap;
use std::fmt;

use crate::dns::{Name, Rtype};
use crate::zone::{Changeset, Record};

/// What a record takes here beside its owner and its data, in bytes: two boxes, and a place in a table.
const RECORD_BYTES: u64 = 160;

/// A record by what tells it from others, its owner in lower case. Its TTL does not.
type Key = (Vec<u8>, Rtype, Box<[u8]>);

/// What leads from the first version to the last one so far.
#[derive(Default)]
pub struct Condenser {
    changes: HashMap<Key, Change>,
    bytes: u64,
}

/// What becomes of one record.
#[derive(Default)]
struct Change {
    /// It was there before, and goes.
    removed: Option<Record>,
    /// It is there in the end, and comes.
    added: Option<Record>,
}

/// Why a change is none of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// A record goes that has gone.
    Removed(Name, Rtype),
    /// A record comes that is there.
    Added(Name, Rtype),
}

impl Condenser {
    /// A record goes.
    ///
    /// # Errors
    ///
    /// When it has gone already.
    pub fn remove(&mut self, record: Record) -> Result<(), Repeated> {
        let change = self.change(&record);
        // One that has come in between was not there before, unless it had gone then.
        if change.added.take().is_some() {
            return Ok(());
        }
        if change.removed.is_some() {
            return Err(Repeated::Removed(record.owner, record.rtype));
        }
        change.removed = Some(record);
        Ok(())
    }

    /// A record comes.
    ///
    /// # Errors
    ///
    /// When it is there already.
    pub fn add(&mut self, record: Record) -> Result<(), Repeated> {
        let change = self.change(&record);
        if change.added.is_some() {
            return Err(Repeated::Added(record.owner, record.rtype));
        }
        change.added = Some(record);
        Ok(())
    }

    fn change(&mut self, record: &Record) -> &mut Change {
        let owner = record.owner.as_ref();
        let key = (owner.to_lowercase(), record.rtype, record.rdata.clone());
        let bytes = owner.wire().len().saturating_add(record.rdata.len()) as u64;
        if !self.changes.contains_key(&key) {
            // Twice: as a key, and as a record.
            self.bytes = self.bytes.saturating_add(RECORD_BYTES).saturating_add(bytes.saturating_mul(2));
        }
        self.changes.entry(key).or_default()
    }

    /// How much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The changes, what goes and what comes each in canonical order. A record that goes and comes with the TTL
    /// that it had is none. That takes a second for a million records.
    pub fn finish(self) -> Changeset {
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

impl fmt::Display for Repeated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Repeated::Removed(owner, rtype) => write!(f, "it removes a {rtype} record of `{owner}` twice"),
            Repeated::Added(owner, rtype) => write!(f, "it adds a {rtype} record of `{owner}` twice"),
        }
    }
}
