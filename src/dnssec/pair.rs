//! Pairs of a secret and a public key, which sign.
//!
//! A secret is never shown, not even for debugging.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToEncodedPoint;

use super::algorithm::Algorithm;
use super::public_key::PublicKey;
use crate::crypto::ecdsa_pair;
use crate::crypto::rand::SystemRandom;
use crate::crypto::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

/// Bytes of a secret, with either algorithm.
pub(super) const SECRET_BYTES: usize = 32;

/// Bytes of a signature, with either algorithm.
pub(super) const SIGNATURE_BYTES: usize = 64;

/// A signature.
pub(super) type Signature = [u8; SIGNATURE_BYTES];

/// What an uncompressed point begins with (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// A secret and its public key.
pub struct Pair {
    signer: Signer,
    random: SystemRandom,
}

enum Signer {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why there is no pair, or no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairError {
    /// The secret has another length than those of its algorithm, or is no base64.
    BadSecret,
    /// The secret belongs to another public key.
    OtherKey,
    /// The system gives no random bytes.
    NoRandomness,
}

impl fmt::Display for PairError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PairError::BadSecret => "the secret is not 32 bytes in base64",
            PairError::OtherKey => "the secret belongs to another public key",
            PairError::NoRandomness => "the system gives no random bytes: a secret would be no secret",
        })
    }
}

impl std::error::Error for PairError {}

impl Pair {
    /// The pair of a public key and its secret, as base64.
    ///
    /// # Errors
    ///
    /// When both are not a pair.
    pub fn new(public: &PublicKey, secret: &str) -> Result<Self, PairError> {
        let secret = BASE64_STANDARD.decode(secret.trim()).map_err(|_| PairError::BadSecret)?;
        Self::of(public.algorithm(), public.key(), &secret)
    }

    fn of(algorithm: Algorithm, public: &[u8], secret: &[u8]) -> Result<Self, PairError> {
        if secret.len() != SECRET_BYTES {
            return Err(PairError::BadSecret);
        }
        let signer = match algorithm {
            Algorithm::EcdsaP256Sha256 => {
                let point = [&[UNCOMPRESSED], public].concat();
                let form = &ECDSA_P256_SHA256_FIXED_SIGNING;
                Signer::Ecdsa(ecdsa_pair(form, secret, &point).ok_or(PairError::OtherKey)?)
            }
            Algorithm::Ed25519 => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(secret, public);
                Signer::Ed25519(pair.map_err(|_| PairError::OtherKey)?)
            }
        };
        Ok(Self { signer, random: SystemRandom::new() })
    }

    /// The public key of a secret; none where it is no secret. Both are not checked to be a pair.
    pub(super) fn public_of(algorithm: Algorithm, secret: &[u8]) -> Option<Vec<u8>> {
        match algorithm {
            Algorithm::EcdsaP256Sha256 => {
                let secret = SecretKey::from_slice(secret).ok().filter(|_| secret.len() == SECRET_BYTES)?;
                let point = secret.public_key().to_encoded_point(false);
                point.as_bytes().strip_prefix(&[UNCOMPRESSED]).map(<[u8]>::to_vec)
            }
            Algorithm::Ed25519 => {
                let pair = Ed25519KeyPair::from_seed_unchecked(secret).ok()?;
                Some(pair.public_key().as_ref().to_vec())
            }
        }
    }

    /// Makes a secret: its public key, and itself in base64, for the one who keeps it.
    ///
    /// # Errors
    ///
    /// When there is no randomness.
    pub fn generate(algorithm: Algorithm, flags: u16) -> Result<(PublicKey, String), PairError> {
        let (public, secret) = match algorithm {
            Algorithm::EcdsaP256Sha256 => ecdsa()?,
            Algorithm::Ed25519 => {
                let seed = crate::tls::secret_bytes::<SECRET_BYTES>().ok_or(PairError::NoRandomness)?;
                let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| PairError::BadSecret)?;
                (pair.public_key().as_ref().to_vec(), seed.to_vec())
            }
        };
        Self::of(algorithm, &public, &secret)?;
        let public = PublicKey::new(flags, algorithm, &public).ok_or(PairError::OtherKey)?;
        Ok((public, BASE64_STANDARD.encode(secret)))
    }

    /// Signs. With ECDSA every signature of the same bytes is another one, with Ed25519 it is the same.
    ///
    /// # Errors
    ///
    /// When the system gives no random bytes.
    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Signature, PairError> {
        let made: Signature = match &self.signer {
            Signer::Ecdsa(pair) => {
                let made = pair.sign(&self.random, bytes).map_err(|_| PairError::NoRandomness)?;
                made.as_ref().try_into().map_err(|_| PairError::BadSecret)?
            }
            Signer::Ed25519(pair) => {
                pair.sign(bytes).as_ref().try_into().map_err(|_| PairError::BadSecret)?
            }
        };
        Ok(made)
    }
}

/// A pair for ECDSA: public key and secret. The module gives new ones as PKCS #8 (RFC 5958) only, always in the same form.
fn ecdsa() -> Result<(Vec<u8>, Vec<u8>), PairError> {
    /// What stands before the secret: the length of an octet string (RFC 5915, section 3).
    const BEFORE_SECRET: &[u8] = &[2, 1, 1, 4, 32];
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
        .map_err(|_| PairError::NoRandomness)?;
    let bytes = document.as_ref();
    let at = bytes.windows(BEFORE_SECRET.len()).position(|window| window == BEFORE_SECRET);
    let secret = at.and_then(|at| bytes.get(at + BEFORE_SECRET.len()..)?.get(..SECRET_BYTES));
    // The public key ends the document.
    let public = bytes.len().checked_sub(2 * SECRET_BYTES).and_then(|at| bytes.get(at..));
    let (public, secret) = public.zip(secret).ok_or(PairError::BadSecret)?;
    Ok((public.to_vec(), secret.to_vec()))
}

/// Without the secret.
impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pair(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnssec::ZONE_KEY;

    #[test]
    fn secrets_give_the_public_keys_that_they_were_made_with() {
        for algorithm in [Algorithm::EcdsaP256Sha256, Algorithm::Ed25519] {
            let (public, secret) = Pair::generate(algorithm, ZONE_KEY).unwrap();
            let secret = BASE64_STANDARD.decode(secret).unwrap();
            assert_eq!(Pair::public_of(algorithm, &secret).as_deref(), Some(public.key()));
            assert_eq!(Pair::public_of(algorithm, &secret[1..]), None);
        }
        assert_eq!(Pair::public_of(Algorithm::EcdsaP256Sha256, &[0; SECRET_BYTES]), None);
    }
}
