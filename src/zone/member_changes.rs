//! Members by name where a zone changes: what goes and comes with the addresses of a host.
//!
//! The same follows from a zone that is put together anew: see `hosts`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use super::changeset::{Changeset, Record};
use super::guarding::{Guarding, HostAddress, Machines};
use super::hosts::Wanted;
use super::member::Member;
use super::node_change::NodeChange;
use super::tested::type_of;
use super::tree::Zone;
use crate::dns::{Name, Rtype, Ttl};
use crate::source::{Diagnostics, Origin};

impl Zone {
    /// What members by name are otherwise than they should be, where these nodes have changed, and what other zones say of the
    /// hosts of `moved`, which are some of `guardings`: for each host what goes and comes with it. Nothing where none of the
    /// nodes is a host, or has hosts.
    ///
    /// None where that is not all: it takes the zone to be put together anew, since an owner comes that was not there, or other
    /// addresses are one machine's.
    pub fn member_changes(
        &self,
        changed: &[NodeChange],
        (guardings, moved): (&[Guarding], &[&Guarding]),
        found: &mut Diagnostics,
    ) -> Option<Vec<(Origin, Changeset)>> {
        if !self.guarded.has_hosts {
            return Some(Vec::new());
        }
        let touched: Vec<&Guarding> =
            self.with_touched_members(changed, guardings).chain(moved.iter().copied()).collect();
        if touched.is_empty() {
            return Some(Vec::new());
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
        let others: HashSet<&Name> = changes.owners().collect();
        let is_guarded_again = |one: &Guarding| {
            let node = self.find(one.owner.as_ref());
            others.contains(&one.owner) || node.is_some_and(|node| changed.iter().any(|one| one.node == node))
        };
        let is_whole = |one: &&Guarding| match one.choice.machines {
            // They may be the same addresses, each of another machine.
            Machines::ByPlace if !is_guarded_again(one) => false,
            Machines::Apart | Machines::ByPlace | Machines::Listed(_) => {
                self.find(one.owner.as_ref()).is_some() || !others.contains(&one.owner)
            }
        };
        touched.iter().all(is_whole).then_some(changes.all)
    }

    /// What is guarded of owners that are some of these nodes, or whose members are.
    fn with_touched_members<'g>(
        &self,
        changed: &[NodeChange],
        guardings: &'g [Guarding],
    ) -> impl Iterator<Item = &'g Guarding> {
        let changed: HashSet<Name> = changed
            .iter()
            .filter(|one| one.addresses)
            .map(|one| self.node(one.node).name().to_name())
            .collect();
        let with_hosts = guardings.iter().filter(|guarding| !guarding.hosts.is_empty());
        with_hosts.filter(move |one| {
            changed.contains(&one.owner) || one.hosts.iter().any(|host| changed.contains(&host.name))
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

    fn owners(&self) -> impl Iterator<Item = &Name> {
        let records = self.all.iter().flat_map(|(_, changes)| changes.removed.iter().chain(&changes.added));
        records.map(|record| &record.owner)
    }
}

fn record(owner: &Name, address: IpAddr, ttl: Ttl) -> Record {
    Record { owner: owner.clone(), rtype: type_of(address), ttl, rdata: Member::at(address).rdata }
}
