//! A name made ready for look-ups: in lower case, with the hash of each of its suffixes. HOT.
//!
//! Hashes a name once; the zone table and the zones are searched with what it holds.

use crate::dns::name::{LABELS_MAX, NAME_BYTES_MAX};
use crate::dns::{NameHash, NameRef};

/// A name in lower case with the offset and hash of each of its suffixes; one pass over the name makes it.
pub(super) struct HashedName {
    lower: [u8; LOWER_BYTES],
    length: usize,
    labels: usize,
    /// Where each label begins, from the left; the root is the last.
    starts: [u8; LABELS_MAX + 1],
    /// Hash of the suffix of `labels` labels.
    hashes: [NameHash; LABELS_MAX + 1],
}

/// Room for a name, and for the word that is read behind the end of its last label.
const LOWER_BYTES: usize = NAME_BYTES_MAX + 9;

/// Bytes that are made lower case at a time: a vector.
const CHUNK_BYTES: usize = 16;

impl HashedName {
    pub(super) fn new() -> Self {
        Self {
            lower: [0; LOWER_BYTES],
            length: 0,
            labels: 0,
            starts: [0; LABELS_MAX + 1],
            hashes: [NameHash::ROOT; LABELS_MAX + 1],
        }
    }

    /// Sets the name. HOT.
    #[inline]
    pub(super) fn set(&mut self, name: NameRef<'_>) {
        let wire = name.wire();
        self.length = wire.len();
        self.lower(wire);
        let mut labels = 0_usize;
        let mut at = 0_usize;
        while let (Some(&length), Some(start)) = (wire.get(at), self.starts.get_mut(labels)) {
            *start = at.to_le_bytes()[0];
            if length == 0 {
                break;
            }
            labels = labels.wrapping_add(1);
            at = at.wrapping_add(usize::from(length)).wrapping_add(1);
        }
        self.labels = labels;
        let mut hash = NameHash::ROOT;
        let [_, hashes @ ..] = &mut self.hashes;
        let from_the_right = self.starts.get(..labels).unwrap_or_default().iter().rev();
        for (start, slot) in from_the_right.zip(hashes) {
            if let Some((length, label)) = self.lower.get(usize::from(*start)..).and_then(<[u8]>::split_first)
            {
                hash = hash.below_front(label, usize::from(*length));
            }
            *slot = hash;
        }
    }

    /// Copies a name in lower case, a vector at a time; the last one overlaps the one before.
    #[inline]
    fn lower(&mut self, wire: &[u8]) {
        // Length bytes are at most 63 and no letters, so they stay as they are.
        let room = self.lower.get_mut(..wire.len()).unwrap_or_default();
        if let Some(last) = wire.last_chunk::<CHUNK_BYTES>() {
            let chunks = wire.as_chunks::<CHUNK_BYTES>().0;
            for (to, from) in room.as_chunks_mut::<CHUNK_BYTES>().0.iter_mut().zip(chunks) {
                *to = lowered(from);
            }
            if let Some(to) = room.last_chunk_mut::<CHUNK_BYTES>() {
                *to = lowered(last);
            }
        } else if let (Some(first), Some(last)) = (wire.first_chunk::<8>(), wire.last_chunk::<8>()) {
            if let Some(to) = room.first_chunk_mut::<8>() {
                *to = lowered(first);
            }
            if let Some(to) = room.last_chunk_mut::<8>() {
                *to = lowered(last);
            }
        } else {
            for (to, from) in room.iter_mut().zip(wire) {
                *to = from.to_ascii_lowercase();
            }
        }
    }

    /// How many labels the name has, the root not counted.
    #[inline]
    pub(super) fn labels(&self) -> usize {
        self.labels
    }

    /// Hash of the suffix of `labels` labels.
    #[inline]
    pub(super) fn hash(&self, labels: usize) -> NameHash {
        self.hashes.get(labels).copied().unwrap_or(NameHash::ROOT)
    }

    /// Offset of the suffix of `labels` labels: how much longer the name is than that suffix, in bytes.
    #[inline]
    pub(super) fn offset(&self, labels: usize) -> usize {
        let start = self.labels.checked_sub(labels).and_then(|place| self.starts.get(place));
        start.copied().map_or(0, usize::from)
    }

    /// The lower-case wire form of the suffix of `labels` labels.
    #[inline]
    pub(super) fn suffix(&self, labels: usize) -> &[u8] {
        self.lower.get(self.offset(labels)..self.length).unwrap_or_default()
    }

    /// The same without its own last `apex_bytes` bytes.
    #[inline]
    pub(super) fn relative(&self, labels: usize, apex_bytes: usize) -> &[u8] {
        self.lower.get(self.offset(labels)..self.length.saturating_sub(apex_bytes)).unwrap_or_default()
    }
}

#[inline]
fn lowered<const BYTES: usize>(chunk: &[u8; BYTES]) -> [u8; BYTES] {
    chunk.map(|byte| byte.to_ascii_lowercase())
}
