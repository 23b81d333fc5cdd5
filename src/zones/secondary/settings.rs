//! The settings of the task of one secondary zone.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::source::{Origin, Span};
use crate::transfer::incoming::TransferQuery;
use crate::zone::{Apexes, MemoryLimit};
use crate::zonefile;
use crate::zones::local_addresses::known_addresses;
use crate::zones::settings::{Settings, ZoneSettings};
use crate::zones::source::Primaries;
use crate::zones::version::{Inputs, guard_the_same};
use crate::zones::zone_id::ZoneId;

/// Memory that a zone of a primary may take where `memory-limit` says nothing, in bytes: some two million records. A
/// zone file may take more the longer it is; what a primary sends has no length before it ends.
pub(in crate::zones) const COPY_MEMORY_MAX: u64 = 1 << 30;

/// The settings of the task of one secondary zone.
#[derive(Clone)]
pub(super) struct SecondarySettings {
    pub(super) zone: ZoneSettings,
    pub(super) primaries: Primaries,
    pub(super) text: zonefile::Settings,
    /// The apexes of all zones; they only matter for remarks.
    pub(super) apexes: Arc<Apexes>,
    /// Whether some other zone is made from its addresses.
    pub(super) wants_hosts: bool,
    /// The addresses of this node.
    pub(super) own: Vec<IpAddr>,
    /// Where its copy is kept; none: it is not.
    pub(super) folder: Option<PathBuf>,
}

impl SecondarySettings {
    /// Those of all zones that have primaries.
    pub(super) fn all(settings: &Settings) -> Vec<SecondarySettings> {
        let zones = &settings.zones;
        let apexes: Arc<Apexes> = Arc::new(zones.iter().map(|zone| zone.id.name.as_ref()).collect());
        let own = known_addresses();
        let of = |zone: &ZoneSettings| {
            Some(SecondarySettings {
                zone: zone.clone(),
                primaries: zone.sources.find::<Primaries>()?.clone(),
                text: settings.text.clone(),
                own: own.clone(),
                apexes: Arc::clone(&apexes),
                wants_hosts: zones.iter().any(|other| other.sources.made_from() == Some(&zone.id.name)),
                folder: settings.state_directory.clone(),
            })
        };
        zones.iter().filter_map(of).collect()
    }

    /// Those of a zone that a catalog names; none where it has no primaries.
    pub(super) fn of_member(settings: &Settings, zone: ZoneSettings) -> Option<SecondarySettings> {
        Some(SecondarySettings {
            primaries: zone.sources.find::<Primaries>()?.clone(),
            zone,
            text: settings.text.clone(),
            own: known_addresses(),
            apexes: Arc::default(),
            wants_hosts: false,
            folder: settings.state_directory.clone(),
        })
    }

    pub(super) fn id(&self) -> &ZoneId {
        &self.zone.id
    }

    /// The place of faults that have none of their own.
    pub(super) fn span(&self) -> Span {
        self.zone.name_span
    }

    /// Whether a task that goes by these need not begin anew. Places in the config file make no difference.
    pub(super) fn is_same(&self, other: &SecondarySettings) -> bool {
        self.id() == other.id()
            && self.zone.member.is_some() == other.zone.member.is_some()
            && self.zone.sources == other.zone.sources
            && self.zone.memory_limit == other.zone.memory_limit
            && guard_the_same(&self.zone.guards, &other.zone.guards)
            && self.text == other.text
            && self.own == other.own
            && self.wants_hosts == other.wants_hosts
            && self.folder == other.folder
    }

    /// What a version of the zone is made from.
    pub(super) fn inputs(&self) -> Inputs {
        Inputs {
            sources: self.zone.sources.clone(),
            forward: None,
            settings: zonefile::Settings { memory_limit: self.zone.memory_limit, ..self.text.clone() },
            guards: self.zone.guards.clone(),
            own: self.own.clone(),
            texts: Vec::new(),
        }
    }

    /// What is asked of a primary, whose records come from `origin`: for what has changed since the version of a
    /// serial, or for the whole zone, which must be behind `newer_than`.
    pub(super) fn asked(&self, base: Option<u32>, newer_than: Option<u32>, origin: Origin) -> TransferQuery {
        let apex = self.zone.id.name.clone();
        let bytes_max = self.bytes_max();
        let (lua, span) = (self.primaries.lua, self.span());
        TransferQuery { apex, id: 0, base, newer_than, lua, bytes_max, origin, span }
    }

    /// Memory that the zone may take, in bytes.
    pub(super) fn bytes_max(&self) -> u64 {
        match self.zone.memory_limit {
            MemoryLimit::Bytes(bytes) => bytes,
            MemoryLimit::ByText => COPY_MEMORY_MAX,
        }
    }
}
