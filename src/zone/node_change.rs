//! What a change of a zone did to a node.

use super::sealed::NodeId;

/// A node that is not what it was in the version before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeChange {
    /// The node; it may have vanished.
    pub node: NodeId,
    /// Whether its records or pools are others.
    pub records: bool,
    /// Whether its addresses are, be they records or pools.
    pub addresses: bool,
    /// Whether it is another thing to names at or below it: it came, vanished, is hidden or not any more, became a
    /// zone cut or a DNAME or was one, or there is a wildcard below it or not any more.
    pub structure: bool,
}

impl NodeChange {
    /// What both did to a node.
    #[must_use]
    pub fn and(self, other: NodeChange) -> NodeChange {
        NodeChange {
            node: self.node,
            records: self.records || other.records,
            addresses: self.addresses || other.addresses,
            structure: self.structure || other.structure,
        }
    }

    pub(super) fn none(node: NodeId) -> NodeChange {
        NodeChange { node, records: false, addresses: false, structure: false }
    }
}
