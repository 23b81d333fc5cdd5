//! Public keys, as DNSKEY records have them.

use super::algorithm::Algorithm;

/// The flag of every key that signs a zone (RFC 4034, section 2.1.1).
pub const ZONE_KEY: u16 = 0x0100;

/// The flag of a key that DS records are made of: the secure entry point (RFC 4034, section 2.1.1).
pub const SEP: u16 = 0x0001;

/// The flag of a key that counts no more (RFC 5011, section 2.1).
const REVOKED: u16 = 0x0080;

/// What comes before the key in the RDATA.
const HEAD_BYTES: usize = 4;

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey {
    algorithm: Algorithm,
    rdata: Box<[u8]>,
}

impl PublicKey {
    /// A key of so many bytes, which `key` must have; none otherwise.
    pub fn new(flags: u16, algorithm: Algorithm, key: &[u8]) -> Option<Self> {
        let [high, low] = flags.to_be_bytes();
        // The protocol is always 3 (RFC 4034, section 2.1.2).
        let rdata = [&[high, low, 3, algorithm.number()], key].concat();
        (key.len() == algorithm.public_bytes()).then(|| Self { algorithm, rdata: rdata.into() })
    }

    /// RDATA of its DNSKEY record.
    pub fn rdata(&self) -> &[u8] {
        &self.rdata
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its flags.
    pub fn flags(&self) -> u16 {
        let flags = self.rdata.first_chunk::<2>();
        flags.copied().map_or(0, u16::from_be_bytes)
    }

    /// Whether DS records are made of it.
    pub fn is_sep(&self) -> bool {
        self.flags() & SEP != 0
    }

    /// Whether it signs a zone: no key of anything else, and none that was revoked.
    pub fn signs_zones(&self) -> bool {
        self.flags() & ZONE_KEY != 0 && self.flags() & REVOKED == 0
    }

    /// The key itself.
    pub fn key(&self) -> &[u8] {
        self.rdata.get(HEAD_BYTES..).unwrap_or_default()
    }

    /// The number that signatures name it by (RFC 4034, appendix B). Several keys may have the same.
    pub fn tag(&self) -> u16 {
        tag_of(&self.rdata)
    }
}

/// The tag of a key of any algorithm by the RDATA of its DNSKEY record (RFC 4034, appendix B).
pub(super) fn tag_of(rdata: &[u8]) -> u16 {
    let sum = rdata.chunks(2).fold(0_u32, |sum, pair| {
        let high = u32::from(pair.first().copied().unwrap_or(0)) << 8;
        // RDATA has 65,535 bytes at most: the sum has 32 bits at most.
        sum.wrapping_add(high | u32::from(pair.get(1).copied().unwrap_or(0)))
    });
    let [_, _, high, low] = (sum.wrapping_add(sum >> 16)).to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    #[test]
    fn tags_are_those_of_rfc_6605_and_rfc_8080() {
        let p256 = "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==";
        let ed = "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=";
        for (algorithm, key, tag) in
            [(Algorithm::EcdsaP256Sha256, p256, 55_648), (Algorithm::Ed25519, ed, 3613)]
        {
            let public = PublicKey::new(ZONE_KEY | SEP, algorithm, &BASE64_STANDARD.decode(key).unwrap());
            assert_eq!(public.unwrap().tag(), tag);
        }
    }
}
