//! Algorithms that zones are signed with here.
//!
//! RSA is not offered: its signatures are four times as long, and nobody needs it any more.

use std::fmt;
use std::str::FromStr;

/// An algorithm (RFC 8624: 13 must be there, 15 is recommended).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 6605).
    EcdsaP256Sha256,
    /// Ed25519 (RFC 8080).
    Ed25519,
}

impl Algorithm {
    /// Every algorithm, the one that keys are made with first.
    pub const ALL: [Algorithm; 2] = [Algorithm::EcdsaP256Sha256, Algorithm::Ed25519];

    /// The algorithm of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.number() == number)
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        match self {
            Algorithm::EcdsaP256Sha256 => 13,
            Algorithm::Ed25519 => 15,
        }
    }

    /// Its mnemonic, as BIND writes it.
    pub const fn mnemonic(self) -> &'static str {
        match self {
            Algorithm::EcdsaP256Sha256 => "ECDSAP256SHA256",
            Algorithm::Ed25519 => "ED25519",
        }
    }

    /// Bytes of a public key.
    pub const fn public_bytes(self) -> usize {
        match self {
            Algorithm::EcdsaP256Sha256 => 64,
            Algorithm::Ed25519 => 32,
        }
    }

    /// Every mnemonic, the one that keys are made with first.
    pub fn names() -> [&'static str; 2] {
        Self::ALL.map(Algorithm::mnemonic)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mnemonic())
    }
}

/// Reads a mnemonic in any case, or a number.
impl FromStr for Algorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_it =
            |one: &Algorithm| one.mnemonic().eq_ignore_ascii_case(text) || one.number().to_string() == text;
        let offered = Self::names().join(" or ");
        Self::ALL.into_iter().find(is_it).ok_or_else(|| format!("keys are made for {offered}"))
    }
}
