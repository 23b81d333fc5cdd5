//! Signatures that were made, by the digest of what was signed: a version that has the same RRset makes none.

use std::collections::HashMap;

use super::pair::Signature;
use crate::crypto::digest::{Context, SHA256};

/// The digest of what is signed, key included: the first half of SHA-256. Two that are alike are an accident that nobody can
/// bring about in less than 2^64 attempts, and then one of two RRsets is taken for forged.
pub(super) type SignedDigest = [u8; 16];

/// A signature with the digest of what it signs, as it is kept.
pub type KeptSignature = (SignedDigest, Signature);

/// Signatures for parts of a zone that are kept, at the least, before the older half is dropped.
const CHANGED_MIN: usize = 4096;

/// Signatures of a zone.
///
/// Those of the whole zone stay until it is signed as a whole again. Those of changes since then are kept in two generations:
/// when the younger one is as large as the zone, or as was asked for, the older one is dropped. So a zone that changes for a
/// week does not grow here, and a change that is taken back soon signs nothing.
#[derive(Clone, Default)]
pub struct Shelf {
    /// By their digests. A map would take from half as much again to three times as much memory.
    whole: Box<[KeptSignature]>,
    changed: HashMap<SignedDigest, Signature>,
    changed_before: HashMap<SignedDigest, Signature>,
    made: u64,
    /// Signatures of changes that are kept at the least, where that is more than of other shelves.
    changed_min: usize,
}

impl Shelf {
    /// Keeps at least so many signatures of changes from now on.
    pub(super) fn keep(&mut self, changed_min: usize) {
        self.changed_min = changed_min;
    }

    /// How many signatures there are.
    pub fn len(&self) -> usize {
        self.whole.len() + self.changed.len() + self.changed_before.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many signatures were made and not found.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// The digest of what is signed: the public key and the signed data, whose first part has the times.
    pub(super) fn digest(public: &[u8], signed: &[u8]) -> SignedDigest {
        let mut context = Context::new(&SHA256);
        context.update(public);
        context.update(signed);
        let made = context.finish();
        made.as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// All signatures, in no order.
    pub fn signatures(&self) -> impl Iterator<Item = KeptSignature> {
        let changed = self.changed.iter().chain(&self.changed_before);
        self.whole.iter().copied().chain(changed.map(|(digest, signature)| (*digest, *signature)))
    }

    /// Takes in signatures that were made before the start, until the zone is signed as a whole.
    pub fn restore(&mut self, signatures: impl IntoIterator<Item = KeptSignature>) {
        self.whole = sorted(signatures.into_iter().chain(self.whole.iter().copied()));
    }

    pub(super) fn get(&self, digest: &SignedDigest) -> Option<Signature> {
        let found = |changed: &HashMap<SignedDigest, Signature>| changed.get(digest).copied();
        self.of_whole(digest).or_else(|| found(&self.changed)).or_else(|| found(&self.changed_before))
    }

    /// Takes in signatures that were used: `made` of them are new. Of a whole zone they replace all others.
    pub(super) fn replace(&mut self, used: impl IntoIterator<Item = (SignedDigest, Signature)>, made: u64) {
        self.whole = sorted(used);
        (self.changed, self.changed_before) = (HashMap::new(), HashMap::new());
        self.made += made;
    }

    /// Takes in signatures that were used for a part of a zone.
    pub(super) fn add(&mut self, used: impl IntoIterator<Item = (SignedDigest, Signature)>, made: u64) {
        if self.changed.len() >= CHANGED_MIN.max(self.changed_min).max(self.whole.len()) {
            self.changed_before = std::mem::take(&mut self.changed);
        }
        for (digest, signature) in used {
            if self.of_whole(&digest).is_none() {
                self.changed.insert(digest, signature);
            }
        }
        self.made += made;
    }

    fn of_whole(&self, digest: &SignedDigest) -> Option<Signature> {
        let place = self.whole.binary_search_by_key(digest, |(digest, _)| *digest).ok()?;
        self.whole.get(place).map(|(_, signature)| *signature)
    }
}

/// In the order of their digests, each once.
fn sorted(signatures: impl IntoIterator<Item = KeptSignature>) -> Box<[KeptSignature]> {
    let mut signatures: Vec<KeptSignature> = signatures.into_iter().collect();
    signatures.sort_unstable_by_key(|(digest, _)| *digest);
    signatures.dedup_by_key(|(digest, _)| *digest);
    signatures.into()
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shelf({} signatures)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_changes_again_and_again_keeps_the_newest_signatures_and_no_more() {
        let signature = |number: usize| {
            let digest = Shelf::digest(b"key", &number.to_be_bytes());
            (digest, Signature::from([0; 64]))
        };
        let mut shelf = Shelf::default();
        shelf.replace((0..10).map(signature), 10);
        for number in 10..5 * CHANGED_MIN {
            shelf.add([signature(number), signature(number % 10)], 1);
            assert!(
                shelf.get(&signature(number.max(CHANGED_MIN) - CHANGED_MIN / 2).0).is_some()
                    || number < CHANGED_MIN
            );
        }
        assert!(shelf.len() <= 2 * CHANGED_MIN + 10, "{shelf:?}");
        assert!(
            (0..10).all(|number| shelf.get(&signature(number).0).is_some()),
            "those of the whole zone stay"
        );
        shelf.replace([signature(1)], 0);
        assert_eq!(shelf.len(), 1);
    }
}
