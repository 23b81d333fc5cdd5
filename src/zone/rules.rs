//! Which records may stand together.
//!
//! Responsible for the rules between the records of a zone: those it cannot
//! be served without (errors) and those that are likely mistakes (warnings).
//! Not responsible for faults within one record: those end in the reader.

use std::collections::HashSet;

use super::pool::Selector;
use super::tree::{Kind, Node, NodeId, Rrset, Zone};
use crate::dns::{NameRef, Rtype, Ttl, rdata};
use crate::source::{Diagnostic, Diagnostics, Span};

/// Most bytes of records in one RRset: with the longest question and an OPT
/// record it must fit a message of 65,535 bytes.
const RRSET_BYTES_MAX: usize = 65_535 - 12 - 255 - 4 - 100;

/// The TTL an RRset is answered with.
///
/// RFC 2181, section 5.2: TTLs in one RRset differ only by mistake; the
/// lowest is served so that no cache keeps the set too long.
pub(super) fn one_ttl(records: impl Iterator<Item = (Ttl, Span)>, found: &mut Diagnostics) -> Ttl {
    let mut lowest: Option<(Ttl, Span)> = None;
    let mut differing = None;
    for (ttl, span) in records {
        match lowest {
            None => lowest = Some((ttl, span)),
            Some((low, first)) if ttl != low => {
                differing = differing.or(Some((span, ttl.max(low), first)));
                if ttl < low {
                    lowest = Some((ttl, first));
                }
            }
            Some(_) => {}
        }
    }
    let ttl = lowest.map_or(Ttl::default(), |(ttl, _)| ttl);
    if let Some((span, other, first)) = differing {
        let message = format!("the TTLs of one RRset differ: {ttl} and {other}");
        found.push(
            Diagnostic::warning(span, message)
                .and_at(first, "same owner and type")
                .remark(format!("RFC 2181, section 5.2, wants one TTL; {ttl}, the lowest, is served")),
        );
    }
    ttl
}

/// Checks a whole zone; `span` is where the operator named it.
pub(super) fn check(zone: &Zone, span: Span, found: &mut Diagnostics) {
    apex(zone, span, found);
    let glue = glue_nodes(zone);
    for id in zone.node_ids() {
        let node = zone.node(id);
        size(zone, node, found);
        match node.kind() {
            Kind::Occluded => occluded(zone, node, &glue, found),
            Kind::ZoneCut => {
                cut(zone, node, found);
                wildcard(node, found);
            }
            Kind::Plain | Kind::Dname => {
                alone(zone, node, found);
                wildcard(node, found);
                targets(zone, node, found);
            }
        }
    }
}

fn apex(zone: &Zone, span: Span, found: &mut Diagnostics) {
    let node = zone.node(NodeId::APEX);
    let Some(soa) = node.rrset(Rtype::SOA) else {
        // It may be one of the records that could not be read.
        if found.errors() > 0 {
            return;
        }
        let message = format!("the zone `{}` has no SOA record at its apex", zone.apex());
        found.push(
            Diagnostic::error(span, message)
                .help("begin the file with `@ IN SOA ns1 hostmaster 1 3h 30m 2w 10m`"),
        );
        return;
    };
    if soa.rdatas().len() > 1 {
        found.push(Diagnostic::error(soa.span(), "more than one SOA record").label("a zone has exactly one"));
    }
    if node.rrset(Rtype::NS).is_none() {
        let message = format!("the zone `{}` has no NS record at its apex", zone.apex());
        found.push(
            Diagnostic::warning(soa.span(), message).help(
                "add `@ IN NS` with the name of this server; resolvers that follow a delegation need it",
            ),
        );
    }
    let elsewhere = zone.node_ids().skip(1).filter_map(|id| zone.node(id).rrset(Rtype::SOA));
    for soa in elsewhere {
        let message = format!("a SOA record that is not at the apex, `{}`", zone.apex());
        found.push(Diagnostic::error(soa.span(), message).label("another zone begins here?"));
    }
}

fn size(zone: &Zone, node: Node<'_>, found: &mut Diagnostics) {
    for rrset in node.all_rrsets() {
        let bytes: usize = rrset.rdatas().map(|rdata| rdata.len() + 12).sum();
        if bytes > RRSET_BYTES_MAX {
            let message = format!("this RRset takes {bytes} bytes and does not fit a message");
            found.push(Diagnostic::error(rrset.span(), message).label(format!("at most {RRSET_BYTES_MAX}")));
        }
    }
    for pool in node.pools().map(|id| &zone.pools()[id.index()]) {
        let several = matches!(pool.selector, Selector::All | Selector::Sample(_));
        let bytes: usize = pool.groups.iter().flatten().map(|member| member.rdata.len() + 12).sum();
        if several && bytes > RRSET_BYTES_MAX {
            let message = format!("this pool takes {bytes} bytes and does not fit a message");
            found.push(Diagnostic::error(pool.span, message).label(format!("at most {RRSET_BYTES_MAX}")));
        }
    }
}

/// A CNAME stands alone (RFC 1034, section 3.6.2), and so does, of its kind,
/// a DNAME (RFC 6672, section 2.4).
fn alone(zone: &Zone, node: Node<'_>, found: &mut Diagnostics) {
    if let Some(dname) = node.rrset(Rtype::DNAME)
        && dname.rdatas().len() > 1
    {
        found.push(Diagnostic::error(
            dname.span(),
            format!("`{}` has more than one DNAME record", node.name()),
        ));
    }
    let Some(alias) = node.alias() else { return };
    let plain = node.rrset(Rtype::CNAME).map_or(0, |cname| cname.rdatas().len());
    if plain + node.pools_of(Rtype::CNAME).count() > 1 {
        let message = format!("`{}` has more than one CNAME record", node.name());
        found.push(Diagnostic::error(alias, message).label("a name is an alias of one other name"));
    }
    let mut beside = node.all_rrsets().map(|set| (set.rtype(), set.span())).chain(
        node.pools()
            .map(|id| &zone.pools()[id.index()])
            .filter(|pool| pool.lua.is_some())
            .map(|pool| (pool.rtype, pool.span)),
    );
    if let Some((rtype, span)) = beside.find(|(rtype, _)| *rtype != Rtype::CNAME) {
        let message = format!("`{}` has a CNAME record and others", node.name());
        found.push(
            Diagnostic::error(span, message)
                .label(format!("{rtype} record"))
                .and_at(alias, "CNAME record")
                .remark("RFC 1034, section 3.6.2: a name that is an alias has no other data"),
        );
    }
}

fn wildcard(node: Node<'_>, found: &mut Diagnostics) {
    if !node.name().is_wildcard() {
        return;
    }
    for (rtype, section) in [(Rtype::NS, "4.2"), (Rtype::DNAME, "4.4")] {
        if let Some(rrset) = node.rrset(rtype) {
            let message =
                format!("a wildcard with {rtype} records: resolvers differ in what they make of it");
            found.push(
                Diagnostic::warning(rrset.span(), message).remark(format!("RFC 4592, section {section}")),
            );
        }
    }
}

/// A zone cut: what stands there beside NS and DS is not answered, and name
/// servers inside the child need glue.
fn cut(zone: &Zone, node: Node<'_>, found: &mut Diagnostics) {
    let Some(ns) = node.rrset(Rtype::NS) else { return };
    let servers: Vec<NameRef<'_>> = target_names(ns).collect();
    for rrset in node.all_rrsets() {
        let address = matches!(rrset.rtype(), Rtype::A | Rtype::AAAA);
        let glue = address && servers.contains(&node.name());
        if !matches!(rrset.rtype(), Rtype::NS | Rtype::DS) && !glue {
            found.push(hidden(rrset.rtype(), rrset.span(), node.name(), ns.span()));
        }
    }
    for id in node.pools() {
        let pool = &zone.pools()[id.index()];
        found.push(hidden(pool.rtype, pool.span, node.name(), ns.span()));
    }
    for server in servers {
        let below = server.is_at_or_below(node.name());
        let address = zone.find(server).is_some_and(|id| has_address(zone.node(id)));
        if below && !address {
            let message = format!("no glue for `{server}`, a name server of `{}`", node.name());
            found.push(
                Diagnostic::warning(ns.span(), message)
                    .label("its address is found only with this server's help")
                    .help(format!("add `{server} IN A …` to this zone")),
            );
        } else if !below {
            target(zone, ns, server, found);
        }
    }
}

fn hidden(rtype: Rtype, span: Span, cut: NameRef<'_>, ns: Span) -> Diagnostic {
    let message = format!("this {rtype} record is not answered: `{cut}` is delegated");
    Diagnostic::warning(span, message).and_at(ns, "the zone cut")
}

/// The nodes that NS records of zone cuts point to.
fn glue_nodes(zone: &Zone) -> HashSet<NodeId> {
    let cuts = zone.node_ids().map(|id| zone.node(id)).filter(|node| node.kind() == Kind::ZoneCut);
    let servers = cuts.filter_map(|node| node.rrset(Rtype::NS)).flat_map(target_names);
    servers.filter_map(|server| zone.find(server)).collect()
}

fn occluded(zone: &Zone, node: Node<'_>, glue: &HashSet<NodeId>, found: &mut Diagnostics) {
    let Some(covering) = zone.covering(node.id()).map(|id| zone.node(id)) else { return };
    let (rtype, what) = match covering.kind() {
        Kind::Dname => (Rtype::DNAME, "is redirected by a DNAME"),
        Kind::ZoneCut | Kind::Plain | Kind::Occluded => (Rtype::NS, "is delegated"),
    };
    let Some(cover) = covering.rrset(rtype) else { return };
    let served_as_glue = glue.contains(&node.id());
    let hidden = node
        .all_rrsets()
        .map(|set| (set.rtype(), set.span()))
        .filter(|(rtype, _)| !(served_as_glue && matches!(*rtype, Rtype::A | Rtype::AAAA)));
    let pools = node.pools().map(|id| &zone.pools()[id.index()]).filter(|pool| pool.lua.is_some());
    for (rtype, span) in hidden.chain(pools.map(|pool| (pool.rtype, pool.span))) {
        let message = format!("this {rtype} record is occluded: `{}` {what}", covering.name());
        found.push(Diagnostic::warning(span, message).and_at(cover.span(), "it is hidden by this"));
    }
}

/// Targets of NS, MX and SRV records must be names with addresses, not
/// aliases (RFC 2181, section 10.3; RFC 2782).
fn targets(zone: &Zone, node: Node<'_>, found: &mut Diagnostics) {
    for rrset in node.all_rrsets() {
        if matches!(rrset.rtype(), Rtype::NS | Rtype::MX | Rtype::SRV) {
            target_names(rrset).for_each(|name| target(zone, rrset, name, found));
        }
    }
}

fn target(zone: &Zone, rrset: Rrset<'_>, name: NameRef<'_>, found: &mut Diagnostics) {
    // `MX 0 .` and `SRV 0 0 0 .` say that there is no such service (RFC 7505, RFC 2782).
    if name.is_root() || !name.is_at_or_below(zone.apex()) {
        return;
    }
    let rtype = rrset.rtype();
    let Some(node) = matching(zone, name) else {
        let message = format!("this {rtype} record points to `{name}`, which does not exist");
        found.push(Diagnostic::warning(rrset.span(), message));
        return;
    };
    if let Some(alias) = node.alias() {
        let message = format!("this {rtype} record points to `{name}`, which is a CNAME");
        found.push(
            Diagnostic::warning(rrset.span(), message)
                .and_at(alias, "the alias")
                .help(format!("name the target of the alias: {rtype} wants a name with addresses")),
        );
    } else if node.kind() == Kind::Plain && !has_address(node) {
        let message = format!("this {rtype} record points to `{name}`, which has no address");
        found.push(Diagnostic::warning(rrset.span(), message));
    }
}

/// The node that answers for a name: itself, a wildcard, or what covers it.
pub(super) fn matching<'z>(zone: &'z Zone, name: NameRef<'_>) -> Option<Node<'z>> {
    let mut encloser = name;
    loop {
        match zone.find(encloser) {
            Some(id) if encloser.wire().len() == name.wire().len() => return Some(zone.node(id)),
            Some(id) => {
                let node = zone.node(id);
                return if node.kind() == Kind::Plain { node.wildcard() } else { Some(node) };
            }
            None => encloser = encloser.parent()?,
        }
    }
}

fn has_address(node: Node<'_>) -> bool {
    node.types().any(|rtype| matches!(rtype, Rtype::A | Rtype::AAAA))
}

/// The names that the records of an RRset point to.
fn target_names(rrset: Rrset<'_>) -> impl Iterator<Item = NameRef<'_>> {
    rrset.rdatas().filter_map(move |bytes| rdata::names(rrset.rtype(), bytes).next().map(|inner| inner.name))
}
