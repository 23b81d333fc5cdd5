//! NSEC records (RFC 4034, section 4): who owns one, and what it says.

use crate::dns::{NameRef, OrderKey, Rtype, rdata};
use crate::zone::{Node, NodeId, NodeKind, Zone};

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

/// The owners of NSEC records, in canonical order, the apex first.
pub(super) fn owners(zone: &Zone) -> Vec<NodeId> {
    let mut keys = Vec::new();
    let mut owners: Vec<(NodeId, usize, usize)> = Vec::new();
    for id in zone.node_ids().filter(|id| is_owner(zone.node(*id))) {
        let from = keys.len();
        keys.extend_from_slice(OrderKey::of(zone.node(id).name()).as_bytes());
        owners.push((id, from, keys.len()));
    }
    let key = |(_, from, to): &(NodeId, usize, usize)| keys.get(*from..*to).unwrap_or_default();
    owners.sort_unstable_by(|one, other| key(one).cmp(key(other)));
    owners.into_iter().map(|(id, _, _)| id).collect()
}

/// RDATA of an NSEC record: the next owner, in the case it was written (RFC 6840, section 5.1), and the types.
pub(super) fn nsec(next: NameRef<'_>, mut types: Vec<Rtype>) -> Vec<u8> {
    let mut out = next.wire().to_vec();
    types.extend([Rtype::RRSIG, Rtype::NSEC]);
    rdata::write_type_bitmap(&mut types, &mut out);
    out
}
