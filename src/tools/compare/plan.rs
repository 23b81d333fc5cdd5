//! The questions about a zone.
//!
//! Every name is asked for each of its types and for A and AAAA, once in mixed case. Below every name one is
//! made up: it does not exist, or a wildcard, referral or DNAME answers it.

use std::num::NonZeroUsize;

use super::super::asking::Question;
use crate::dns::{Name, NameRef, OrderKey, Rtype};
use crate::zone::{Node, NodeId, NodeKind, Zone};

/// The label of names that are made up: no zone uses it.
const MADE_UP: &[u8] = b"edgedns-compare";

/// What is asked of an apex even where the zone has none.
const APEX_TYPES: [Rtype; 5] = [Rtype::NS, Rtype::MX, Rtype::TXT, CAA, Rtype::DNSKEY];

/// Certification authority authorization (RFC 8659), looked for by those who issue certificates.
const CAA: Rtype = Rtype(257);

/// What is asked about one zone.
pub(super) struct ZonePlan {
    apex: Name,
    /// In canonical order.
    names: Vec<PlannedName>,
}

/// A name and the types that it is asked for, ascending and each once.
struct PlannedName {
    name: Name,
    types: Box<[Rtype]>,
}

impl ZonePlan {
    /// Plans for a zone; with a `sample` only about so many of its names.
    pub(super) fn of(zone: &Zone, sample: Option<NonZeroUsize>) -> ZonePlan {
        let step = sample.map_or(1, |sample| zone.node_ids().count().div_ceil(sample.get()).max(1));
        let mut names = Vec::new();
        for (place, id) in zone.node_ids().enumerate() {
            let node = zone.node(id);
            let always = id == NodeId::APEX || node.wildcard().is_some() || node.pools().next().is_some();
            if !matches!(node.kind(), NodeKind::Occluded | NodeKind::Hashed)
                && (always || place.is_multiple_of(step))
            {
                plan(zone, node, &mut names);
            }
        }
        names.sort_by_cached_key(|planned| OrderKey::of(planned.name.as_ref()).as_bytes().to_vec());
        names.dedup_by(|one, other| one.name == other.name);
        ZonePlan { apex: zone.apex().to_name(), names }
    }

    /// The zone's name.
    pub(super) fn apex(&self) -> &Name {
        &self.apex
    }

    /// The question for its SOA record, which comes before [`ZonePlan::questions`].
    pub(super) fn soa(&self) -> Question {
        Question { qname: self.apex.clone(), qtype: Rtype::SOA }
    }

    /// All other questions, name by name.
    pub(super) fn questions(&self) -> impl Iterator<Item = Question> {
        self.names.iter().flat_map(|planned| {
            let question = |&qtype: &Rtype| {
                // RFC 4343: case makes no difference to what is found, but the question comes back as it was.
                let mixed = qtype == Rtype::AAAA;
                let qname = if mixed { mixed_case(&planned.name) } else { planned.name.clone() };
                Question { qname, qtype }
            };
            planned.types.iter().map(question)
        })
    }

    /// How many questions that is, the first one included.
    pub(super) fn questions_count(&self) -> u64 {
        self.names.iter().map(|planned| planned.types.len() as u64).sum::<u64>() + 1
    }
}

/// What is asked about one node, and near it.
fn plan(zone: &Zone, node: Node<'_>, names: &mut Vec<PlannedName>) {
    const ADDRESSES: [Rtype; 2] = [Rtype::A, Rtype::AAAA];
    let at_apex = node.id() == NodeId::APEX;
    let mut put = |name: Option<Name>, types: &mut dyn Iterator<Item = Rtype>| {
        let Some(name) = name else { return };
        // The SOA record of the apex has been asked for by then.
        let mut types: Vec<Rtype> =
            types.chain(ADDRESSES).filter(|rtype| *rtype != Rtype::SOA || !at_apex).collect();
        types.sort_unstable();
        types.dedup();
        names.push(PlannedName { name, types: types.into() });
    };
    let own = node.name().to_name();
    if node.kind() == NodeKind::ZoneCut {
        put(Some(own), &mut [Rtype::NS, Rtype::DS].into_iter());
    } else {
        let more: &[Rtype] = if at_apex { &APEX_TYPES } else { &[] };
        put(Some(own), &mut node.types().chain(more.iter().copied()));
    }
    let below = made_up_below(node.name()).filter(|name| zone.find(name.as_ref()).is_none());
    match node.wildcard() {
        Some(wildcard) => {
            // A wildcard stands for names with several labels, too (RFC 4592, section 2.2.1).
            let further = below.as_ref().and_then(|below| made_up_below(below.as_ref()));
            put(below, &mut wildcard.types());
            put(further, &mut wildcard.types());
        }
        None => put(below, &mut std::iter::empty()),
    }
}

/// A name right below another one; none where that is too long.
fn made_up_below(name: NameRef<'_>) -> Option<Name> {
    let length = u8::try_from(MADE_UP.len()).ok()?;
    let wire = [&[length], MADE_UP, name.wire()].concat();
    Name::from_wire(&wire).ok()
}

/// The same name with every other letter in upper case.
fn mixed_case(name: &Name) -> Name {
    let mut wire = name.as_ref().wire().to_vec();
    // Length bytes are below the letters, so that they stay what they are.
    wire.iter_mut().step_by(2).for_each(u8::make_ascii_uppercase);
    Name::from_wire(&wire).unwrap_or_else(|_| name.clone())
}

#[cfg(test)]
mod tests;
