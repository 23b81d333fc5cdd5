//! The zones of a server: what is served of each, and what its sources said last.
//!
//! Has one state per zone, finds a zone by what tells it from others, and knows when one changes by itself. Not
//! responsible for what follows in one zone (`state`), or for publishing.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

use hashbrown::HashTable;

use super::load::LoadedZone;
use super::source::ZoneSources;
use super::state::{Event, Fault, ZoneState};
use super::version::ZoneVersion;
use super::zone_id::ZoneId;
use crate::answer::Access;
use crate::update::Policy;

/// All zones, in the order of the config file.
#[derive(Default)]
pub struct Store {
    zones: Vec<StoredZone>,
    /// The places of the zones, by what tells one from the others.
    places: HashTable<usize>,
    hasher: RandomState,
    /// When which zone changes by itself.
    due: BTreeSet<(Instant, usize)>,
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
    /// Who may change it while it is served; none: nobody.
    pub update: Option<Arc<Policy>>,
    /// What is served of it.
    pub state: ZoneState,
}

impl StoredZone {
    /// What is answered from; none: SERVFAIL.
    pub fn version(&self) -> Option<&Arc<ZoneVersion>> {
        self.state.version()
    }

    /// Whether the other is found under the same name by the same clients.
    pub fn is_as_visible(&self, other: &StoredZone) -> bool {
        self.id == other.id && self.access == other.access
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
    /// Takes over what a reading gave that ended `now`. From then on there are the zones of that reading, and no
    /// others. Returns what there was before.
    pub fn take_over(&mut self, loaded: Vec<LoadedZone>, now: Instant) -> Store {
        let before = std::mem::take(self);
        let zones = loaded.into_iter().map(|loaded| {
            let state = before.place(&loaded.id).and_then(|place| before.zone(place));
            let state = state.map(|zone| zone.state.clone()).unwrap_or_default();
            let LoadedZone { id, sources, access, update, .. } = &loaded;
            let (id, sources, access, update) = (id.clone(), sources.clone(), access.clone(), update.clone());
            StoredZone { id, sources, access, update, state: state.after(loaded.into_event(), now) }
        });
        self.zones = zones.collect();
        self.find_all();
        before
    }

    fn find_all(&mut self) {
        let Store { zones, places, hasher, due } = self;
        let hash = |place: &usize| zones.get(*place).map_or(0, |zone| hasher.hash_one(&zone.id));
        places.reserve(zones.len(), hash);
        for (place, zone) in zones.iter().enumerate() {
            places.insert_unique(hasher.hash_one(&zone.id), place, hash);
            due.extend(zone.state.next_due().map(|at| (at, place)));
        }
    }

    /// The place of a zone.
    pub fn place(&self, id: &ZoneId) -> Option<usize> {
        let is_it = |place: &usize| self.zones.get(*place).is_some_and(|zone| zone.id == *id);
        self.places.find(self.hasher.hash_one(id), is_it).copied()
    }

    /// A zone.
    pub fn zone(&self, place: usize) -> Option<&StoredZone> {
        self.zones.get(place)
    }

    /// Has the zone at a place go on after an event. Costs the same however many zones there are.
    pub fn apply(&mut self, place: usize, event: Event, now: Instant) {
        self.change(place, |state| state.after(event, now));
    }

    fn change(&mut self, place: usize, change: impl FnOnce(ZoneState) -> ZoneState) {
        let Some(zone) = self.zones.get_mut(place) else { return };
        if let Some(due) = zone.state.next_due() {
            self.due.remove(&(due, place));
        }
        zone.state = change(std::mem::take(&mut zone.state));
        self.due.extend(zone.state.next_due().map(|at| (at, place)));
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
        for (id, access) in access {
            if let Some(zone) = self.place(id).and_then(|place| self.zones.get_mut(place)) {
                zone.access.clone_from(access);
            }
        }
    }

    /// Lets time pass until `now`; the places of the zones that have expired.
    pub fn expire(&mut self, now: Instant) -> Vec<usize> {
        let mut expired = Vec::new();
        while let Some(&(due, place)) = self.due.first()
            && due <= now
        {
            self.due.pop_first();
            self.change(place, |state| state.at(now));
            expired.push(place);
        }
        expired
    }
}
