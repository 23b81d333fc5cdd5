//! RRSIG records (RFC 4034, section 3): what is signed, and the record of it.

use std::borrow::Cow;

use super::key::Key;
use super::pair::{PairError, Signature};
use super::period::Validity;
use super::shelf::{Shelf, SignedDigest};
use crate::dns::{NameRef, Rtype, Ttl};

/// An RRset in canonical form.
pub(super) struct SignedRrset<'r> {
    pub(super) owner: NameRef<'r>,
    pub(super) rtype: Rtype,
    pub(super) ttl: Ttl,
    /// In canonical form and order.
    pub(super) rdatas: Vec<Cow<'r, [u8]>>,
}

/// A signature that was made or found.
pub(super) struct Made {
    /// RDATA of its record.
    pub(super) rdata: Box<[u8]>,
    pub(super) digest: SignedDigest,
    pub(super) signature: Signature,
    /// Whether it was on no shelf.
    pub(super) is_new: bool,
}

/// Signs an RRset with a key, unless `find` has what was signed before.
pub(super) fn rrsig(
    rrset: &SignedRrset<'_>,
    key: &Key,
    validity: Validity,
    find: impl Fn(&SignedDigest) -> Option<Signature>,
) -> Result<Made, PairError> {
    let head = head(rrset, key, validity);
    let signed = signed_data(&head, rrset, rrset.ttl.seconds().to_be_bytes());
    let digest = Shelf::digest(key.public().rdata(), &signed);
    let found = find(&digest);
    let is_new = found.is_none();
    let signature = found.map_or_else(|| key.sign(&signed), Ok)?;
    Ok(Made { rdata: [&head[..], &signature].concat().into(), digest, signature, is_new })
}

/// RDATA without the signature (RFC 4034, section 3.1), which is signed as well.
fn head(rrset: &SignedRrset<'_>, key: &Key, validity: Validity) -> Vec<u8> {
    let public = key.public();
    let mut head = Vec::with_capacity(18 + key.zone().wire().len());
    head.extend(rrset.rtype.0.to_be_bytes());
    head.extend([public.algorithm().number(), labels(rrset.owner)]);
    head.extend(rrset.ttl.seconds().to_be_bytes());
    head.extend(validity.expiration.in_signature().to_be_bytes());
    head.extend(validity.inception.in_signature().to_be_bytes());
    head.extend(public.tag().to_be_bytes());
    head.extend(key.zone().to_lowercase());
    head
}

/// Labels of the owner, without a `*` in front (RFC 4034, section 3.1.3).
pub(super) fn labels(owner: NameRef<'_>) -> u8 {
    let labels = owner.label_count() - usize::from(owner.is_wildcard());
    // A name has 127 labels at most.
    u8::try_from(labels).unwrap_or(u8::MAX)
}

/// What is signed: RDATA without the signature, and the records in canonical form (RFC 4034, section 3.1.8.1). `ttl` is the
/// one that the signature names.
pub(super) fn signed_data(head: &[u8], rrset: &SignedRrset<'_>, ttl: [u8; 4]) -> Vec<u8> {
    /// The class IN.
    const IN: [u8; 2] = [0, 1];
    let owner = rrset.owner.to_lowercase();
    let record_bytes = |rdata: &Cow<'_, [u8]>| owner.len() + 10 + rdata.len();
    let mut signed = Vec::with_capacity(head.len() + rrset.rdatas.iter().map(record_bytes).sum::<usize>());
    signed.extend(head);
    for rdata in &rrset.rdatas {
        signed.extend(&owner);
        signed.extend(rrset.rtype.0.to_be_bytes());
        signed.extend(IN);
        signed.extend(ttl);
        // A zone takes no RDATA that is longer.
        signed.extend(u16::try_from(rdata.len()).unwrap_or(u16::MAX).to_be_bytes());
        signed.extend(rdata.iter());
    }
    signed
}
