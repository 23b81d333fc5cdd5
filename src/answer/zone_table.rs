//! The zones of a server, found by name. HOT where it finds.
//!
//! Finds the zone of a name, and of its versions the one that answers a client.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::access::Access;
use super::client::Client;
use super::compiled_zone::CompiledZone;
use super::copy_expiry::CopyExpiry;
use super::hashed_name::HashedName;
use super::pools::Pools;
use crate::dns::{Name, NameHash, NameRef, Rtype};
use crate::shared_list::SharedList;

/// A zone and the clients that it answers.
#[derive(Clone)]
pub struct ZoneEntry {
    /// The zone's own name.
    pub apex: Name,
    /// The compiled zone; none when no version of it could ever be read: then the zone answers SERVFAIL, and
    /// the other zones are not affected.
    pub compiled: Option<Arc<CompiledZone>>,
    /// What its pools answer with, given the verdicts at the time.
    pub pools: Arc<Pools>,
    /// The clients that it answers; none: all.
    pub access: Option<Box<Access>>,
    /// When it expires unless it is confirmed; none: it needs nobody for that.
    pub expires: Option<CopyExpiry>,
}

/// All zones of a server, found by name. A copy with another zone in one place costs that place: it shares what finds
/// the zones, and all others.
#[derive(Clone)]
pub struct ZoneTable {
    zones: SharedList<Option<Arc<IndexedZone>>>,
    index: Arc<Index>,
}

/// A zone at its place.
#[derive(Clone)]
struct IndexedZone {
    /// Its apex in wire form, in lower case.
    lower: Box<[u8]>,
    zone: ZoneEntry,
}

/// What finds a zone by its name, or says that there is none.
#[derive(Clone)]
struct Index {
    /// Places of zones, plus one, by the hash of the apex; open addressing.
    slots: Box<[(NameHash, u32)]>,
    /// How many zones it finds.
    len: usize,
    /// How many zones have a number of labels, the largest number first.
    label_counts: Box<[(usize, usize)]>,
}

impl Default for ZoneTable {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl ZoneTable {
    /// A table with these zones. Several with one name are versions of it: of those that a client may see the
    /// first counts.
    pub fn new(mut zones: Vec<ZoneEntry>) -> Self {
        let later = link_versions(&mut zones);
        let found = zones.iter().enumerate().filter(|(place, _)| !later.contains(place));
        let index = Index::new(found.map(|(place, zone)| (place, zone.apex.as_ref()))).into();
        Self { zones: zones.into_iter().map(|zone| Some(IndexedZone::shared(zone))).collect(), index }
    }

    /// Serves `compiled` with `pools` at a place until it expires, to the same clients under the same name. Costs the
    /// same however many zones there are.
    pub fn replace(
        &mut self,
        place: usize,
        compiled: Option<Arc<CompiledZone>>,
        pools: Arc<Pools>,
        expires: Option<CopyExpiry>,
    ) {
        if let Some(Some(placed)) = self.zones.get(place) {
            let IndexedZone { lower, zone: ZoneEntry { apex, access, .. } } = IndexedZone::clone(placed);
            let zone = ZoneEntry { compiled, pools, apex, access, expires };
            self.zones.set(place, Some(Arc::new(IndexedZone { lower, zone })));
        }
    }

    /// Answers other clients at a place from now on, where no other zone has its name.
    pub fn set_access(&mut self, place: usize, access: Option<Box<Access>>) {
        if let Some(Some(placed)) = self.zones.get(place) {
            let IndexedZone { lower, zone } = IndexedZone::clone(placed);
            self.zones.set(place, Some(Arc::new(IndexedZone { lower, zone: ZoneEntry { access, ..zone } })));
        }
    }

    /// Adds a zone behind the others, none of which has its name. Copies what finds the zones, 16 to 32 bytes for each,
    /// if that is shared with another table.
    pub fn push(&mut self, zone: ZoneEntry) {
        let place = self.zones.len();
        self.zones.set(place, Some(IndexedZone::shared(zone)));
        let Some(zone) = self.zone(place) else { return };
        let apex = zone.apex.clone();
        if self.index.has_room() {
            Arc::make_mut(&mut self.index).insert(place, apex.as_ref());
        } else {
            let finds = |(place, zone): (usize, &ZoneEntry)| {
                let is_found = place == self.zones.len().saturating_sub(1)
                    || self.index.finds(NameHash::of(zone.apex.as_ref()), place);
                is_found.then(|| (place, zone.apex.clone()))
            };
            let found: Vec<(usize, Name)> = self.zones().enumerate().filter_map(finds).collect();
            self.index = Index::new(found.iter().map(|(place, apex)| (*place, apex.as_ref()))).into();
        }
    }

    /// Takes away the zone at a place, whose name no other has. The last zone has that place then. Copies as much as
    /// [`ZoneTable::push`].
    pub fn swap_remove(&mut self, place: usize) {
        let Some(last) = self.zones.len().checked_sub(1) else { return };
        let Some(apex) = self.zone(place).map(|zone| zone.apex.clone()) else { return };
        let index = Arc::make_mut(&mut self.index);
        index.remove(place, apex.as_ref());
        if place != last
            && let Some(Some(moved)) = self.zones.get(last).cloned()
        {
            index.rename(last, place, moved.zone.apex.as_ref());
            self.zones.set(place, Some(moved));
        }
        self.zones.pop();
    }

    /// This table, sharing with `before` each zone at its place that has not changed since.
    #[must_use]
    pub fn sharing(mut self, before: &ZoneTable) -> Self {
        let shared = self.zones.iter().zip(before.zones.iter()).map(|(zone, old)| {
            let is_same = matches!((zone, old), (Some(zone), Some(old)) if zone.zone.is_same(&old.zone));
            if is_same { old.clone() } else { zone.clone() }
        });
        let rest = self.zones.iter().skip(before.zones.len()).cloned();
        self.zones = shared.chain(rest).collect();
        self
    }

    /// The zone at a place in the order they were given.
    #[inline]
    pub fn zone(&self, place: usize) -> Option<&ZoneEntry> {
        self.zones.get(place)?.as_ref().map(|placed| &placed.zone)
    }

    /// The zones, in the order they were given.
    pub fn zones(&self) -> impl Iterator<Item = &ZoneEntry> {
        self.zones.iter().flatten().map(|placed| &placed.zone)
    }

    /// The longest zone that holds a name and has at most `labels_max` labels. HOT.
    #[inline]
    fn find(&self, name: &HashedName, labels_max: usize) -> Option<&ZoneEntry> {
        for &(labels, _) in &*self.index.label_counts {
            if labels <= labels_max
                && let Some(zone) = self.exact(name.hash(labels), name.suffix(labels))
            {
                return Some(zone);
            }
        }
        None
    }

    /// The zone that answers a name, the first of its versions; none when the name is in no zone of ours.
    /// Delegation signers belong to the parent's side of a cut (RFC 4035, section 3.1.4.1), so a DS question
    /// for an apex goes to the zone above, if that is ours, too. HOT.
    #[inline(always)]
    pub(super) fn zone_for(&self, name: &HashedName, qtype: Rtype) -> Option<&ZoneEntry> {
        if qtype == Rtype::DS { self.zone_for_ds(name) } else { self.find(name, name.labels()) }
    }

    #[cold]
    fn zone_for_ds(&self, name: &HashedName) -> Option<&ZoneEntry> {
        let labels = name.labels();
        let above = labels.checked_sub(1).and_then(|above| self.find(name, above));
        above.or_else(|| self.find(name, labels))
    }

    /// The version of a zone that answers this client, `first` being the first of them; none: it is refused.
    /// HOT.
    #[inline]
    pub(super) fn version_for<'s>(
        &'s self,
        first: &'s ZoneEntry,
        client: &Client<'_>,
    ) -> Option<&'s ZoneEntry> {
        match first.access {
            None => Some(first),
            Some(_) => self
                .seen_by(first, client)
                .filter(|version| version.access.as_ref().is_none_or(|access| access.allows(client.peer()))),
        }
    }

    /// The version that this client sees, whether it may ask or not. HOT where zones have versions.
    pub(super) fn seen_by<'s>(&'s self, first: &'s ZoneEntry, client: &Client<'_>) -> Option<&'s ZoneEntry> {
        let mut version = first;
        // A place only ever leads to a later one, so this ends.
        while let Some(access) = &version.access {
            if access.is_for(client) {
                break;
            }
            version = self.zone(access.next? as usize)?;
        }
        Some(version)
    }

    /// The zone of exactly this name. Not inlined: the loop of `find` would keep all it needs on the stack,
    /// for what is nearly always one turn.
    #[inline(never)]
    fn exact(&self, hash: NameHash, lower: &[u8]) -> Option<&ZoneEntry> {
        let mut slots = self.index.slots(hash);
        slots.find_map(|place| {
            let placed = self.zones.get(place)?.as_ref()?;
            (*placed.lower == *lower).then_some(&placed.zone)
        })
    }
}

impl IndexedZone {
    fn shared(zone: ZoneEntry) -> Arc<IndexedZone> {
        Arc::new(IndexedZone { lower: zone.apex.as_ref().to_lowercase().into(), zone })
    }
}

impl Index {
    /// Finds zones at these places.
    fn new<'n>(zones: impl Iterator<Item = (usize, NameRef<'n>)>) -> Index {
        let zones: Vec<(usize, NameRef<'n>)> = zones.collect();
        let size = zones.len().saturating_mul(2).max(2).next_power_of_two();
        let slots = vec![(NameHash::ROOT, 0); size].into();
        let mut index = Index { slots, len: 0, label_counts: Box::default() };
        zones.into_iter().for_each(|(place, apex)| index.insert(place, apex));
        index
    }

    /// Whether one more can be found without many of them standing side by side.
    fn has_room(&self) -> bool {
        self.len.saturating_add(1).saturating_mul(2) <= self.slots.len()
    }

    /// Finds one more, if there is room.
    fn insert(&mut self, place: usize, apex: NameRef<'_>) {
        let hash = NameHash::of(apex);
        let mut at = start(hash, self.mask());
        while self.slots.get(at).is_some_and(|(_, taken)| *taken != 0) {
            at = at.wrapping_add(1) & self.mask();
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = (hash, number(place));
        }
        self.len = self.len.saturating_add(1);
        self.count(apex, |count| count.saturating_add(1));
    }

    /// Finds one no more. Those behind it that stand there only because it did move up, so that nothing is between
    /// where their search begins and where they are.
    fn remove(&mut self, place: usize, apex: NameRef<'_>) {
        let Some(mut hole) = self.slot_of(place, NameHash::of(apex)) else { return };
        let mask = self.mask();
        let mut at = hole;
        loop {
            at = at.wrapping_add(1) & mask;
            let Some(&(hash, taken)) = self.slots.get(at) else { break };
            if taken == 0 {
                break;
            }
            let from_start = at.wrapping_sub(start(hash, mask)) & mask;
            let from_hole = at.wrapping_sub(hole) & mask;
            if from_start >= from_hole {
                if let Some(slot) = self.slots.get_mut(hole) {
                    *slot = (hash, taken);
                }
                hole = at;
            }
        }
        if let Some(slot) = self.slots.get_mut(hole) {
            *slot = (NameHash::ROOT, 0);
        }
        self.len = self.len.saturating_sub(1);
        self.count(apex, |count| count.saturating_sub(1));
    }

    /// What was at a place is at another one.
    fn rename(&mut self, from: usize, to: usize, apex: NameRef<'_>) {
        let at = self.slot_of(from, NameHash::of(apex));
        if let Some((_, taken)) = at.and_then(|at| self.slots.get_mut(at)) {
            *taken = number(to);
        }
    }

    /// Whether it finds the zone at a place; false for a later version of a name.
    fn finds(&self, hash: NameHash, place: usize) -> bool {
        self.slot_of(place, hash).is_some()
    }

    fn slot_of(&self, place: usize, hash: NameHash) -> Option<usize> {
        let mut at = start(hash, self.mask());
        loop {
            match self.slots.get(at) {
                Some((_, taken)) if *taken == number(place) => return Some(at),
                Some((_, 0)) | None => return None,
                Some(_) => at = at.wrapping_add(1) & self.mask(),
            }
        }
    }

    /// Changes how many zones have so many labels as this one.
    fn count(&mut self, apex: NameRef<'_>, change: impl Fn(usize) -> usize) {
        let labels = apex.label_count();
        let mut counts = std::mem::take(&mut self.label_counts).into_vec();
        match counts.binary_search_by(|(known, _)| labels.cmp(known)) {
            Ok(at) => {
                if let Some((_, count)) = counts.get_mut(at) {
                    *count = change(*count);
                }
            }
            Err(at) => counts.insert(at, (labels, change(0))),
        }
        counts.retain(|(_, count)| *count > 0);
        self.label_counts = counts.into();
    }

    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }

    /// The places of zones whose names have this hash: one, or few. HOT.
    #[inline(always)]
    fn slots(&self, hash: NameHash) -> impl Iterator<Item = usize> {
        let mask = self.mask();
        let mut at = start(hash, mask);
        std::iter::from_fn(move || {
            while let Some(&(found, number)) = self.slots.get(at) {
                let place = (number as usize).checked_sub(1)?;
                at = at.wrapping_add(1) & mask;
                if found == hash {
                    return Some(place);
                }
            }
            None
        })
    }
}

/// A place as it stands in a slot.
fn number(place: usize) -> u32 {
    // Each zone takes a hundred bytes and more: four thousand million of them do not fit into memory.
    u32::try_from(place.saturating_add(1)).unwrap_or(0)
}

/// Where the search for a hash begins.
#[inline]
fn start(hash: NameHash, mask: usize) -> usize {
    #[allow(clippy::cast_possible_truncation, reason = "masked to the table's size")]
    let bits = hash.bits() as usize;
    bits & mask
}

impl ZoneEntry {
    /// Whether both answer every query alike, and one may stand in for the other.
    fn is_same(&self, other: &ZoneEntry) -> bool {
        let same = |one: &Arc<CompiledZone>, other: &Arc<CompiledZone>| Arc::ptr_eq(one, other);
        let compiled = match (&self.compiled, &other.compiled) {
            (Some(one), Some(other)) => same(one, other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        compiled
            && self.apex == other.apex
            && self.access == other.access
            && self.pools == other.pools
            && self.expires == other.expires
    }
}

/// Links each version of a name to the next. Returns the places of all but the first: those are reached
/// through it.
fn link_versions(zones: &mut [ZoneEntry]) -> HashSet<usize> {
    let mut newest: HashMap<Name, usize> = HashMap::new();
    let mut later = HashSet::new();
    for place in 0..zones.len() {
        let Some(apex) = zones.get(place).map(|zone| zone.apex.clone()) else { break };
        let Some(before) = newest.insert(apex, place) else { continue };
        later.insert(place);
        if let Some(access) = zones.get_mut(before).and_then(|zone| zone.access.as_mut()) {
            access.next = u32::try_from(place).ok();
        }
    }
    later
}

#[cfg(test)]
mod tests;
