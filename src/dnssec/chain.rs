//! The owners of NSEC or NSEC3 records in the order of their chain, for zones that change: who comes before a name, and who
//! after it.
//!
//! Versions share what has not changed: owners stand in pieces behind pointers, and a change copies a piece or two and the
//! pointers.

use std::sync::Arc;

use super::denial_kind::DenialKind;
use crate::dns::NameRef;
use crate::zone::{NodeId, Zone};

/// Owners of a piece; a piece of twice as many is divided.
const PIECE: usize = 512;

/// The owners of records that deny in a zone, by their places in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    kind: DenialKind,
    pieces: Arc<Vec<Arc<Vec<NodeId>>>>,
}

impl Chain {
    /// Of a zone that is signed or to be signed.
    pub fn of(zone: &Zone, kind: DenialKind) -> Chain {
        let owners = kind.owners(zone);
        Chain { kind, pieces: Arc::new(owners.chunks(PIECE).map(|piece| Arc::new(piece.to_vec())).collect()) }
    }

    /// The owners in their order.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> {
        self.pieces.iter().flat_map(|piece| piece.iter().copied())
    }

    /// Whether a node is among them.
    pub(super) fn has(&self, zone: &Zone, id: NodeId) -> bool {
        let (piece, at) = self.place(zone, zone.node(id).name());
        self.pieces.get(piece).and_then(|piece| piece.get(at)) == Some(&id)
    }

    /// The owner behind a node; behind the last one comes the first.
    pub(super) fn next(&self, zone: &Zone, id: NodeId) -> NodeId {
        let (piece, at) = self.place(zone, zone.node(id).name());
        let in_piece =
            |piece: usize, at: usize| self.pieces.get(piece).and_then(|piece| piece.get(at)).copied();
        let here = in_piece(piece, at);
        let at = if here == Some(id) { at + 1 } else { at };
        let behind = in_piece(piece, at).or_else(|| in_piece(piece + 1, 0));
        // The apex has a record in every chain.
        behind.or_else(|| in_piece(0, 0)).unwrap_or(NodeId::APEX)
    }

    /// The owner before a node, which need not be one itself; before the first comes the last one.
    pub(super) fn before(&self, zone: &Zone, id: NodeId) -> NodeId {
        let (piece, at) = self.place(zone, zone.node(id).name());
        let last_of = |piece: &Arc<Vec<NodeId>>| piece.last().copied();
        let here = at.checked_sub(1).and_then(|at| self.pieces.get(piece)?.get(at).copied());
        let earlier = || self.pieces.get(..piece)?.last().and_then(last_of);
        here.or_else(earlier).or_else(|| self.pieces.last().and_then(last_of)).unwrap_or(NodeId::APEX)
    }

    /// Puts a node where it belongs.
    pub(super) fn insert(&mut self, zone: &Zone, id: NodeId) {
        let (piece, at) = self.place(zone, zone.node(id).name());
        let pieces = Arc::make_mut(&mut self.pieces);
        let Some(owners) = pieces.get_mut(piece) else {
            // The apex has a record in every chain, so there is a piece.
            pieces.push(Arc::new(vec![id]));
            return;
        };
        let owners = Arc::make_mut(owners);
        owners.insert(at.min(owners.len()), id);
        if owners.len() > 2 * PIECE {
            let second = owners.split_off(PIECE);
            pieces.insert(piece + 1, Arc::new(second));
        }
    }

    /// Takes a node away.
    pub(super) fn remove(&mut self, zone: &Zone, id: NodeId) {
        let (piece, at) = self.place(zone, zone.node(id).name());
        let pieces = Arc::make_mut(&mut self.pieces);
        let Some(owners) = pieces.get_mut(piece).filter(|owners| owners.get(at) == Some(&id)) else { return };
        let owners = Arc::make_mut(owners);
        owners.remove(at);
        if owners.is_empty() {
            pieces.remove(piece);
        }
    }

    /// The piece with the first owner that is not before a name, and its place there. Behind all others it is the end of
    /// the last piece.
    fn place(&self, zone: &Zone, name: NameRef<'_>) -> (usize, usize) {
        let own = self.kind.key(name);
        let is_before = |id: &NodeId| self.kind.key(zone.node(*id).name()).as_bytes() < own.as_bytes();
        let ends_before = |piece: &Arc<Vec<NodeId>>| piece.last().is_some_and(is_before);
        let piece = self.pieces.partition_point(ends_before).min(self.pieces.len().saturating_sub(1));
        (piece, self.pieces.get(piece).map_or(0, |owners| owners.partition_point(is_before)))
    }
}
