//! The addresses that are tested for a record: those of another name, where it says so.
//!
//! Probes look up nothing. What they go to is known when the zone is read, from the zone itself.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::member::{Guard, Member, TestedName};
use super::pool::Pool;
use super::sealed::NodeId;
use super::tree::{Node, Rrset, Zone};
use crate::dns::{NameRef, Rtype};
use crate::probe::Probe;
use crate::source::{Diagnostic, Diagnostics};

/// Most addresses of one name that are probed for a record: each has targets of its own for every record that is
/// guarded by them, so that two long lists would make a table of both.
pub(super) const TESTED_MAX: usize = 64;

pub(super) const TOO_MANY_HELP: &str = "guard the addresses themselves, or name a host that has fewer";

/// The pools that were made of RRsets so far, before they are put among those of LUA records: each is found at once,
/// however many there are.
#[derive(Default)]
pub(super) struct Made {
    pub(super) pools: Vec<(NodeId, Pool)>,
    places: HashMap<(NodeId, Rtype), usize>,
}

impl Made {
    pub(super) fn push(&mut self, node: NodeId, pool: Pool) {
        self.places.insert((node, pool.rtype), self.pools.len());
        self.pools.push((node, pool));
    }

    pub(super) fn of(&self, node: NodeId, rtype: Rtype) -> Option<&Pool> {
        let place = self.places.get(&(node, rtype))?;
        self.pools.get(*place).map(|(_, pool)| pool)
    }

    pub(super) fn of_mut(&mut self, node: NodeId, rtype: Rtype) -> Option<&mut Pool> {
        let place = self.places.get(&(node, rtype))?;
        self.pools.get_mut(*place).map(|(_, pool)| pool)
    }

    /// Gives the pool of an RRset other groups, and the ones it had back; none where there is no such pool.
    pub(super) fn swap_groups(
        &mut self,
        node: NodeId,
        rtype: Rtype,
        groups: Vec<Vec<Member>>,
    ) -> Option<Vec<Vec<Member>>> {
        let place = self.places.get(&(node, rtype))?;
        self.pools.get_mut(*place).map(|(_, pool)| std::mem::replace(&mut pool.groups, groups))
    }
}

impl Zone {
    /// Gives the members that are tested at a name a guard for each of its addresses.
    pub(super) fn look_up_tested(&mut self, found: &mut Diagnostics) {
        for place in 0..self.pools.len() {
            if tests_names(&self.pools[place]) {
                let mut pool = Pool::clone(&self.pools[place]);
                self.look_up_members(&mut pool, found);
                Arc::make_mut(&mut self.pools)[place] = Arc::new(pool);
            }
        }
    }

    /// Gives the members of a pool that are tested at a name a guard for each of its addresses.
    pub(super) fn look_up_members(&self, pool: &mut Pool, found: &mut Diagnostics) {
        let own = (pool.owner.as_ref(), pool.rtype);
        for member in pool.groups.iter_mut().flatten() {
            let Some(tested) = &member.tested else { continue };
            match self.addresses_tested(tested, own) {
                Ok(addresses) => member.guards = at_each(&member.guards, &addresses),
                Err(fault) => found.push(fault),
            }
        }
    }

    /// The addresses of a name that is tested for a record of `own` owner and type. Probes look up nothing, so that
    /// they need nobody: what they go to is known here.
    fn addresses_tested(
        &self,
        tested: &TestedName,
        own: (NameRef<'_>, Rtype),
    ) -> Result<Vec<IpAddr>, Diagnostic> {
        let TestedName { name, origin } = tested;
        let fault = |what: &str| {
            Diagnostic::error(origin, format!("`{name}`, which this URL asks, {what}")).help(
                "probes look up nothing: write the address in the URL, as in 'https://192.0.2.9:6443/', or give the \
                 name an A or AAAA record in this zone",
            )
        };
        if !name.as_ref().is_at_or_below(self.apex()) {
            return Err(fault(&format!("is not a name of the zone `{}`", self.apex())));
        }
        let Some(node) = self.end_of(name.as_ref()) else {
            return Err(fault("leads to no address of this zone"));
        };
        if node.name() == own.0 && node.pools_of(own.1).next().is_some() {
            return Err(fault("is answered by this record itself"));
        }
        let addresses = self.addresses_at(node, None);
        match addresses.len() {
            0 => Err(fault("has no address")),
            1..=TESTED_MAX => Ok(addresses),
            _ => Err(Diagnostic::error(origin, too_many(name.as_ref())).help(TOO_MANY_HELP)),
        }
    }

    /// The addresses that a name of this zone has, whatever is up.
    pub(super) fn addresses_of(&self, name: NameRef<'_>, made: &Made) -> Vec<IpAddr> {
        self.matching(name).map_or(Vec::new(), |node| self.addresses_at(node, Some(made)))
    }

    /// The same of a node, one more than are tested at most; `made` are the pools that take the place of all but the
    /// zone's LUA records.
    fn addresses_at(&self, node: Node<'_>, made: Option<&Made>) -> Vec<IpAddr> {
        let (mut addresses, mut seen) = (Vec::new(), HashSet::new());
        for rtype in [Rtype::A, Rtype::AAAA] {
            let plain = node.rrset(rtype).into_iter().flat_map(Rrset::rdatas);
            let pools = node.pools_of(rtype).map(|id| &*self.pools[id.index()]);
            let pooled = pools
                .filter(|pool| made.is_none() || pool.lua.is_some())
                .chain(made.and_then(|made| made.of(node.id(), rtype)))
                .flat_map(|pool| pool.groups.iter().flatten())
                .map(|member| &*member.rdata);
            for address in plain.chain(pooled).filter_map(|rdata| address_of(rtype, rdata)) {
                if addresses.len() <= TESTED_MAX && seen.insert(address) {
                    addresses.push(address);
                }
            }
        }
        addresses
    }
}

/// Whether some member of a pool is tested at a name.
pub(super) fn tests_names(pool: &Pool) -> bool {
    pool.groups.iter().flatten().any(|member| member.tested.is_some())
}

pub(super) fn too_many(name: NameRef<'_>) -> String {
    format!("`{name}` has more than {TESTED_MAX} addresses to probe")
}

/// The same guards at each of these addresses.
fn at_each(guards: &[Guard], addresses: &[IpAddr]) -> Vec<Guard> {
    let at = |guard: &Guard, address: IpAddr| {
        let source = guard.probe.source.filter(|source| source.is_ipv4() == address.is_ipv4());
        Guard { probe: Probe { address, source, ..guard.probe.clone() }, ..guard.clone() }
    };
    addresses.iter().flat_map(|address| guards.iter().map(|guard| at(guard, *address))).collect()
}

/// The type of records that hold such an address.
pub(super) fn type_of(address: IpAddr) -> Rtype {
    if address.is_ipv4() { Rtype::A } else { Rtype::AAAA }
}

/// The address in the RDATA of an A or AAAA record.
pub(super) fn address_of(rtype: Rtype, rdata: &[u8]) -> Option<IpAddr> {
    match rtype {
        Rtype::A => <[u8; 4]>::try_from(rdata).ok().map(Into::into),
        Rtype::AAAA => <[u8; 16]>::try_from(rdata).ok().map(Into::into),
        _ => None,
    }
}
