//! What is served: the zones of the last reading, the last good version of
//! those that could not be read, and their pools bound to targets.
//!
//! Responsible for turning that into targets to probe and snapshots.
//! Not responsible for reading, probing or publishing.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use crate::answer::{
    Access, BoundPool, ForwardTable, Identity, Pools, RateLimit, Snapshot, Standing, ZoneEntry, ZoneTable,
};
use crate::dns::Rtype;
use crate::health::{Board, Target, TargetId};
use crate::zone::Guard;
use crate::zones::{LoadedZone, Store, StoredZone, ZoneId, ZoneVersion};

/// All zones with their pools bound to targets.
#[derive(Default)]
pub(crate) struct Served {
    store: Store,
    pools: Vec<BoundPool>,
    /// Each target with the place of each pool it matters to; ascending.
    followers: Vec<(TargetId, usize)>,
    table: Arc<ZoneTable>,
    identity: Arc<Identity>,
    limit: Option<Arc<RateLimit>>,
    forward: Option<Arc<ForwardTable>>,
}

impl Served {
    /// What is served after a reading: zones that could not be read keep the
    /// version that `before` has of them.
    pub(crate) fn after(before: &Served, zones: Vec<LoadedZone>, identity: Identity) -> Served {
        let store = before.store.after(zones, Instant::now());
        let mut served = Served { store, identity: Arc::new(identity), ..Served::default() };
        served.fill_shelf();
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

    /// Has these zones answer these clients.
    pub(crate) fn set_access(&mut self, access: &HashMap<&ZoneId, Option<Box<Access>>>) {
        self.store.set_access(access);
        self.fill_shelf();
    }

    /// Puts the zones where snapshots find them.
    fn fill_shelf(&mut self) {
        let mut pools_from = 0;
        let slots = self.store.zones().iter().map(|zone| {
            let slot = ZoneEntry {
                apex: zone.id.name.clone(),
                compiled: zone.version().map(|version| Arc::clone(&version.compiled)),
                pools_from,
                access: zone.access.clone(),
            };
            let pools = zone.version().map_or(0, |version| version.pools.len());
            // Each takes a hundred bytes and more: four thousand million of them do not fit into memory.
            pools_from = pools_from.saturating_add(u32::try_from(pools).unwrap_or(u32::MAX));
            slot
        });
        self.table = Arc::new(ZoneTable::new(slots.collect()));
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
        let versions = self.store.zones().iter().filter_map(|zone| zone.version());
        self.pools = versions
            .flat_map(|version| &version.pools)
            .map(|pool| BoundPool {
                pool: Arc::clone(pool),
                targets: pool
                    .groups
                    .iter()
                    .map(|group| {
                        group.iter().map(|member| ids.by_ref().take(member.guards.len()).collect()).collect()
                    })
                    .collect(),
            })
            .collect();
        let followed = |(place, pool): (usize, &BoundPool)| {
            let targets: Vec<TargetId> = pool.targets.iter().flatten().flatten().copied().collect();
            targets.into_iter().map(move |target| (target, place))
        };
        self.followers = self.pools.iter().enumerate().flat_map(followed).collect();
        self.followers.sort_unstable();
        self.followers.dedup();
    }

    /// The snapshot for a board. A pure function.
    pub(crate) fn snapshot(&self, board: &Board) -> Snapshot {
        Snapshot {
            identity: Arc::clone(&self.identity),
            zones: Arc::clone(&self.table),
            pools: Arc::new(Pools::new(&self.pools, board)),
            limit: self.limit.clone(),
            forward: self.forward.clone(),
        }
    }

    /// All pools, in the order of the zones.
    pub(crate) fn pools(&self) -> &[BoundPool] {
        &self.pools
    }

    /// All pools, each with what the version of its zone is called where there are others.
    pub(crate) fn pools_with_views(&self) -> impl Iterator<Item = (Option<&str>, &BoundPool)> {
        let views = self.store.zones().iter().flat_map(|zone| {
            let pools = zone.version().map_or(0, |version| version.pools.len());
            std::iter::repeat_n(zone.id.view.as_deref(), pools)
        });
        views.zip(&self.pools)
    }

    /// What [`Served::snapshot`] makes of `board`, from the one that it made of `before`: only the pools
    /// whose targets have changed are chosen anew, so that one flip among thousands of pools costs one.
    pub(crate) fn follow(&self, snapshot: &Snapshot, before: &Board, board: &Board) -> Snapshot {
        let changed: BTreeSet<usize> =
            board.changes_since(before).flat_map(|target| self.places_of(target)).collect();
        let pools = changed.into_iter().filter_map(|place| Some((place, self.pools.get(place)?)));
        Snapshot {
            identity: Arc::clone(&self.identity),
            zones: Arc::clone(&self.table),
            pools: Arc::new(snapshot.pools.with(pools, board)),
            limit: self.limit.clone(),
            forward: self.forward.clone(),
        }
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
        self.places_of(target).filter_map(|place| self.pools.get(place))
    }

    fn places_of(&self, target: TargetId) -> impl Iterator<Item = usize> {
        let from = self.followers.partition_point(|(follower, _)| *follower < target);
        let followers = self.followers.iter().skip(from);
        followers.take_while(move |(follower, _)| *follower == target).map(|(_, place)| *place)
    }

    /// How many pools there are, and how many of them have no member up.
    pub(crate) fn pool_counts(&self, board: &Board) -> (usize, usize) {
        let down = self.pools.iter().filter(|pool| pool.candidates(board).0 == Standing::AllDown);
        (self.pools.len(), down.count())
    }
}

/// What a pool answers now, in words: `api.lab.example. now 192.0.2.1 192.0.2.3`.
pub(crate) fn sentence(pool: &BoundPool, board: &Board) -> String {
    let (standing, members) = pool.candidates(board);
    let owner = &pool.pool.owner;
    let kind = if pool.pool.rtype == Rtype::A { String::new() } else { format!(" {}", pool.pool.rtype) };
    let down = if standing == Standing::AllDown { "all down: " } else { "" };
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
