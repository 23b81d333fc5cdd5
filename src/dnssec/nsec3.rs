//! NSEC3 records (RFC 5155), with no salt and names hashed once (RFC 9276): who owns one, and what it says.

use super::nsec3_hash::{HASH_BYTES, HASH_LETTERS, SHA1, hash_once, label_of};
use crate::dns::{Name, NameRef, Rtype, rdata};
use crate::zone::{Node, NodeId, NodeKind};

/// Whether delegations without DS records are passed over (RFC 5155, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OptOut {
    Yes,
    No,
}

/// Algorithm, flags, iterations and length of the salt: what an NSEC3PARAM record says, and an NSEC3 record begins with.
const PARAMETERS: [u8; 5] = [SHA1, 0, 0, 0, 0];

/// Bytes of RDATA before the types: the parameters, the length of the next hash, and that.
const BEFORE_TYPES: usize = PARAMETERS.len() + 1 + HASH_BYTES;

/// RDATA of the NSEC3PARAM record.
pub(super) fn parameters() -> [u8; 5] {
    PARAMETERS
}

/// The hash of a name.
pub(super) fn hash(name: NameRef<'_>) -> [u8; HASH_BYTES] {
    hash_once(&name.to_lowercase())
}

/// The owner of what denies at a name; none where the apex leaves no room for a hash before it.
pub(super) fn owner(apex: NameRef<'_>, name: NameRef<'_>) -> Option<Name> {
    let wire = [&[HASH_LETTERS][..], &label_of(hash(name)), apex.wire()].concat();
    Some(NameRef::split_from(&wire).ok()?.0.to_name())
}

/// Whether a node has one: every name that is there, empty non-terminals too.
pub(super) fn is_owner(node: Node<'_>, opt_out: OptOut) -> bool {
    node.exists()
        && match node.kind() {
            NodeKind::Occluded | NodeKind::Hashed => false,
            NodeKind::ZoneCut => opt_out == OptOut::No || node.rrset(Rtype::DS).is_some(),
            NodeKind::Plain | NodeKind::Dname => true,
        }
}

/// The types that it says there are, of those that [`super::nsec::types`] and the keys have.
pub(super) fn types(node: Node<'_>, mut types: Vec<Rtype>) -> Vec<Rtype> {
    if node.id() == NodeId::APEX {
        types.push(Rtype::NSEC3PARAM);
    }
    let is_signed = match node.kind() {
        NodeKind::ZoneCut => types.contains(&Rtype::DS),
        NodeKind::Plain | NodeKind::Dname | NodeKind::Occluded | NodeKind::Hashed => !types.is_empty(),
    };
    if is_signed {
        types.push(Rtype::RRSIG);
    }
    types
}

/// Its RDATA: the hash of the name that comes next, and the types.
pub(super) fn nsec3(next: NameRef<'_>, opt_out: OptOut, types: Vec<Rtype>) -> Vec<u8> {
    let [algorithm, _, high, low, salt] = PARAMETERS;
    let mut out = vec![algorithm, u8::from(opt_out == OptOut::Yes), high, low, salt];
    // 20 bytes: SHA-1.
    out.push(HASH_BYTES.to_le_bytes()[0]);
    out.extend_from_slice(&hash(next));
    put_types(types, &mut out);
    out
}

/// The same record with other types.
pub(super) fn with_types(rdata: &[u8], types: Vec<Rtype>) -> Option<Vec<u8>> {
    let mut out = rdata.get(..BEFORE_TYPES)?.to_vec();
    put_types(types, &mut out);
    Some(out)
}

fn put_types(mut types: Vec<Rtype>, out: &mut Vec<u8>) {
    rdata::write_type_bitmap(&mut types, out);
}
