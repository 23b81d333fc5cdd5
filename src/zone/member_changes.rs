//! Members by name where a zone changes: what goes and comes with the addresses of a host.
//!
//! The same follows from a zone that is put together anew: see `hosts`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use super::changeset::{Changeset, Record};
use super::guarding::Guarding;
use super::hosts::{HostAddress, Wanted};
use super::member::Member;
use super::tested::{address_of, type_of};
use super::tree::{Rrset, Zone};
use crate::dns::{Name, NameRef, Rtype, Ttl};
use crate::source::{Diagnostics, Origin};

impl Zone {
    /// What members by name are otherwise than they should be, where other records have changed: for each host what goes
    /// and comes with it. Nothing where nothing is by name.
    pub fn member_changes(
        &self,
        guardings: &[Guarding],
        found: &mut Diagnostics,
    ) -> Vec<(Origin, Changeset)> {
        if !self.guarded.has_hosts {
            return Vec::new();
        }
        let wanted = Wanted::of(guardings, |name| self.own_addresses(name), found);
        let wanted_of: HashSet<(&Name, IpAddr)> =
            wanted.addresses.iter().map(|(owner, _, one)| (*owner, one.address)).collect();
        let owners: BTreeSet<&Name> =
            guardings.iter().filter(|one| !one.hosts.is_empty()).map(|one| &one.owner).collect();
        let mut has: HashMap<(&Name, IpAddr), Ttl> = HashMap::new();
        let mut changes: Vec<(Origin, Changeset)> = Vec::new();
        for owner in owners {
            for (address, origin, ttl) in self.addresses_with_origins(owner.as_ref()) {
                has.insert((owner, address), ttl);
                if matches!(origin, Origin::Host(_)) && !wanted_of.contains(&(owner, address)) {
                    of_host(&mut changes, origin).removed.push(record(owner, address, ttl));
                }
            }
        }
        for (owner, host, one) in wanted.addresses {
            if !has.contains_key(&(owner, one.address)) {
                let beside = has.iter().find(|((other, address), _)| {
                    *other == owner && type_of(*address) == type_of(one.address)
                });
                let ttl = beside.map_or(one.ttl, |(_, ttl)| *ttl);
                of_host(&mut changes, host.origin_of_members()).added.push(record(owner, one.address, ttl));
            }
        }
        changes
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

/// The changes that come from a host.
fn of_host(changes: &mut Vec<(Origin, Changeset)>, origin: Origin) -> &mut Changeset {
    let place = changes.iter().position(|(known, _)| *known == origin).unwrap_or_else(|| {
        changes.push((origin, Changeset::default()));
        changes.len() - 1
    });
    &mut changes[place].1
}

fn record(owner: &Name, address: IpAddr, ttl: Ttl) -> Record {
    Record { owner: owner.clone(), rtype: type_of(address), ttl, rdata: Member::at(address).rdata }
}
