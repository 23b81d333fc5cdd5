//! A zone compiled to wire form: one table, one block of memory. HOT where it is read.
//!
//! Defines the layout of the table and its nodes, and finds a node. `zone_builder` writes it, filled by
//! `compile`.
//!
//! ```text
//! slots   [ tag:32 | offset:32 ] …                    open addressing, at most two thirds full
//! node    | name_len | flags | templates_len:32 | wildcard:32 | name … | template | template | …
//!         | signed_len:32 | signed template | signed template | …                 in a signed zone only
//! ```
//!
//! A node and its templates lie together, so that a hit touches one slot and one or two cache lines more. The wildcard
//! right below a node lies behind it, as many bytes as the node says; 0: there is none.
//!
//! A zone that changes shares both with its first version; what is otherwise since then stands beside it and is looked
//! for first. A zone without changes pays one comparison for that.

use std::sync::Arc;

use super::denial::Denial;
use super::signed_template::SignedTemplate;
use super::template::{ANY_OTHER, DNAME_BELOW, ResponseTemplate};
use crate::dns::NameHash;
use crate::shared_map::SharedMap;

/// A compiled zone. Immutable; only [`compile`](super::compile()) makes one, and the next version of one.
#[derive(PartialEq, Eq)]
pub struct CompiledZone {
    /// What was compiled as a whole; later versions share it.
    pub(super) sealed: Arc<SealedNodes>,
    /// Nodes that are not as they are there: each in a piece of its own, with the wildcard right below it. They are
    /// found by the hashes of their names.
    pub(super) changed: SharedMap<Arc<[u8]>>,
    /// Length of the apex's name in wire form.
    pub(super) apex_bytes: usize,
    /// Labels of the apex's name.
    pub(super) apex_labels: usize,
    /// SOA record with the negative TTL; for both NODATA and NXDOMAIN.
    pub(super) negative: Box<[u8]>,
    /// EXPIRE of the SOA record, in seconds.
    pub(super) expire: u32,
    /// What a signed zone has besides.
    pub(super) signed: Option<Arc<SignedZone>>,
    /// What denies the types of pools that may be empty, by their numbers: in the form of a [`Denial`]'s entries.
    pub(super) pool_denials: Box<[(u32, Box<[u8]>)]>,
}

/// What a signed zone has besides its nodes.
#[derive(Default, PartialEq, Eq)]
pub(super) struct SignedZone {
    /// SOA record of negative answers with its signatures.
    pub(super) negative: Box<[u8]>,
    pub(super) denial: Denial,
}

impl SignedZone {
    /// The SOA record of negative answers with its signatures; as [`CompiledZone::negative`].
    pub(super) fn negative(&self) -> ResponseTemplate<'_> {
        ResponseTemplate::read(&self.negative).map_or(ResponseTemplate::NONE, |(template, _)| template)
    }
}

/// The nodes of a zone that was compiled as a whole.
#[derive(PartialEq, Eq)]
pub(super) struct SealedNodes {
    pub(super) slots: Box<[u64]>,
    pub(super) bytes: Box<[u8]>,
}

/// Properties of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeFlags(pub(super) u8);

impl NodeFlags {
    pub(super) const NONE: NodeFlags = NodeFlags(0);
    /// At and below it: a referral, its template [`ANY_OTHER`].
    pub(super) const CUT: NodeFlags = NodeFlags(1);
    /// Below it: a DNAME, its template [`DNAME_BELOW`].
    pub(super) const DNAME: NodeFlags = NodeFlags(2);
    /// A wildcard: its templates are made for the name one label up.
    pub(super) const WILDCARD: NodeFlags = NodeFlags(4);
    /// There was such a name, and there is none any more.
    pub(super) const GONE: NodeFlags = NodeFlags(8);

    pub(super) const fn with(self, other: NodeFlags) -> NodeFlags {
        NodeFlags(self.0 | other.0)
    }

    #[inline]
    pub(super) const fn has(self, other: NodeFlags) -> bool {
        self.0 & other.0 != 0
    }
}

const NODE_HEAD_BYTES: usize = 10;

/// A node of a [`CompiledZone`]. A view, as a [`ResponseTemplate`] is.
#[derive(Clone, Copy)]
pub(super) struct CompiledNode<'b> {
    head: &'b [u8; NODE_HEAD_BYTES],
    /// Name and templates, and then the rest of the zone.
    rest: &'b [u8],
}

impl<'b> CompiledNode<'b> {
    #[inline]
    pub(super) fn has(&self, flag: NodeFlags) -> bool {
        let [_, flags, ..] = *self.head;
        NodeFlags(flags).has(flag)
    }

    /// The template of exactly this type.
    #[inline]
    pub(super) fn template(&self, qtype: u16) -> Option<ResponseTemplate<'b>> {
        let mut rest = self.template_bytes();
        while let Some((template, after)) = ResponseTemplate::read(rest) {
            if template.qtype() == qtype {
                return Some(template);
            }
            rest = after;
        }
        None
    }

    /// All its templates.
    pub(super) fn templates(&self) -> impl Iterator<Item = ResponseTemplate<'b>> + use<'b> {
        let mut rest = self.template_bytes();
        std::iter::from_fn(move || {
            let (template, after) = ResponseTemplate::read(rest)?;
            rest = after;
            Some(template)
        })
    }

    /// The template of this type, or else the one for every type that has none.
    #[inline]
    pub(super) fn template_or_other(&self, qtype: u16) -> Option<ResponseTemplate<'b>> {
        let mut other = None;
        let mut rest = self.template_bytes();
        while let Some((template, after)) = ResponseTemplate::read(rest) {
            let own = template.qtype();
            if own == qtype {
                return Some(template);
            }
            if own == ANY_OTHER {
                other = Some(template);
            }
            rest = after;
        }
        other
    }

    /// The template of an RRset of the node, whichever comes first (RFC 8482, section 4.1).
    #[inline]
    pub(super) fn template_for_any(&self) -> Option<ResponseTemplate<'b>> {
        let first = ResponseTemplate::read(self.template_bytes()).map(|(template, _)| template);
        first.filter(|template| !self.has(NodeFlags::CUT) && template.qtype() != DNAME_BELOW)
    }

    /// Whether both are one node.
    pub(super) fn is(&self, other: &CompiledNode<'_>) -> bool {
        std::ptr::eq(self.head, other.head)
    }

    /// Whether its name is this one, without the apex's part.
    #[inline]
    fn is_named(&self, relative: &[u8]) -> bool {
        let [name_bytes, ..] = *self.head;
        // The apex, which most names that do not exist end at, needs no call that compares nothing.
        usize::from(name_bytes) == relative.len() && (relative.is_empty() || self.rest.starts_with(relative))
    }

    #[inline]
    fn template_bytes(&self) -> &'b [u8] {
        let [name_bytes, _, p0, p1, p2, p3, ..] = *self.head;
        let from = usize::from(name_bytes);
        let to = from.wrapping_add(u32::from_le_bytes([p0, p1, p2, p3]) as usize);
        self.rest.get(from..to).unwrap_or_default()
    }

    /// What the template of exactly this type has more where signatures are wanted; only in a signed zone.
    pub(super) fn signed_template(&self, qtype: u16) -> SignedTemplate<'b> {
        let found = self.signed_templates().find(|template| template.own.qtype() == qtype);
        found.unwrap_or(SignedTemplate::NONE)
    }

    /// The same of all its templates.
    pub(super) fn signed_templates(&self) -> impl Iterator<Item = SignedTemplate<'b>> + use<'b> {
        let [name_bytes, _, p0, p1, p2, p3, ..] = *self.head;
        let from = usize::from(name_bytes).wrapping_add(u32::from_le_bytes([p0, p1, p2, p3]) as usize);
        let rest = self.rest.get(from..).and_then(<[u8]>::split_first_chunk);
        let mut rest = rest
            .and_then(|(length, rest)| rest.get(..u32::from_le_bytes(*length) as usize))
            .unwrap_or_default();
        std::iter::from_fn(move || {
            let (template, after) = SignedTemplate::read(rest)?;
            rest = after;
            Some(template)
        })
    }

    /// The wildcard right below it.
    #[inline]
    pub(super) fn wildcard(&self) -> Option<CompiledNode<'b>> {
        let [.., w0, w1, w2, w3] = *self.head;
        // There is no node at a place so far behind as the one that is before the rest.
        node_at(self.rest, (u32::from_le_bytes([w0, w1, w2, w3]) as usize).wrapping_sub(NODE_HEAD_BYTES))
    }
}

/// Whether a piece is the node of this name, without the apex's part.
#[inline]
pub(super) fn is_named(piece: &[u8], relative: &[u8]) -> bool {
    node_at(piece, 0).is_some_and(|node| node.is_named(relative))
}

impl SealedNodes {
    /// The node of a name: its hash, and its lower-case wire form up to the apex's first label. HOT.
    #[inline]
    pub(super) fn find(&self, hash: NameHash, relative: &[u8]) -> Option<CompiledNode<'_>> {
        let mask = self.slots.len().wrapping_sub(1);
        let bits = hash.bits();
        #[allow(clippy::cast_possible_truncation, reason = "masked to the table's size")]
        let mut at = bits as usize & mask;
        // The table has empty slots, and `mask` keeps the slot inside.
        while let Some(&slot) = self.slots.get(at) {
            if slot == 0 {
                return None;
            }
            if slot >> 32 == bits >> 32 {
                #[allow(clippy::cast_possible_truncation, reason = "the lower half is the offset")]
                let offset = (slot as u32).wrapping_sub(1);
                if let Some(node) = node_at(&self.bytes, offset as usize)
                    && node.is_named(relative)
                {
                    return Some(node);
                }
            }
            at = at.wrapping_add(1) & mask;
        }
        None
    }
}

/// The node at an offset.
#[inline]
fn node_at(bytes: &[u8], offset: usize) -> Option<CompiledNode<'_>> {
    let (head, rest) = bytes.get(offset..)?.split_first_chunk()?;
    Some(CompiledNode { head, rest })
}

impl CompiledZone {
    /// Whether it answers with signatures where they are wanted.
    pub fn is_signed(&self) -> bool {
        self.signed.is_some()
    }

    /// Whether some nodes are not as they were when it was compiled as a whole. HOT: then all names are looked for in
    /// [`CompiledZone::find`], else in [`CompiledZone::sealed`].
    #[inline]
    pub(super) fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The nodes as they were when it was compiled as a whole.
    #[inline]
    pub(super) fn sealed(&self) -> &SealedNodes {
        &self.sealed
    }

    /// The node of a name: its hash, and its lower-case wire form up to the apex's first label.
    pub(super) fn find(&self, hash: NameHash, relative: &[u8]) -> Option<CompiledNode<'_>> {
        match self.changed.get(hash.bits(), |piece| is_named(piece, relative)) {
            Some(piece) => node_at(piece, 0).filter(|node| !node.has(NodeFlags::GONE)),
            None => self.sealed.find(hash, relative),
        }
    }

    /// Length of the apex's name in wire form, in bytes.
    #[inline]
    pub(super) fn apex_bytes(&self) -> usize {
        self.apex_bytes
    }

    /// Labels of the apex's name, the root not counted.
    #[inline]
    pub(super) fn apex_labels(&self) -> usize {
        self.apex_labels
    }

    /// The SOA record of negative answers. All its pointers lead to the apex's part of the question; they are
    /// made for QNAME = apex.
    #[inline]
    pub(super) fn negative(&self) -> ResponseTemplate<'_> {
        ResponseTemplate::read(&self.negative).map_or(ResponseTemplate::NONE, |(template, _)| template)
    }

    /// What denies the type of a pool that is empty.
    pub(super) fn pool_denial(&self, pool: u32) -> Option<&[u8]> {
        let at = self.pool_denials.binary_search_by_key(&pool, |(number, _)| *number).ok()?;
        self.pool_denials.get(at).map(|(_, value)| &**value)
    }

    /// Memory that it takes, in bytes: the sum of what is in memory does not overflow.
    pub fn memory_bytes(&self) -> usize {
        let SealedNodes { slots, bytes } = &*self.sealed;
        let changed: usize = self.changed.values().map(|piece| piece.len()).sum();
        let slots = slots.len().saturating_mul(8);
        let signed = self.signed.as_ref().map_or(0, |signed| signed.denial.memory_bytes());
        let pools: usize = self.pool_denials.iter().map(|(_, value)| value.len()).sum();
        let signed = signed.saturating_add(pools);
        let nodes = slots.saturating_add(bytes.len()).saturating_add(changed);
        nodes.saturating_add(self.negative.len()).saturating_add(signed)
    }

    /// How many nodes are not as they were when it was compiled as a whole.
    pub fn changed_nodes(&self) -> usize {
        self.changed.len()
    }

    /// All of it, for comparing two zones.
    #[cfg(test)]
    pub(super) fn raw(&self) -> (&[u64], &[u8], &[u8]) {
        (&self.sealed.slots, &self.sealed.bytes, &self.negative)
    }
}
