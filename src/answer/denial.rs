//! How a signed zone denies names and types: by NSEC records (RFC 4034, section 4) or by NSEC3 records (RFC 5155). HOT
//! where it is read.
//!
//! Has the keys by which their records are found, and the form in which they are kept. What is made of them for an
//! answer is in `proofs`; `compile` fills it.
//!
//! ```text
//! value | length of the owner, its labels before the apex … | record | record …      without owners
//! ```

use super::chain::{Chain, ChainEntry};
use super::hashed_name::HashedName;
use crate::dns::name::NAME_BYTES_MAX;

/// What a zone denies with.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) enum Denial {
    /// Nothing: its answers say less than they should.
    #[default]
    Nothing,
    /// NSEC records, by the canonical order of their owners.
    Nsec(Chain),
    /// NSEC3 records, by hash.
    Nsec3(Chain, Nsec3Hash),
}

/// How names are hashed (RFC 5155, section 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Nsec3Hash {
    /// Hashes of hashes.
    pub(super) iterations: u16,
    pub(super) salt: Box<[u8]>,
}

/// Bytes of a hash: SHA-1, the only one there is.
pub(super) const HASH_BYTES: usize = 20;

impl Denial {
    /// Memory that it takes, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Denial::Nothing => 0,
            Denial::Nsec(chain) | Denial::Nsec3(chain, _) => chain.memory_bytes(),
        }
    }
}

impl Nsec3Hash {
    /// The hash of a name in lower-case wire form, given in pieces. HOT: no allocation.
    pub(super) fn of(&self, name: &[&[u8]]) -> [u8; HASH_BYTES] {
        let mut hash = [0; HASH_BYTES];
        let mut round = |pieces: &[&[u8]]| {
            let mut context = ring::digest::Context::new(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY);
            pieces.iter().for_each(|piece| context.update(piece));
            context.update(&self.salt);
            if let Ok(digest) = context.finish().as_ref().try_into() {
                hash = digest;
            }
            hash
        };
        let mut last = round(name);
        for _ in 0..self.iterations {
            last = round(&[&last]);
        }
        last
    }
}

/// A name so that bytes in their order are names in canonical order (RFC 4034, section 6.1): its labels from the right,
/// each ended by a 0; what is 0 or 1 in them stands there as two bytes.
pub(super) struct OrderKey {
    bytes: [u8; ORDER_BYTES_MAX],
    length: usize,
}

/// Each byte of a name takes two at most.
const ORDER_BYTES_MAX: usize = 2 * NAME_BYTES_MAX;

impl OrderKey {
    /// Of the first `labels` labels below an apex; in lower case.
    pub(super) fn of<'l>(labels: impl DoubleEndedIterator<Item = &'l [u8]>) -> OrderKey {
        let mut key = OrderKey { bytes: [0; ORDER_BYTES_MAX], length: 0 };
        labels.rev().for_each(|label| key.push_label(label));
        key
    }

    /// Of the last `labels` labels of a name, below an apex of `apex_labels` labels. HOT.
    pub(super) fn of_suffix(name: &HashedName, labels: usize, apex_labels: usize) -> OrderKey {
        let mut key = OrderKey { bytes: [0; ORDER_BYTES_MAX], length: 0 };
        for count in apex_labels..labels {
            // The label in front of a suffix is the first of the next longer one.
            let suffix = name.suffix(count.wrapping_add(1));
            if let Some((length, rest)) = suffix.split_first() {
                key.push_label(rest.get(..usize::from(*length)).unwrap_or_default());
            }
        }
        key
    }

    /// With one label more in front.
    pub(super) fn below(mut self, label: &[u8]) -> OrderKey {
        self.push_label(label);
        self
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn push_label(&mut self, label: &[u8]) {
        for &byte in label {
            match byte {
                0 | 1 => {
                    self.push(1);
                    self.push(byte.wrapping_add(1));
                }
                _ => self.push(byte),
            }
        }
        self.push(0);
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length = self.length.wrapping_add(1);
        }
    }
}

/// The records of an entry: the labels of their owner before the apex, and themselves without owners, one behind the
/// other.
#[inline]
pub(super) fn parts_of<'c>(entry: &ChainEntry<'c>) -> Option<(&'c [u8], &'c [u8])> {
    let (length, rest) = entry.value.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

/// The first of some records without owners, and those behind it.
#[inline]
pub(super) fn split_record(records: &[u8]) -> Option<(&[u8], &[u8])> {
    // Type, class and TTL, then the length of the data.
    let &[_, _, _, _, _, _, _, _, high, low] = records.first_chunk()?;
    records.split_at_checked(usize::from(u16::from_be_bytes([high, low])).wrapping_add(10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;

    fn key(name: &str) -> Vec<u8> {
        let name: Name = name.parse().unwrap();
        let lower: Name = Name::from_wire(&name.as_ref().to_lowercase()).unwrap();
        let labels: Vec<&[u8]> = lower.as_ref().labels().filter(|label| !label.is_empty()).collect();
        OrderKey::of(labels.into_iter()).as_bytes().to_vec()
    }

    #[test]
    fn names_are_in_the_order_of_rfc_4034() {
        let names = [
            "example.",
            "a.example.",
            "yljkjljk.a.example.",
            "Z.a.example.",
            "zABC.a.EXAMPLE.",
            "z.example.",
            "\\001.z.example.",
            "*.z.example.",
            "\\200.z.example.",
        ];
        assert!(names.is_sorted_by_key(|name| key(name)), "{names:?}");
        let mut other =
            ["a\\000.example.", "a.example.", "a\\000\\000.example.", "a\\001.example.", "b.a.example."];
        other.sort_by_key(|name| key(name));
        assert_eq!(
            other,
            ["a.example.", "b.a.example.", "a\\000.example.", "a\\000\\000.example.", "a\\001.example."]
        );
    }

    #[test]
    fn a_suffix_has_the_same_key_as_its_labels() {
        let mut name = HashedName::new();
        let whole: Name = "X.b\\001.C.Example.Org.".parse().unwrap();
        name.set(whole.as_ref());
        for (labels, own) in [(5, "x.b\\001.c."), (4, "b\\001.c."), (3, "c."), (2, ".")] {
            assert_eq!(OrderKey::of_suffix(&name, labels, 2).as_bytes(), key(own), "{own}");
        }
    }

    /// RFC 5155, appendix A.
    #[test]
    fn names_are_hashed_as_rfc_5155_shows() {
        let hash = Nsec3Hash { iterations: 12, salt: Box::new([0xaa, 0xbb, 0xcc, 0xdd]) };
        let name: Name = "a.example.".parse().unwrap();
        // 35mthgpgcu1qg68fab165klnsnk3dpvl
        let hex: String = hash.of(&[name.as_ref().wire()]).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "196dd8c3306783a8190f52c262d2b7e5e836e7f5");
    }
}
