//! An index from owner names to nodes, at load.
//!
//! Finds a node by the hash of its name; the names themselves are compared by the caller.

use hashbrown::HashTable;

use crate::dns::NameHash;

/// Nodes by the upper half of the hash of their names: that much is kept, so that the table grows without the
/// names.
#[derive(Clone, Default)]
pub(super) struct NameIndex {
    slots: HashTable<Slot>,
}

#[derive(Clone, Copy)]
struct Slot {
    tag: u32,
    node: u32,
}

impl NameIndex {
    /// The node of that hash that `is_it` accepts.
    pub(super) fn find(&self, hash: NameHash, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let tag = tag(hash);
        let found = self.slots.find(spread(tag), |slot| slot.tag == tag && is_it(slot.node));
        found.map(|slot| slot.node)
    }

    /// Adds a node that is not there yet.
    pub(super) fn insert(&mut self, hash: NameHash, node: u32) {
        let tag = tag(hash);
        self.slots.insert_unique(spread(tag), Slot { tag, node }, |slot| spread(slot.tag));
    }
}

fn tag(hash: NameHash) -> u32 {
    // Half of 64 bits are 32.
    u32::try_from(hash.bits() >> 32).unwrap_or_default()
}

/// The table looks at both ends of a hash of 64 bits.
fn spread(tag: u32) -> u64 {
    u64::from(tag) << 32 | u64::from(tag)
}
