//! All zones of a server, with the state of each. Finds a zone by name and view, and knows which one expires
//! next.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

use hashbrown::HashTable;

use super::load::LoadedZone;
use super::member_of::MemberOf;
use super::source::{Changing, Primaries, ZoneSources};
use super::state::{Event, Fault, ZoneState};
use super::version::ZoneVersion;
use super::zone_id::ZoneId;
use crate::answer::Access;
use crate::dns::Name;
use crate::update::Policy;

/// All zones: those of the config file in its order, and behind them those that catalogs name.
#[derive(Default)]
pub struct Store {
    zones: Vec<StoredZone>,
    /// The places of the zones, by name and view.
    places: HashTable<usize>,
    hasher: RandomState,
    /// When which zone expires.
    due: BTreeSet<(Instant, usize)>,
}

/// A zone, and what is served of it.
#[derive(Clone)]
pub struct StoredZone {
    /// Its name and view.
    pub id: ZoneId,
    /// Where its records come from.
    pub sources: ZoneSources,
    /// The clients that may ask; none: all.
    pub access: Option<Box<Access>>,
    /// Whose updates it takes, or passes on where it is copied; none: nobody's.
    pub update: Option<Arc<Policy>>,
    /// The catalog that names it; none: the config file does.
    pub member: Option<Arc<MemberOf>>,
    /// What is served of it.
    pub state: ZoneState,
}

impl StoredZone {
    /// The version that is served; none: SERVFAIL.
    pub fn version(&self) -> Option<&Arc<ZoneVersion>> {
        self.state.version()
    }

    /// Who may update it here; none: nobody, or it is copied and changed where it comes from.
    pub fn changed_by(&self) -> Option<&Arc<Policy>> {
        self.update.as_ref().filter(|_| self.sources.find::<Primaries>().is_none())
    }

    /// Whether it is signed here: then its writer looks at keys and weeks.
    pub fn is_signed_here(&self) -> bool {
        self.sources.has(&Changing::Signatures)
    }

    /// Whether pools of it have hosts of other zones as members.
    pub fn has_hosts_elsewhere(&self) -> bool {
        self.sources.has(&Changing::Hosts)
    }

    /// Whose updates are passed on to its primaries, and to which; none: nobody's.
    pub fn passed_on(&self) -> Option<(&Arc<Policy>, &Primaries)> {
        let update = self.update.as_ref().filter(|policy| !policy.grants.is_empty());
        update.zip(self.sources.find::<Primaries>())
    }

    /// Whether the same clients find the other under the same name.
    pub fn is_as_visible(&self, other: &StoredZone) -> bool {
        self.id == other.id && self.access == other.access
    }

    /// Why the newest version is not served, in one sentence.
    pub fn error(&self) -> Option<&str> {
        self.state.fault().map(|fault| fault.sentence.as_str())
    }

    /// The first errors, drawn as in a terminal.
    pub fn drawn(&self) -> Option<&str> {
        self.state.fault().and_then(|fault: &Fault| fault.drawn.as_deref())
    }
}

impl Store {
    /// Takes over the result of a reading that ended at `now`: from then on the store has the zones of that reading,
    /// and those that catalogs name and it does not. Returns the store as it was before.
    pub fn take_over(&mut self, loaded: Vec<LoadedZone>, now: Instant) -> Store {
        let before = std::mem::take(self);
        let read: HashSet<Name> = loaded.iter().map(|zone| zone.id.name.clone()).collect();
        let is_kept = |zone: &&StoredZone| zone.member.is_some() && !read.contains(&zone.id.name);
        let kept = before.zones.iter().filter(is_kept).cloned();
        let zones = loaded.into_iter().map(|loaded| {
            let state = before.place(&loaded.id).and_then(|place| before.zone(place));
            let state = state.map(|zone| zone.state.clone()).unwrap_or_default();
            let LoadedZone { id, sources, access, update, member, .. } = &loaded;
            let (id, sources, access, update) = (id.clone(), sources.clone(), access.clone(), update.clone());
            let member = member.clone();
            StoredZone { id, sources, access, update, member, state: state.after(loaded.into_event(), now) }
        });
        self.zones = zones.chain(kept).collect();
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

    /// Adds a zone that a catalog names, behind the others. Its name is that of no other.
    pub fn push(&mut self, zone: StoredZone) {
        let place = self.zones.len();
        self.due.extend(zone.state.next_due().map(|at| (at, place)));
        let hashed = self.hasher.hash_one(&zone.id);
        self.zones.push(zone);
        let Store { zones, places, hasher, .. } = self;
        let hash = |place: &usize| zones.get(*place).map_or(0, |zone| hasher.hash_one(&zone.id));
        places.insert_unique(hashed, place, hash);
    }

    /// Takes away the zone at a place, which a catalog has named. The last zone, another one of those, has its place
    /// then; so this costs the same however many there are.
    pub fn swap_remove(&mut self, place: usize) {
        let Some(last) = self.zones.len().checked_sub(1).filter(|last| place <= *last) else { return };
        for gone in [place, last] {
            let Some(zone) = self.zones.get(gone) else { continue };
            if let Some(due) = zone.state.next_due() {
                self.due.remove(&(due, gone));
            }
            if let Ok(entry) = self.places.find_entry(self.hasher.hash_one(&zone.id), |known| *known == gone)
            {
                entry.remove();
            }
        }
        self.zones.swap_remove(place);
        if let Some(moved) = self.zones.get(place) {
            self.due.extend(moved.state.next_due().map(|at| (at, place)));
            let hashed = self.hasher.hash_one(&moved.id);
            let Store { zones, places, hasher, .. } = self;
            let hash = |place: &usize| zones.get(*place).map_or(0, |zone| hasher.hash_one(&zone.id));
            places.insert_unique(hashed, place, hash);
        }
    }

    /// Has the zone at a place, which a catalog has named, be served as that says now. Whether clients see a difference.
    pub fn set_member(
        &mut self,
        place: usize,
        sources: ZoneSources,
        access: Option<Box<Access>>,
        update: Option<Arc<Policy>>,
        member: Option<Arc<MemberOf>>,
    ) -> bool {
        let Some(zone) = self.zones.get_mut(place) else { return false };
        let differs = zone.access != access;
        (zone.sources, zone.access, zone.member) = (sources, access, member);
        zone.update = update;
        differs
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

    /// Applies an event to the zone at a place, at a cost that does not depend on the number of zones.
    pub fn apply(&mut self, place: usize, event: Event, now: Instant) {
        self.change(place, |state| state.after(event, now));
    }

    /// Forgets what is served of the zone at a place.
    pub fn reset(&mut self, place: usize) {
        self.change(place, |_| ZoneState::default());
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

    /// The served versions. A reading skips zones that have not changed since.
    pub fn versions(&self) -> Vec<Arc<ZoneVersion>> {
        self.zones.iter().filter_map(|zone| zone.version().cloned()).collect()
    }

    /// Sets the clients that may ask these zones.
    pub fn set_access(&mut self, access: &HashMap<ZoneId, Option<Box<Access>>>) {
        for (id, access) in access {
            if let Some(zone) = self.place(id).and_then(|place| self.zones.get_mut(place)) {
                zone.access.clone_from(access);
            }
        }
    }

    /// The places of the zones that expire unless they are confirmed.
    pub fn expiring(&self) -> impl Iterator<Item = usize> {
        self.due.iter().map(|(_, place)| *place)
    }

    /// Lets time pass until `now` and returns the places of the zones that have expired.
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
