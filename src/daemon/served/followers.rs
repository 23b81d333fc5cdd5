//! Which pools a target matters to.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::answer::BoundPool;
use crate::health::TargetId;

/// Where a pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PoolPlace {
    /// The place of its zone among the zones.
    pub(super) zone: usize,
    /// Its place among the pools of that zone.
    pub(super) pool: usize,
}

/// Each target with the place of each pool it matters to. A zone comes and goes at the cost of its own pools.
#[derive(Default)]
pub(super) struct Followers(BTreeSet<(TargetId, PoolPlace)>);

impl Followers {
    /// Those of all zones.
    pub(super) fn of<'p>(zones: impl Iterator<Item = &'p [BoundPool]>) -> Followers {
        Followers(zones.enumerate().flat_map(|(zone, pools)| pairs(zone, pools)).collect())
    }

    /// Has the zone at a place have `pools` from now on, where it had those of `before`.
    pub(super) fn replace(&mut self, zone: usize, before: &[BoundPool], pools: &[BoundPool]) {
        for pair in pairs(zone, before) {
            self.0.remove(&pair);
        }
        self.0.extend(pairs(zone, pools));
    }

    /// The pools that a target matters to.
    pub(super) fn places_of(&self, target: TargetId) -> impl Iterator<Item = PoolPlace> {
        let first = (target, PoolPlace { zone: 0, pool: 0 });
        let followers = self.0.range((Bound::Included(first), Bound::Unbounded));
        followers.take_while(move |(follower, _)| *follower == target).map(|(_, place)| *place)
    }
}

fn pairs(zone: usize, pools: &[BoundPool]) -> impl Iterator<Item = (TargetId, PoolPlace)> {
    let pools = pools.iter().enumerate();
    pools.flat_map(move |(pool, bound)| {
        bound.targets.iter().map(move |target| (target, PoolPlace { zone, pool }))
    })
}
