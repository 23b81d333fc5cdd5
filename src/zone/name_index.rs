//! An index from owner names to nodes while a zone is put together.
//!
//! Responsible for finding a node by the hash of its name.
//! Not responsible for the names themselves: the caller compares.

use crate::dns::NameHash;

/// Open addressing with linear probing, at most half full. A slot holds the
/// upper half of the hash and the node; growing needs no names.
#[derive(Default)]
pub(super) struct NameIndex {
    slots: Vec<Option<(u32, u32)>>,
    used: usize,
}

impl NameIndex {
    /// The node of that hash that `is_it` accepts.
    pub(super) fn find(&self, hash: NameHash, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let tag = tag(hash);
        let mut at = self.start(tag)?;
        while let Some((found, node)) = self.slots[at] {
            if found == tag && is_it(node) {
                return Some(node);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        None
    }

    /// Adds a node that is not there yet.
    pub(super) fn insert(&mut self, hash: NameHash, node: u32) {
        if self.used * 2 >= self.slots.len() {
            let bigger = vec![None; (self.slots.len() * 2).max(64)];
            let old = std::mem::replace(&mut self.slots, bigger);
            old.into_iter().flatten().for_each(|(tag, node)| self.place(tag, node));
        }
        self.place(tag(hash), node);
        self.used += 1;
    }

    fn place(&mut self, tag: u32, node: u32) {
        let Some(mut at) = self.start(tag) else { return };
        while self.slots[at].is_some() {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = Some((tag, node));
    }

    fn start(&self, tag: u32) -> Option<usize> {
        (!self.slots.is_empty()).then(|| tag as usize & (self.slots.len() - 1))
    }
}

fn tag(hash: NameHash) -> u32 {
    // Half of 64 bits are 32.
    u32::try_from(hash.bits() >> 32).unwrap_or_default()
}
