//! Which records may exist together.
//!
//! Has the rules between the records of a zone: those it cannot be served without (errors) and those that are
//! likely mistakes (warnings). Faults within one record end in the reader.

use std::collections::HashSet;
use std::net::IpAddr;

use super::apex_rules::{apex, soa_elsewhere};
use super::apexes::Apexes;
use super::leaving;
use super::lookup::{CNAME_CHAIN_MAX, is_address};
use super::pool::{Pool, RECORD_BYTES};
use super::sealed::{NodeId, NodeKind};
use super::targets;
use super::tree::{Node, Rrset, Zone};
use crate::dns::{Name, NameRef, Rtype, Ttl, rdata};
use crate::source::{Diagnostic, Diagnostics, Origin};

/// Most bytes of records in one answer: with the longest question and an OPT record it must fit a message of
/// 65,535 bytes. The OPT record takes 11 bytes itself, 28 for a cookie and 259 for the longest name server
/// identifier.
pub const ANSWER_BYTES_MAX: usize = 65_535 - 12 - (255 + 4) - (11 + 28 + 259);

/// Most bytes of a chain of aliases: each link a DNAME and the CNAME that it makes, all names in full.
const CHAIN_BYTES_MAX: usize = CNAME_CHAIN_MAX * 2 * (RECORD_BYTES + 2 * 255);

/// Most pools behind one owner name and type: an answer counts them in a byte.
pub const POOLS_MAX: usize = 255;

/// The TTL an RRset is answered with.
///
/// RFC 2181, section 5.2: TTLs in one RRset differ only by mistake; the lowest is served so that no cache
/// keeps the set too long.
pub(super) fn one_ttl(records: impl Iterator<Item = (Ttl, Origin)>, found: &mut Diagnostics) -> Ttl {
    let mut lowest: Option<(Ttl, Origin)> = None;
    let mut differing = None;
    for (ttl, origin) in records {
        match &mut lowest {
            None => lowest = Some((ttl, origin)),
            Some((low, first)) if ttl != *low => {
                differing = differing.or_else(|| Some((origin, ttl.max(*low), first.clone())));
                *low = ttl.min(*low);
            }
            Some(_) => {}
        }
    }
    let ttl = lowest.map_or(Ttl::default(), |(ttl, _)| ttl);
    if let Some((origin, other, first)) = differing {
        let message = format!("the TTLs of one RRset differ: {ttl} and {other}");
        found.push(
            Diagnostic::warning(origin, message)
                .and_at(first, "same owner and type")
                .remark(format!("RFC 2181, section 5.2, wants one TTL; {ttl}, the lowest, is served")),
        );
    }
    ttl
}

/// Checks a whole zone; `origin` is where the operator named it, `apexes` are those of all zones that are served.
pub(super) fn check(zone: &Zone, origin: &Origin, apexes: &Apexes, found: &mut Diagnostics) {
    apex(
        zone,
        origin,
        |found| zone.node_ids().filter(|id| soa_elsewhere(zone, zone.node(*id), found)).count() > 0,
        found,
    );
    link_local_targets(zone, found);
    leaving::warn(zone, found);
    targets::apex_wildcard(zone, found);
    let mut large = HashSet::new();
    let glue = glue_nodes(zone);
    for id in zone.node_ids() {
        if check_node(zone, zone.node(id), apexes, |id| glue.contains(&id), found) == Size::Large {
            large.insert(id);
        }
    }
    // Nearly every zone has none.
    if !large.is_empty() {
        zone.node_ids().for_each(|id| chain(zone, zone.node(id), |end| large.contains(&end), found));
    }
}

/// Signatures that come with a zone are of what stands in it, and a pool answers what is up.
pub(super) fn refuse_pools(zone: &Zone, found: &mut Diagnostics) {
    if zone.pools().is_empty() || zone.is_signed_here || !zone.is_signed() {
        return;
    }
    for pool in zone.pools() {
        let message = format!("`{}` follows probes, and the zone comes signed", pool.owner);
        found.push(
            Diagnostic::error(&pool.origin, message)
                .remark("its signatures cover the records that are in it, not those that are up at a time")
                .help("take the signatures out of the zone, or the pool: a zone of its own may hold it"),
        );
    }
}

/// How much is answered from a node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// It fits a message with any chain of aliases that leads to it.
    Small,
    /// That is not certain.
    Large,
}

/// Checks what stands at a node. `is_glue` says whether the name servers of some zone cut are called so.
pub(super) fn check_node(
    zone: &Zone,
    node: Node<'_>,
    apexes: &Apexes,
    is_glue: impl Fn(NodeId) -> bool,
    found: &mut Diagnostics,
) -> Size {
    let bytes = size(zone, node, found);
    match node.kind() {
        NodeKind::Occluded => occluded(zone, node, is_glue, found),
        NodeKind::Hashed => {}
        NodeKind::ZoneCut => {
            alone(zone, node, found);
            cut(zone, node, apexes, found);
            wildcard(node, found);
        }
        NodeKind::Plain | NodeKind::Dname => {
            alone(zone, node, found);
            wildcard(node, found);
            targets::check(zone, node, apexes, found);
        }
    }
    if bytes > ANSWER_BYTES_MAX - CHAIN_BYTES_MAX { Size::Large } else { Size::Small }
}

/// RFC 4007, section 11: a link-local address means something only together with an interface, for which
/// records have no place.
fn link_local_targets(zone: &Zone, found: &mut Diagnostics) {
    for pool in zone.pools().iter() {
        let guards = pool.groups.iter().flatten().flat_map(|member| &member.guards);
        let mut targets = guards.map(|guard| guard.probe.address);
        let link_local =
            targets.find(|target| matches!(target, IpAddr::V6(ip) if ip.is_unicast_link_local()));
        if let Some(target) = link_local {
            let message = format!("`{target}` of `{}` cannot be probed: it is link-local", pool.owner);
            found.push(
                Diagnostic::warning(&pool.origin, message)
                    .remark("such an address means nothing without an interface, and records name none")
                    .help("give the host an address that its clients can reach, a unique local one (RFC 4193) at least"),
            );
        }
    }
}

/// What is answered together must fit a message: an RRset and the LUA records of its type. Returns what the
/// whole node takes.
fn size(zone: &Zone, node: Node<'_>, found: &mut Diagnostics) -> usize {
    let mut whole = 0;
    for rrset in node.all_rrsets() {
        let bytes = rrset_bytes(rrset);
        whole += bytes;
        if bytes > ANSWER_BYTES_MAX {
            let message = format!("this RRset takes {bytes} bytes and does not fit a message");
            found.push(
                Diagnostic::error(rrset.origin(), message).label(format!("at most {ANSWER_BYTES_MAX}")),
            );
        }
    }
    let pools: Vec<&Pool> = node.pools().map(|id| &*zone.pools()[id.index()]).collect();
    for alike in pools.chunk_by(|one, other| one.rtype == other.rtype) {
        let Some(first) = alike.first() else { continue };
        let rtype = first.rtype;
        let plain = node.rrsets().find(|rrset| rrset.rtype() == rtype).map_or(0, rrset_bytes);
        let bytes = alike.iter().map(|pool| pool.answer_bytes_max()).sum::<usize>() + plain;
        whole += bytes;
        if bytes > ANSWER_BYTES_MAX {
            let what = if alike.len() == 1 && plain == 0 { "this pool" } else { "all that is answered here" };
            let message = format!("{what} takes {bytes} bytes and does not fit a message");
            found
                .push(Diagnostic::error(&first.origin, message).label(format!("at most {ANSWER_BYTES_MAX}")));
        }
        if alike.len() > POOLS_MAX {
            let message = format!("`{}` has {} LUA records of type {rtype}", node.name(), alike.len());
            found.push(
                Diagnostic::error(&first.origin, message)
                    .label(format!("at most {POOLS_MAX} are answered together"))
                    .help(
                        "a LUA record takes several addresses: `ifportup(443, {'192.0.2.1', '192.0.2.2'})`",
                    ),
            );
        }
    }
    whole
}

fn rrset_bytes(rrset: Rrset<'_>) -> usize {
    rrset.rdatas().map(|rdata| rdata.len() + RECORD_BYTES).sum()
}

/// What an answer of one type at a node takes, links of a chain before it aside.
fn answer_bytes(zone: &Zone, node: Node<'_>, rtype: Rtype) -> usize {
    let plain = node.rrsets().find(|rrset| rrset.rtype() == rtype).map_or(0, rrset_bytes);
    let pooled = node.pools_of(rtype).map(|id| zone.pools()[id.index()].answer_bytes_max());
    plain + pooled.sum::<usize>()
}

/// The records of an alias are answered in front of those it leads to, and both must fit a message. `is_large`
/// says of the node at its end that this is not certain.
pub(super) fn chain(zone: &Zone, node: Node<'_>, is_large: impl Fn(NodeId) -> bool, found: &mut Diagnostics) {
    let Some(cname) = node.rrset(Rtype::CNAME).filter(|_| node.kind() != NodeKind::Occluded) else { return };
    let Some((end, links)) = chain_end(zone, cname).filter(|(end, _)| is_large(end.id())) else { return };
    for rtype in end.types() {
        let (bytes, own) = (answer_bytes(zone, end, rtype), node.name());
        if links + bytes > ANSWER_BYTES_MAX && bytes <= ANSWER_BYTES_MAX {
            let message = format!(
                "`{own}` leads to {bytes} bytes of {rtype} records, which do not fit a message behind {links} bytes \
                 of aliases"
            );
            let label = format!("at most {ANSWER_BYTES_MAX} together");
            found.push(Diagnostic::error(cname.origin(), message).label(label));
        }
    }
}

/// The node at the end of a chain of aliases, and the bytes that its links take; none where it leads out of
/// the zone or round in a circle.
fn chain_end<'z>(zone: &'z Zone, cname: Rrset<'z>) -> Option<(Node<'z>, usize)> {
    let mut name: Name = target_names(cname).next()?.to_name();
    let mut links = rrset_bytes(cname);
    for _ in 0..CNAME_CHAIN_MAX {
        if !name.as_ref().is_at_or_below(zone.apex()) {
            return None;
        }
        let node = zone.matching(name.as_ref())?;
        let next = if node.kind() == NodeKind::Dname && node.name() != name.as_ref() {
            let dname = node.rrset(Rtype::DNAME)?;
            let wire = name.as_ref().wire();
            let prefix = wire.get(..wire.len() - node.name().wire().len())?;
            let made = Name::from_wire(&[prefix, target_names(dname).next()?.wire()].concat()).ok()?;
            links +=
                rrset_bytes(dname) + node.name().wire().len() + RECORD_BYTES + made.as_ref().wire().len();
            made
        } else {
            let Some(cname) = node.rrset(Rtype::CNAME) else { return Some((node, links)) };
            links += rrset_bytes(cname);
            target_names(cname).next()?.to_name()
        };
        name = next;
    }
    None
}

/// A CNAME stands alone (RFC 1034, section 3.6.2), and so does, of its kind, a DNAME (RFC 6672, section 2.4).
fn alone(zone: &Zone, node: Node<'_>, found: &mut Diagnostics) {
    if let Some(dname) = node.rrset(Rtype::DNAME)
        && dname.rdatas().len() > 1
    {
        found.push(Diagnostic::error(
            dname.origin(),
            format!("`{}` has more than one DNAME record", node.name()),
        ));
    }
    let Some(alias) = node.alias() else { return };
    let plain = node.rrset(Rtype::CNAME).map_or(0, |cname| cname.rdatas().len());
    if plain + node.pools_of(Rtype::CNAME).count() > 1 {
        let message = format!("`{}` has more than one CNAME record", node.name());
        found.push(Diagnostic::error(&alias, message).label("a name is an alias of one other name"));
    }
    let mut beside = node.all_rrsets().map(|set| (set.rtype(), set.origin())).chain(
        node.pools()
            .map(|id| &zone.pools()[id.index()])
            .filter(|pool| pool.lua.is_some())
            .map(|pool| (pool.rtype, pool.origin.clone())),
    );
    // RFC 4034, sections 3 and 4: what signs an alias and says that it has nothing else stands beside it.
    let goes_along = |rtype: Rtype| matches!(rtype, Rtype::CNAME | Rtype::RRSIG | Rtype::NSEC);
    if let Some((rtype, origin)) = beside.find(|(rtype, _)| !goes_along(*rtype)) {
        let message = format!("`{}` has a CNAME record and others", node.name());
        found.push(
            Diagnostic::error(origin, message)
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
                Diagnostic::warning(rrset.origin(), message).remark(format!("RFC 4592, section {section}")),
            );
        }
    }
}

/// A zone cut: what stands there beside NS and DS is not answered, and name servers inside the child need
/// glue.
fn cut(zone: &Zone, node: Node<'_>, apexes: &Apexes, found: &mut Diagnostics) {
    let Some(ns) = node.rrset(Rtype::NS) else { return };
    let servers: Vec<NameRef<'_>> = target_names(ns).collect();
    let is_server = servers.contains(&node.name());
    let records = node.all_rrsets().map(|set| (set.rtype(), set.origin())).chain(lua_records(zone, node));
    for (rtype, origin) in records.filter(|(rtype, _)| !(is_server && is_address(*rtype))) {
        if !matches!(rtype, Rtype::NS | Rtype::DS | Rtype::RRSIG | Rtype::NSEC) {
            found.push(hidden(rtype, origin, node.name(), ns.origin()));
        }
    }
    for server in servers {
        let below = server.is_at_or_below(node.name());
        let address = zone.find(server).is_some_and(|id| zone.node(id).has_address());
        if below && !address {
            let message = format!("no glue for `{server}`, a name server of `{}`", node.name());
            found.push(
                Diagnostic::warning(ns.origin(), message)
                    .label("its address is found only with this server's help")
                    .help(format!("add `{server} IN A …` to this zone")),
            );
        } else if !below {
            targets::target(zone, ns, server, apexes, found);
        }
    }
}

fn hidden(rtype: Rtype, origin: Origin, cut: NameRef<'_>, ns: Origin) -> Diagnostic {
    let message = format!("this {rtype} record is not answered: `{cut}` is delegated");
    Diagnostic::warning(origin, message).and_at(ns, "the zone cut")
}

/// The nodes that NS records of zone cuts point to.
fn glue_nodes(zone: &Zone) -> HashSet<NodeId> {
    let cuts = zone.nodes().filter(|node| node.kind() == NodeKind::ZoneCut);
    let servers = cuts.filter_map(|node| node.rrset(Rtype::NS)).flat_map(target_names);
    servers.filter_map(|server| zone.find(server)).collect()
}

/// Records below a zone cut or a DNAME. Plain ones and LUA records are glue alike where they are addresses of
/// a name server (RFC 1034, section 4.2.1).
fn occluded(zone: &Zone, node: Node<'_>, is_glue: impl Fn(NodeId) -> bool, found: &mut Diagnostics) {
    let Some(covering) = zone.covering(node.id()).map(|id| zone.node(id)) else { return };
    let records = node.all_rrsets().map(|set| (set.rtype(), set.origin())).chain(lua_records(zone, node));
    if let (NodeKind::Dname, Some(dname)) = (covering.kind(), covering.rrset(Rtype::DNAME)) {
        for (rtype, origin) in records {
            found.push(below_dname(rtype, origin, covering.name(), dname.origin()));
        }
        return;
    }
    let Some(cover) = covering.rrset(Rtype::NS) else { return };
    let served_as_glue = is_glue(node.id());
    for (rtype, origin) in records.filter(|(rtype, _)| !(served_as_glue && is_address(*rtype))) {
        let message = format!("this {rtype} record is occluded: `{}` is delegated", covering.name());
        found.push(Diagnostic::warning(origin, message).and_at(cover.origin(), "it is hidden by this"));
    }
}

/// RFC 6672, section 2.4: no records exist below the owner of a DNAME record, and a server may refuse a zone
/// that has some. NSD and Knot do; BIND and PowerDNS load it and never answer them.
fn below_dname(rtype: Rtype, origin: Origin, owner: NameRef<'_>, dname: Origin) -> Diagnostic {
    Diagnostic::error(
        origin,
        format!("this {rtype} record lies below `{owner}`, which is redirected by a DNAME"),
    )
    .and_at(dname, "the DNAME record")
    .remark(
        "RFC 6672, section 2.4: there is nothing below it; what is asked there is looked for at its target",
    )
    .help("remove one of both: the record would never be answered")
}

/// The LUA records of a node, each with the type it answers.
fn lua_records<'z>(zone: &'z Zone, node: Node<'z>) -> impl Iterator<Item = (Rtype, Origin)> + use<'z> {
    let pools = node.pools().map(|id| &zone.pools()[id.index()]);
    pools.filter(|pool| pool.lua.is_some()).map(|pool| (pool.rtype, pool.origin.clone()))
}

/// The names that the records of an RRset point to.
fn target_names(rrset: Rrset<'_>) -> impl Iterator<Item = NameRef<'_>> {
    rrset.rdatas().filter_map(move |bytes| rdata::names(rrset.rtype(), bytes).next().map(|inner| inner.name))
}
