//! Pools bound to targets: those of one version of a zone, and those that a reading brings.
//!
//! Whoever binds has the targets watched once more, and lets go of them when the pools are served no more: see
//! [`targets_of`].

use std::collections::HashMap;
use std::sync::Arc;

use super::followers::Followers;
use crate::answer::BoundPool;
use crate::health::{Target, TargetId};
use crate::zone::Guard;
use crate::zones::{LoadedZone, ZoneVersion};

/// The pools of one version of a zone, bound to targets.
pub(crate) type BoundPools = Arc<[BoundPool]>;

/// Binds the pools of one version. `watch` has targets watched, and says where they stand on the board, in the same
/// order.
pub(crate) fn bind(version: &ZoneVersion, watch: impl FnOnce(&[Target]) -> Vec<TargetId>) -> BoundPools {
    let mut ids = watch(&targets(version)).into_iter();
    take(version, &mut ids)
}

/// Every target of bound pools, as often as it was watched for them.
pub(crate) fn targets_of(pools: &[BoundPool]) -> impl Iterator<Item = TargetId> {
    pools.iter().flat_map(|pool| pool.targets.iter())
}

/// What a reading brings, until it takes the place of what is served.
pub(crate) struct LoadedZones {
    pub(super) zones: Vec<LoadedZone>,
    /// The pools of the versions that are new, by the place of their zone.
    pub(super) bound: HashMap<usize, BoundPools>,
    /// Where the pools of each of them are: the first has zone 0.
    followers: Followers,
    /// The same pools in that order.
    order: Vec<BoundPools>,
}

impl LoadedZones {
    /// Binds the pools of all versions that are new.
    pub(crate) fn bind(
        zones: Vec<LoadedZone>,
        watch: impl FnOnce(&[Target]) -> Vec<TargetId>,
    ) -> LoadedZones {
        let new = |(place, zone): (usize, &LoadedZone)| Some((place, Arc::clone(zone.brings()?)));
        let new: Vec<(usize, Arc<ZoneVersion>)> = zones.iter().enumerate().filter_map(new).collect();
        // All at once: the first probes of thousands are spread over their interval.
        let targets: Vec<Target> = new.iter().flat_map(|(_, version)| targets(version)).collect();
        let mut ids = watch(&targets).into_iter();
        let bound = new.into_iter().map(|(place, version)| (place, take(&version, &mut ids)));
        let bound: Vec<(usize, BoundPools)> = bound.collect();
        let order: Vec<BoundPools> = bound.iter().map(|(_, pools)| Arc::clone(pools)).collect();
        let followers = Followers::of(order.iter().map(|pools| &**pools));
        LoadedZones { zones, bound: bound.into_iter().collect(), followers, order }
    }

    /// All targets of what is new.
    pub(crate) fn targets(&self) -> impl Iterator<Item = TargetId> {
        self.order.iter().flat_map(|pools| targets_of(pools))
    }

    /// The pools that a target will matter to.
    pub(crate) fn pools_of(&self, target: TargetId) -> impl Iterator<Item = &BoundPool> {
        self.followers.places_of(target).filter_map(|place| self.order.get(place.zone)?.get(place.pool))
    }
}

/// Binds the pools of a version to the next targets of `ids`.
fn take(version: &ZoneVersion, ids: &mut impl Iterator<Item = TargetId>) -> BoundPools {
    version.pools.iter().map(|pool| BoundPool::new(Arc::clone(pool), ids)).collect()
}

/// Every target that some member of some pool of a version needs, in a fixed order.
fn targets(version: &ZoneVersion) -> Vec<Target> {
    let members = version.pools.iter().flat_map(|pool| pool.groups.iter().flatten());
    members.flat_map(|member| &member.guards).map(target).collect()
}

fn target(guard: &Guard) -> Target {
    let Guard { probe, interval, retry, rise, fall, life } = guard.clone();
    Target { probe, interval, retry, rise, fall, life }
}
