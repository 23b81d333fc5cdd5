//! The zones that have been loaded before one, for those that say something of others' addresses.
//!
//! Finds them by name, and what they say by address, without looking through all of them. Not responsible for
//! what a reverse zone makes of it.

use std::collections::HashMap;

use super::loaded::LoadedZone;
use crate::dns::Name;
use crate::zone::Addresses;

/// Zones, each with its place in the config file.
#[derive(Default)]
pub(super) struct Others {
    zones: Vec<(usize, LoadedZone)>,
    /// Where the versions of a name are in `zones`.
    places: HashMap<Name, Vec<usize>>,
    /// What they say of addresses; none: nobody compares it.
    addresses: Option<Addresses>,
}

impl Others {
    /// No zone so far. Those that come are asked for their addresses if there is something to gather them in.
    pub(super) fn gathering(addresses: Option<Addresses>) -> Others {
        Others { addresses, ..Others::default() }
    }

    /// Takes in a zone.
    pub(super) fn push(&mut self, place: usize, zone: LoadedZone) {
        let hosts = zone.version.as_ref().and_then(|version| version.hosts.clone());
        if let (Some(addresses), Some(hosts)) = (&mut self.addresses, hosts) {
            addresses.add(hosts);
        }
        self.places.entry(zone.id.name.clone()).or_default().push(self.zones.len());
        self.zones.push((place, zone));
    }

    /// The versions of a name, in the order in which they were loaded.
    pub(super) fn named(&self, name: &Name) -> impl Iterator<Item = &LoadedZone> + Clone {
        let places = self.places.get(name).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.zones.get(*place).map(|(_, zone)| zone))
    }

    /// What all of them say of addresses.
    pub(super) fn addresses(&self) -> Option<&Addresses> {
        self.addresses.as_ref()
    }

    /// The zones in the order of the config file.
    pub(super) fn into_zones(mut self) -> Vec<LoadedZone> {
        self.zones.sort_by_key(|(place, _)| *place);
        self.zones.into_iter().map(|(_, zone)| zone).collect()
    }
}
