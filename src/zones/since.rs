//! What a version changed of the one that it was made from: whoever sends what has changed to other servers compares these
//! RRsets, and not two zones.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use crate::dns::{Name, Rtype};
use crate::zone::{Changeset, Zone};

/// The RRsets by which a version may differ from another one.
#[derive(Clone, Debug)]
pub struct Since {
    /// Not held: a version must not keep all those before it.
    base: Weak<Zone>,
    rrsets: Arc<BTreeSet<(Name, Rtype)>>,
}

impl Since {
    /// Of a version that was made from `base` by all of these changes.
    pub(super) fn of<'c>(base: &Arc<Zone>, changes: impl Iterator<Item = &'c Changeset>) -> Since {
        let records = changes.flat_map(|changes| changes.removed.iter().chain(&changes.added));
        let rrsets = records.map(|record| (record.owner.clone(), record.rtype)).collect();
        Since { base: Arc::downgrade(base), rrsets: Arc::new(rrsets) }
    }

    /// Of a version that was made from `base` by way of others, each of which says what it changed of the one before; none:
    /// one of them does not.
    pub(super) fn across<'v>(
        base: &Arc<Zone>,
        all: impl Iterator<Item = Option<&'v Since>>,
    ) -> Option<Since> {
        let mut rrsets = BTreeSet::new();
        for since in all {
            rrsets.extend(since?.rrsets.iter().cloned());
        }
        Some(Since { base: Arc::downgrade(base), rrsets: Arc::new(rrsets) })
    }

    /// Whether it is `zone` that the version was made from.
    pub fn is_from(&self, zone: &Arc<Zone>) -> bool {
        std::ptr::eq(self.base.as_ptr(), Arc::as_ptr(zone))
    }

    /// The owners and types.
    pub fn rrsets(&self) -> &Arc<BTreeSet<(Name, Rtype)>> {
        &self.rrsets
    }
}
