//! What the parent is told of a key: DS, CDS and CDNSKEY.

use super::public_key::PublicKey;
use crate::crypto::digest::{SHA256, digest};
use crate::dns::NameRef;

/// The digest type of SHA-256 (RFC 4509).
const SHA256_TYPE: u8 = 2;

/// RDATA of the CDS record that asks the parent to take all DS records away: `0 0 0 00` (RFC 8078, section 4).
pub(super) const CDS_OF_NO_DS: [u8; 5] = [0; 5];

/// RDATA of the CDNSKEY record that does: `0 3 0 AA==`.
pub(super) const CDNSKEY_OF_NO_DS: [u8; 5] = [0, 0, 3, 0, 0];

/// RDATA of the DS record of a key.
pub fn ds(zone: NameRef<'_>, key: &PublicKey) -> Vec<u8> {
    let signed = [&zone.to_lowercase(), key.rdata()].concat();
    let [high, low] = key.tag().to_be_bytes();
    let head = [high, low, key.algorithm().number(), SHA256_TYPE];
    [&head, digest(&SHA256, &signed).as_ref()].concat()
}

/// RDATA of the CDS record of a key (RFC 7344, section 3.1).
pub fn cds(zone: NameRef<'_>, key: &PublicKey) -> Vec<u8> {
    ds(zone, key)
}

/// RDATA of the CDNSKEY record of a key (RFC 7344, section 3.2).
pub fn cdnskey(key: &PublicKey) -> Vec<u8> {
    key.rdata().to_vec()
}
