//! Applies a changeset to a zone, at the cost of the changes.
//!
//! The result equals the zone that would have been read with them: empty non-terminals come and vanish, zone cuts and
//! DNAMEs hide names, pools follow, and the rules between records are checked where something has changed. Which changes
//! are allowed is not decided here.
//!
//! ```text
//!   records ──▶ names that came ──▶ names that vanish ──▶ what is hidden ──▶ pools ──▶ rules
//! ```

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::budget::{name_memory, record_memory};
use super::builder::{level, out_of_zone};
use super::changed::{ChangedNode, ChangedRrset};
use super::changeset::{Changeset, ChangesetError};
use super::family::Family;
use super::guarding::Guarding;
use super::lookup::is_address;
use super::merged::{OwnerChanges, by_owner};
use super::node_change::NodeChange;
use super::recheck::recheck;
use super::repool::Repooled;
use super::rrset_key::RrsetKey;
use super::rules::{one_ttl, refuse_pools};
use super::sealed::{NodeId, NodeKind, PoolId};
use super::tree::{Node, Rrset, Zone};
use crate::dns::{NameHash, NameRef, Rtype};
use crate::source::{Diagnostic, Diagnostics, Origin};

/// So many nodes may always change before a zone is put together anew: some megabytes.
const CHANGED_MIN: usize = 4_096;

/// The share of a zone's nodes that may change: so a change pays for four nodes more that are put together.
const CHANGED_SHARE: usize = 4;

impl Zone {
    /// Prepares for changes, which cost what they change from then on.
    pub fn prepare_for_changes(&mut self) {
        if self.family.is_none() {
            self.family = Some(Arc::new(Family::of(&self.sealed)));
        }
    }

    /// How many nodes are not what they were when the zone was put together.
    pub fn changed_nodes(&self) -> usize {
        self.changed.len()
    }

    /// Memory that its plain records and their names take, in bytes, as [`MemoryLimit`](super::MemoryLimit) counts it.
    pub fn memory(&self) -> u64 {
        self.bytes
    }

    /// So many may be, and no more, until the zone should be put together anew.
    pub fn changed_nodes_max(&self) -> usize {
        CHANGED_MIN.max(self.sealed.nodes.len() / CHANGED_SHARE)
    }

    /// The zone after changes, with what they did to each node; none when it would be unsound, which `found` says.
    /// Records that come are from `origin`; `guards` are those that this zone was made with. What is told is what has to do
    /// with what changes: errors all, warnings as far as they are about owners that change.
    ///
    /// # Errors
    ///
    /// When the zone is not the one that the changes were made for.
    pub fn after(
        &self,
        changes: &Changeset,
        guards: &[Guarding],
        origin: impl Into<Origin>,
        found: &mut Diagnostics,
    ) -> Result<Option<(Zone, Vec<NodeChange>)>, ChangesetError> {
        self.after_all(&[(origin.into(), changes)], guards, found)
    }

    /// The same after changes from several places, which are made at once.
    ///
    /// # Errors
    ///
    /// As [`Zone::after`].
    pub fn after_all(
        &self,
        changes: &[(Origin, impl Borrow<Changeset>)],
        guards: &[Guarding],
        found: &mut Diagnostics,
    ) -> Result<Option<(Zone, Vec<NodeChange>)>, ChangesetError> {
        let Some((origin, _)) = changes.first() else { return Ok(Some((self.clone(), Vec::new()))) };
        let mut writer = ChangingZone::of(self);
        for owner in by_owner(changes) {
            writer.change_owner(&owner, origin, found)?;
        }
        let ChangingZone { before: _, mut zone, mut touched } = writer.settled();
        let repooled: Repooled = zone.repool(&touched, guards, found);
        for (node, rtype) in repooled.changed {
            let touch = touched.entry(node).or_insert(NodeChange::none(node));
            touch.records = true;
            touch.addresses |= is_address(rtype);
        }
        recheck(&zone, touched.keys().copied(), origin, found);
        refuse_pools(&zone, found);
        Ok((found.errors() == 0).then(|| (zone, touched.into_values().collect())))
    }

    /// A node as it is, to be put back with other properties.
    pub(super) fn to_changed_node(&self, node: Node<'_>) -> ChangedNode {
        if let Some(changed) = node.changed() {
            return changed.clone();
        }
        ChangedNode {
            name: None,
            kind: node.kind(),
            parent: node.parent().id(),
            exists: true,
            wildcard: node.wildcard().map(Node::id),
            children: self.family.as_ref().map_or(0, |family| family.count(node.id())),
            last_child: None,
            sibling: None,
            rrsets: None,
            pools: node.pools().collect(),
        }
    }

    /// Gives a node other properties.
    pub(super) fn edit(&mut self, id: NodeId, edit: impl FnOnce(&mut ChangedNode)) {
        let mut node = self.to_changed_node(self.node(id));
        edit(&mut node);
        self.changed.put(id, node);
    }
}

/// A zone that is being changed.
struct ChangingZone<'z> {
    before: &'z Zone,
    zone: Zone,
    touched: BTreeMap<NodeId, NodeChange>,
}

impl<'z> ChangingZone<'z> {
    fn of(before: &'z Zone) -> ChangingZone<'z> {
        let mut zone = before.clone();
        zone.prepare_for_changes();
        ChangingZone { before, zone, touched: BTreeMap::new() }
    }

    fn touch(&mut self, id: NodeId) -> &mut NodeChange {
        self.touched.entry(id).or_insert(NodeChange::none(id))
    }

    /// Gives an owner its new RRsets.
    fn change_owner(
        &mut self,
        changes: &OwnerChanges<'_>,
        origin: &Origin,
        found: &mut Diagnostics,
    ) -> Result<(), ChangesetError> {
        let id = self.zone.find(changes.owner);
        let before = id.map(|id| self.zone.node(id));
        let mut rrsets = Vec::new();
        let mut records = self.zone.records;
        let (mut gone, mut come) = (0, 0);
        for key in changes.rrsets() {
            let before = before.and_then(|node| node.rrset_of(key));
            let rrset = changes.merged(key, before, found)?;
            records -= before.map_or(0, |rrset| rrset.rdatas().len());
            records += rrset.as_ref().map_or(0, |rrset| rrset.rdatas.len());
            gone += before.map_or(0, |rrset| memory(rrset.rdatas()));
            come += rrset.as_ref().map_or(0, |rrset| memory(rrset.rdatas.iter().map(|rdata| &**rdata)));
            rrsets.push((key, rrset));
        }
        let made = match id {
            Some(id) => Ok(id),
            None if !changes.owner.is_at_or_below(self.zone.apex()) => {
                Err(out_of_zone(changes.owner, self.zone.apex(), origin))
            }
            None => self.make(changes.owner, origin),
        };
        match made {
            Ok(id) => {
                self.zone.records = records;
                self.zone.bytes = self.zone.bytes + come - gone;
                self.put(id, rrsets, found);
            }
            Err(fault) => found.push(fault),
        }
        Ok(())
    }

    /// Puts some RRsets in place of those that a node has.
    fn put(&mut self, id: NodeId, rrsets: Vec<(RrsetKey, Option<ChangedRrset>)>, found: &mut Diagnostics) {
        let touch = self.touch(id);
        touch.records = true;
        // The signatures of addresses go along with them.
        touch.addresses |= rrsets.iter().any(|(key, _)| is_address(key.rtype) || key.rtype == Rtype::RRSIG);
        let rrsets: Vec<_> = rrsets
            .into_iter()
            .map(|(key, rrset)| (key, rrset.map(|rrset| self.zone.leveled(id, rrset, found))))
            .collect();
        let before = self.zone.node(id).all_rrsets();
        let stay = before.filter(|rrset| !rrsets.iter().any(|(key, _)| *key == rrset.key()));
        let mut all: Vec<Arc<ChangedRrset>> = stay.filter_map(Rrset::to_changed).collect();
        all.extend(rrsets.into_iter().filter_map(|(_, rrset)| rrset).map(Arc::new));
        all.sort_by_key(|rrset| rrset.key());
        self.zone.edit(id, |node| node.rrsets = Some(all.into()));
    }

    /// The node of a name, which there is from now on, with all that leads to it.
    fn make(&mut self, name: NameRef<'_>, origin: &Origin) -> Result<NodeId, Diagnostic> {
        let hash = NameHash::of(name);
        let place = self.zone.place(name, hash);
        if let Some(id) = place.filter(|id| self.zone.node(*id).exists()) {
            return Ok(id);
        }
        // The apex is always there, so this ends there.
        let parent = name.parent().map_or(Ok(NodeId::APEX), |parent| self.make(parent, origin))?;
        let id = match place {
            Some(id) => {
                self.zone.edit(id, |node| (node.exists, node.name) = (true, Some(name.to_name())));
                id
            }
            None => self.add(name, hash, parent, origin)?,
        };
        self.zone.bytes += name_memory(name.wire().len());
        self.zone.edit(parent, |parent| {
            parent.children += 1;
            if name.is_wildcard() {
                parent.wildcard = Some(id);
            }
        });
        self.came_or_went(id);
        Ok(id)
    }

    /// Adds a node that was never there.
    fn add(
        &mut self,
        name: NameRef<'_>,
        hash: NameHash,
        parent: NodeId,
        origin: &Origin,
    ) -> Result<NodeId, Diagnostic> {
        let number = u32::try_from(self.zone.places());
        let id = number.ok().filter(|number| *number < u32::MAX).map(NodeId).ok_or_else(|| {
            Diagnostic::error(
                origin,
                format!("the zone `{}` holds more than 4294967295 names", self.zone.apex()),
            )
        })?;
        let mut sibling = None;
        self.zone.edit(parent, |parent| sibling = parent.last_child.replace(id));
        let node = ChangedNode {
            name: Some(name.to_name()),
            kind: NodeKind::Plain,
            parent,
            exists: true,
            wildcard: None,
            children: 0,
            last_child: None,
            sibling,
            rrsets: None,
            pools: Box::default(),
        };
        self.zone.changed.put(id, node);
        self.zone.changed.list(hash, id);
        Ok(id)
    }

    /// A name is there that was not, or the other way round. The name above a wildcard is another thing then.
    fn came_or_went(&mut self, id: NodeId) {
        self.touch(id).structure = true;
        let node = self.zone.node(id);
        if node.name().is_wildcard() {
            let parent = node.parent().id();
            self.touch(parent).structure = true;
        }
    }

    /// With names gone that have nothing left, and each node being what it is to a query now.
    fn settled(mut self) -> Self {
        let touched: Vec<NodeId> = self.touched.keys().copied().collect();
        touched.into_iter().for_each(|id| self.vanish_if_empty(id));
        let covers = self.touched.values().filter(|touch| touch.records).map(|touch| touch.node);
        let covers: Vec<NodeId> =
            covers.filter(|id| self.before.node(*id).covers() != self.zone.node(*id).covers()).collect();
        let hidden: Vec<NodeId> = covers.into_iter().flat_map(|id| self.zone.descendants(id)).collect();
        hidden.into_iter().for_each(|id| self.touch(id).structure = true);
        let touched: Vec<NodeId> = self.touched.keys().copied().collect();
        for id in touched {
            let kind = self.zone.kind_of(id);
            if self.zone.node(id).exists() && kind != self.zone.node(id).kind() {
                self.zone.edit(id, |node| node.kind = kind);
                self.touch(id).structure = true;
            }
        }
        self
    }

    /// Has a name vanish that nothing is left at or below, and those above it that were there for it.
    fn vanish_if_empty(&mut self, mut id: NodeId) {
        while id != NodeId::APEX {
            let node = self.zone.node(id);
            let is_over = |changed: &&ChangedNode| changed.exists && !self.zone.is_needed(node, changed);
            let Some(changed) = node.changed().filter(is_over) else { return };
            let (parent, is_wildcard) = (changed.parent, node.name().is_wildcard());
            let bytes = name_memory(node.name().wire().len());
            self.zone.bytes -= bytes;
            self.zone.edit(id, |node| (node.exists, node.kind) = (false, NodeKind::Plain));
            self.zone.edit(parent, |parent| {
                parent.children = parent.children.saturating_sub(1);
                if is_wildcard {
                    parent.wildcard = None;
                }
            });
            self.came_or_went(id);
            id = parent;
        }
    }
}

/// Memory that records with these data take, in bytes.
fn memory<'r>(rdatas: impl Iterator<Item = &'r [u8]>) -> u64 {
    rdatas.map(|rdata| record_memory(rdata.len())).sum()
}

impl Zone {
    /// An RRset that is going to be a node's, with one TTL for it and the code that chooses some of its records.
    fn leveled(&mut self, id: NodeId, rrset: ChangedRrset, found: &mut Diagnostics) -> ChangedRrset {
        let of_type = self.node(id).pools_of(rrset.rtype);
        let lua: Vec<PoolId> = of_type.filter(|pool| self.pools[pool.index()].lua.is_some()).collect();
        if lua.is_empty() {
            return rrset;
        }
        let pools =
            lua.iter().map(|pool| &self.pools[pool.index()]).map(|pool| (pool.ttl, pool.origin.clone()));
        let ttl = one_ttl([(rrset.ttl, rrset.origin.clone())].into_iter().chain(pools), found);
        for pool in lua {
            level(Arc::make_mut(&mut Arc::make_mut(&mut self.pools)[pool.index()]), ttl);
        }
        ChangedRrset { ttl, ..rrset }
    }

    /// Whether a node is there for something: records, LUA records, code that others include, names below it.
    fn is_needed(&self, node: Node<'_>, changed: &ChangedNode) -> bool {
        // Pools that guards made of its RRsets go with these.
        let mut pools = changed.pools.iter().map(|pool| &self.pools[pool.index()]);
        changed.children > 0
            || node.all_rrsets().next().is_some()
            || pools.any(|pool| pool.lua.is_some())
            || self.libraries.iter().any(|library| library.owner.as_ref() == node.name())
    }

    /// The nodes one label below a node, of a zone that was prepared for changes.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let first = self.family.iter().flat_map(move |family| family.children(id));
        let later = self.changed.node(id).and_then(|node| node.last_child);
        let later = std::iter::successors(later, |id| self.changed.node(*id).and_then(|node| node.sibling));
        first.chain(later).filter(|id| self.node(*id).exists())
    }

    /// Every name below a node.
    fn descendants(&self, id: NodeId) -> Vec<NodeId> {
        let mut all = Vec::new();
        let mut waiting = vec![id];
        while let Some(id) = waiting.pop() {
            let first = all.len();
            all.extend(self.children(id));
            waiting.extend(&all[first..]);
        }
        all
    }
}
