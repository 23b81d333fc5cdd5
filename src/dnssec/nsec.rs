//! NSEC records (RFC 4034, section 4): who owns one, and what it says.

use crate::dns::{NameRef, Rtype, rdata};
use crate::zone::{Node, NodeKind};

/// The types that a signed zone says there are at a node, besides what signing adds everywhere. Of a zone cut those that
/// are the parent's (RFC 4035, section 2.3); none of what is hidden, and of an empty non-terminal.
pub(super) fn types(node: Node<'_>) -> Vec<Rtype> {
    let is_at_cut = |rtype: &Rtype| matches!(*rtype, Rtype::NS | Rtype::DS);
    let types = node.types().filter(|rtype| !rtype.is_of_signing());
    match node.kind() {
        NodeKind::Occluded | NodeKind::Hashed => Vec::new(),
        NodeKind::ZoneCut => types.filter(is_at_cut).collect(),
        NodeKind::Plain | NodeKind::Dname => types.collect(),
    }
}

/// Whether a node owns an NSEC record.
pub(super) fn is_owner(node: Node<'_>) -> bool {
    node.exists() && !types(node).is_empty()
}

/// RDATA of an NSEC record: the next owner, in the case it was written (RFC 6840, section 5.1), and the types.
pub(super) fn nsec(next: NameRef<'_>, mut types: Vec<Rtype>) -> Vec<u8> {
    let mut out = next.wire().to_vec();
    types.extend([Rtype::RRSIG, Rtype::NSEC]);
    rdata::write_type_bitmap(&mut types, &mut out);
    out
}
