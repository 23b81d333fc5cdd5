//! What denies names, in the order of the names: the NSEC records of a zone by owner, or its NSEC3 records by hash. HOT
//! where it is read.
//!
//! Finds the record of a name, or else the one before it. Not responsible for what the keys mean: that is `denial`.
//!
//! A change copies the piece that it is in, and shares all others.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Most entries of a piece.
const PIECE_MAX: usize = 128;

/// Entries in ascending order of their keys.
#[derive(Clone, Default)]
pub(super) struct Chain {
    /// None of them is empty.
    pieces: Arc<[Arc<Piece>]>,
}

/// Some entries, side by side.
struct Piece {
    /// Where each key begins, and where its value does, which ends with the next key.
    places: Box<[(u32, u32)]>,
    bytes: Box<[u8]>,
}

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChainEntry<'c> {
    pub(super) key: &'c [u8],
    pub(super) value: &'c [u8],
}

/// An entry that is being put in.
pub(super) type OwnedEntry = (Box<[u8]>, Box<[u8]>);

/// What becomes of the entries of some keys; none: there is no such entry any more.
pub(super) type ChainChanges = BTreeMap<Box<[u8]>, Option<Box<[u8]>>>;

impl Chain {
    /// Of entries in ascending order.
    pub(super) fn new(entries: &[OwnedEntry]) -> Chain {
        let entries: Vec<ChainEntry<'_>> =
            entries.iter().map(|(key, value)| ChainEntry { key, value }).collect();
        Chain { pieces: pieces(&entries).collect() }
    }

    /// The entry of a key, or else the one before it; before the first comes the last. None where there is none at all.
    /// HOT: no allocation.
    #[inline]
    pub(super) fn at_or_before(&self, key: &[u8]) -> Option<ChainEntry<'_>> {
        let at = self.pieces.partition_point(|piece| piece.first().is_some_and(|first| first <= key));
        match at.checked_sub(1) {
            Some(at) => self.pieces.get(at)?.at_or_before(key),
            None => self.pieces.last().and_then(|piece| piece.entry(piece.places.len().checked_sub(1)?)),
        }
    }

    /// The entry of a key. HOT.
    #[inline]
    pub(super) fn get(&self, key: &[u8]) -> Option<ChainEntry<'_>> {
        self.at_or_before(key).filter(|entry| entry.key == key)
    }

    /// All entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = ChainEntry<'_>> {
        self.pieces.iter().flat_map(|piece| piece.entries())
    }

    /// The same after changes.
    #[must_use]
    pub(super) fn after(&self, changes: &ChainChanges) -> Chain {
        let mut changes = changes.iter().peekable();
        if changes.peek().is_none() {
            return self.clone();
        }
        let mut all: Vec<Arc<Piece>> = Vec::with_capacity(self.pieces.len());
        for (at, piece) in self.pieces.iter().enumerate() {
            let next = self.pieces.get(at.saturating_add(1)).and_then(|next| next.first());
            let mut own: BTreeMap<&[u8], Option<&[u8]>> = BTreeMap::new();
            while let Some((key, value)) = changes.next_if(|(key, _)| next.is_none_or(|next| &***key < next))
            {
                own.insert(key, value.as_deref());
            }
            if own.is_empty() {
                all.push(Arc::clone(piece));
            } else {
                all.extend(piece.after(own));
            }
        }
        // Only where there was nothing before.
        let rest: Vec<ChainEntry<'_>> =
            changes.filter_map(|(key, value)| Some(ChainEntry { key, value: value.as_deref()? })).collect();
        all.extend(pieces(&rest));
        Chain { pieces: all.into() }
    }

    /// Memory that it takes, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        let of = |piece: &Arc<Piece>| piece.bytes.len().saturating_add(piece.places.len().saturating_mul(8));
        self.pieces.iter().map(of).sum()
    }
}

/// Whether both hold the same, whatever pieces they are in.
impl PartialEq for Chain {
    fn eq(&self, other: &Chain) -> bool {
        self.entries().eq(other.entries())
    }
}

impl Eq for Chain {}

fn pieces<'e>(entries: &'e [ChainEntry<'_>]) -> impl Iterator<Item = Arc<Piece>> + use<'e> {
    entries.chunks(PIECE_MAX).map(Piece::new)
}

impl Piece {
    fn new(entries: &[ChainEntry<'_>]) -> Arc<Piece> {
        let mut bytes = Vec::new();
        let mut places = Vec::with_capacity(entries.len());
        for ChainEntry { key, value } in entries {
            // A key has 512 bytes at most, and a value what goes into one answer: 128 of both take 8 MiB.
            let place = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
            let key_at = place(bytes.len());
            bytes.extend_from_slice(key);
            places.push((key_at, place(bytes.len())));
            bytes.extend_from_slice(value);
        }
        Arc::new(Piece { places: places.into(), bytes: bytes.into() })
    }

    #[inline]
    fn key(&self, at: usize) -> Option<&[u8]> {
        let &(from, to) = self.places.get(at)?;
        self.bytes.get(from as usize..to as usize)
    }

    #[inline]
    fn first(&self) -> Option<&[u8]> {
        self.key(0)
    }

    #[inline]
    fn entry(&self, at: usize) -> Option<ChainEntry<'_>> {
        let &(_, from) = self.places.get(at)?;
        let to = self.places.get(at.wrapping_add(1)).map_or(self.bytes.len(), |&(next, _)| next as usize);
        Some(ChainEntry { key: self.key(at)?, value: self.bytes.get(from as usize..to)? })
    }

    fn entries(&self) -> impl Iterator<Item = ChainEntry<'_>> {
        (0..self.places.len()).filter_map(|at| self.entry(at))
    }

    /// The last entry that is not behind a key.
    #[inline]
    fn at_or_before(&self, key: &[u8]) -> Option<ChainEntry<'_>> {
        let is_before = |&(from, to): &(u32, u32)| {
            self.bytes.get(from as usize..to as usize).is_some_and(|own| own <= key)
        };
        self.entry(self.places.partition_point(is_before).checked_sub(1)?)
    }

    /// What becomes of it.
    fn after<'e>(&'e self, mut changes: BTreeMap<&'e [u8], Option<&'e [u8]>>) -> Vec<Arc<Piece>> {
        for ChainEntry { key, value } in self.entries() {
            changes.entry(key).or_insert(Some(value));
        }
        let entries: Vec<ChainEntry<'_>> =
            changes.into_iter().filter_map(|(key, value)| Some(ChainEntry { key, value: value? })).collect();
        pieces(&entries).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(number: u16) -> Box<[u8]> {
        Box::new(number.to_be_bytes())
    }

    proptest! {
        #[test]
        fn a_chain_after_changes_is_the_one_that_holds_what_is_left(
            first in prop::collection::btree_map(0..900_u16, any::<u8>(), 0..700),
            steps in prop::collection::vec(prop::collection::btree_map(0..900_u16, any::<Option<u8>>(), 0..200), 0..4),
            asked in prop::collection::vec(0..900_u16, 20),
        ) {
            let mut held = first;
            let of = |held: &BTreeMap<u16, u8>| {
                let entries: Vec<OwnedEntry> =
                    held.iter().map(|(number, value)| (key(*number), Box::from([*value]))).collect();
                Chain::new(&entries)
            };
            let mut chain = of(&held);
            for step in steps {
                let changes: ChainChanges = step
                    .iter()
                    .map(|(number, value)| (key(*number), value.map(|value| Box::from([value]))))
                    .collect();
                chain = chain.after(&changes);
                for (number, value) in step {
                    match value {
                        Some(value) => { held.insert(number, value); }
                        None => { held.remove(&number); }
                    }
                }
                prop_assert!(chain == of(&held));
            }
            for asked in asked {
                let before = held.range(..=asked).next_back().or_else(|| held.iter().next_back());
                let found = chain.at_or_before(&asked.to_be_bytes());
                prop_assert_eq!(
                    found.map(|entry| (entry.key.to_vec(), entry.value.to_vec())),
                    before.map(|(number, value)| (key(*number).to_vec(), vec![*value]))
                );
                prop_assert_eq!(chain.get(&asked.to_be_bytes()).is_some(), held.contains_key(&asked));
            }
        }
    }
}
