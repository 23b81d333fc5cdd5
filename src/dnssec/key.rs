//! A key of a zone: public key, secret and times.

use std::fmt;

use super::pair::{Pair, PairError, Signature};
use super::public_key::PublicKey;
use super::timing::Timing;
use crate::dns::{Name, NameRef};

/// A key of a zone.
pub struct Key {
    /// The zone.
    zone: Name,
    public: PublicKey,
    pair: Pair,
    timing: Timing,
}

impl Key {
    /// A key of a zone.
    pub fn new(zone: Name, public: PublicKey, pair: Pair, timing: Timing) -> Self {
        Self { zone, public, pair, timing }
    }

    /// The zone that it is for.
    pub fn zone(&self) -> NameRef<'_> {
        self.zone.as_ref()
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Its times.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Signature, PairError> {
        self.pair.sign(bytes)
    }
}

/// Without the secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} {} {})", self.zone, self.public.algorithm(), self.public.tag())
    }
}
