//! What the feed of one zone goes by, whichever source brings the records.

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::dns::Name;
use crate::zone::Apexes;
use crate::zonefile;
use crate::zones::local_addresses::known_addresses;
use crate::zones::settings::{Settings, ZoneSettings};
use crate::zones::source::Source;
use crate::zones::version::{Inputs, guard_the_same};
use crate::zones::zone_id::ZoneId;

/// What the feed of one zone goes by; `S` is the source that it follows.
#[derive(Clone)]
pub(in crate::zones) struct FeedSettings<S> {
    pub(in crate::zones) zone: ZoneSettings,
    pub(in crate::zones) source: S,
    /// How zone text is read, with the memory limit of this zone.
    pub(in crate::zones) text: zonefile::Settings,
    /// The apexes of all zones; they only matter for remarks.
    pub(in crate::zones) apexes: Arc<Apexes>,
    /// Whether some other zone is made from its addresses.
    pub(in crate::zones) wants_hosts: bool,
    /// The addresses of this node.
    pub(in crate::zones) own: Vec<IpAddr>,
    /// Where what outlives a restart is kept; none: nothing is.
    pub(in crate::zones) folder: Option<PathBuf>,
}

impl<S: Source + Clone> FeedSettings<S> {
    /// Those of all zones that have such a source.
    pub(in crate::zones) fn all(settings: &Settings) -> Vec<FeedSettings<S>> {
        let zones = &settings.zones;
        let apexes: Arc<Apexes> = Arc::new(zones.iter().map(|zone| zone.id.name.as_ref()).collect());
        let origins: HashSet<&Name> = zones.iter().filter_map(|zone| zone.sources.made_from()).collect();
        let own = known_addresses();
        let of = |zone: &ZoneSettings| {
            let wants_hosts = origins.contains(&zone.id.name);
            let one = Self::of_one(settings, zone.clone(), own.clone())?;
            Some(FeedSettings { apexes: Arc::clone(&apexes), wants_hosts, ..one })
        };
        zones.iter().filter_map(of).collect()
    }

    /// Those of a zone of which the others know nothing, on a node with these addresses; none where it has no such source.
    pub(in crate::zones) fn of_one(
        settings: &Settings,
        zone: ZoneSettings,
        own: Vec<IpAddr>,
    ) -> Option<FeedSettings<S>> {
        Some(FeedSettings {
            source: zone.sources.find::<S>()?.clone(),
            text: zonefile::Settings { memory_limit: zone.memory_limit, ..settings.text.clone() },
            zone,
            apexes: Arc::default(),
            wants_hosts: false,
            own,
            folder: settings.state_directory.clone(),
        })
    }

    pub(in crate::zones) fn id(&self) -> &ZoneId {
        &self.zone.id
    }

    /// Whether a task that goes by these need not begin anew. Places in the config file make no difference.
    pub(in crate::zones) fn is_same(&self, other: &FeedSettings<S>) -> bool {
        self.id() == other.id()
            && self.zone.member.is_some() == other.zone.member.is_some()
            && self.zone.sources == other.zone.sources
            && guard_the_same(&self.zone.guards, &other.zone.guards)
            && self.text == other.text
            && self.own == other.own
            && self.wants_hosts == other.wants_hosts
            && self.zone.dnssec == other.zone.dnssec
            && self.folder == other.folder
    }

    /// What a version of the zone is made from.
    pub(in crate::zones) fn inputs(&self) -> Inputs {
        Inputs {
            sources: self.zone.sources.clone(),
            forward: None,
            settings: self.text.clone(),
            guards: self.zone.guards.clone(),
            own: self.own.clone(),
            texts: Vec::new(),
            signing: None,
        }
    }
}
