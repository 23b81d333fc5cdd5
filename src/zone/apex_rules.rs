//! What must stand at the apex of a zone, and nowhere else.

use super::sealed::NodeId;
use super::tree::{Node, Zone};
use crate::dns::{NameRef, Rtype};
use crate::source::{Diagnostic, Diagnostics, Origin};

/// Checks the apex; `elsewhere` tells of SOA records at other names, and whether there were any.
pub(super) fn apex(
    zone: &Zone,
    origin: &Origin,
    elsewhere: impl FnOnce(&mut Diagnostics) -> bool,
    found: &mut Diagnostics,
) {
    let node = zone.node(NodeId::APEX);
    let Some(soa) = node.rrset(Rtype::SOA) else {
        // It may stand at another name, or be one of the records that could not be read.
        if elsewhere(found) || found.errors() > 0 {
            return;
        }
        let message = format!("the zone `{}` has no SOA record at its apex", zone.apex());
        found.push(
            Diagnostic::error(origin, message)
                .help("begin the file with `@ IN SOA ns1 hostmaster 1 3h 30m 2w 10m`"),
        );
        return;
    };
    if soa.rdatas().len() > 1 {
        found.push(
            Diagnostic::error(soa.origin(), "more than one SOA record").label("a zone has exactly one"),
        );
    }
    if node.rrset(Rtype::NS).is_none() {
        let message = format!("the zone `{}` has no NS record at its apex", zone.apex());
        found.push(
            Diagnostic::warning(soa.origin(), message).help(
                "add `@ IN NS` with the name of this server; resolvers that follow a delegation need it",
            ),
        );
    }
    iterations(node, found);
    elsewhere(found);
}

/// Most times that a hash is hashed again in a zone that resolvers take for a signed one (RFC 9276, section 3.2).
const ITERATIONS_SOUND_MAX: u16 = 100;

/// Most times that it is. With more, Unbound and BIND take the zone for one that is not signed, and `dnssec-signzone` makes
/// none; and each question for a name that does not exist costs three times as many here, below a delegation that opts out one
/// more for each label of the name.
const ITERATIONS_MAX: u16 = 150;

/// How often names are hashed to deny them.
fn iterations(apex: Node<'_>, found: &mut Diagnostics) {
    let Some(parameters) = apex.rrset(Rtype::NSEC3PARAM) else { return };
    for (rdata, origin) in parameters.rdatas().zip(parameters.origins()) {
        let Some(&[_, _, high, low]) = rdata.first_chunk() else { continue };
        let count = u16::from_be_bytes([high, low]);
        let message = format!("names are hashed {count} times more to be denied");
        let told = if count == 0 {
            continue;
        } else if count <= ITERATIONS_SOUND_MAX {
            Diagnostic::warning(origin, message)
                .remark("RFC 9276, section 3.1: that hides nothing, and costs each server and resolver work")
        } else if count <= ITERATIONS_MAX {
            Diagnostic::warning(origin, message)
                .remark("RFC 9276, section 3.2: resolvers take such a zone for one that is not signed")
        } else {
            Diagnostic::error(origin, message).label(format!("at most {ITERATIONS_MAX}"))
        };
        found.push(told.help("sign the zone with no iterations and no salt, as RFC 9276 advises"));
    }
}

/// Says of an SOA record that is not at the apex where it stands; whether there was one.
pub(super) fn soa_elsewhere(zone: &Zone, node: Node<'_>, found: &mut Diagnostics) -> bool {
    let Some(soa) = node.rrset(Rtype::SOA).filter(|_| node.id() != NodeId::APEX) else { return false };
    let message = format!("this SOA record is not at the apex, `{}`, but at `{}`", zone.apex(), node.name());
    let help = if is_apex_without_dot(zone.apex(), node.name()) {
        format!("did you mean `{}`, with a dot at its end, or `@`?", zone.apex())
    } else {
        "the owner of a zone's SOA record is the zone itself, `@`".to_owned()
    };
    found.push(Diagnostic::error(soa.origin(), message).help(help));
    true
}

/// Whether an owner is the apex written without its final dot, and thus the apex twice.
fn is_apex_without_dot(apex: NameRef<'_>, owner: NameRef<'_>) -> bool {
    let (apex, owner) = (apex.wire(), owner.wire());
    let labels = apex.split_last().map_or(apex, |(_, labels)| labels);
    let twice = owner.len().checked_sub(apex.len()).and_then(|at| owner.get(..at));
    twice.is_some_and(|first| first.eq_ignore_ascii_case(labels))
}
