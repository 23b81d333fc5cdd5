//! Names that are written out beside a guarded wildcard.
//!
//! Warns of those that answer the wildcard's addresses without its guard.
//!
//! A wildcard makes the names that do not exist (RFC 4592, section 2.2.1). `oauth-openshift.apps` that has
//! records of its own is none of what a guarded `*.apps` makes: it answers all its addresses, whatever is up.

use std::collections::{BTreeMap, HashSet};

use super::guarding::Guarding;
use super::sealed::{NodeId, NodeKind};
use super::tree::{Node, Rrset, Zone};
use crate::dns::{NameRef, Rtype};
use crate::source::{Diagnostic, Diagnostics, Origin};

/// Names that are shown of one wildcard; the others are counted.
const NAMES_SHOWN_MAX: usize = 10;

/// What stands beside a wildcard.
#[derive(Default)]
struct Beside {
    /// As a config names them.
    names: Vec<String>,
    /// Where the first of each name's records comes from.
    origins: Vec<Origin>,
}

/// Tells of names that answer the addresses of a guarded wildcard, and are not guarded.
pub(super) fn warn(zone: &Zone, guardings: &[Guarding], found: &mut Diagnostics) {
    let mut wildcards: BTreeMap<NodeId, (&Origin, Beside)> = BTreeMap::new();
    for guarding in guardings.iter().filter(|guarding| guarding.owner.as_ref().is_wildcard()) {
        if let Some(id) = zone.find(guarding.owner.as_ref()) {
            wildcards.entry(id).or_insert_with(|| (&guarding.origin, Beside::default()));
        }
    }
    if wildcards.is_empty() {
        return;
    }
    for node in zone.nodes() {
        if node.kind() != NodeKind::Plain || node.name().is_wildcard() {
            continue;
        }
        let unguarded = [Rtype::A, Rtype::AAAA]
            .into_iter()
            .filter_map(|rtype| node.rrset(rtype).filter(|_| node.pools_of(rtype).next().is_none()));
        for rrset in unguarded {
            let wildcard =
                above(node).filter_map(Node::wildcard).find(|wildcard| holds(zone, *wildcard, rrset));
            let Some((_, beside)) = wildcard.and_then(|wildcard| wildcards.get_mut(&wildcard.id())) else {
                continue;
            };
            let name = relative(zone, node.name());
            // The other address family of the name came just before.
            if beside.names.last() != Some(&name) {
                beside.names.push(name);
                beside.origins.push(rrset.origin());
            }
        }
    }
    for (id, (origin, beside)) in wildcards.iter().filter(|(_, (_, beside))| !beside.names.is_empty()) {
        found.push(told(zone.node(*id).name(), origin, beside));
    }
}

fn told(wildcard: NameRef<'_>, origin: &Origin, beside: &Beside) -> Diagnostic {
    let count = beside.names.len();
    let (names, records) = if count == 1 { ("a name", "its records") } else { ("names", "their records") };
    let message = format!("`{wildcard}` is guarded, and {names} beside it with the same addresses not");
    let shown: Vec<String> =
        beside.names.iter().take(NAMES_SHOWN_MAX).map(|name| format!("\"{name}\"")).collect();
    let more = count.saturating_sub(NAMES_SHOWN_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let told = Diagnostic::warning(origin, message)
        .remark("what is written out is not made by the wildcard (RFC 4592, section 2.2.1): it is answered whatever is up")
        .help(format!("add {}{more} to `names`, or remove {records}", shown.join(", ")));
    beside.origins.iter().take(NAMES_SHOWN_MAX).fold(told, |told, origin| told.and_at(origin, "not guarded"))
}

/// The nodes above one, the nearest first.
fn above(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let up = |node: &Node<'_>| (node.id() != NodeId::APEX).then_some(());
    std::iter::successors(Some(node), move |node| up(node).map(|()| node.parent())).skip(1)
}

/// Whether all addresses of an RRset are those of a wildcard's pool. A single one of several is no service
/// that fails over: somebody wanted this host.
fn holds(zone: &Zone, wildcard: Node<'_>, rrset: Rrset<'_>) -> bool {
    let pools = wildcard.pools_of(rrset.rtype()).map(|id| &zone.pools()[id.index()]);
    let members = pools.filter(|pool| pool.lua.is_none()).flat_map(|pool| pool.groups.iter().flatten());
    let held: HashSet<&[u8]> = members.map(|member| &*member.rdata).collect();
    let wanted = rrset.rdatas().len().max(2).min(held.len().max(1));
    rrset.rdatas().len() >= wanted && rrset.rdatas().all(|rdata| held.contains(rdata))
}

/// A name as it is written in the config: relative to the zone.
fn relative(zone: &Zone, name: NameRef<'_>) -> String {
    let (whole, apex) = (name.to_string(), zone.apex().to_string());
    let own = whole.len().checked_sub(apex.len()).filter(|_| !zone.apex().is_root());
    own.and_then(|own| whole.get(..own))
        .and_then(|own| own.strip_suffix('.'))
        .map_or(whole.clone(), str::to_owned)
}
