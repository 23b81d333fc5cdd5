//! A map of which every version is kept, at the cost of what differs between them.
//!
//! Responsible for finding values by a hash or a number of 64 bits, and for sharing what two versions have in common.
//! Not responsible for what is kept: who looks for a value says which of those of one key it is.
//!
//! ```text
//!   5 bits of the key   ┌ branch: which of 32 places are taken, and what is there ┐
//!   5 bits more         ├ branch … leaf                                           │
//!   …                   └ leaf, or values of one key side by side                 ┘
//! ```
//!
//! A hash array mapped trie (Bagwell, 2001): a change copies the branches on the way to a value, four among a million,
//! and shares all others.

use std::sync::Arc;

/// Bits of a key that choose a place in a branch.
const BITS: u32 = 5;

/// A map from keys of 64 bits to values. A clone costs nothing, and does not change with the map it was made from.
///
/// Keys are spread already: hashes, or numbers that were counted up. Maps are the same that were filled alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedMap<V> {
    root: Branch<V>,
    count: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Branch<V> {
    /// A bit for each place that is taken.
    taken: u32,
    /// What is there, in the order of the places.
    children: Arc<[Child<V>]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Child<V> {
    Branch(Branch<V>),
    Leaf(u64, V),
    /// Several values of one key.
    Alike(u64, Arc<[V]>),
}

impl<V> Default for SharedMap<V> {
    fn default() -> Self {
        Self { root: Branch { taken: 0, children: Arc::from([]) }, count: 0 }
    }
}

impl<V> SharedMap<V> {
    /// The value of a key that `is_it` accepts. HOT: no allocation, and one step per 5 bits of the key at most.
    #[inline]
    pub fn get(&self, key: u64, is_it: impl Fn(&V) -> bool) -> Option<&V> {
        let mut branch = &self.root;
        let mut rest = key;
        loop {
            let place = branch.place(rest)?;
            match branch.children.get(place)? {
                Child::Branch(below) => branch = below,
                Child::Leaf(own, value) => return Some(value).filter(|value| *own == key && is_it(value)),
                Child::Alike(own, values) => {
                    return values.iter().find(|value| *own == key && is_it(value));
                }
            }
            rest >>= BITS;
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none. HOT.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Every value, in no order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        let mut waiting: Vec<&[Child<V>]> = vec![&self.root.children];
        let mut alike: &[V] = &[];
        std::iter::from_fn(move || {
            loop {
                if let Some((first, others)) = alike.split_first() {
                    alike = others;
                    return Some(first);
                }
                let children = waiting.last_mut()?;
                let Some((child, others)) = children.split_first() else {
                    waiting.pop();
                    continue;
                };
                *children = others;
                match child {
                    Child::Branch(branch) => waiting.push(&branch.children),
                    Child::Leaf(_, value) => return Some(value),
                    Child::Alike(_, values) => alike = values,
                }
            }
        })
    }
}

impl<V: Clone> SharedMap<V> {
    /// Puts a value in, in place of the one of its key that `is_it` accepts.
    pub fn insert(&mut self, key: u64, value: V, is_it: impl Fn(&V) -> bool) {
        if self.root.insert(key, 0, value, &is_it) {
            // A value takes memory: there are fewer than addresses.
            self.count = self.count.wrapping_add(1);
        }
    }
}

impl<V> Branch<V> {
    /// Where the child for the lowest bits of `rest` is; none where there is none.
    #[inline]
    fn place(&self, rest: u64) -> Option<usize> {
        let bit = bit(rest);
        (self.taken & bit != 0).then(|| before(self.taken, bit))
    }
}

impl<V: Clone> Branch<V> {
    /// Whether the value is one more.
    fn insert(&mut self, key: u64, shift: u32, value: V, is_it: &impl Fn(&V) -> bool) -> bool {
        let bit = bit(key.checked_shr(shift).unwrap_or(0));
        let place = before(self.taken, bit);
        if self.taken & bit == 0 {
            let (front, back) = self.children.split_at(place.min(self.children.len()));
            let leaf = std::iter::once(Child::Leaf(key, value));
            self.children = front.iter().cloned().chain(leaf).chain(back.iter().cloned()).collect();
            self.taken |= bit;
            return true;
        }
        match Arc::make_mut(&mut self.children).get_mut(place) {
            Some(child) => child.insert(key, shift.saturating_add(BITS), value, is_it),
            // Each bit that is set has its child.
            None => false,
        }
    }
}

impl<V: Clone> Child<V> {
    fn insert(&mut self, key: u64, shift: u32, value: V, is_it: &impl Fn(&V) -> bool) -> bool {
        match self {
            Child::Branch(branch) => return branch.insert(key, shift, value, is_it),
            Child::Leaf(own, before) if *own == key => {
                if is_it(before) {
                    *before = value;
                    return false;
                }
                *self = Child::Alike(key, Arc::from([before.clone(), value]));
            }
            Child::Alike(own, values) if *own == key => {
                if let Some(before) = Arc::make_mut(values).iter_mut().find(|before| is_it(before)) {
                    *before = value;
                    return false;
                }
                *values = values.iter().cloned().chain([value]).collect();
            }
            Child::Leaf(own, _) | Child::Alike(own, _) => {
                let bit = bit(own.checked_shr(shift).unwrap_or(0));
                let mut branch = Branch { taken: bit, children: Arc::from([self.clone()]) };
                branch.insert(key, shift, value, is_it);
                *self = Child::Branch(branch);
            }
        }
        true
    }
}

/// The bit of the place that the lowest bits of a key choose.
#[inline]
fn bit(rest: u64) -> u32 {
    1_u32.wrapping_shl((rest & 31) as u32)
}

/// How many places are taken before one.
#[inline]
fn before(taken: u32, bit: u32) -> usize {
    (taken & bit.wrapping_sub(1)).count_ones() as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn put(map: &mut SharedMap<(u64, u32)>, key: u64, name: u32) {
        map.insert(key, (key, name), |held| held.1 == name);
    }

    proptest! {
        /// Few keys that differ in few bits, so that they meet in one branch and in one leaf.
        #[test]
        fn every_version_holds_what_was_put_in_until_then(
            puts in prop::collection::vec((0..6_u64, 0..3_u32, prop::sample::select(vec![0, 5, 10, 59, 60])), 1..80)
        ) {
            let mut map = SharedMap::default();
            let mut model = HashMap::new();
            let mut versions = Vec::new();
            for (key, name, shift) in puts {
                let key = key << shift;
                put(&mut map, key, name);
                model.insert((key, name), ());
                versions.push((map.clone(), model.clone()));
            }
            for (map, model) in versions {
                prop_assert_eq!(map.len(), model.len());
                prop_assert_eq!(map.values().count(), model.len());
                for &(key, name) in model.keys() {
                    prop_assert_eq!(map.get(key, |held| held.1 == name), Some(&(key, name)));
                    prop_assert_eq!(map.get(key, |held| held.1 == 99), None);
                    prop_assert_eq!(map.get(key ^ (1 << 63), |held| held.1 == name).is_some(), model.contains_key(&(key ^ (1 << 63), name)));
                }
            }
        }
    }
}
