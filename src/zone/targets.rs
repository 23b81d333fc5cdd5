//! The names that records point to: whether they exist, and whether they are the intended ones.
//!
//! Warns of names in RDATA. Which records may exist together is in `rules`.
//!
//! A name without a final dot is relative to the origin (RFC 1035, section 5.1). If such a name was meant to
//! be absolute, the zone is still sound, the name exists nowhere, and no name server warns. Signs of it:
//!
//! ```text
//! it exists nowhere but by a wildcard, and without the origin it would
//!   lie in another zone of this server, or beside this zone's apex (in a parent of it)
//!   or have two dots, where no part of it exists here
//! it repeats the beginning of the apex: `etcd-0.lab` in `lab.example`, where `etcd-0` exists
//! a PTR record of an address points to a name among addresses (RFC 1912, section 2.1)
//! ```

use super::apexes::Apexes;
use super::lookup::is_address;
use super::reverse_names::is_reverse;
use super::sealed::NodeKind;
use super::tree::{Node, Rrset, Zone};
use crate::dns::{Name, NameRef, Rtype, rdata};
use crate::source::{Diagnostic, Diagnostics};

/// Labels of a name with two dots: so many hosts have, and few relative names.
const TWO_DOTS_LABELS: usize = 3;

/// What stands at a name.
enum TargetStanding<'z> {
    /// The node of the name.
    Exact(Node<'z>),
    /// It lies below a zone cut or a DNAME.
    Covered,
    /// Nothing but what this wildcard makes.
    Wildcard(Node<'z>),
    /// Nothing.
    Missing,
}

/// Tells of the names in the RRsets of a node. `apexes` are those of all zones that are served.
pub(super) fn check(zone: &Zone, node: Node<'_>, apexes: &Apexes, found: &mut Diagnostics) {
    let of_address = || is_reverse(zone.apex()) && !node.name().labels().any(|label| label.starts_with(b"_"));
    // Most records of a large zone are addresses, which name nothing.
    for rrset in node.all_rrsets().filter(|rrset| !is_address(rrset.rtype())) {
        let rtype = rrset.rtype();
        for name in rrset.rdatas().flat_map(|bytes| rdata::names(rtype, bytes)).map(|inner| inner.name) {
            if rtype == Rtype::PTR && of_address() && is_reverse(name) {
                pointer(zone, rrset, name, found);
            } else {
                target(zone, rrset, name, apexes, found);
            }
        }
    }
}

/// Tells of a name that a record points to, or says otherwise.
pub(super) fn target(
    zone: &Zone,
    rrset: Rrset<'_>,
    name: NameRef<'_>,
    apexes: &Apexes,
    found: &mut Diagnostics,
) {
    // `MX 0 .` and `SRV 0 0 0 .` say that there is no such service (RFC 7505, RFC 2782).
    let is_ours = !name.is_root() && name.is_at_or_below(zone.apex());
    if !is_ours || apexes.nearest(name).is_some_and(|apex| apex != zone.apex()) {
        return;
    }
    let rtype = rrset.rtype();
    match standing(zone, name) {
        TargetStanding::Exact(node) => addresses(rrset, name, node, found),
        TargetStanding::Covered => {}
        TargetStanding::Wildcard(wildcard) => {
            if matches!(rtype, Rtype::NS | Rtype::MX | Rtype::SRV) {
                addresses(rrset, name, wildcard, found);
            }
            let Some(meant) = meant(zone, name, apexes) else { return };
            let message = format!(
                "this {rtype} record points to `{name}`, which is only what `{}` makes",
                wildcard.name()
            );
            found.push(Diagnostic::warning(rrset.origin(), message).help(final_dot(&meant)));
        }
        TargetStanding::Missing => {
            let meant = meant(zone, name, apexes);
            let message = match (rtype, &meant) {
                (Rtype::NS | Rtype::MX | Rtype::SRV | Rtype::CNAME, _) => {
                    format!("this {rtype} record points to `{name}`, which does not exist")
                }
                (_, Some(_)) => format!("a name in this {rtype} record is read as `{name}`"),
                (_, None) => return,
            };
            let told = Diagnostic::warning(rrset.origin(), message);
            found.push(match meant {
                Some(meant) => told.help(final_dot(&meant)),
                None => told,
            });
        }
    }
}

/// Targets of NS, MX and SRV records must be names with addresses, not aliases (RFC 2181, section 10.3; RFC 2782).
fn addresses(rrset: Rrset<'_>, name: NameRef<'_>, node: Node<'_>, found: &mut Diagnostics) {
    let rtype = rrset.rtype();
    if !matches!(rtype, Rtype::NS | Rtype::MX | Rtype::SRV) {
        return;
    }
    if let Some(alias) = node.alias() {
        let message = format!("this {rtype} record points to `{name}`, which is a CNAME");
        found.push(
            Diagnostic::warning(rrset.origin(), message)
                .and_at(alias, "the alias")
                .help(format!("name the target of the alias: {rtype} wants a name with addresses")),
        );
    } else if node.kind() == NodeKind::Plain && !node.has_address() {
        let message = format!("this {rtype} record points to `{name}`, which has no address");
        found.push(Diagnostic::warning(rrset.origin(), message));
    }
}

/// A PTR record of an address points to a name among addresses, where no host is.
fn pointer(zone: &Zone, rrset: Rrset<'_>, name: NameRef<'_>, found: &mut Diagnostics) {
    if zone.find(name).is_some_and(|id| zone.node(id).has_address()) {
        return;
    }
    let message = format!("this PTR record leads to `{name}`, where no host is");
    let help = match own_labels(zone, name)
        .filter(|own| *own > 1)
        .and_then(|own| first_labels(name, own, NameRef::ROOT))
    {
        Some(meant) => final_dot(&meant),
        None => "write the whole name of the host, with a dot at its end".to_owned(),
    };
    let why =
        "nodes take their host name from here; a name without a final dot is relative to the reverse zone";
    found.push(Diagnostic::warning(rrset.origin(), message).help(help).remark(why));
}

fn final_dot(meant: &Name) -> String {
    format!("if `{meant}` is meant, write it so, with the dot at its end")
}

fn standing<'z>(zone: &'z Zone, name: NameRef<'_>) -> TargetStanding<'z> {
    let above =
        || std::iter::successors(name.parent(), |name| name.parent()).find_map(|name| zone.find(name));
    if let Some(id) = zone.find(name) {
        return TargetStanding::Exact(zone.node(id));
    }
    let Some(encloser) = above().map(|id| zone.node(id)) else { return TargetStanding::Missing };
    match (encloser.kind(), encloser.wildcard()) {
        (NodeKind::Plain, Some(wildcard)) => TargetStanding::Wildcard(wildcard),
        (NodeKind::Plain, None) => TargetStanding::Missing,
        (NodeKind::Hashed, _) => TargetStanding::Missing,
        (NodeKind::ZoneCut | NodeKind::Dname | NodeKind::Occluded, _) => TargetStanding::Covered,
    }
}

/// The name that was likely meant by one that has no node in the zone; none where no sign tells of it.
fn meant(zone: &Zone, name: NameRef<'_>, apexes: &Apexes) -> Option<Name> {
    let own = own_labels(zone, name)?;
    // Where the zone's own name is repeated, whoever read the record has told of it.
    if first_labels(name, own, NameRef::ROOT)?.as_ref().is_at_or_below(zone.apex()) {
        return None;
    }
    // What the name was relative to exists, or it would be an odd origin.
    let origins =
        (1..=own).rev().filter(|cut| ancestor(name, *cut).is_some_and(|origin| zone.find(origin).is_some()));
    let mut written = origins.filter_map(|cut| first_labels(name, cut, NameRef::ROOT));
    let whole = written.find(|written| is_elsewhere(written.as_ref(), zone.apex(), apexes));
    whole.or_else(|| without_repetition(zone, name, own)).or_else(|| {
        let last = ancestor(name, own.checked_sub(1)?)?;
        let is_foreign = own >= TWO_DOTS_LABELS && zone.find(last).is_none();
        is_foreign.then(|| first_labels(name, own, NameRef::ROOT)).flatten()
    })
}

/// Whether a name lies in another zone that we know of, or in a parent of ours.
fn is_elsewhere(written: NameRef<'_>, apex: NameRef<'_>, apexes: &Apexes) -> bool {
    let mut parents =
        std::iter::successors(apex.parent(), |name| name.parent()).filter(|name| !name.is_root());
    parents.any(|parent| written.is_below(parent))
        || apexes.nearest(written).is_some_and(|other| !other.is_root() && other != apex)
}

/// `etcd-0` for `etcd-0.lab` in the zone `lab.example`, if there is such a name.
fn without_repetition(zone: &Zone, name: NameRef<'_>, own: usize) -> Option<Name> {
    let labels: Vec<&[u8]> = name.labels().collect();
    let (relative, apex) = labels.split_at_checked(own)?;
    (1..apex.len().min(own)).find_map(|count| {
        let (head, tail) = relative.split_at_checked(own.checked_sub(count)?)?;
        let repeats = tail.iter().zip(apex).all(|(one, other)| one.eq_ignore_ascii_case(other));
        let meant = first_labels(name, head.len(), zone.apex()).filter(|_| repeats)?;
        zone.find(meant.as_ref()).is_some().then_some(meant)
    })
}

/// How many labels a name has before the zone's apex; none outside of the zone.
fn own_labels(zone: &Zone, name: NameRef<'_>) -> Option<usize> {
    let own = name.label_count().checked_sub(zone.apex().label_count())?;
    name.is_at_or_below(zone.apex()).then_some(own)
}

/// A name without its first labels.
fn ancestor(name: NameRef<'_>, labels: usize) -> Option<NameRef<'_>> {
    (0..labels).try_fold(name, |name, _| name.parent())
}

/// The first labels of a name, before an origin.
fn first_labels(name: NameRef<'_>, labels: usize, origin: NameRef<'_>) -> Option<Name> {
    let behind = ancestor(name, labels)?.wire().len();
    let own = name.wire().get(..name.wire().len().checked_sub(behind)?)?;
    Name::from_wire(&[own, origin.wire()].concat()).ok()
}

/// Tells of a wildcard that answers for every name below the apex of a cluster's zone. Nodes and pods have
/// that domain in their search list, pods with `ndots:5`: what they look for is asked there first.
pub(super) fn apex_wildcard(zone: &Zone, found: &mut Diagnostics) {
    let Some(wildcard) = zone.answering_wildcard(zone.apex()) else { return };
    let cluster = [&b"api"[..], b"api-int"].into_iter().find_map(|label| {
        let id = zone.find(Name::parse(label, zone.apex()).ok()?.as_ref())?;
        let node = zone.node(id);
        (node.has_address() || node.alias().is_some()).then_some(node)
    });
    let (Some(cluster), Some(origin)) = (cluster, wildcard.first_origin()) else { return };
    let mut told = Diagnostic::warning(
        origin,
        format!("`{}` answers for every name in the domain of a cluster", wildcard.name()),
    );
    if let Some(origin) = cluster.first_origin() {
        told = told.and_at(origin, "the cluster");
    }
    found.push(
        told.remark(format!(
            "pods have `{apex}` in their search list with `ndots:5`: `github.com` is asked as `github.com.{apex}` first",
            apex = zone.apex()
        ))
        .help("write `*.apps` for the routes, and the other names one by one"),
    );
}
