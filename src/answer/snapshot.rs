//! The snapshot: everything that is answered from, immutable, in two shelves.
//!
//! Responsible for holding zones and pools together and for finding the zone
//! of a name. HOT where it finds.
//! Not responsible for making either shelf.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::access::Access;
use super::book::Book;
use super::cookie::CookieSecret;
use super::lookup::Asked;
use super::outside::Outside;
use super::pools::Pools;
use super::rate_limit::RateLimit;
use crate::dns::{Name, NameHash};

/// Everything that is answered from. Cheap to make anew: the shelves are shared.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// What the server says of itself.
    pub identity: Arc<Identity>,
    /// The zones: rebuilt on reload.
    pub zones: Arc<ZoneShelf>,
    /// The pools: rebuilt when the board changes.
    pub pools: Arc<Pools>,
    /// How many responses a network gets; none: as many as it asks for.
    pub limit: Option<Arc<RateLimit>>,
    /// Names outside the zones that are forwarded; none: they are all refused.
    pub outside: Option<Arc<Outside>>,
}

/// What the server says of itself.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Name server identifier (RFC 5001) and answer to CHAOS `id.server`; none: not told.
    pub nsid: Option<String>,
    /// Answer to CHAOS `version.bind`; none: not told.
    pub version: Option<String>,
    /// Secret of DNS cookies; none: cookies are ignored.
    pub cookies: Option<CookieSecret>,
}

/// A zone on its shelf.
#[derive(Clone)]
pub struct ZoneSlot {
    /// The zone's own name.
    pub apex: Name,
    /// The compiled zone; none when no version of it could ever be read:
    /// then it answers SERVFAIL and leaves the other zones alone.
    pub book: Option<Arc<Book>>,
    /// Where the pools of this zone begin in [`Pools`].
    pub pools_from: u32,
    /// Whom it answers; none: everybody.
    pub access: Option<Box<Access>>,
}

/// All zones of a server, found by name.
#[derive(Default)]
pub struct ZoneShelf {
    zones: Vec<ZoneSlot>,
    /// The apexes of `zones` in wire form, in lower case.
    apexes: Vec<Box<[u8]>>,
    /// Places in `zones` by the hash of the apex, plus one; open addressing.
    slots: Vec<(NameHash, u32)>,
    /// How many labels the zones have, each number once, the largest first.
    depths: Vec<usize>,
}

impl ZoneShelf {
    /// A shelf with these zones. Several with one name are versions of it: of
    /// those that a client may see the first counts.
    pub fn new(mut zones: Vec<ZoneSlot>) -> Self {
        let later = link_versions(&mut zones);
        let size = zones.len().saturating_mul(2).max(2).next_power_of_two();
        let apexes = zones.iter().map(|zone| zone.apex.as_ref().to_lowercase().into()).collect();
        let mut shelf = Self { zones, apexes, slots: vec![(NameHash::ROOT, 0); size], depths: Vec::new() };
        for (place, zone) in shelf.zones.iter().enumerate().filter(|(place, _)| !later.contains(place)) {
            let hash = NameHash::of(zone.apex.as_ref());
            shelf.depths.push(zone.apex.as_ref().label_count());
            // Each takes a hundred bytes and more: four thousand million zones do not fit into memory.
            let number = u32::try_from(place.saturating_add(1)).unwrap_or(0);
            let mut at = shelf.start(hash);
            while shelf.slots.get(at).is_some_and(|(_, taken)| *taken != 0) {
                at = at.wrapping_add(1) & shelf.mask();
            }
            if let Some(slot) = shelf.slots.get_mut(at) {
                *slot = (hash, number);
            }
        }
        shelf.depths.sort_unstable_by(|one, other| other.cmp(one));
        shelf.depths.dedup();
        shelf
    }

    /// The zones, in the order they were given.
    pub fn zones(&self) -> &[ZoneSlot] {
        &self.zones
    }

    /// The zone nearest to a name that holds it and has at most `labels_max`
    /// labels, with the number of its labels. HOT.
    #[inline]
    pub(super) fn find(&self, asked: &Asked, labels_max: usize) -> Option<(&ZoneSlot, usize)> {
        for &labels in &self.depths {
            if labels <= labels_max
                && let Some(zone) = self.exact(asked.hash(labels), asked.suffix(labels))
            {
                return Some((zone, labels));
            }
        }
        None
    }

    /// The zone of exactly this name. Not inlined: the loop above would keep
    /// all it needs on the stack, for what is nearly always one turn.
    #[inline(never)]
    fn exact(&self, hash: NameHash, lower: &[u8]) -> Option<&ZoneSlot> {
        let mut at = self.start(hash);
        while let Some(&(found, number)) = self.slots.get(at) {
            let place = (number as usize).checked_sub(1)?;
            if found == hash && self.apexes.get(place).is_some_and(|apex| **apex == *lower) {
                return self.zones.get(place);
            }
            at = at.wrapping_add(1) & self.mask();
        }
        None
    }

    #[inline]
    fn start(&self, hash: NameHash) -> usize {
        #[allow(clippy::cast_possible_truncation, reason = "masked to the table's size")]
        let bits = hash.bits() as usize;
        bits & self.mask()
    }

    #[inline]
    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }
}

/// Leads from each version of a name to the next. Returns the places of all
/// but the first, which are found by way of it.
fn link_versions(zones: &mut [ZoneSlot]) -> HashSet<usize> {
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
