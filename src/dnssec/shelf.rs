//! Signatures that were made, by the digest of what was signed: a version that has the same RRset makes none.

use std::collections::HashMap;

use ring::digest::{Context, SHA256};

use super::pair::Signature;

/// The digest of what is signed, key included.
pub(super) type SignedDigest = [u8; 32];

/// Signatures of a zone.
#[derive(Clone, Default)]
pub struct Shelf {
    signatures: HashMap<SignedDigest, Signature>,
    made: u64,
}

impl Shelf {
    /// How many signatures there are.
    pub fn len(&self) -> usize {
        self.signatures.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.signatures.is_empty()
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
        made.as_ref().try_into().unwrap_or_default()
    }

    pub(super) fn get(&self, digest: &SignedDigest) -> Option<&Signature> {
        self.signatures.get(digest)
    }

    /// Takes in signatures that were used: `made` of them are new. Of a whole zone they replace all others.
    pub(super) fn replace(&mut self, used: impl IntoIterator<Item = (SignedDigest, Signature)>, made: u64) {
        self.signatures = used.into_iter().collect();
        self.made += made;
    }

    /// Takes in signatures that were used for a part of a zone.
    pub(super) fn add(&mut self, used: impl IntoIterator<Item = (SignedDigest, Signature)>, made: u64) {
        self.signatures.extend(used);
        self.made += made;
    }
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shelf({} signatures)", self.signatures.len())
    }
}
