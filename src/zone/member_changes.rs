//! Members by name where a zone changes: what goes and comes with the addresses of a host.
//!
//! The same follows from a zone that is put together anew: see `hosts`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use super::changeset::{Changeset, Record};
use super::guarding::Guarding;
use super::hosts::{HostAddress, Wanted};
use super::member::Member;
use super::node_change::NodeChange;
use super::tested::{address_of, type_of};
use super::tree::{Rrset, Zone};
use crate::dns::{Name, NameRef, Rtype, Ttl};
use crate::source::{Diagnostics, Origin};

impl Zone {
    /// What members by name are otherwise than they should be, where these nodes have changed: for each host what goes and
    /// comes with it. Nothing where none of them is a host, or has hosts.
    pub fn member_changes(
        &self,
        changed: &[NodeChange],
        guardings: &[Guarding],
        found: &mut Diagnostics,
    ) -> Vec<(Origin, Changeset)> {
        if !self.guarded.has_hosts || !self.touches_members(changed, guardings) {
            return Vec::new();
        }
        let wanted = Wanted::of(guardings, |name| self.own_addresses(name), found);
        let owners: BTreeSet<&Name> =
            guardings.iter().filter(|one| !one.hosts.is_empty()).map(|one| &one.owner).collect();
        let (mut own, mut by_name) = (HashSet::new(), Vec::new());
        let mut ttl_of: HashMap<(&Name, Rtype), Ttl> = HashMap::new();
        for owner in owners {
            for (address, origin, ttl) in self.addresses_with_origins(owner.as_ref()) {
                if matches!(origin, Origin::Host(_)) {
                    by_name.push((owner, address, origin, ttl));
                } else {
                    own.insert((owner, address));
                    ttl_of.insert((owner, type_of(address)), ttl);
                }
            }
        }
        let mut missing: HashMap<(&Name, IpAddr), (Origin, Ttl)> = HashMap::new();
        let mut order = Vec::new();
        for (owner, host, HostAddress { address, ttl }) in wanted.addresses {
            if !own.contains(&(owner, address)) {
                let ttl = *ttl_of.entry((owner, type_of(address))).or_insert(ttl);
                missing.insert((owner, address), (host.origin_of_members(), ttl));
                order.push((owner, address));
            }
        }
        let mut changes = HostChanges::default();
        for (owner, address, origin, ttl) in by_name {
            let wanted = missing.get(&(owner, address));
            if wanted.is_some_and(|(_, wanted)| *wanted == ttl) {
                missing.remove(&(owner, address));
            } else {
                changes.of(origin).removed.push(record(owner, address, ttl));
            }
        }
        for key @ (owner, address) in order {
            if let Some((origin, ttl)) = missing.remove(&key) {
                changes.of(origin).added.push(record(owner, address, ttl));
            }
        }
        changes.all
    }

    /// Whether some of the nodes have members by name, or are some.
    fn touches_members(&self, changed: &[NodeChange], guardings: &[Guarding]) -> bool {
        let changed: HashSet<NameRef<'_>> =
            changed.iter().filter(|one| one.addresses).map(|one| self.node(one.node).name()).collect();
        let is_changed = |name: &Name| changed.contains(&name.as_ref());
        let mut with_hosts = guardings.iter().filter(|guarding| !guarding.hosts.is_empty());
        with_hosts.any(|one| is_changed(&one.owner) || one.hosts.iter().any(|host| is_changed(&host.name)))
    }

    /// The addresses that a name has in records of its own.
    fn own_addresses(&self, name: NameRef<'_>) -> Vec<HostAddress> {
        self.addresses_with_origins(name).map(|(address, _, ttl)| HostAddress { address, ttl }).collect()
    }

    fn addresses_with_origins(&self, name: NameRef<'_>) -> impl Iterator<Item = (IpAddr, Origin, Ttl)> {
        let node = self.find(name).map(|id| self.node(id));
        let rrsets = node.into_iter().flat_map(|node| [Rtype::A, Rtype::AAAA].map(|rtype| node.rrset(rtype)));
        rrsets.flatten().flat_map(|rrset: Rrset<'_>| {
            let (rtype, ttl) = (rrset.rtype(), rrset.ttl());
            let records = rrset.rdatas().zip(rrset.origins());
            records.filter_map(move |(rdata, origin)| Some((address_of(rtype, rdata)?, origin, ttl)))
        })
    }
}

/// Changes by the hosts that they come from.
#[derive(Default)]
struct HostChanges {
    all: Vec<(Origin, Changeset)>,
    places: HashMap<Origin, usize>,
}

impl HostChanges {
    fn of(&mut self, origin: Origin) -> &mut Changeset {
        let place = *self.places.entry(origin).or_insert_with_key(|origin| {
            self.all.push((origin.clone(), Changeset::default()));
            self.all.len() - 1
        });
        &mut self.all[place].1
    }
}

fn record(owner: &Name, address: IpAddr, ttl: Ttl) -> Record {
    Record { owner: owner.clone(), rtype: type_of(address), ttl, rdata: Member::at(address).rdata }
}
