//! The algorithms a key can have, by the names that go over the wire and into files.

use std::fmt;
use std::str::FromStr;

use crate::crypto::hmac;
use crate::dns::NameRef;

/// A keyed hash function, and how many bytes of what it gives are sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Algorithm {
    hash: Hash,
    mac_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    const ALL: [Hash; 4] = [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512];

    fn name(self) -> &'static str {
        match self {
            Hash::Sha1 => "hmac-sha1",
            Hash::Sha256 => "hmac-sha256",
            Hash::Sha384 => "hmac-sha384",
            Hash::Sha512 => "hmac-sha512",
        }
    }

    fn wire(self) -> &'static [u8] {
        match self {
            Hash::Sha1 => b"\x09hmac-sha1\0",
            Hash::Sha256 => b"\x0bhmac-sha256\0",
            Hash::Sha384 => b"\x0bhmac-sha384\0",
            Hash::Sha512 => b"\x0bhmac-sha512\0",
        }
    }

    /// Bytes of a whole MAC.
    fn bytes(self) -> usize {
        match self {
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }

    /// Fewest bytes of a MAC that was cut (RFC 8945, section 5.2.2.1).
    fn bytes_min(self) -> usize {
        (self.bytes() / 2).max(10)
    }
}

/// Why a text names no algorithm of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlgorithmError {
    /// HMAC-MD5, whose hash function is broken and not in our library (RFC 8945, section 6: not to be used).
    Md5,
    /// HMAC-SHA224, which our library does not have.
    Sha224,
    /// Any other.
    Unknown,
    /// `hmac-sha256-128` and its like with a number of bits that is too small, too large or not whole bytes.
    Truncation {
        /// Fewest bits of this algorithm.
        min: usize,
        /// All its bits.
        max: usize,
    },
}

impl fmt::Display for AlgorithmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AlgorithmError::Md5 => f.write_str("HMAC-MD5 is not offered: it is broken"),
            AlgorithmError::Sha224 => f.write_str("HMAC-SHA224 is not offered"),
            AlgorithmError::Unknown => f.write_str("not an algorithm of TSIG"),
            AlgorithmError::Truncation { min, max } => {
                write!(f, "a MAC of this algorithm is cut to {min} to {max} bits, whole bytes")
            }
        }
    }
}

impl std::error::Error for AlgorithmError {}

impl Algorithm {
    /// HMAC-SHA256, whole: what everybody has (RFC 8945, section 6).
    pub const DEFAULT: Algorithm = Algorithm { hash: Hash::Sha256, mac_bytes: 32 };

    /// The names of those whose MACs are sent whole, the one to take first.
    pub fn names() -> [&'static str; 4] {
        [Hash::Sha256, Hash::Sha384, Hash::Sha512, Hash::Sha1].map(Hash::name)
    }

    /// Its name as it goes over the wire.
    pub(super) fn wire(self) -> &'static [u8] {
        self.hash.wire()
    }

    /// Whether a record names it; case is ignored.
    pub(super) fn is_named(self, name: NameRef<'_>) -> bool {
        name.wire().eq_ignore_ascii_case(self.wire())
    }

    /// Bytes of the MACs that are sent, and the fewest that are taken.
    pub fn mac_bytes(self) -> usize {
        self.mac_bytes
    }

    /// Bytes of a whole MAC, which is also a good length of a secret (RFC 2104, section 3).
    pub fn hash_bytes(self) -> usize {
        self.hash.bytes()
    }

    /// Whether a MAC of so many bytes may be sent at all (RFC 8945, section 5.2.2.1).
    pub(super) fn allows(self, mac_bytes: usize) -> bool {
        (self.hash.bytes_min()..=self.hash.bytes()).contains(&mac_bytes)
    }

    /// The name without a number of bits: what other programs call it.
    pub fn base_name(self) -> &'static str {
        self.hash.name()
    }

    pub(super) fn hmac(self) -> hmac::Algorithm {
        match self.hash {
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha384 => hmac::HMAC_SHA384,
            Hash::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

/// Whether a record names HMAC-MD5 (RFC 8945, section 6).
pub(super) fn is_md5(name: NameRef<'_>) -> bool {
    name.wire().eq_ignore_ascii_case(b"\x08hmac-md5\x07sig-alg\x03reg\x03int\0")
}

impl Default for Algorithm {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Reads `hmac-sha256`, or `hmac-sha256-128` for MACs cut to so many bits, as BIND writes it.
impl FromStr for Algorithm {
    type Err = AlgorithmError;

    fn from_str(text: &str) -> Result<Self, AlgorithmError> {
        let lower = text.to_ascii_lowercase();
        let text = lower.strip_suffix('.').unwrap_or(&lower);
        if text.starts_with("hmac-md5") {
            return Err(AlgorithmError::Md5);
        }
        if text.starts_with("hmac-sha224") {
            return Err(AlgorithmError::Sha224);
        }
        for hash in Hash::ALL {
            match text.strip_prefix(hash.name()) {
                Some("") => return Ok(Self { hash, mac_bytes: hash.bytes() }),
                Some(rest) => {
                    let Some(bits) = rest.strip_prefix('-') else { continue };
                    return hash.cut_to(bits);
                }
                None => {}
            }
        }
        Err(AlgorithmError::Unknown)
    }
}

impl Hash {
    fn cut_to(self, bits: &str) -> Result<Algorithm, AlgorithmError> {
        let whole = |bytes: usize| bytes.saturating_mul(8);
        let (min, max) = (whole(self.bytes_min()), whole(self.bytes()));
        let bits: Option<usize> = bits.parse().ok();
        match bits.filter(|bits| (min..=max).contains(bits) && bits % 8 == 0) {
            Some(bits) => Ok(Algorithm { hash: self, mac_bytes: bits / 8 }),
            None => Err(AlgorithmError::Truncation { min, max }),
        }
    }
}

/// As it is read.
impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hash.name())?;
        if self.mac_bytes != self.hash.bytes() {
            write!(f, "-{}", self.mac_bytes.saturating_mul(8))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
