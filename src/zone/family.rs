//! Which names lie below a node, for zones that change: a new zone cut hides them, and an empty non-terminal vanishes with
//! the last of them.
//!
//! Knows the nodes of the zone as it was built. Later ones refer to each other (`changed`).

use super::sealed::{NodeId, Sealed};

/// The children of each node.
pub(super) struct Family {
    members: Vec<FamilyNode>,
}

#[derive(Clone, Copy, Default)]
struct FamilyNode {
    children: u32,
    /// The number of its first child, plus one; 0: it has none.
    first_child: u32,
    /// The number of the next child of its parent, plus one; 0: it is the last.
    sibling: u32,
}

impl Family {
    /// Of all nodes.
    pub(super) fn of(sealed: &Sealed) -> Family {
        let mut members = vec![FamilyNode::default(); sealed.nodes.len()];
        // Nodes behind the apex, the last first, so that children are in the order of their places.
        for at in (1..sealed.nodes.len()).rev() {
            let parent = sealed.nodes[at].parent.0 as usize;
            members[at].sibling = members[parent].first_child;
            members[parent].first_child = super::sealed::index(at) + 1;
            members[parent].children += 1;
        }
        Family { members }
    }

    /// How many children a node had.
    pub(super) fn count(&self, id: NodeId) -> u32 {
        self.member(id).children
    }

    /// The children that a node had.
    pub(super) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let node = |number: u32| number.checked_sub(1).map(NodeId);
        let first = node(self.member(id).first_child);
        std::iter::successors(first, move |child| node(self.member(*child).sibling))
    }

    fn member(&self, id: NodeId) -> FamilyNode {
        self.members.get(id.0 as usize).copied().unwrap_or_default()
    }
}
