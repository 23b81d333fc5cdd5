//! The rules between records where a zone has changed.
//!
//! Finds every fault that a change can bring into a sound zone. The rules themselves are in `rules`, which checks whole
//! zones.
//!
//! Only two errors are between records of different owners. A record below a DNAME is found here, because a new DNAME
//! changes everything below it. For an alias chain that is too long the caller says which owners lead to what has changed
//! ([`Zone::check_aliases`]).

use super::apex_rules::{apex, soa_elsewhere};
use super::apexes::Apexes;
use super::rules::{chain, check_node};
use super::sealed::NodeId;
use super::tree::Zone;
use crate::dns::{Rtype, rdata};
use crate::source::{Diagnostics, Origin};

/// Checks the nodes that have changed; `origin` is where the operator named the zone.
pub(super) fn recheck(
    zone: &Zone,
    changed: impl Iterator<Item = NodeId> + Clone,
    origin: &Origin,
    found: &mut Diagnostics,
) {
    let apexes = Apexes::default();
    let nodes = changed.map(|id| zone.node(id)).filter(|node| node.exists());
    let elsewhere =
        |found: &mut Diagnostics| nodes.clone().filter(|node| soa_elsewhere(zone, *node, found)).count() > 0;
    if nodes.clone().any(|node| node.id() == NodeId::APEX) {
        apex(zone, origin, elsewhere, found);
    } else {
        elsewhere(found);
    }
    for node in nodes {
        // Which other zone cut an address may be glue of is not looked for.
        let is_glue = |id: NodeId| {
            let cut = zone.covering(id).and_then(|cut| zone.node(cut).rrset(Rtype::NS));
            let mut servers =
                cut.into_iter().flat_map(|ns| ns.rdatas()).flat_map(|rdata| rdata::names(Rtype::NS, rdata));
            servers.any(|server| server.name == node.name())
        };
        check_node(zone, node, &apexes, is_glue, found);
    }
}

impl Zone {
    /// Checks that what owners lead to fits a message behind the aliases that lead there, as far as they are aliases.
    pub fn check_aliases(&self, owners: impl IntoIterator<Item = NodeId>, found: &mut Diagnostics) {
        let nodes = owners.into_iter().map(|id| self.node(id)).filter(|node| node.exists());
        nodes.for_each(|node| chain(self, node, |_| true, found));
    }
}
