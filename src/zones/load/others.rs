//! The zones loaded so far. Reverse zones look up other zones here by name, and hosts by address.

use std::collections::HashMap;

use super::loaded::LoadedZone;
use crate::dns::Name;
use crate::zone::Addresses;

/// Zones, each with its place in the config file.
#[derive(Default)]
pub(super) struct Others {
    zones: Vec<(usize, LoadedZone)>,
    /// For each name, the places of its views in `zones`, in the order of the config file.
    places: HashMap<Name, Vec<usize>>,
    /// The addresses of their hosts; none: no zone is compared with them.
    addresses: Option<Addresses>,
}

impl Others {
    /// No zone so far. Collects the addresses of all zones in `addresses`, if that is given.
    pub(super) fn gathering(addresses: Option<Addresses>) -> Others {
        Others { addresses, ..Others::default() }
    }

    /// Adds a zone.
    pub(super) fn push(&mut self, place: usize, zone: LoadedZone) {
        let hosts = zone.version.as_ref().and_then(|version| version.hosts.clone());
        if let (Some(addresses), Some(hosts)) = (&mut self.addresses, hosts) {
            addresses.add(hosts);
        }
        let views = self.places.entry(zone.id.name.clone()).or_default();
        let is_before = |other: &usize| self.zones.get(*other).is_some_and(|(before, _)| *before < place);
        views.insert(views.partition_point(is_before), self.zones.len());
        self.zones.push((place, zone));
    }

    /// The views of a name, in the order of the config file.
    pub(super) fn named(&self, name: &Name) -> impl Iterator<Item = &LoadedZone> + Clone {
        let places = self.places.get(name).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| self.zones.get(*place).map(|(_, zone)| zone))
    }

    /// The addresses of the hosts of all zones.
    pub(super) fn addresses(&self) -> Option<&Addresses> {
        self.addresses.as_ref()
    }

    /// The zones in the order of the config file.
    pub(super) fn into_zones(mut self) -> Vec<LoadedZone> {
        self.zones.sort_by_key(|(place, _)| *place);
        self.zones.into_iter().map(|(_, zone)| zone).collect()
    }
}
