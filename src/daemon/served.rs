//! What is served: the zones of the last reading, the last good version of
//! those that could not be read, and their pools bound to targets.
//!
//! Responsible for turning that into targets to probe and snapshots.
//! Not responsible for reading, probing or publishing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use tracing::warn;

use crate::answer::{
    Access, BoundPool, ForwardTable, Identity, MessageKinds, PoolState, Pools, RateLimit, Snapshot,
    ZoneEntry, ZoneTable,
};
use crate::dns::Rtype;
use crate::health::{Board, Target, TargetId};
use crate::zone::{Guard, Pool};
use crate::zones::{LoadedZone, Store, StoredZone, ZoneId, ZoneVersion};

/// Where a pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct PoolPlace {
    /// The place of its zone among the zones.
    zone: usize,
    /// Its place among the pools of that zone.
    pool: usize,
}

/// All zones with their pools bound to targets.
#[derive(Default)]
pub(crate) struct Served {
    store: Store,
    /// The pools of each zone, in the order of the zones.
    pools: Vec<Vec<BoundPool>>,
    /// Each target with the place of each pool it matters to; ascending.
    followers: Vec<(TargetId, PoolPlace)>,
    /// The zones without their pools, which depend on the board.
    table: ZoneTable,
    identity: Arc<Identity>,
    limit: Option<Arc<RateLimit>>,
    forward: Option<Arc<ForwardTable>>,
    handed_over: MessageKinds,
}

impl Served {
    /// What is served after a reading: zones that could not be read keep the
    /// version that `before` has of them.
    pub(crate) fn after(before: &Served, zones: Vec<LoadedZone>, identity: Identity) -> Served {
        let store = before.store.after(zones, Instant::now());
        let mut served = Served { store, identity: Arc::new(identity), ..Served::default() };
        served.fill_table();
        served
    }

    /// Limits responses from now on, or no more.
    pub(crate) fn set_limit(&mut self, limit: Option<RateLimit>) {
        self.limit = limit.map(Arc::new);
    }

    /// Forwards these names from now on, or none.
    pub(crate) fn set_forward(&mut self, forward: Option<ForwardTable>) {
        self.forward = forward.map(Arc::new);
    }

    /// Hands these messages over from now on, and no others.
    pub(crate) fn set_handed_over(&mut self, kinds: MessageKinds) {
        self.handed_over = kinds;
    }

    /// Has these zones answer these clients.
    pub(crate) fn set_access(&mut self, access: &HashMap<&ZoneId, Option<Box<Access>>>) {
        self.store.set_access(access);
        self.fill_table();
    }

    /// Lets time pass: zones whose sources were silent for too long are served no more. Whether there are
    /// any.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        if self.store.next_due().is_none_or(|due| now < due) {
            return false;
        }
        for id in self.store.expire(now) {
            warn!(zone = %id.name, "zone {id} has expired: it answers SERVFAIL until its source confirms it");
        }
        for (zone, pools) in self.store.zones().iter().zip(&mut self.pools) {
            if zone.version().is_none() {
                pools.clear();
            }
        }
        self.find_followers();
        self.fill_table();
        true
    }

    /// Puts the zones where snapshots find them.
    fn fill_table(&mut self) {
        let no_pools = Arc::new(Pools::default());
        let entries = self.store.zones().iter().map(|zone| ZoneEntry {
            apex: zone.id.name.clone(),
            compiled: zone.version().map(|version| Arc::clone(&version.compiled)),
            pools: Arc::clone(&no_pools),
            access: zone.access.clone(),
        });
        self.table = ZoneTable::new(entries.collect());
    }

    /// Every target that some member of some pool needs, in a fixed order.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let versions = self.store.zones().iter().filter_map(|zone| zone.version());
        let members =
            versions.flat_map(|version| &version.pools).flat_map(|pool| pool.groups.iter().flatten());
        members.flat_map(|member| &member.guards).map(target).collect()
    }

    /// Binds the pools to their targets; `ids` are those of
    /// [`Served::targets`], in the same order.
    pub(crate) fn bind(&mut self, ids: Vec<TargetId>) {
        let mut ids = ids.into_iter();
        let mut bind = |pool: &Arc<Pool>| BoundPool::new(Arc::clone(pool), &mut ids);
        let pools = self.store.zones().iter().map(|zone| {
            zone.version().map(|version| version.pools.iter().map(&mut bind).collect()).unwrap_or_default()
        });
        self.pools = pools.collect();
        self.find_followers();
    }

    fn find_followers(&mut self) {
        self.followers.clear();
        for (zone, pools) in self.pools.iter().enumerate() {
            for (pool, bound) in pools.iter().enumerate() {
                let followers = bound.targets.iter().map(|target| (target, PoolPlace { zone, pool }));
                self.followers.extend(followers);
            }
        }
        self.followers.sort_unstable();
        self.followers.dedup();
    }

    /// The snapshot for a board. A pure function.
    pub(crate) fn snapshot(&self, board: &Board) -> Snapshot {
        self.snapshot_of(self.zones_for(board))
    }

    /// As [`Served::snapshot`], sharing with `before` every zone that has not changed since.
    pub(crate) fn snapshot_after(&self, before: &Snapshot, board: &Board) -> Snapshot {
        self.snapshot_of(self.zones_for(board).sharing(&before.zones))
    }

    /// What [`Served::snapshot`] makes of `board`, from the one that it made of `before`: only the pools
    /// whose targets have changed are chosen anew, so that one flip among thousands of pools costs one.
    pub(crate) fn follow(&self, snapshot: &Snapshot, before: &Board, board: &Board) -> Snapshot {
        let places = board.changes_since(before).flat_map(|target| self.places_of(target));
        let changed: BTreeSet<PoolPlace> = places.collect();
        if changed.is_empty() {
            return self.snapshot_of_shared(Arc::clone(&snapshot.zones));
        }
        let mut by_zone: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for PoolPlace { zone, pool } in changed {
            by_zone.entry(zone).or_default().push(pool);
        }
        let zones = by_zone.into_iter().filter_map(|(zone, places)| {
            let (bound, entry) = (self.pools.get(zone)?, snapshot.zones.zone(zone)?);
            let pools = places.into_iter().filter_map(|place| Some((place, bound.get(place)?)));
            Some((zone, Arc::new(entry.pools.with(pools, board))))
        });
        self.snapshot_of(snapshot.zones.with_pools(zones))
    }

    /// The zones, each with what its pools answer with.
    fn zones_for(&self, board: &Board) -> ZoneTable {
        let pools = self.pools.iter().enumerate().filter(|(_, pools)| !pools.is_empty());
        self.table.with_pools(pools.map(|(zone, pools)| (zone, Arc::new(Pools::new(pools, board)))))
    }

    fn snapshot_of(&self, zones: ZoneTable) -> Snapshot {
        self.snapshot_of_shared(Arc::new(zones))
    }

    fn snapshot_of_shared(&self, zones: Arc<ZoneTable>) -> Snapshot {
        Snapshot {
            identity: Arc::clone(&self.identity),
            zones,
            limit: self.limit.clone(),
            forward: self.forward.clone(),
            handed_over: self.handed_over,
        }
    }

    /// The pools of the zone at this place, in the order of the zone.
    pub(crate) fn pools_of_zone(&self, zone: usize) -> &[BoundPool] {
        self.pools.get(zone).map(Vec::as_slice).unwrap_or_default()
    }

    /// All pools, each with what the version of its zone is called where there are others.
    pub(crate) fn pools_with_views(&self) -> impl Iterator<Item = (Option<&str>, &BoundPool)> {
        let zones = self.store.zones().iter().zip(&self.pools);
        zones.flat_map(|(zone, pools)| pools.iter().map(|pool| (zone.id.view.as_deref(), pool)))
    }

    /// The zones, and what is served of each.
    pub(crate) fn zones(&self) -> &[StoredZone] {
        self.store.zones()
    }

    /// What is served of each zone, for a reading that is to read only what has changed.
    pub(crate) fn versions(&self) -> Vec<Arc<ZoneVersion>> {
        self.store.versions()
    }

    /// The pools that a target matters to.
    pub(crate) fn pools_of(&self, target: TargetId) -> impl Iterator<Item = &BoundPool> {
        self.places_of(target).filter_map(|place| self.pools.get(place.zone)?.get(place.pool))
    }

    fn places_of(&self, target: TargetId) -> impl Iterator<Item = PoolPlace> {
        let from = self.followers.partition_point(|(follower, _)| *follower < target);
        let followers = self.followers.iter().skip(from);
        followers.take_while(move |(follower, _)| *follower == target).map(|(_, place)| *place)
    }

    /// How many pools there are, and how many of them have no member up.
    pub(crate) fn pool_counts(&self, board: &Board) -> (usize, usize) {
        let pools = self.pools.iter().flatten();
        let down = pools.clone().filter(|pool| pool.state(board) == PoolState::AllDown);
        (pools.count(), down.count())
    }
}

/// What a pool answers now, in words: `api.lab.example. now 192.0.2.1 192.0.2.3`.
pub(crate) fn sentence(pool: &BoundPool, board: &Board) -> String {
    let (state, members) = pool.answered(board);
    let owner = &pool.pool.owner;
    let kind = if pool.pool.rtype == Rtype::A { String::new() } else { format!(" {}", pool.pool.rtype) };
    let down = if state == PoolState::AllDown { "all down: " } else { "" };
    if members.is_empty() {
        return format!("{owner}{kind} now {down}no address");
    }
    let shown: Vec<String> = members.iter().map(|member| pool.pool.show(member)).collect();
    let between = if pool.pool.rtype == Rtype::SRV { ", " } else { " " };
    format!("{owner}{kind} now {down}{}", shown.join(between))
}

fn target(guard: &Guard) -> Target {
    let Guard { probe, interval, retry, rise, fall } = guard.clone();
    Target { probe, interval, retry, rise, fall }
}

#[cfg(test)]
mod tests;
