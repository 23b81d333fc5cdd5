//! Hosts of other zones that are members of pools: what their zones say of them now.
//!
//! Data flows one way: what a zone says of hosts is an input of the versions of another one, as its text is. Only names that
//! some pool has as members are looked up and remembered. Not responsible for when that is done: a reading does it, and the
//! loop after each publication.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use super::version::ZoneVersion;
use crate::dns::Name;
use crate::source::Origin;
use crate::zone::{Elsewhere, Guarding, HostAddress, HostName, NoHost};

/// Addresses of hosts of other zones, by name.
pub type HostTable = HashMap<Name, Arc<[HostAddress]>>;

/// Why the addresses of a host are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotKnown {
    /// Its zone is not served: not copied yet, expired, or faulty.
    NoZone,
    /// Its zone has no such host.
    NoHost(NoHost),
}

impl fmt::Display for NotKnown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotKnown::NoZone => f.write_str("it is not served just now"),
            NotKnown::NoHost(why) => why.fmt(f),
        }
    }
}

/// A host whose addresses are not known, and the first pool that has it as a member.
#[derive(Clone, Debug)]
pub struct UnknownHost {
    /// Its name.
    pub name: Name,
    /// Where it is named.
    pub origin: Origin,
    /// Its zone.
    pub zone: Name,
    /// The owner of the pool.
    pub owner: Name,
    /// Why.
    pub why: NotKnown,
    /// Whether it has had addresses, which its pools keep.
    pub has_had_some: bool,
}

impl UnknownHost {
    /// What holds meanwhile.
    pub fn meanwhile(&self) -> &'static str {
        match self.has_had_some {
            true => "the pool keeps the addresses that it had",
            false => "the pool is answered without it until it has one",
        }
    }
}

impl fmt::Display for UnknownHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UnknownHost { name, zone, owner, why, .. } = self;
        write!(f, "`{name}`, a member of `{owner}`, has no address in the zone `{zone}`: {why}")
    }
}

/// What other zones say of hosts.
#[derive(Default)]
pub struct LookedUp {
    /// Those with addresses.
    pub addresses: HostTable,
    /// The others, in the order of their names.
    pub unknown: Vec<UnknownHost>,
}

impl LookedUp {
    /// Looks up each host of another zone that these guards name, once; `version` is what is served of the zone with an apex.
    pub fn of<'v>(guards: &[Guarding], version: impl Fn(&Name) -> Option<&'v ZoneVersion>) -> LookedUp {
        let mut looked_up = LookedUp::default();
        for (name, (owner, host, elsewhere)) in each_host(guards) {
            let zone = &elsewhere.zone;
            let found = version(zone).and_then(|version| version.host(name));
            let found = found.ok_or(NotKnown::NoZone).and_then(|found| found.map_err(NotKnown::NoHost));
            match found {
                Ok(addresses) => _ = looked_up.addresses.insert(name.clone(), addresses),
                Err(why) => looked_up.unknown.push(UnknownHost {
                    name: name.clone(),
                    origin: host.origin.clone(),
                    zone: zone.clone(),
                    owner: owner.clone(),
                    why,
                    has_had_some: !elsewhere.addresses.is_empty(),
                }),
            }
        }
        looked_up
    }
}

/// Each host of another zone by name, with the first owner that has it.
fn each_host(guards: &[Guarding]) -> BTreeMap<&Name, (&Name, &HostName, &Elsewhere)> {
    let mut each = BTreeMap::new();
    for guarding in guards {
        for host in &guarding.hosts {
            let Some(elsewhere) = &host.elsewhere else { continue };
            each.entry(&host.name).or_insert((&guarding.owner, host, elsewhere));
        }
    }
    each
}

/// What these guards know of hosts of other zones; those that they know nothing of have no addresses.
pub(super) fn known_hosts(guards: &[Guarding]) -> HostTable {
    let each = each_host(guards).into_iter();
    each.map(|(name, (_, _, elsewhere))| (name.clone(), Arc::clone(&elsewhere.addresses))).collect()
}

/// Whether a table says something else of a host than these guards do.
pub fn are_moved(guards: &[Guarding], table: &HostTable) -> bool {
    let mut known = guards.iter().flat_map(Guarding::hosts_elsewhere);
    known.any(|(name, elsewhere)| table.get(name).is_some_and(|addresses| *addresses != elsewhere.addresses))
}

/// Has guards know what a table says of hosts; those that are not in it stay as they are.
pub(super) fn set_hosts(guards: &mut [Guarding], table: &HostTable) {
    for host in guards.iter_mut().flat_map(|guarding| &mut guarding.hosts) {
        if let (Some(elsewhere), Some(addresses)) = (&mut host.elsewhere, table.get(&host.name)) {
            elsewhere.addresses = Arc::clone(addresses);
        }
    }
}
