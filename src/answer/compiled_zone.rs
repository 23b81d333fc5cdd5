//! A zone compiled to wire form: one table, one block of memory. HOT where it is read.
//!
//! Defines the layout of the table and its nodes, and finds a node. `compile` fills it.
//!
//! ```text
//! slots   [ tag:32 | offset:32 ] …                    open addressing, at most two thirds full
//! node    | name_len | flags | templates_len:32 | wildcard:32 | name … | template | template | …
//! ```
//!
//! A node and its templates lie together, so that a hit touches one slot and one or two cache lines more.

use super::template::{ANY_OTHER, DNAME_BELOW, ResponseTemplate, TemplateBuilder, TooLarge};
use crate::dns::NameHash;

/// A compiled zone. Immutable; only [`super::compile`] makes one.
#[derive(PartialEq, Eq)]
pub struct CompiledZone {
    slots: Box<[u64]>,
    bytes: Box<[u8]>,
    /// Length of the apex's name in wire form.
    apex_bytes: usize,
    /// Labels of the apex's name.
    apex_labels: usize,
    /// SOA record with the negative TTL; for both NODATA and NXDOMAIN.
    negative: Box<[u8]>,
}

/// Properties of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeFlags(u8);

impl NodeFlags {
    pub(super) const NONE: NodeFlags = NodeFlags(0);
    /// At and below it: a referral, its template [`ANY_OTHER`].
    pub(super) const CUT: NodeFlags = NodeFlags(1);
    /// Below it: a DNAME, its template [`DNAME_BELOW`].
    pub(super) const DNAME: NodeFlags = NodeFlags(2);
    /// There is a wildcard right below it.
    pub(super) const HAS_WILDCARD: NodeFlags = NodeFlags(4);
    /// A wildcard: its templates are made for the name one label up.
    pub(super) const WILDCARD: NodeFlags = NodeFlags(8);

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
        usize::from(name_bytes) == relative.len() && self.rest.starts_with(relative)
    }

    #[inline]
    fn template_bytes(&self) -> &'b [u8] {
        let [name_bytes, _, p0, p1, p2, p3, ..] = *self.head;
        let from = usize::from(name_bytes);
        let to = from.wrapping_add(u32::from_le_bytes([p0, p1, p2, p3]) as usize);
        self.rest.get(from..to).unwrap_or_default()
    }

    /// Where the wildcard right below it is.
    #[inline]
    fn wildcard(&self) -> u32 {
        let [.., w0, w1, w2, w3] = *self.head;
        u32::from_le_bytes([w0, w1, w2, w3])
    }
}

impl CompiledZone {
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
                if let Some(node) = self.node(offset)
                    && node.is_named(relative)
                {
                    return Some(node);
                }
            }
            at = at.wrapping_add(1) & mask;
        }
        None
    }

    /// The wildcard right below a node.
    #[inline]
    pub(super) fn wildcard_of(&self, node: &CompiledNode<'_>) -> Option<CompiledNode<'_>> {
        if !node.has(NodeFlags::HAS_WILDCARD) {
            return None;
        }
        self.node(node.wildcard())
    }

    #[inline]
    fn node(&self, offset: u32) -> Option<CompiledNode<'_>> {
        let (head, rest) = self.bytes.get(offset as usize..)?.split_first_chunk()?;
        Some(CompiledNode { head, rest })
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

    /// The SOA record of negative answers, all names in pointers to the apex's part of the question:
    /// [`NEGATIVE_OWNER`] first, then type and so on. Its pointers are made for QNAME = apex.
    #[inline]
    pub(super) fn negative(&self) -> ResponseTemplate<'_> {
        ResponseTemplate::read(&self.negative).map_or(ResponseTemplate::NONE, |(template, _)| template)
    }

    /// Memory that it takes, in bytes: the sum of what is in memory does not overflow.
    pub fn memory_bytes(&self) -> usize {
        let slots = self.slots.len().saturating_mul(8);
        slots.saturating_add(self.bytes.len()).saturating_add(self.negative.len())
    }

    /// All of it, for comparing two zones.
    #[cfg(test)]
    pub(super) fn raw(&self) -> (&[u64], &[u8], &[u8]) {
        (&self.slots, &self.bytes, &self.negative)
    }
}

/// Most bytes of nodes and templates: offsets are 32 bits wide, and a slot holds one more than the offset,
/// because 0 is an empty one.
pub(super) const COMPILED_BYTES_MAX: usize = u32::MAX as usize - 1;

/// A compiled zone that is being filled.
pub(super) struct CompiledZoneBuilder {
    bytes: Vec<u8>,
    bytes_max: usize,
    nodes: Vec<(NameHash, u32)>,
    apex_bytes: usize,
    apex_labels: usize,
}

/// Where a node was put, to link another node to it.
#[derive(Clone, Copy)]
pub(super) struct NodeOffset(u32);

impl CompiledZoneBuilder {
    /// An empty one for at most `bytes_max` bytes, [`COMPILED_BYTES_MAX`] or less.
    pub(super) fn new(apex_bytes: usize, apex_labels: usize, bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), bytes_max, nodes: Vec::new(), apex_bytes, apex_labels }
    }

    /// Adds a node that can be found by its name.
    pub(super) fn add(
        &mut self,
        hash: NameHash,
        relative: &[u8],
        flags: NodeFlags,
        templates: &[TemplateBuilder],
    ) -> Result<NodeOffset, TooLarge> {
        let offset = self.add_unlisted(relative, flags, templates)?;
        self.nodes.push((hash, offset.0));
        Ok(offset)
    }

    /// Adds a node that is reached through another only.
    pub(super) fn add_unlisted(
        &mut self,
        relative: &[u8],
        flags: NodeFlags,
        templates: &[TemplateBuilder],
    ) -> Result<NodeOffset, TooLarge> {
        let short = |length: usize| u32::try_from(length).map_err(|_| TooLarge::Zone);
        let offset = short(self.bytes.len())?;
        // The lowest byte says it all: a name has 255 bytes at most (RFC 1035, section 2.3.4).
        let [name_bytes, ..] = relative.len().to_le_bytes();
        self.bytes.extend_from_slice(&[name_bytes, flags.0]);
        self.bytes.extend_from_slice(&[0; 8]);
        self.bytes.extend_from_slice(relative);
        let before = self.bytes.len();
        templates.iter().try_for_each(|template| template.write(&mut self.bytes))?;
        // What was appended is no longer than the whole.
        let length = short(self.bytes.len().wrapping_sub(before))?;
        if self.bytes.len() > self.bytes_max {
            return Err(TooLarge::Zone);
        }
        self.patch(offset, 2, length);
        Ok(NodeOffset(offset))
    }

    /// Links a node to the wildcard right below it.
    pub(super) fn link_wildcard(&mut self, parent: NodeOffset, wildcard: NodeOffset) {
        self.patch(parent.0, 6, wildcard.0);
        if let Some([_, flags, ..]) = self.bytes.get_mut(parent.0 as usize..) {
            *flags |= NodeFlags::HAS_WILDCARD.0;
        }
    }

    fn patch(&mut self, offset: u32, field: usize, value: u32) {
        let node = self.bytes.get_mut(offset as usize..).and_then(|node| node.get_mut(field..));
        if let Some(bytes) = node.and_then(<[u8]>::first_chunk_mut) {
            *bytes = value.to_le_bytes();
        }
    }

    /// The finished zone.
    pub(super) fn finish(self, negative: &TemplateBuilder) -> Result<CompiledZone, TooLarge> {
        let mut soa = Vec::new();
        negative.write(&mut soa)?;
        // No more nodes than bytes, of which there are at most 2^32: neither this nor the mask leaves 64
        // bits.
        let wanted = self.nodes.len().wrapping_mul(3) / 2;
        let size = wanted.max(4).next_power_of_two();
        let mask = size.wrapping_sub(1);
        let mut slots = vec![0_u64; size];
        for (hash, offset) in self.nodes {
            #[allow(clippy::cast_possible_truncation, reason = "masked to the table's size")]
            let mut at = hash.bits() as usize & mask;
            while slots.get(at).is_some_and(|slot| *slot != 0) {
                at = at.wrapping_add(1) & mask;
            }
            if let Some(slot) = slots.get_mut(at) {
                // Every offset is below `COMPILED_BYTES_MAX`, so that one more stays in 32 bits.
                *slot = hash.bits() >> 32 << 32 | u64::from(offset).wrapping_add(1);
            }
        }
        Ok(CompiledZone {
            slots: slots.into_boxed_slice(),
            bytes: self.bytes.into_boxed_slice(),
            apex_bytes: self.apex_bytes,
            apex_labels: self.apex_labels,
            negative: soa.into_boxed_slice(),
        })
    }
}
