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

/// All zones of a server, found by name. One is replaced without the others: what finds them is shared.
#[derive(Clone)]
pub struct ZoneTable {
    zones: Vec<Row>,
    /// Places in `zones` by the hash of the apex, plus one; open addressing.
    slots: Arc<[(NameHash, u32)]>,
    /// How many labels the zones have, each number once, the largest first.
    label_counts: Arc<[usize]>,
}

/// A zone with what it is found by.
#[derive(Clone)]
struct Row {
    /// The apex in wire form, in lower case.
    apex: Arc<[u8]>,
    zone: Arc<ZoneEntry>,
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
        let row =
            |zone: ZoneEntry| Row { apex: zone.apex.as_ref().to_lowercase().into(), zone: Arc::new(zone) };
        let zones = zones.into_iter().map(row).collect();
        Self { zones, slots: slots.into(), label_counts: label_counts.into() }
    }

    /// The same table after the zones at some places have other pools. All other zones are shared, not
    /// copied.
    #[must_use]
    pub fn with_pools(&self, changed: impl IntoIterator<Item = (usize, Arc<Pools>)>) -> Self {
        let mut table = self.clone();
        for (place, pools) in changed {
            if let Some(row) = table.zones.get_mut(place) {
                row.zone = Arc::new(ZoneEntry { pools, ..ZoneEntry::clone(&row.zone) });
            }
        }
        table
    }

    /// This table, sharing with `before` each zone at its place that has not changed since.
    #[must_use]
    pub fn sharing(mut self, before: &ZoneTable) -> Self {
        for (row, old) in self.zones.iter_mut().zip(&before.zones) {
            if row.zone.is_same(&old.zone) {
                row.clone_from(old);
            }
        }
        self
    }

    /// The zone at a place in the order they were given.
    pub fn zone(&self, place: usize) -> Option<&Arc<ZoneEntry>> {
        self.zones.get(place).map(|row| &row.zone)
    }

    /// The zones, in the order they were given.
    pub fn zones(&self) -> impl ExactSizeIterator<Item = &ZoneEntry> {
        self.zones.iter().map(|row| &*row.zone)
    }

    /// The longest zone that holds a name and has at most `labels_max` labels. HOT.
    #[inline]
    fn find(&self, name: &HashedName, labels_max: usize) -> Option<&ZoneEntry> {
        for &labels in &*self.label_counts {
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
            version = &self.zones.get(access.next? as usize)?.zone;
        }
        Some(version)
    }

    /// The zone of exactly this name. Not inlined: the loop of `find` would keep all it needs on the stack,
    /// for what is nearly always one turn.
    #[inline(never)]
    fn exact(&self, hash: NameHash, lower: &[u8]) -> Option<&ZoneEntry> {
        let mut at = start(hash, self.mask());
        while let Some(&(found, number)) = self.slots.get(at) {
            let place = (number as usize).checked_sub(1)?;
            let row = self.zones.get(place)?;
            if found == hash && *row.apex == *lower {
                return Some(&row.zone);
            }
            at = at.wrapping_add(1) & self.mask();
        }
        None
    }

    #[inline]
    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
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
