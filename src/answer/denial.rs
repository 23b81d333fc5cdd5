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
use crate::dns::OrderKey;
use crate::dnssec::Nsec3Hash;

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

impl Denial {
    /// Memory that it takes, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Denial::Nothing => 0,
            Denial::Nsec(chain) | Denial::Nsec3(chain, _) => chain.memory_bytes(),
        }
    }
}

/// The place in the canonical order of the last `labels` labels of a name, below an apex of `apex_labels` labels. HOT.
pub(super) fn order_key(name: &HashedName, labels: usize, apex_labels: usize) -> OrderKey {
    OrderKey::from_root((apex_labels..labels).map(|count| {
        // The label in front of a suffix is the first of the next longer one.
        let suffix = name.suffix(count.wrapping_add(1));
        let first = suffix.split_first().and_then(|(length, rest)| rest.get(..usize::from(*length)));
        first.unwrap_or_default()
    }))
}

/// The records of an entry: the labels of their owner before the apex, and themselves without owners, one behind the
/// other.
#[inline]
pub(super) fn parts_of<'c>(entry: &ChainEntry<'c>) -> Option<(&'c [u8], &'c [u8])> {
    let (length, rest) = entry.value.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

/// The TTL of the records of an entry, given as its value.
pub(super) fn ttl_of(value: &[u8]) -> Option<u32> {
    let (_, records) = parts_of(&ChainEntry { key: &[], value })?;
    let &[_, _, _, _, ttl @ ..] = records.first_chunk::<8>()?;
    Some(u32::from_be_bytes(ttl))
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
        OrderKey::of(name.parse::<Name>().unwrap().as_ref()).as_bytes().to_vec()
    }

    #[test]
    fn a_suffix_has_the_same_key_as_its_labels() {
        let mut name = HashedName::new();
        let whole: Name = "X.b\\001.C.Example.Org.".parse().unwrap();
        name.set(whole.as_ref());
        for (labels, own) in [(5, "x.b\\001.c."), (4, "b\\001.c."), (3, "c."), (2, ".")] {
            assert_eq!(order_key(&name, labels, 2).as_bytes(), key(own), "{own}");
        }
    }
}
