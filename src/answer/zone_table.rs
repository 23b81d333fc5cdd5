//! The zones of a server, found by name. HOT where it finds.
//!
//! Finds the zone of a name, and of its versions the one that answers a client.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::access::Access;
use super::compiled_zone::CompiledZone;
use super::hashed_name::HashedName;
use super::pools::Pools;
use crate::dns::{Name, NameHash, Rtype};
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
}

/// All zones of a server, found by name. A copy with another zone in one place costs that place: it shares what finds
/// the zones, and all others.
#[derive(Clone)]
pub struct ZoneTable {
    zones: SharedList<Option<Arc<ZoneEntry>>>,
    index: Arc<Index>,
}

/// What finds a zone by its name, or says that there is none.
struct Index {
    /// Places of zones, plus one, by the hash of the apex; open addressing.
    slots: Box<[(NameHash, u32)]>,
    /// The apex of each zone in wire form, in lower case.
    apexes: Box<[Box<[u8]>]>,
    /// How many labels the zones have, each number once, the largest first.
    label_counts: Box<[usize]>,
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
        let index = Index::new(&zones, &later).into();
        Self { zones: zones.into_iter().map(|zone| Some(Arc::new(zone))).collect(), index }
    }

    /// Serves `compiled` with `pools` at a place from now on, to the same clients under the same name. Costs the same
    /// however many zones there are.
    pub fn replace(&mut self, place: usize, compiled: Option<Arc<CompiledZone>>, pools: Arc<Pools>) {
        if let Some(zone) = self.zone(place) {
            let zone = ZoneEntry { compiled, pools, apex: zone.apex.clone(), access: zone.access.clone() };
            self.zones.set(place, Some(Arc::new(zone)));
        }
    }

    /// This table, sharing with `before` each zone at its place that has not changed since.
    #[must_use]
    pub fn sharing(mut self, before: &ZoneTable) -> Self {
        let shared = self.zones.iter().zip(before.zones.iter()).map(|(zone, old)| {
            let is_same = matches!((zone, old), (Some(zone), Some(old)) if zone.is_same(old));
            if is_same { old.clone() } else { zone.clone() }
        });
        let rest = self.zones.iter().skip(before.zones.len()).cloned();
        self.zones = shared.chain(rest).collect();
        self
    }

    /// The zone at a place in the order they were given.
    pub fn zone(&self, place: usize) -> Option<&Arc<ZoneEntry>> {
        self.zones.get(place)?.as_ref()
    }

    /// The zones, in the order they were given.
    pub fn zones(&self) -> impl Iterator<Item = &ZoneEntry> {
        self.zones.iter().flatten().map(|zone| &**zone)
    }

    /// The longest zone that holds a name and has at most `labels_max` labels. HOT.
    #[inline]
    fn find(&self, name: &HashedName, labels_max: usize) -> Option<&ZoneEntry> {
        for &labels in &*self.index.label_counts {
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
    pub(super) fn version_for<'s>(&'s self, first: &'s ZoneEntry, client: IpAddr) -> Option<&'s ZoneEntry> {
        match first.access {
            None => Some(first),
            Some(_) => self
                .seen_by(first, client)
                .filter(|version| version.access.as_ref().is_none_or(|access| access.allows(client))),
        }
    }

    /// The version that this client sees, whether it may ask or not. HOT where zones have versions.
    pub(super) fn seen_by<'s>(&'s self, first: &'s ZoneEntry, client: IpAddr) -> Option<&'s ZoneEntry> {
        let mut version = first;
        // A place only ever leads to a later one, so this ends.
        while let Some(access) = &version.access {
            if access.is_seen_by(client) {
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
        self.zone(self.index.place(hash, lower)?).map(|zone| &**zone)
    }
}

impl Index {
    /// Finds all zones but the `later` versions of a name, which the first leads to.
    fn new(zones: &[ZoneEntry], later: &HashSet<usize>) -> Index {
        let size = zones.len().saturating_mul(2).max(2).next_power_of_two();
        let mut slots = vec![(NameHash::ROOT, 0); size];
        let mut label_counts = Vec::new();
        let mask = size.wrapping_sub(1);
        for (place, zone) in zones.iter().enumerate().filter(|(place, _)| !later.contains(place)) {
            let hash = NameHash::of(zone.apex.as_ref());
            label_counts.push(zone.apex.as_ref().label_count());
            // Each takes a hundred bytes and more: four thousand million zones do not fit into memory.
            let number = u32::try_from(place.saturating_add(1)).unwrap_or(0);
            let mut at = start(hash, mask);
            while slots.get(at).is_some_and(|(_, taken)| *taken != 0) {
                at = at.wrapping_add(1) & mask;
            }
            if let Some(slot) = slots.get_mut(at) {
                *slot = (hash, number);
            }
        }
        label_counts.sort_unstable_by(|one: &usize, other| other.cmp(one));
        label_counts.dedup();
        Index {
            slots: slots.into(),
            apexes: zones.iter().map(|zone| zone.apex.as_ref().to_lowercase().into()).collect(),
            label_counts: label_counts.into(),
        }
    }

    /// The place of the zone of exactly this name. HOT.
    #[inline(always)]
    fn place(&self, hash: NameHash, lower: &[u8]) -> Option<usize> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = start(hash, mask);
        while let Some(&(found, number)) = self.slots.get(at) {
            let place = (number as usize).checked_sub(1)?;
            if found == hash && **self.apexes.get(place)? == *lower {
                return Some(place);
            }
            at = at.wrapping_add(1) & mask;
        }
        None
    }
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
        compiled && self.apex == other.apex && self.access == other.access && self.pools == other.pools
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
