//! Builds a compiled zone, at load: writes nodes and the table that finds them.
//!
//! The layout is described in `compiled_zone`.

use std::sync::Arc;

use super::compiled_zone::{CompiledZone, NodeFlags, SealedNodes, SignedZone};
use super::signed_template::SignedTemplateBuilder;
use super::template::{TemplateBuilder, TooLarge};
use crate::dns::{NameHash, NameRef};
use crate::shared_map::SharedMap;

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
    pub(super) fn new(apex: NameRef<'_>, bytes_max: usize) -> Self {
        let (apex_bytes, apex_labels) = (apex.wire().len(), apex.label_count());
        Self { bytes: Vec::new(), bytes_max, nodes: Vec::new(), apex_bytes, apex_labels }
    }

    /// Adds a node; in a signed zone with what is signed of its templates.
    pub(super) fn add(
        &mut self,
        relative: &[u8],
        flags: NodeFlags,
        templates: &[TemplateBuilder],
        signed: Option<&[SignedTemplateBuilder]>,
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
        if let Some(signed) = signed {
            let head_at = self.bytes.len();
            self.bytes.extend_from_slice(&[0; 4]);
            let before = self.bytes.len();
            signed.iter().try_for_each(|template| template.write(&mut self.bytes))?;
            let length = short(self.bytes.len().wrapping_sub(before))?;
            if let Some(head) = self.bytes.get_mut(head_at..).and_then(<[u8]>::first_chunk_mut) {
                *head = length.to_le_bytes();
            }
        }
        if self.bytes.len() > self.bytes_max {
            return Err(TooLarge::Zone);
        }
        self.patch(offset, 2, length);
        Ok(NodeOffset(offset))
    }

    /// Has a node found by its name. Others are reached through another only.
    pub(super) fn list(&mut self, hash: NameHash, node: NodeOffset) {
        self.nodes.push((hash, node.0));
    }

    /// Links a node to the wildcard right below it, which was added later.
    pub(super) fn link_wildcard(&mut self, parent: NodeOffset, wildcard: NodeOffset) {
        debug_assert!(parent.0 < wildcard.0, "a node says how far behind it its wildcard is");
        self.patch(parent.0, 6, wildcard.0.wrapping_sub(parent.0));
    }

    /// A piece of the node that was added first, with what was added behind it.
    pub(super) fn into_piece(self) -> Arc<[u8]> {
        self.bytes.into()
    }

    fn patch(&mut self, offset: u32, field: usize, value: u32) {
        let node = self.bytes.get_mut(offset as usize..).and_then(|node| node.get_mut(field..));
        if let Some(bytes) = node.and_then(<[u8]>::first_chunk_mut) {
            *bytes = value.to_le_bytes();
        }
    }

    /// The finished zone.
    pub(super) fn finish(
        self,
        negative: &TemplateBuilder,
        expire: u32,
        signed: Option<SignedZone>,
    ) -> Result<CompiledZone, TooLarge> {
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
            sealed: Arc::new(SealedNodes {
                slots: slots.into_boxed_slice(),
                bytes: self.bytes.into_boxed_slice(),
            }),
            changed: SharedMap::default(),
            apex_bytes: self.apex_bytes,
            apex_labels: self.apex_labels,
            negative: soa.into_boxed_slice(),
            expire,
            signed: signed.map(Arc::new),
            pool_denials: Box::default(),
        })
    }
}
