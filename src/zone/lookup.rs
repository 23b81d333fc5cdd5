//! Which node answers for a name, and where its aliases lead.
//!
//! Names are looked up in a finished zone while it is checked; queries are answered from its compiled form.

use super::sealed::{NodeId, NodeKind};
use super::tree::{Node, Zone};
use crate::dns::{NameRef, Rtype, rdata};

/// Most links of a chain of CNAME and DNAME records that are followed inside
/// a zone. Longer ones are loops or mistakes; the client gets what has been
/// found so far.
pub const CNAME_CHAIN_MAX: usize = 16;

impl Zone {
    /// The node that answers for a name: itself, a wildcard, or what covers it.
    pub(super) fn matching(&self, name: NameRef<'_>) -> Option<Node<'_>> {
        let mut encloser = name;
        loop {
            match self.find(encloser) {
                Some(id) if encloser.wire().len() == name.wire().len() => return Some(self.node(id)),
                Some(id) => {
                    let node = self.node(id);
                    return match node.kind() {
                        NodeKind::Plain | NodeKind::Hashed => node.wildcard(),
                        NodeKind::ZoneCut | NodeKind::Dname | NodeKind::Occluded => Some(node),
                    };
                }
                None => encloser = encloser.parent()?,
            }
        }
    }

    /// The node that answers for a name, aliases followed; none where that is not in this zone.
    pub(super) fn end_of(&self, name: NameRef<'_>) -> Option<Node<'_>> {
        let mut name = name.to_name();
        for _ in 0..=CNAME_CHAIN_MAX {
            let node = self.matching(name.as_ref())?;
            if matches!(node.kind(), NodeKind::ZoneCut | NodeKind::Occluded)
                || (node.kind() == NodeKind::Dname && node.name() != name.as_ref())
            {
                return None;
            }
            let Some(cname) = node.rrset(Rtype::CNAME) else { return Some(node) };
            let target = cname.rdatas().next()?;
            name = rdata::names(Rtype::CNAME, target).next()?.name.to_name();
        }
        None
    }

    /// The wildcard that gives addresses to every name below `domain` that does not exist, be it right below it or
    /// below a parent of it.
    pub fn answering_wildcard(&self, domain: NameRef<'_>) -> Option<Node<'_>> {
        if !domain.is_at_or_below(self.apex()) {
            return None;
        }
        let mut enclosers = std::iter::successors(Some(domain), |name| name.parent());
        let encloser = self.node(enclosers.find_map(|name| self.find(name)).unwrap_or(NodeId::APEX));
        let wildcard = encloser.wildcard().filter(|_| encloser.kind() == NodeKind::Plain)?;
        (wildcard.has_address() || wildcard.alias().is_some()).then_some(wildcard)
    }
}

impl Node<'_> {
    /// Whether it has A or AAAA records, or pools of such.
    pub(super) fn has_address(self) -> bool {
        self.types().any(is_address)
    }
}

/// Whether records of a type hold addresses.
pub(super) fn is_address(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::A | Rtype::AAAA)
}
