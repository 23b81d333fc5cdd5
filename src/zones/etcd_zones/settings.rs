//! What the task of one zone goes by.

use std::path::PathBuf;
use std::sync::Arc;

use crate::layout::Place;
use crate::zone::Apexes;
use crate::zonefile;
use crate::zones::local_addresses::known_addresses;
use crate::zones::settings::{Settings, ZoneSettings};
use crate::zones::source::EtcdKeys;
use crate::zones::version::{Inputs, guard_the_same};
use crate::zones::zone_id::ZoneId;

/// What the task of one zone goes by.
#[derive(Clone)]
pub(super) struct EtcdSettings {
    pub(super) zone: ZoneSettings,
    pub(super) source: EtcdKeys,
    text: zonefile::Settings,
    /// The apexes of all zones; they only matter for remarks.
    pub(super) apexes: Arc<Apexes>,
    /// Whether some other zone is made from its addresses.
    pub(super) wants_hosts: bool,
    /// Where its image is kept; none: it is not.
    pub(super) folder: Option<PathBuf>,
}

impl EtcdSettings {
    /// Those of all zones that are keys of etcd.
    pub(super) fn all(settings: &Settings) -> Vec<EtcdSettings> {
        let zones = &settings.zones;
        let apexes: Arc<Apexes> = Arc::new(zones.iter().map(|zone| zone.id.name.as_ref()).collect());
        let of = |zone: &ZoneSettings| {
            Some(EtcdSettings {
                zone: zone.clone(),
                source: zone.sources.find::<EtcdKeys>()?.clone(),
                text: settings.text.clone(),
                apexes: Arc::clone(&apexes),
                wants_hosts: zones.iter().any(|other| other.sources.made_from() == Some(&zone.id.name)),
                folder: settings.state_directory.clone(),
            })
        };
        zones.iter().filter_map(of).collect()
    }

    pub(super) fn id(&self) -> &ZoneId {
        &self.zone.id
    }

    /// Whether a task that goes by these need not begin anew. Places in the config file make no difference.
    pub(super) fn is_same(&self, other: &EtcdSettings) -> bool {
        self.id() == other.id()
            && self.zone.sources == other.zone.sources
            && self.zone.memory_limit == other.zone.memory_limit
            && guard_the_same(&self.zone.guards, &other.zone.guards)
            && self.text == other.text
            && self.wants_hosts == other.wants_hosts
            && self.folder == other.folder
    }

    /// How zone text is read: the same as at a start and at a reload, or each reload would make the zone anew.
    fn text(&self) -> zonefile::Settings {
        zonefile::Settings { memory_limit: self.zone.memory_limit, ..self.text.clone() }
    }

    /// Where the zone is in the store.
    pub(super) fn place(&self) -> Place {
        Place { text: self.text(), ..self.source.place.clone() }
    }

    /// What a version of the zone is made from.
    pub(super) fn inputs(&self) -> Inputs {
        Inputs {
            sources: self.zone.sources.clone(),
            forward: None,
            settings: self.text(),
            guards: self.zone.guards.clone(),
            own: known_addresses(),
            texts: Vec::new(),
        }
    }
}
