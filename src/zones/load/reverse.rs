//! Which zones must be loaded before which: reverse zones are made from other zones or compared with them, and pools have
//! hosts of other zones as members.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::dns::Name;
use crate::zone::{Guarding, is_reverse};
use crate::zones::settings::ZoneSettings;
use crate::zones::version::ZoneVersion;

/// What a zone is to the others, in the order in which they are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LoadOrder {
    /// Has hosts of zones that are loaded before, so many one behind the other.
    Forward(usize),
    Reverse,
    /// Made from another zone (`reverse-of`).
    Made,
}

/// Whether a zone needs others to be loaded before.
fn needs_others(zone: &ZoneSettings) -> bool {
    zone.sources.made_from().is_some()
        || zone.guards.iter().flat_map(Guarding::hosts_elsewhere).next().is_some()
}

/// Which addresses other zones need.
pub(super) struct Wanting<'c> {
    /// The zones that others are made from.
    pub(super) origins: HashSet<&'c Name>,
    /// The names that pools of other zones have as members, by zone.
    pub(super) members: HashMap<&'c Name, BTreeSet<&'c Name>>,
    /// Whether there is a reverse zone to compare with the others.
    pub(super) reverse: bool,
    /// How many zones have to be loaded one after the other before a zone that has hosts of others.
    behind: BTreeMap<&'c Name, usize>,
}

impl<'c> Wanting<'c> {
    pub(super) fn of(zones: &'c [ZoneSettings]) -> Self {
        let made = zones.iter().filter_map(|zone| zone.sources.made_from());
        let mut members: HashMap<&Name, BTreeSet<&Name>> = HashMap::new();
        let mut needs: BTreeMap<&Name, BTreeSet<&Name>> = BTreeMap::new();
        for zone in zones {
            for (host, elsewhere) in zone.guards.iter().flat_map(Guarding::hosts_elsewhere) {
                members.entry(&elsewhere.zone).or_default().insert(host);
                needs.entry(&zone.id.name).or_default().insert(&elsewhere.zone);
            }
        }
        let mut behind: BTreeMap<&Name, usize> = BTreeMap::new();
        // Nothing goes round, which the config file is refused for: each round settles one more, and mostly all of them.
        for _ in 0..needs.len() {
            let mut is_settled = true;
            for (name, others) in &needs {
                let most = others.iter().map(|other| behind.get(other).copied().unwrap_or(0)).max();
                // No more than there are zones.
                let count = most.unwrap_or(0) + 1;
                is_settled &= behind.insert(*name, count) == Some(count);
            }
            if is_settled {
                break;
            }
        }
        Wanting {
            origins: made.collect(),
            members,
            reverse: zones.iter().any(|zone| is_reverse(zone.id.name.as_ref())),
            behind,
        }
    }

    /// Whether a version says something of each name that pools of other zones have as members.
    pub(super) fn has_all_members(&self, version: &ZoneVersion) -> bool {
        let mut names = self.members.get(&version.id.name).into_iter().flatten();
        names.all(|name| version.host(name).is_some())
    }

    /// When a zone is loaded: reverse zones are compared with forward zones, and zones with `reverse-of` are made from them.
    pub(super) fn load_order(&self, zone: &ZoneSettings) -> LoadOrder {
        match (zone.sources.made_from(), is_reverse(zone.id.name.as_ref())) {
            (Some(_), _) => LoadOrder::Made,
            (None, true) if !needs_others(zone) => LoadOrder::Reverse,
            (None, _) => LoadOrder::Forward(self.behind.get(&zone.id.name).copied().unwrap_or(0)),
        }
    }
}
