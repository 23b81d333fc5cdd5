//! Which answers were made by looking up which names: what must be made anew when a name changes.
//!
//! Responsible for finding the owners that lead to what has changed, at the cost of those owners. Not responsible for
//! what is looked up: that is told while a zone is compiled. Only zones that are going to change have it.
//!
//! An owner that led somewhere once stays listed until the zone is compiled as a whole: then it is made anew for nothing,
//! which changes no byte.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::dns::{NameHash, NameRef};
use crate::shared_map::SharedMap;
use crate::zone::{NodeChange, NodeId, Zone};

/// What of a name an answer was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LinkKey(u64);

impl LinkKey {
    /// Its records and pools.
    pub(super) fn records(hash: NameHash) -> LinkKey {
        LinkKey(hash.bits())
    }

    /// Its addresses.
    pub(super) fn addresses(hash: NameHash) -> LinkKey {
        LinkKey(hash.bits() ^ 0xa5a5_a5a5_5a5a_5a5a)
    }

    /// Whether there is such a name, and what it is to names at or below it.
    pub(super) fn structure(hash: NameHash) -> LinkKey {
        LinkKey(hash.bits() ^ 0x3c3c_c3c3_3c3c_c3c3)
    }
}

/// The owners whose answers were made from a name.
#[derive(Clone, Default)]
pub struct Links {
    sealed: Arc<SealedLinks>,
    /// Those that came since.
    added: SharedMap<SharedMap<NodeId>>,
    count: usize,
}

/// Sorted by key and owner.
#[derive(Default)]
struct SealedLinks {
    keys: Box<[LinkKey]>,
    owners: Box<[NodeId]>,
}

impl SealedLinks {
    fn of(&self, key: LinkKey) -> &[NodeId] {
        let from = self.keys.partition_point(|own| *own < key);
        let same = self.keys.get(from..).unwrap_or_default().partition_point(|own| *own == key);
        self.owners.get(from..from.saturating_add(same)).unwrap_or_default()
    }
}

impl Links {
    /// All links of a zone that was compiled as a whole.
    pub(super) fn new(mut links: Vec<(LinkKey, NodeId)>) -> Links {
        links.sort_unstable();
        links.dedup();
        let (keys, owners): (Vec<LinkKey>, Vec<NodeId>) = links.into_iter().unzip();
        let sealed = SealedLinks { keys: keys.into(), owners: owners.into() };
        Links { sealed: Arc::new(sealed), ..Links::default() }
    }

    /// Lists an owner.
    pub(super) fn add(&mut self, key: LinkKey, owner: NodeId) {
        let number = u64::from(owner.number());
        let added = self.added.get(key.0, |_| true);
        let is_listed = added.is_some_and(|owners| owners.get(number, |own| *own == owner).is_some());
        if is_listed || self.sealed.of(key).binary_search(&owner).is_ok() {
            return;
        }
        let mut owners = added.cloned().unwrap_or_default();
        owners.insert(number, owner, |own| *own == owner);
        self.added.insert(key.0, owners, |_| true);
        self.count = self.count.saturating_add(1);
    }

    fn of(&self, key: LinkKey) -> impl Iterator<Item = NodeId> {
        let added = self.added.get(key.0, |_| true);
        let added = added.into_iter().flat_map(SharedMap::values);
        self.sealed.of(key).iter().chain(added).copied()
    }

    /// How many owners were listed since the zone was compiled as a whole.
    pub fn added(&self) -> usize {
        self.count
    }

    /// The owners whose answers are others after changes that made `zone`, ascending: those that changed, those that
    /// lead to them, and names above a wildcard, which know what it makes.
    pub fn affected(&self, zone: &Zone, changes: &[NodeChange]) -> Vec<NodeId> {
        let mut affected: BTreeSet<NodeId> = changes.iter().map(|change| change.node).collect();
        for change in changes {
            let hash = NameHash::of(zone.node(change.node).name());
            let keys = [
                change.records.then(|| LinkKey::records(hash)),
                change.addresses.then(|| LinkKey::addresses(hash)),
                change.structure.then(|| LinkKey::structure(hash)),
            ];
            affected.extend(keys.into_iter().flatten().flat_map(|key| self.of(key)));
        }
        let wildcards = affected.iter().map(|id| zone.node(*id)).filter(|node| node.name().is_wildcard());
        let above: Vec<NodeId> = wildcards.map(|node| node.parent().id()).collect();
        affected.extend(above);
        affected.into_iter().collect()
    }
}

/// How a name is looked up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LookedUp {
    /// For all it has: an alias leads there.
    Followed,
    /// For its addresses.
    Addresses,
}

/// What the answer to a look-up of a name is made from.
pub(super) fn link_keys(zone: &Zone, name: NameRef<'_>, how: LookedUp, keys: &mut Vec<LinkKey>) {
    if !name.is_at_or_below(zone.apex()) {
        return;
    }
    let of = |name: NameRef<'_>| {
        let hash = NameHash::of(name);
        match how {
            LookedUp::Followed => LinkKey::records(hash),
            LookedUp::Addresses => LinkKey::addresses(hash),
        }
    };
    let structure = |name: NameRef<'_>| LinkKey::structure(NameHash::of(name));
    // The name that would be between the closest encloser and this one.
    let (mut encloser, mut missing) = (name, None);
    let node = loop {
        match (zone.find(encloser), encloser.parent()) {
            (Some(id), _) => break zone.node(id),
            (None, Some(parent)) => (encloser, missing) = (parent, Some(encloser)),
            (None, None) => return,
        }
    };
    keys.push(structure(node.name()));
    match missing {
        None => keys.push(of(node.name())),
        Some(missing) => {
            keys.push(structure(missing));
            // A zone cut or a DNAME answers for what is below it.
            keys.extend(node.is_covering().then(|| of(node.name())));
            if let Some(wildcard) = node.wildcard() {
                keys.extend([of(wildcard.name()), structure(wildcard.name())]);
            }
        }
    }
    if let Some(covering) = zone.covering(node.id()).map(|id| zone.node(id)) {
        keys.extend([of(covering.name()), structure(covering.name())]);
    }
}
