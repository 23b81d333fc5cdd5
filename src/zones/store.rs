//! The zones of a server: what is served of each, and what its sources said last.
//!
//! Has one state per zone. A value: the store after a reading is made from the one before. Not responsible
//! for what follows in one zone (`state`), or for publishing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::load::LoadedZone;
use super::source::ZoneSources;
use super::state::{Fault, ZoneState};
use super::version::ZoneVersion;
use super::zone_id::ZoneId;
use crate::answer::Access;

/// All zones, in the order of the config file.
#[derive(Clone, Default)]
pub struct Store {
    zones: Vec<StoredZone>,
}

/// A zone, and what is served of it.
#[derive(Clone)]
pub struct StoredZone {
    /// What tells it from the others.
    pub id: ZoneId,
    /// Where its records come from.
    pub sources: ZoneSources,
    /// The clients that it answers; none: all.
    pub access: Option<Box<Access>>,
    /// What is served of it.
    pub state: ZoneState,
}

impl StoredZone {
    /// What is answered from; none: SERVFAIL.
    pub fn version(&self) -> Option<&Arc<ZoneVersion>> {
        self.state.version()
    }

    /// Why the newest version is not served, in one sentence.
    pub fn error(&self) -> Option<&str> {
        self.state.fault().map(|fault| fault.sentence.as_str())
    }

    /// The same, drawn.
    pub fn drawn(&self) -> Option<&str> {
        self.state.fault().and_then(|fault: &Fault| fault.drawn.as_deref())
    }
}

impl Store {
    /// The store after a reading that ended `now`. It has the zones of that reading, and no others.
    #[must_use]
    pub fn after(&self, loaded: Vec<LoadedZone>, now: Instant) -> Store {
        let before: HashMap<&ZoneId, &ZoneState> =
            self.zones.iter().map(|zone| (&zone.id, &zone.state)).collect();
        let zones = loaded.into_iter().map(|loaded| {
            let before = before.get(&loaded.id).map(|state| (*state).clone()).unwrap_or_default();
            let LoadedZone { id, sources, access, .. } = &loaded;
            let (id, sources, access) = (id.clone(), sources.clone(), access.clone());
            StoredZone { id, sources, access, state: before.after(loaded.into_event(), now) }
        });
        Store { zones: zones.collect() }
    }

    /// The zones, in the order of the config file.
    pub fn zones(&self) -> &[StoredZone] {
        &self.zones
    }

    /// What is served of each zone, for a reading that is to read only what has changed.
    pub fn versions(&self) -> Vec<Arc<ZoneVersion>> {
        self.zones.iter().filter_map(|zone| zone.version().cloned()).collect()
    }

    /// Has these zones answer these clients.
    pub fn set_access(&mut self, access: &HashMap<&ZoneId, Option<Box<Access>>>) {
        for zone in &mut self.zones {
            if let Some(access) = access.get(&zone.id) {
                zone.access.clone_from(access);
            }
        }
    }

    /// When something changes by itself.
    pub fn next_due(&self) -> Option<Instant> {
        self.zones.iter().filter_map(|zone| zone.state.next_due()).min()
    }

    /// Lets time pass until `now`; the zones that have expired.
    pub fn expire(&mut self, now: Instant) -> Vec<ZoneId> {
        let due = |zone: &&mut StoredZone| zone.state.next_due().is_some_and(|due| due <= now);
        let expired = self.zones.iter_mut().filter(due).map(|zone| {
            zone.state = std::mem::take(&mut zone.state).at(now);
            zone.id.clone()
        });
        expired.collect()
    }
}
