//! Hashes of names, as NSEC3 records have them (RFC 5155, section 5), and the labels that are made of them. HOT where names are
//! hashed.

use crate::crypto::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// Bytes of a hash: SHA-1, the only one there is.
pub const HASH_BYTES: usize = 20;

/// Letters of a hash as a label (RFC 4648, section 7, without padding).
pub const HASH_LETTERS: u8 = 32;

/// Its number among the algorithms of NSEC3 records.
pub(super) const SHA1: u8 = 1;

/// How names are hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nsec3Hash {
    /// Hashes of hashes.
    pub iterations: u16,
    /// What is added to each of them.
    pub salt: Box<[u8]>,
}

impl Nsec3Hash {
    /// How an NSEC3 or NSEC3PARAM record hashes, given as its RDATA; none where nobody knows.
    pub fn of_record(rdata: &[u8]) -> Option<Nsec3Hash> {
        let (&[algorithm, _, high, low, length], rest) = rdata.split_first_chunk()?;
        let salt = rest.get(..usize::from(length))?.into();
        (algorithm == SHA1).then_some(Nsec3Hash { iterations: u16::from_be_bytes([high, low]), salt })
    }

    /// The hash of a name in lower-case wire form, given in pieces. HOT: no allocation.
    pub fn of(&self, name: &[&[u8]]) -> [u8; HASH_BYTES] {
        hashed(name, &self.salt, self.iterations)
    }
}

/// The hash of a name in lower-case wire form, with no salt and hashed once (RFC 9276).
pub(super) fn hash_once(name: &[u8]) -> [u8; HASH_BYTES] {
    hashed(&[name], &[], 0)
}

fn hashed(name: &[&[u8]], salt: &[u8], iterations: u16) -> [u8; HASH_BYTES] {
    let mut hash = [0; HASH_BYTES];
    let mut round = |pieces: &[&[u8]]| {
        let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        pieces.iter().for_each(|piece| context.update(piece));
        context.update(salt);
        if let Ok(digest) = context.finish().as_ref().try_into() {
            hash = digest;
        }
        hash
    };
    let mut last = round(name);
    for _ in 0..iterations {
        last = round(&[&last]);
    }
    last
}

/// A hash as a label.
pub fn label_of(hash: [u8; HASH_BYTES]) -> Vec<u8> {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    let of_five = |five: &[u8; 5]| {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        (0..8).rev().map(move |place| ALPHABET[(bits >> (place * 5) & 31) as usize])
    };
    hash.as_chunks::<5>().0.iter().flat_map(of_five).collect()
}

/// The hash that a label is; none where it is none.
pub fn hash_in(label: &[u8]) -> Option<[u8; HASH_BYTES]> {
    let mut hash = [0; HASH_BYTES];
    if label.len() != usize::from(HASH_LETTERS) {
        return None;
    }
    for (letters, bytes) in label.as_chunks::<8>().0.iter().zip(hash.as_chunks_mut::<5>().0) {
        let mut bits = 0_u64;
        for letter in letters {
            let value = match letter.to_ascii_lowercase() {
                digit @ b'0'..=b'9' => digit - b'0',
                letter @ b'a'..=b'v' => letter - b'a' + 10,
                _ => return None,
            };
            bits = bits << 5 | u64::from(value);
        }
        let [_, _, _, low @ ..] = bits.to_be_bytes();
        *bytes = low;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;

    /// RFC 5155, appendix A.
    #[test]
    fn names_are_hashed_as_rfc_5155_shows() {
        let hash = Nsec3Hash { iterations: 12, salt: Box::new([0xaa, 0xbb, 0xcc, 0xdd]) };
        let name: Name = "a.example.".parse().unwrap();
        let hash = hash.of(&[name.as_ref().wire()]);
        assert_eq!(label_of(hash), b"35mthgpgcu1qg68fab165klnsnk3dpvl");
        assert_eq!(hash_in(b"35MTHGPGCU1QG68FAB165KLNSNK3DPVL"), Some(hash));
        assert_eq!(hash_in(b"35mthgpgcu1qg68fab165klnsnk3dpvw"), None);
        assert_eq!(hash_in(b"35mthgpg"), None);
    }
}
