//! The pools of a zone after changes: those of guarded owners that have other records, and those that test the
//! addresses of other names.
//!
//! Pools that stay keep their places, because compiled zones refer to them by place.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::changeset::as_written;
use super::guarding::Guarding;
use super::node_change::NodeChange;
use super::pool::Pool;
use super::sealed::{NodeId, PoolId};
use super::tested::tests_names;
use super::tree::Zone;
use crate::dns::Rtype;
use crate::source::Diagnostics;

/// What became of the pools.
#[derive(Default)]
pub(super) struct Repooled {
    /// Each node and type with other pools, or with pools at other places.
    pub(super) changed: Vec<(NodeId, Rtype)>,
}

impl Zone {
    /// Gives guarded owners the pools that their records are now, and those that are tested at another name its
    /// addresses.
    pub(super) fn repool(
        &mut self,
        touched: &BTreeMap<NodeId, NodeChange>,
        guards: &[Guarding],
        found: &mut Diagnostics,
    ) -> Repooled {
        let mut repooled = Repooled::default();
        let guarded = Arc::clone(&self.guarded);
        let selected: Vec<&Guarding> = if guarded.tests_targets {
            // The addresses of a target may have changed, or come from the pools of another owner.
            guards.iter().collect()
        } else {
            let places = touched.keys().filter_map(|node| guarded.by_node.get(node)).flatten();
            places.filter_map(|place| guards.get(*place)).collect()
        };
        if !selected.is_empty() {
            self.guard_again(&selected, found, &mut repooled);
        }
        if guarded.tests_names {
            self.look_up_again(found, &mut repooled);
        }
        repooled
    }

    fn guard_again(&mut self, guardings: &[&Guarding], found: &mut Diagnostics, repooled: &mut Repooled) {
        let made = self.guard_each(guardings.iter().copied(), found);
        let nodes: HashSet<NodeId> =
            guardings.iter().filter_map(|one| self.find(one.owner.as_ref())).collect();
        let mut by_node: BTreeMap<NodeId, Vec<Pool>> =
            nodes.into_iter().map(|node| (node, Vec::new())).collect();
        for (node, pool) in made.pools {
            by_node.entry(node).or_default().push(pool);
        }
        let mut gone = Vec::new();
        for (node, pools) in by_node {
            self.put_pools(node, pools, &mut gone, repooled);
        }
        // The last first, so that what takes the place of another stays itself.
        gone.sort_unstable();
        gone.into_iter().rev().for_each(|pool| self.remove_pool(pool, repooled));
    }

    /// Gives a node the pools that guards make of its RRsets. `gone` are those that have no RRset any more.
    fn put_pools(&mut self, node: NodeId, made: Vec<Pool>, gone: &mut Vec<PoolId>, repooled: &mut Repooled) {
        let (lua, mut before): (Vec<PoolId>, Vec<PoolId>) =
            self.node(node).pools().partition(|pool| self.pools[pool.index()].lua.is_some());
        let was = before.clone();
        let mut now = Vec::new();
        for pool in made {
            let rtype = pool.rtype;
            match before.iter().position(|id| self.pools[id.index()].rtype == rtype) {
                Some(place) => {
                    let id = before.remove(place);
                    now.push(id);
                    if *self.pools[id.index()] == pool {
                        continue;
                    }
                    Arc::make_mut(&mut self.pools)[id.index()] = Arc::new(pool);
                }
                None => {
                    let pools = Arc::make_mut(&mut self.pools);
                    now.push(PoolId::at(pools.len()));
                    pools.push(Arc::new(pool));
                }
            }
            repooled.changed.push((node, rtype));
        }
        repooled.changed.extend(before.iter().map(|id| (node, self.pools[id.index()].rtype)));
        gone.extend(before);
        if now != was {
            self.edit(node, |node| node.pools = lua.into_iter().chain(now).collect());
        }
    }

    /// Removes a pool that no node has; the last one takes its place.
    fn remove_pool(&mut self, pool: PoolId, repooled: &mut Repooled) {
        let pools = Arc::make_mut(&mut self.pools);
        pools.swap_remove(pool.index());
        let from = PoolId::at(pools.len());
        if from == pool {
            return;
        }
        let moved = Arc::clone(&pools[pool.index()]);
        let Some(node) = self.find(moved.owner.as_ref()) else { return };
        repooled.changed.push((node, moved.rtype));
        self.edit(node, |node| node.pools.iter_mut().filter(|id| **id == from).for_each(|id| *id = pool));
    }

    /// Looks up the names again that members are tested at.
    fn look_up_again(&mut self, found: &mut Diagnostics, repooled: &mut Repooled) {
        for place in 0..self.pools.len() {
            if !tests_names(&self.pools[place]) {
                continue;
            }
            let mut pool = as_written(&self.pools[place]);
            self.look_up_members(&mut pool, found);
            if pool != *self.pools[place] {
                let node = self.find(pool.owner.as_ref());
                repooled.changed.extend(node.map(|node| (node, pool.rtype)));
                Arc::make_mut(&mut self.pools)[place] = Arc::new(pool);
            }
        }
    }
}
