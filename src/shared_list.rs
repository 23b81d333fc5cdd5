//! A list whose copies share what has not changed.
//!
//! Many readers hold versions of one long list, of which a change touches a place or two. Items stand in chunks behind
//! pointers: a copy is one pointer, and a changed copy costs the chunks that change and a pointer for each of the others.

use std::fmt;
use std::sync::Arc;

/// Items of a chunk. A change copies so many items, and a pointer for each chunk: of 100,000 items some 256 and 400.
const CHUNK: usize = 256;

/// Items in chunks, of which the last is filled up with what a new item begins as.
type Chunk<T> = [T; CHUNK];

/// A list whose copies share what has not changed.
#[derive(Clone)]
pub struct SharedList<T> {
    chunks: Arc<[Arc<Chunk<T>>]>,
    len: usize,
}

impl<T> SharedList<T> {
    /// How many items there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at a place. Behind the last one an item of the last chunk may be found, as it begins. HOT.
    #[inline]
    pub fn get(&self, place: usize) -> Option<&T> {
        self.chunks.get(place / CHUNK)?.get(place % CHUNK)
    }

    /// The items, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> + Clone {
        // Every place below `len` is in a chunk.
        (0..self.len).map(|place| &self.chunks[place / CHUNK][place % CHUNK])
    }

    /// The places where this list may differ from `other`: those in chunks that they do not share. An item that one of
    /// them does not have counts as what it begins as.
    pub fn unshared(&self, other: &Self) -> impl Iterator<Item = usize> + use<T> {
        let count = self.chunks.len().max(other.chunks.len());
        let is_shared = |chunk: usize| match (self.chunks.get(chunk), other.chunks.get(chunk)) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, _) | (_, None) => false,
        };
        let unshared: Vec<usize> = if self.is_same(other) {
            Vec::new()
        } else {
            (0..count).filter(|chunk| !is_shared(*chunk)).collect()
        };
        let len = self.len.max(other.len);
        unshared.into_iter().flat_map(move |chunk| chunk * CHUNK..((chunk + 1) * CHUNK).min(len))
    }

    /// Whether both are copies of one list, neither of which has changed since.
    pub fn is_same(&self, other: &Self) -> bool {
        self.len == other.len && Arc::ptr_eq(&self.chunks, &other.chunks)
    }
}

impl<T: Clone + Default> SharedList<T> {
    /// Puts an item at a place; those between the last one and it are as they begin.
    pub fn set(&mut self, place: usize, item: T) {
        self.grow(place + 1);
        let chunk = &mut Arc::make_mut(&mut self.chunks)[place / CHUNK];
        Arc::make_mut(chunk)[place % CHUNK] = item;
    }

    /// Takes the last item away.
    pub fn pop(&mut self) {
        if let Some(last) = self.len.checked_sub(1) {
            // Behind the last item, items are as they begin.
            self.set(last, T::default());
            self.len = last;
        }
    }

    fn grow(&mut self, len: usize) {
        self.len = self.len.max(len);
        if self.chunks.len() * CHUNK < len {
            let fresh = || Arc::new(std::array::from_fn(|_| T::default()));
            let more = self.chunks.len()..len.div_ceil(CHUNK);
            self.chunks = self.chunks.iter().cloned().chain(more.map(|_| fresh())).collect();
        }
    }
}

impl<T> Default for SharedList<T> {
    fn default() -> Self {
        SharedList { chunks: Arc::new([]), len: 0 }
    }
}

impl<T: Default> FromIterator<T> for SharedList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items = items.into_iter().peekable();
        let (mut chunks, mut len) = (Vec::new(), 0);
        while items.peek().is_some() {
            let mut next = || items.next().inspect(|_| len += 1).unwrap_or_default();
            chunks.push(Arc::new(std::array::from_fn(|_| next())));
        }
        SharedList { chunks: chunks.into(), len }
    }
}

impl<T: PartialEq> PartialEq for SharedList<T> {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.iter().eq(other.iter())
    }
}

impl<T: Eq> Eq for SharedList<T> {}

impl<T: fmt::Debug> fmt::Debug for SharedList<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_holds_what_a_plain_list_holds(
            begin in proptest::collection::vec(any::<u8>(), 0..3 * CHUNK),
            changes in proptest::collection::vec((0..4 * CHUNK, any::<u8>()), 0..20),
        ) {
            let (mut plain, mut shared) = (begin.clone(), begin.iter().copied().collect::<SharedList<u8>>());
            let before = shared.clone();
            for (place, item) in changes {
                plain.resize(plain.len().max(place + 1), 0);
                plain[place] = item;
                shared.set(place, item);
            }
            prop_assert!(shared.iter().eq(&plain));
            prop_assert!(before.iter().eq(&begin), "a copy never changes");
            prop_assert_eq!(shared.len(), plain.len());
            let item = |list: &[u8], place: usize| list.get(place).copied().unwrap_or_default();
            let differ = |place: &usize| item(&plain, *place) != item(&begin, *place);
            let unshared: Vec<usize> = shared.unshared(&before).collect();
            prop_assert!((0..plain.len()).filter(differ).all(|place| unshared.contains(&place)));
        }
    }

    #[test]
    fn a_change_leaves_all_chunks_but_one_shared() {
        let before: SharedList<usize> = (0..10 * CHUNK).collect();
        let mut after = before.clone();
        assert_eq!(after.unshared(&before).count(), 0);
        after.set(3 * CHUNK + 7, 0);
        assert!(after.unshared(&before).eq(3 * CHUNK..4 * CHUNK));
        assert_eq!((before.get(3 * CHUNK + 7), after.get(3 * CHUNK + 7)), (Some(&(3 * CHUNK + 7)), Some(&0)));
    }

    #[test]
    fn an_item_that_was_taken_away_is_not_found_again() {
        let before: SharedList<u8> = (0..=255).chain(0..=255).chain([7]).collect();
        let mut after = before.clone();
        after.pop();
        assert_eq!((after.len(), after.get(512), before.get(512)), (512, Some(&0), Some(&7)));
        assert!(after.iter().eq(before.iter().take(512)));
        after.set(512, 8);
        assert_eq!((after.len(), after.get(512)), (513, Some(&8)));
        let mut empty = SharedList::<u8>::default();
        empty.pop();
        assert!(empty.is_empty());
    }

    #[test]
    fn behind_the_last_item_there_is_none() {
        let list: SharedList<Option<u8>> = [Some(1)].into_iter().collect();
        assert_eq!((list.get(0), list.get(1), list.get(CHUNK)), (Some(&Some(1)), Some(&None), None));
        assert!(SharedList::<u8>::default().is_empty());
    }
}
